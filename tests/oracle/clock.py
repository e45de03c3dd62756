"""Local wall time by looking at the clock, step by step.

The instant of a wall time is the first one at which the local clock shows it or something later: so a time that
daylight saving skips is the jump, and a repeated one its first occurrence.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
HALF_HOUR = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
REACH = {"hour": 1, "day": 2, "week": 8, "month": 32, "year": 367}
"""Days before a moment in which its billing period begins for certain."""


def local(at: datetime, zone: str) -> datetime:
    """What the clock on the wall shows."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@lru_cache(maxsize=65536)
def passage(wall: datetime, zone: str) -> datetime:
    """The first instant, to the minute, at which the clock shows ``wall`` or later."""
    at = wall.replace(minute=0, tzinfo=UTC) - timedelta(hours=16)
    while local(at, zone) < wall:
        at += HALF_HOUR
    while local(at - MINUTE, zone) >= wall:
        at -= MINUTE
    return at


def period(spec: Mapping[str, Any], zone: str, at: datetime) -> tuple[datetime, datetime]:
    """The billing period that a moment lies in."""
    starts = list(_starts(spec["unit"], int(spec.get("anchor", 1)), zone, at))
    first = max(each for each in starts if each <= at)
    return first, min(each for each in starts if each > at)


def _starts(unit: str, anchor: int, zone: str, at: datetime) -> Iterator[datetime]:
    if unit == "hour":
        shown = local(at, zone)
        start = at - timedelta(minutes=shown.minute, seconds=shown.second, microseconds=shown.microsecond)
        yield from (start, start + timedelta(hours=1))
        return
    reach = REACH[unit]
    day = local(at, zone).date() - reach * DAY
    for number in range(2 * reach + 2):
        if _begins(unit, anchor, day + number * DAY):
            yield passage(datetime.combine(day + number * DAY, time()), zone)


def _begins(unit: str, anchor: int, day: date) -> bool:
    if unit == "week":
        return day.isoweekday() == anchor
    if unit == "month":
        return day.day == min(anchor, calendar.monthrange(day.year, day.month)[1])
    if unit == "year":
        return day.timetuple().tm_yday == min(anchor, 366 if calendar.isleap(day.year) else 365)
    return unit == "day"


def open_window(schedule: list[Mapping[str, Any]], zone: str, at: datetime) -> Mapping[str, Any] | None:
    """The first entry of a schedule that a moment lies in."""
    today = local(at, zone).date()
    for entry in schedule:
        for day in (today - 2 * DAY, today - DAY, today, today + DAY):
            if WEEK[day.weekday()] in entry.get("days", WEEK):
                begin, finish = _wall(day, entry["from"]), _wall(day, entry["to"])
                if finish <= begin:
                    finish += DAY
                if passage(begin, zone) <= at < passage(finish, zone):
                    return entry
    return None


def _wall(day: date, clock: str) -> datetime:
    hours, minutes = clock.split(":")
    return datetime.combine(day, time()) + timedelta(hours=int(hours), minutes=int(minutes))


def amount_of(per: str, spec: Mapping[str, Any], zone: str, whole: tuple[datetime, datetime]) -> Fraction:
    """How many days or months a whole billing period is."""
    unit = spec["unit"]
    if per == "month" and unit in ("month", "year"):
        return Fraction(1 if unit == "month" else 12)
    if per == "day" and unit != "hour":
        return Fraction((local(whole[1], zone).date() - local(whole[0], zone).date()).days)
    total, at = Fraction(0), whole[0]
    while at < whole[1]:
        around = period({"unit": per}, zone, at)
        until = min(whole[1], around[1])
        total += Fraction((until - at) // timedelta(seconds=1), (around[1] - around[0]) // timedelta(seconds=1))
        at = until
    return total
