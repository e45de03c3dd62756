"""The ledger of percentile charges: what is billed anyway, what is aimed at, and how many samples are still free.

Of n samples of a billing period the bill drops the D = floor(n (100 - q) / 100) largest and bills the next. So

- the *level* is the (D + 1)-th largest of the samples so far: the bill cannot come to less any more;
- up to the *aim* more load is free: the level, what costs no more than it does (a commit, a step), and this link's part
  of what all links together will need;
- D less the samples above the aim is how many may still be *free*: bursts go there, to one link at a time.

All m links together need levels that add up to the (1 - m (100 - q) % x 0.92) quantile of their traffic, because each
of them has (100 - q) % of its samples free at its own time. The traffic is the last period's, or the running one's
while that has more samples. As the period goes on, what counts is what is still to come and how many samples are still
free: bursts that came more often than expected raise all aims a little and early, not one level much and late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from switcher.decide.board import Floats
from switcher.model import Ledger
from switcher.objects.book import Book
from switcher.objects.tariffs import Percentile, Tariff
from switcher.objects.words import Direction
from switcher.tariff import RunningPeriod, billing_period, by_contract, metered_periods, valid_at
from switcher.tariff.percentile import on_level

USABLE = 0.92
"""Part of the free samples that is counted on: the rest is for what no forecast sees."""
MOST = 1e15
"""Bits per second beyond anything: a level without an end."""
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Link:
    """One percentile charge: a contract's samples in two periods, for each direction that has a percentile."""

    key: tuple[str, str]
    charge: Percentile
    running: RunningPeriod
    now: Sequence[Floats]
    last: Sequence[Floats]
    begun: float
    dropped: int

    @property
    def level(self) -> float:
        """Bits per second that are billed whatever comes."""
        return max(_after(values[~np.isnan(values)], self.dropped) for values in self.now)

    @property
    def following(self) -> float:
        """Bits per second to which the level rises if one more sample is above it, however far."""
        return max(_after(values[~np.isnan(values)], self.dropped - 1) for values in self.now)

    def free(self, bps: float) -> int:
        """How many samples may yet be above a level."""
        above = max(int(np.count_nonzero(values > bps * (1 + 1e-9))) for values in self.now)
        return max(self.dropped - above, 0)

    def usual(self, *, settled: bool) -> float:
        """The percentile that a whole period of the samples known has."""
        known = [each[~np.isnan(each)] for each in (self.last if settled else self.now)]
        return max(_after(each, int(len(each) * (100 - float(self.charge.q)) / 100)) for each in known)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Traffic:
    """Slots of all links together that stand for those which are still to come in the running period."""

    coming: Floats
    left: float
    """How many are to come."""
    settled: bool
    """Whether they are the last period's."""

    def above(self, bps: float) -> float:
        """How many slots to come will be above a level."""
        share = np.count_nonzero(self.coming > bps * (1 + 1e-9)) / len(self.coming)
        return float(share * self.left)


def ledgers(
    book: Book, now: datetime, capacity: Mapping[str, float], slots_of: SlotsOf
) -> Mapping[tuple[str, str], Ledger]:
    """By (contract, charge). ``capacity``: bits per second that each physical network may be filled with."""
    links = [link for running in metered_periods(book, now) for link in _links(book, now, running, slots_of)]
    families: dict[tuple[Direction, timedelta], list[_Link]] = defaultdict(list)
    for link in links:
        families[link.charge.direction, link.charge.sample].append(link)
    found: dict[tuple[str, str], Ledger] = {}
    for family in families.values():
        found |= _family(family, now, capacity)
    return found


def _family(family: Sequence[_Link], now: datetime, capacity: Mapping[str, float]) -> dict[tuple[str, str], Ledger]:
    """The ledgers of all links that can stand in for one another."""
    rare = min(sum(100 - float(link.charge.q) for link in family) / 100 * USABLE, 1.0)
    traffic = _reference(family, now)
    aims = _aims_that_last(family, traffic, capacity)
    return {
        link.key: _ledger(link, aim, now, rare if traffic.settled else 1.0)
        for link, aim in zip(family, aims, strict=True)
    }


def _aims_that_last(family: Sequence[_Link], traffic: _Traffic, capacity: Mapping[str, float]) -> Sequence[float]:
    """The lowest aims with which the free samples are enough for the bursts that are still to come.

    Higher levels together leave fewer bursts, and no fewer free samples: halving finds the least sum that will do.
    """
    sums = np.unique(traffic.coming)
    low, high = 0, len(sums) - 1
    while low < high:
        middle = (low + high) // 2
        aims = _aims(family, float(sums[middle]), capacity, settled=traffic.settled)
        free = sum(link.free(aim) for link, aim in zip(family, aims, strict=True))
        if traffic.above(float(sums[middle])) <= free * USABLE:
            high = middle
        else:
            low = middle + 1
    return _aims(family, float(sums[low]) if len(sums) else 0.0, capacity, settled=traffic.settled)


