"""When which price of a schedule holds (tariffs.md, Schedule)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from switcher.objects.prices import Schedule, Window
from switcher.objects.wall_time import instant
from switcher.objects.words import WEEK

Slot = tuple[datetime, datetime, Window | None]
LONGEST = timedelta(hours=50)
"""No window is longer: two local days, one of 25 hours."""


@lru_cache(maxsize=1024)
def slots(schedule: Schedule, timezone: str, start: datetime, end: datetime) -> tuple[Slot, ...]:
    """[start, end) cut where the matching window changes; the first matching entry of the schedule wins."""
    if not schedule or end <= start:
        return ((start, end, None),) if start < end else ()
    found = sorted(_instances(schedule, timezone, start, end))
    inside = {at for begin, finish, _ in found for at in (begin, finish) if start < at < end}
    result: list[Slot] = []
    first = 0
    for begin, finish in pairwise(sorted({start, end, *inside})):
        while first < len(found) and found[first][0] <= begin - LONGEST:
            first += 1
        number = _first_open(found, first, begin)
        window = None if number is None else schedule[number]
        if result and result[-1][2] is window:
            result[-1] = (result[-1][0], finish, window)
        else:
            result.append((begin, finish, window))
    return tuple(result)


def _instances(
    schedule: Schedule, timezone: str, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, int]]:
    """Every opening of every window that may touch [start, end), with the window's number."""
    zone = ZoneInfo(timezone)
    day, last = start.astimezone(zone).date() - timedelta(days=1), end.astimezone(zone).date()
    while day <= last:
        for number, window in enumerate(schedule):
            if WEEK[day.weekday()] in window.days:
                over_midnight = 24 * 60 if window.end <= window.start else 0
                begin = instant(day, window.start, timezone)
                finish = instant(day, window.end + over_midnight, timezone)
                if begin < finish and begin < end and finish > start:
                    yield begin, finish, number
        day += timedelta(days=1)


def _first_open(found: list[tuple[datetime, datetime, int]], first: int, at: datetime) -> int | None:
    least: int | None = None
    for begin, finish, number in found[first:]:
        if begin > at:
            break
        if at < finish and (least is None or number < least):
            least = number
    return least
