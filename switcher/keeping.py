"""How long each resolution of the history is kept: the settings, and what bills still need of it (pure).

A bill is exact when none of its edges lies inside a sum: the starts of its billing periods, of its price lists and of
its schedules' windows, and the percentile's samples. The coarsest resolution on whose grid all of them lie is what a
tariff needs, from the start of the billing period before the running one: the last bill can be made, and checked,
until the running period ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from switcher.objects.tariffs import Tariff
from switcher.tariff import billing_period

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


class Resolution(StrEnum):
    """What the history keeps, from fine to coarse."""

    SAMPLES = "samples"
    MINUTES = "minutes"
    FIVES = "fives"
    HOURS = "hours"


STEPS = {
    Resolution.HOURS: timedelta(hours=1),
    Resolution.FIVES: timedelta(minutes=5),
    Resolution.MINUTES: timedelta(minutes=1),
}
"""From coarse to fine, without the samples."""


@dataclass(frozen=True, kw_only=True)
class Keep:
    """For how long things are kept at least."""

    samples: timedelta = timedelta(days=2)
    minutes: timedelta = timedelta(days=40)
    fives: timedelta = timedelta(days=400)
    hours: timedelta = timedelta(days=3660)
    decisions: timedelta = timedelta(days=90)
    moves: timedelta = timedelta(days=400)
    """Of ended moves, and of placements that ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoffs:
    """Before when things may be deleted. ``bills``: of sums of whole physical networks, which bills are made from."""

    series: Mapping[Resolution, datetime]
    bills: Mapping[Resolution, datetime]
    decisions: datetime
    moves: datetime


def cutoffs(keep: Keep, tariffs: Iterable[Tariff], now: datetime) -> Cutoffs:
    """What may go now. Bills' minutes stay as long as fives: they are small, and any whole minute is exact in them."""
    series = {
        Resolution.SAMPLES: now - keep.samples,
        Resolution.MINUTES: now - keep.minutes,
        Resolution.FIVES: now - keep.fives,
        Resolution.HOURS: now - keep.hours,
    }
    bills = series | {Resolution.MINUTES: now - max(keep.minutes, keep.fives)}
    for resolution, since in needs(tariffs, now).items():
        bills[resolution] = min(bills[resolution], since)
    return Cutoffs(series=series, bills=bills, decisions=now - keep.decisions, moves=now - keep.moves)


def needs(tariffs: Iterable[Tariff], now: datetime) -> Mapping[Resolution, datetime]:
    """From when on bills need a resolution."""
    found: dict[Resolution, datetime] = {}
    for tariff in tariffs:
        running = billing_period(tariff, now)[0]
        since = billing_period(tariff, running - MOMENT)[0]
        resolution = resolution_for(tariff, since)
        found[resolution] = min(since, found.get(resolution, since))
    return found


def resolution_for(tariff: Tariff, start: datetime) -> Resolution:
    """The coarsest from which a billing period that begins then is billed exactly.

    A price list that begins or ends inside a minute does not count here: it is a moment, not a rhythm, and no reason
    to keep every sample for months.
    """
    lengths = [charge.percentile.sample for charge in tariff.spec.charges if charge.percentile is not None]
    rhythm = [*lengths, *_offsets(tariff, start), *_wall_times(tariff)]
    for resolution, step in STEPS.items():
        ends = [] if resolution is Resolution.MINUTES else _ends(tariff)
        if not any(length % step for length in [*rhythm, *ends]):
            return resolution
    return Resolution.SAMPLES


def _offsets(tariff: Tariff, start: datetime) -> Iterator[timedelta]:
    """How far local time is from UTC in a year's seasons: days begin that far from its grid."""
    zone = ZoneInfo(tariff.spec.timezone)
    for season in range(4):
        yield (start + season * timedelta(days=91)).astimezone(zone).utcoffset() or timedelta()


def _ends(tariff: Tariff) -> list[timedelta]:
    """When the list begins and ends, as times since 1970."""
    ends = (tariff.spec.valid_from, tariff.spec.valid_to)
    return [end - EPOCH for end in ends if end is not None]


def _wall_times(tariff: Tariff) -> Iterator[timedelta]:
    for charge in tariff.spec.charges:
        for kind in (charge.fixed, charge.volume, charge.quota):
            for window in () if kind is None else kind.schedule:
                yield from (timedelta(minutes=window.start), timedelta(minutes=window.end))