def _ledger(link: _Link, aim: float, now: datetime, useful: float) -> Ledger:
    sample = link.charge.sample
    raised = cost_of(link.charge, max(link.following, aim)) - cost_of(link.charge, aim)
    return Ledger(
        networks=link.running.physical_networks,
        direction=link.charge.direction,
        level=link.level,
        aim=aim,
        free=link.free(aim),
        raising=raised,
        begun=link.begun,
        left=1 - ((now - link.running.start) % sample) / sample,
        useful=(link.running.end - now) * useful,
        rest=link.running.end - now,
    )


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
        for charge in _percentiles(lists, now).values():
            for name in running.physical_networks:
                yield Grid(network=name, slot=charge.sample, last=last, start=running.start, end=running.end)


def flat_until(charge: Percentile, bps: float) -> float:
    """The highest level that costs no more than this one: a commit, a step, a tier without a price."""
    unit = charge.unit.bps
    edges = sorted({charge.commit, *(tier.up_to for tier in charge.tiers if tier.up_to is not None)})
    reached, price = bps, cost_of(charge, bps)
    for edge in edges:
        top = float(edge * unit)
        if top > reached and cost_of(charge, top) == price:
            reached = top
    return MOST if cost_of(charge, MOST) == price else reached


def cost_of(charge: Percentile, bps: float) -> Decimal:
    """Money per period of a level."""
    priced = on_level(charge, Decimal(bps) / charge.unit.bps, Decimal(1))
    return sum((portion.amount for portion in priced.portions), Decimal(0))


def _after(values: Floats, dropped: int) -> float:
    """The largest value once so many are dropped; nothing is left: 0."""
    if len(values) <= dropped:
        return 0.0
    place = len(values) - dropped - 1
    return float(np.partition(values, place)[place])


def _links(book: Book, now: datetime, running: RunningPeriod, slots_of: SlotsOf) -> Iterable[_Link]:
    lists = by_contract(book.tariffs)[running.contract]
    before = billing_period(lists[0], running.start - TICK)
    for name, percentile in _percentiles(lists, now).items():
        current_slots, begun = _values(percentile, running, (running.start, now), slots_of)
        count = -(-(running.end - running.start) // percentile.sample)
        if percentile.missing == "skip":
            count -= int(np.isnan(current_slots[0]).sum())
        yield _Link(
            key=(running.contract, name),
            charge=percentile,
            running=running,
            now=current_slots,
            last=_values(percentile, running, before, slots_of)[0],
            begun=begun,
            dropped=int(count * (100 - percentile.q) / 100),
        )


def _percentiles(lists: Sequence[Tariff], now: datetime) -> Mapping[str, Percentile]:
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
    into, out = (_pooled([getattr(part, side) for part in parts]) for side in ("into", "out"))
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


def _pooled(columns: Sequence[Floats]) -> Floats:
    table = np.stack(columns)
    missing = np.isnan(table)
    total: Floats = np.where(missing.all(axis=0), np.nan, np.where(missing, 0.0, table).sum(axis=0))
    return total


def _reference(family: Sequence[_Link], now: datetime) -> _Traffic:
    """What the links together will carry: of the last and the running period that with more samples speaks for it.

    Of the last one, the same part of the period where that has any sample.
    """
    last, running = (_together([getattr(link, side) for link in family]) for side in ("last", "now"))
    known, slots = np.count_nonzero(~np.isnan(last)), min(len(link.now[0]) for link in family)
    left = min((link.running.end - now) / link.charge.sample for link in family)
    if known < max(int(np.count_nonzero(~np.isnan(running))), 1):
        return _Traffic(coming=running[~np.isnan(running)], left=left, settled=False)
    rest = last[slots:]
    rest = rest[~np.isnan(rest)]
    return _Traffic(coming=rest if len(rest) else last[~np.isnan(last)], left=left, settled=True)


def _together(links: Sequence[Sequence[Floats]]) -> Floats:
    """Sums by slot, not a number where no link has a sample; of unequal months as far as the shortest goes."""
    length = min(len(values[0]) for values in links)
    return _pooled([np.max(np.stack([each[:length] for each in values]), axis=0) for values in links])


def _aims(family: Sequence[_Link], needed: float, room: Mapping[str, float], *, settled: bool) -> Sequence[float]:
    """What each link's level is to be: what is paid for first, then the cheapest, of equal ones the most used.

    One link that carries nearly all is best: a burst that nobody foresaw then costs one free sample, not one of each.
    A link that had to go higher has that level; the others keep theirs, for they have used free samples above it.
    """
    aims = [flat_until(link.charge, 0.0) for link in family]

    def first(number: int) -> tuple[Decimal, float, tuple[str, str]]:
        link, aim = family[number], aims[number]
        price = cost_of(link.charge, aim + link.charge.unit.bps) - cost_of(link.charge, aim)
        return price, -link.usual(settled=settled), link.key

    for number in sorted(range(len(family)), key=first):
        full = sum(room.get(name, 0.0) for name in family[number].running.physical_networks)
        aims[number] += max(min(needed - sum(aims), full - aims[number]), 0.0)
    return [flat_until(link.charge, max(aim, link.level)) for link, aim in zip(family, aims, strict=True)]
