"""The samples of percentile charges: what each contract's networks carried, slot by slot, in two billing periods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from switcher.decide.board import Floats
from switcher.objects.book import Book
from switcher.objects.charges import Percentile
from switcher.objects.tariffs import Tariff
from switcher.objects.words import Direction
from switcher.tariff import RunningPeriod, billing_period, by_contract, metered_periods, valid_at
from switcher.tariff.lists import known_by
from switcher.tariff.periods import Span, micros

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

    @property
    def both(self) -> Floats:
        """In and out together."""
        return self.into + self.out if self.split else self.into

    @property
    def begun_both(self) -> float:
        """The same of the slot that has not ended."""
        return self.begun[0] + self.begun[1] if self.split else self.begun[0]


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
        lists = by_contract(known_by(book.tariffs, now))[running.contract]
        last = billing_period(lists[0], running.start - TICK)[0]
        for charge in percentiles(lists, now).values():
            for name in _times(running):
                yield Grid(network=name, slot=charge.sample, last=last, start=running.start, end=running.end)


def links(book: Book, now: datetime, running: RunningPeriod, slots_of: SlotsOf) -> Iterable[Link]:
    """The percentile charges of a contract.

    The running period has what the bill will count: of each network what flowed while a list had it. The last period
    tells what is to come, and that will flow on the networks of now.
    """
    lists = by_contract(known_by(book.tariffs, now))[running.contract]
    before, networks = billing_period(lists[0], running.start - TICK), running.physical_networks
    for name, percentile in percentiles(lists, now).items():
        current_slots, begun = _values(percentile, _counting(running, now, percentile.sample, slots_of))
        count = -(-(running.end - running.start) // percentile.sample)
        if percentile.missing == "skip":
            count -= int(np.isnan(current_slots[0]).sum())
        yield Link(
            key=(running.contract, name),
            charge=percentile,
            running=running,
            now=current_slots,
            last=_values(percentile, [slots_of(each, *before, percentile.sample) for each in networks])[0],
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


def _times(running: RunningPeriod) -> Mapping[str, Sequence[Span]]:
    """When the traffic of each network has counted in the period so far; the networks of now are there in any case."""
    times: dict[str, list[Span]] = {name: [] for name in running.physical_networks}
    for start, end, names in running.counted:
        for name in names:
            times.setdefault(name, []).append((start, end))
    return times


def _counting(running: RunningPeriod, now: datetime, sample: timedelta, slots_of: SlotsOf) -> Sequence[Slots]:
    """The slots of each network in the running period, as far as its traffic counted when it flowed."""
    found = []
    for name, times in _times(running).items():
        slots = slots_of(name, running.start, now, sample)
        if times != [(running.start, now)]:
            slots = _within(slots, _parts((running.start, now), sample, times))
        found.append(slots)
    return found


def _parts(whole: Span, sample: timedelta, times: Sequence[Span]) -> Floats:
    """Which part of each slot lies in some times. The last slot may be shorter than the others: it has not ended."""
    start, length = whole[0], micros(whole[1] - whole[0])
    edges = np.append(np.arange(0, length, micros(sample)), length)
    total = np.zeros(len(edges) - 1)
    for since, until in times:
        total += np.diff(np.clip(edges, micros(since - start), micros(until - start)))
    return total / np.diff(edges)


def _within(slots: Slots, parts: Floats) -> Slots:
    """So much of each slot, as if what flowed in it had been even; a slot without any part is not there."""
    over = len(slots.into)
    part = np.where(parts[:over] > 0, parts[:over], np.nan)
    begun = float(parts[over:].sum())
    return replace(
        slots,
        into=slots.into * part,
        out=slots.out * part,
        begun=(slots.begun[0] * begun, slots.begun[1] * begun),
    )


def _values(charge: Percentile, parts: Sequence[Slots]) -> tuple[Sequence[Floats], float]:
    """The samples of a pool as the charge counts them, and what the one that has not ended comes to.

    Not a number where no network of it has any row.
    """
    count = len(parts[0].into)
    if charge.direction is Direction.SUM:
        return (added([part.both for part in parts], count),), sum(part.begun_both for part in parts)
    into, out = added([part.into for part in parts], count), added([part.out for part in parts], count)
    begun_in, begun_out = (sum(part.begun[side] for part in parts) for side in (0, 1))
    match charge.direction:
        case Direction.IN:
            return (into,), begun_in
        case Direction.OUT:
            return (out,), begun_out
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
