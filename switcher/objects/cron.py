"""Five-field cron expressions, as far as budgets need them: is a moment inside a window that one opens?

Source of the rules: crontab(5): names, ranges, lists and steps; when day of month and day of week are both
restricted, either is enough; Sunday is 0 and 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from switcher.errors import quoted
from switcher.objects.wall_time import instant

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class CronError(ValueError):
    """The expression is wrong; the text says where."""


@dataclass(frozen=True, slots=True)
class Cron:
    """An expression as the sets of values that it allows; ``days_of_week`` counts Sunday as 0."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    days_of_week: frozenset[int]
    either_day: bool
    """Both day fields are restricted, so that either is enough."""

    def fires_on(self, day: date) -> bool:
        """Whether it fires at some time of this local day."""
        by_date, by_week = day.day in self.days, day.isoweekday() % 7 in self.days_of_week
        return day.month in self.months and (by_date or by_week if self.either_day else by_date and by_week)

    def times(self, day: date, timezone: ZoneInfo) -> Iterator[datetime]:
        """The instants at which it fires on a local day: as it jumps over a time, once at one that comes twice."""
        for hour in sorted(self.hours):
            for minute in sorted(self.minutes):
                yield instant(day, 60 * hour + minute, timezone.key)

    def open_at(self, now: datetime, duration: timedelta, timezone: ZoneInfo) -> bool:
        """Whether it fired within the last ``duration`` (the window is half open)."""
        day = now.astimezone(timezone).date()
        while day >= (now - duration).astimezone(timezone).date():
            if self.fires_on(day) and any(at <= now < at + duration for at in self.times(day, timezone)):
                return True
            day -= timedelta(days=1)
        return False


def parse(text: str) -> Cron:
    """Read ``minute hour day-of-month month day-of-week``. Raises CronError."""
    fields = text.lower().split()
    if len(fields) != 5:
        raise CronError(f"has {len(fields)} fields, a cron expression has 5: minute hour day month weekday")
    minutes, hours = _field(fields[0], 0, 59), _field(fields[1], 0, 23)
    days, months = _field(fields[2], 1, 31), _field(fields[3], 1, 12, MONTHS, 1)
    weekdays = frozenset(number % 7 for number in _field(fields[4], 0, 7, DAYS))
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    return Cron(minutes, hours, days, months, weekdays, either)


def _field(text: str, least: int, most: int, names: tuple[str, ...] = (), offset: int = 0) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        span, _, step_text = part.partition("/")
        step = _number(step_text, 1, most, (), 0) if step_text or "/" in part else 1
        if span == "*":
            first, last = least, most
        else:
            begin, dash, end = span.partition("-")
            first = _number(begin, least, most, names, offset)
            last = _number(end, least, most, names, offset) if dash else (most if step_text else first)
        if last < first:
            raise CronError(f"{quoted(span)} runs backwards")
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _number(text: str, least: int, most: int, names: tuple[str, ...], offset: int) -> int:
    if text in names:
        return names.index(text) + offset
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        allowed = f"{least} to {most}" + (f" or {names[0]} to {names[-1]}" if names else "")
        raise CronError(f"{quoted(text)} is not {allowed}")
    return int(text)
