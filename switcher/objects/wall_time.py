"""Local wall time as an instant, right through daylight saving (tariffs.md, Schedule).

A wall time that daylight saving skips is the instant of the jump; one that it repeats is its first occurrence. So it is
for billing periods, for schedules of prices, and for windows of budgets.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=8192)
def instant(day: date, minutes: int, timezone: str) -> datetime:
    """The instant of a local wall time, ``minutes`` after the start of ``day`` (1440 is the next midnight)."""
    zone = ZoneInfo(timezone)
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    found = wall.replace(tzinfo=zone).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == wall:
        return found
    before, after = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), found
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
