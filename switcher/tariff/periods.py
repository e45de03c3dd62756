"""Billing periods, right through daylight saving (tariffs.md, Periods)."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from switcher.objects.tariffs import BillingPeriod, Tariff
from switcher.objects.wall_time import instant
from switcher.objects.words import Per, PeriodUnit

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Span = tuple[datetime, datetime]


def micros(span: timedelta) -> int:
    """A length of time as a whole number of microseconds."""
    return span // MICROSECOND


def seconds(span: timedelta) -> Decimal:
    """A length of time in seconds, exactly."""
    return Decimal(micros(span)) / 1_000_000


def billing_period(tariff: Tariff, at: datetime) -> Span:
    """The billing period [start, end) in UTC that ``at`` lies in."""
    return _period(tariff.spec.billing_period, tariff.spec.timezone, at)


def billing_periods(tariff: Tariff, start: datetime, end: datetime) -> Iterator[Span]:
    """Every billing period that [start, end) touches, oldest first."""
    at = start
    while at < end:
        period = billing_period(tariff, at)
        yield period
        at = period[1]


def _period(unit: BillingPeriod, timezone: str, at: datetime) -> Span:
    local = at.astimezone(ZoneInfo(timezone))
    if unit.unit is PeriodUnit.HOUR:
        start = at - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return start.astimezone(UTC), (start + timedelta(hours=1)).astimezone(UTC)
    first = _start(unit, local.date(), 0)
    if instant(first, 0, timezone) > at:
        first = _start(unit, local.date(), -1)
    following = _next(unit, first)
    if instant(following, 0, timezone) <= at:
        first, following = following, _next(unit, following)
    return instant(first, 0, timezone), instant(following, 0, timezone)


def _start(unit: BillingPeriod, day: date, offset: int) -> date:
    """The first day of the period that begins in the day's week, month or year, ``offset`` of them later."""
    match unit.unit:
        case PeriodUnit.DAY:
            return day + timedelta(days=offset)
        case PeriodUnit.WEEK:
            return day - timedelta(days=(day.isoweekday() - unit.anchor) % 7 - 7 * offset)
        case PeriodUnit.MONTH:
            year, month = divmod(day.year * 12 + day.month - 1 + offset, 12)
            return date(year, month + 1, min(unit.anchor, calendar.monthrange(year, month + 1)[1]))
        case _:
            year = day.year + offset
            return date(year, 1, 1) + timedelta(days=min(unit.anchor, 366 if calendar.isleap(year) else 365) - 1)


def _next(unit: BillingPeriod, first: date) -> date:
    return _start(unit, first, 1)


def length_in(per: Per, tariff: Tariff, period: Span) -> Decimal:
    """How many hours, days or months a whole billing period is: real hours, local days, months of the contract.

    A period shorter than a day or month is its share of the local day or calendar month.
    """
    start, end = period
    if per is Per.HOUR:
        return seconds(end - start) / 3600
    unit, timezone = tariff.spec.billing_period.unit, tariff.spec.timezone
    if per is Per.MONTH and unit in (PeriodUnit.MONTH, PeriodUnit.YEAR):
        return Decimal(1 if unit is PeriodUnit.MONTH else 12)
    if per is Per.DAY and unit is not PeriodUnit.HOUR:
        zone = ZoneInfo(timezone)
        return Decimal((end.astimezone(zone).date() - start.astimezone(zone).date()).days)
    calendar_unit = BillingPeriod(unit=PeriodUnit.DAY if per is Per.DAY else PeriodUnit.MONTH)
    total, at = Decimal(0), start
    while at < end:
        whole = _period(calendar_unit, timezone, at)
        total += Decimal(micros(min(end, whole[1]) - at)) / micros(whole[1] - whole[0])
        at = whole[1]
    return total


def joined(spans: Iterable[Span]) -> Iterator[Span]:
    """The same time in as few spans as it takes, in order."""
    current: Span | None = None
    for span in sorted(spans):
        if current is not None and span[0] <= current[1]:
            current = (current[0], max(current[1], span[1]))
        else:
            if current is not None:
                yield current
            current = span
    if current is not None:
        yield current
