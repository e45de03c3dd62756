"""The samples of percentile charges: what each contract's networks carried, slot by slot, in two billing periods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from switcher.decide.board import Floats
from switcher.objects.book import Book
from switcher.objects.tariffs import Percentile, Tariff
from switcher.objects.words import Direction
from switcher.tariff import RunningPeriod, billing_period, by_contract, metered_periods, valid_at

TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slots:
    """Means of a physical network in slots that follow one another, bits per second; nan: no sample."""

    into: Floats
    out: Floats
    begun: tuple[float, float] = (0.0, 0.0)
    """What the slot that has not ended comes to already, in and out."""
    split: bool = True
    """Whether directions are known; if not, both columns are the whole load."""


SlotsOf = Callable[[str, datetime, datetime, timedelta], Slots]
"""Physical network, start, end, length: the slots from start on that have ended by end."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Link:
    """One percentile charge: a contract's samples in two periods, for each direction that has a percentile."""

    key: tuple[str, str]
    charge: Percentile
    running: RunningPeriod
    now: Sequence[Floats]
    last: Sequence[Floats]
    begun: float
    dropped: int

    @cached_property
    def level(self) -> float:
        """Bits per second that are billed whatever comes."""
        return max(_after(values[~np.isnan(values)], self.dropped) for values in self.now)

    @property
    def following(self) -> float | None:
        """Bits per second to which the level rises if one more sample is above it, however far; None: so far."""
        if not self.dropped:
            return None
        return max(_after(values[~np.isnan(values)], self.dropped - 1) for values in self.now)

    def free(self, bps: float) -> int:
        """How many samples may yet be above a level."""
        above = max(int(np.count_nonzero(values > bps * (1 + 1e-9))) for values in self.now)
        return max(self.dropped - above, 0)

    def usual(self, *, settled: bool) -> float:
        """The percentile that a whole period of the samples known has."""
        known = [each[~np.isnan(each)] for each in (self.last if settled else self.now)]
        return max(_after(each, int(len(each) * (100 - float(self.charge.q)) / 100)) for each in known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """What a percentile charge needs of one physical network: slots of the running and of the last billing period."""

    network: str
    slot: timedelta
    last: datetime
    start: datetime
    end: datetime


def grids(book: Book, now: datetime) -> Iterable[Grid]:
    """What the ledgers will ask for."""
    for running in metered_periods(book, now):
        lists = by_contract(book.tariffs)[running.contract]
        last = billing_period(lists[0], running.start - TICK)[0]
        for charge in percentiles(lists, now).values():
            for name in running.physical_networks:
                yield Grid(network=name, slot=charge.sample, last=last, start=running.start, end=running.end)


def links(book: Book, now: datetime, running: RunningPeriod, slots_of: SlotsOf) -> Iterable[Link]:
    lists = by_contract(book.tariffs)[running.contract]
    before = billing_period(lists[0], running.start - TICK)
    for name, percentile in percentiles(lists, now).items():
        current_slots, begun = _values(percentile, running, (running.start, now), slots_of)
        count = -(-(running.end - running.start) // percentile.sample)
        if percentile.missing == "skip":
            count -= int(np.isnan(current_slots[0]).sum())
        yield Link(
            key=(running.contract, name),
            charge=percentile,
            running=running,
            now=current_slots,
            last=_values(percentile, running, before, slots_of)[0],
            begun=begun,
            dropped=int(count * (100 - percentile.q) / 100),
        )


def percentiles(lists: Sequence[Tariff], now: datetime) -> Mapping[str, Percentile]:
    """The percentile charges of a contract by name; of several lists the one that is valid now counts."""
    current = valid_at(lists, now)
    found: dict[str, Percentile] = {}
    for tariff in (*([current] if current else []), *lists):
        for charge in tariff.spec.charges:
            if charge.percentile is not None:
                found.setdefault(charge.name, charge.percentile)
    return found


def _values(
    charge: Percentile, running: RunningPeriod, span: tuple[datetime, datetime], slots_of: SlotsOf
) -> tuple[Sequence[Floats], float]:
    """The samples of a pool as the charge counts them, and what the one that has not ended comes to.

    Not a number where no network of it has any row.
    """
    parts = [slots_of(name, *span, charge.sample) for name in running.physical_networks]
    into, out = (added([getattr(part, side) for part in parts], len(parts[0].into)) for side in ("into", "out"))
    begun_in, begun_out = (sum(part.begun[side] for part in parts) for side in (0, 1))
    match charge.direction:
        case Direction.IN:
            return (into,), begun_in
        case Direction.OUT:
            return (out,), begun_out
        case Direction.SUM if any(part.split for part in parts):
            return (into + out,), begun_in + begun_out
        case Direction.MAX_OF_PERCENTILES:
            return (into, out), max(begun_in, begun_out)
        case _:
            return (np.maximum(into, out),), max(begun_in, begun_out)


def added(columns: Sequence[Floats], count: int) -> Floats:
    """Sums slot by slot of ``count`` slots, not a number where no column has a sample; columns may be shorter."""
    total = np.full(count, np.nan)
    for column in columns:
        known = column[:count]
        before = total[: len(known)]
        total[: len(known)] = np.where(np.isnan(before), known, before + np.where(np.isnan(known), 0.0, known))
    return total


def _after(values: Floats, dropped: int) -> float:
    """The largest value once so many are dropped; nothing is left: 0."""
    if len(values) <= dropped:
        return 0.0
    place = len(values) - dropped - 1
    return float(np.partition(values, place)[place])
