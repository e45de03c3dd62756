"""Durations as users write them: ``90s 5m 1h 2d``."""

from __future__ import annotations

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds_of(text: str) -> float | None:
    """The duration in seconds; None when it is not one."""
    number, unit = text.strip()[:-1], text.strip()[-1:]
    if unit not in SECONDS or not number.isdigit():
        return None
    return float(int(number) * SECONDS[unit])
