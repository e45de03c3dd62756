"""How commands answer: a table on a terminal, tab-separated lines when piped, JSON when asked."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

Row = Mapping[str, object]


def show(rows: Sequence[Row], columns: Sequence[str], *, as_json: bool, nothing: str) -> None:
    """Print ``rows``; JSON has every key of them, a table only ``columns``. ``nothing``: said when there is none."""
    if as_json:
        print(json.dumps(list(rows), default=as_text, indent=2))
    elif not rows:
        print(nothing, file=sys.stderr)
    elif sys.stdout.isatty():
        _table(rows, columns)
    else:
        print("\t".join(columns))
        for row in rows:
            print("\t".join(_text(row.get(column)) for column in columns))


def _table(rows: Sequence[Row], columns: Sequence[str]) -> None:
    table = Table(*columns)
    for row in rows:
        table.add_row(*(_text(row.get(column)) for column in columns))
    Console(markup=False).print(table)


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}Z"
        case float():
            return _figures(value)
        case _:
            return str(value)


def _figures(value: float) -> str:
    """Three figures, never an exponent; whole numbers whole."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.{max(2 - math.floor(math.log10(abs(value))), 0)}f}" if value % 1 else f"{value:.0f}"


def as_text(value: object) -> str:
    """For JSON: what it has no type for."""
    return written_time(value) if isinstance(value, datetime) else str(value)


def written_time(at: datetime) -> str:
    """A time as JSON has it: RFC 3339 in UTC, with a Z. It must know its zone."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
