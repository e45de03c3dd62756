"""Settings read strictly: every key must be known, every value is checked, and every problem is collected."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
RATE = re.compile(r"(\d+(?:\.\d+)?)(bps|kbps|Mbps|Gbps|Tbps)")
BITS = {"bps": 1.0, "kbps": 1e3, "Mbps": 1e6, "Gbps": 1e9, "Tbps": 1e12}
TCP = re.compile(r"(127\.0\.0\.1|localhost|\[::1\]):(\d{1,5})")


class Reader:
    """Takes keys out of a mapping and collects what is wrong."""

    def __init__(self, content: dict[str, Any], path: str, problems: list[str] | None = None) -> None:
        self._content = dict(content)
        self._path = path
        self._known: list[str] = []
        self.problems: list[str] = [] if problems is None else problems

    def take(self, key: str, parse: Callable[[Any], Any], *, required: bool = False) -> Any:
        """The parsed value, None when absent or wrong."""
        self._known.append(key)
        value = self._content.pop(key, None)
        if value is None:
            if required:
                self.problems.append(f"{self._path}{key}: is required")
            return None
        try:
            return parse(value)
        except ValueError as error:
            self.problems.append(f"{self._path}{key}: {error}")
            return None

    def inner(self, value: Any, path: str) -> Reader:
        """A reader of a mapping inside; its problems are this one's."""
        if not isinstance(value, dict):
            self.problems.append(f"{path}: must be a mapping")
            value = {}
        return Reader(value, f"{path}.", self.problems)

    def end(self) -> None:
        """Every key must have been taken."""
        for key in self._content:
            near = get_close_matches(str(key), self._known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            self.problems.append(f"{self._path}{key}: unknown setting{hint}")


def duration(value: Any) -> float:
    """``90s``, ``500ms``, ``5m`` in seconds. Raises ValueError."""
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or float(match[1]) == 0:
        raise ValueError(f"{value!r} is not a duration such as 500ms, 90s or 5m")
    return float(match[1]) * SECONDS[match[2]]


def rate(value: Any) -> float:
    """``100Mbps`` in bits per second. Raises ValueError."""
    match = RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None or float(match[1]) == 0:
        raise ValueError(f"{value!r} is not a rate such as 100Mbps or 10Gbps")
    return float(match[1]) * BITS[match[2]]


def text(value: Any) -> str:
    """A name. Raises ValueError, as all of these."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is not a name")
    return value


def path(value: Any) -> Path:
    """An absolute path."""
    if not isinstance(value, str) or not value.startswith("/"):
        raise ValueError(f"{value!r} is not an absolute path")
    return Path(value)


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def paths(value: Any) -> tuple[str, ...]:
    """A list of absolute paths."""
    return tuple(str(path(entry)) for entry in entries(value))


def entries(value: Any) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise ValueError("must be a list")
    return value


def anything(value: Any) -> Any:
    """As it is: to be read further."""
    return value


def url(value: Any) -> str:
    """``unix:/path`` or ``http://host:port``."""
    given = text(value)
    if not given.startswith(("unix:/", "http://")):
        raise ValueError(f"{value!r} is neither unix:/path nor http://host:port")
    return given


def listen(value: Any) -> str:
    """``unix:/path`` or a loopback address with its port."""
    given = text(value)
    if not given.startswith("unix:/") and TCP.fullmatch(given) is None:
        raise ValueError(f"{value!r} is neither unix:/path nor a loopback address such as 127.0.0.1:9464")
    return given
