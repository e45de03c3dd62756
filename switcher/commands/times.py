"""Times as options: RFC 3339 with a zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from switcher.errors import BadInputError, Problem

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def read_time(text: str | None, option: str = "--at") -> datetime | None:
    """The moment, or None for None (3.11's parser takes a superset; the zone is what must not lack)."""
    if text is None:
        return None
    try:
        if RFC_3339.fullmatch(text) is None:
            raise ValueError
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except ValueError as error:
        said = f"{text!r} is not an RFC 3339 time such as 2026-12-01T12:00:00Z"
        raise BadInputError([Problem(option, 0, "", said)]) from error
