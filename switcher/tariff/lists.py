"""Contracts and their price lists: which list counts when (tariffs.md, Price lists of one contract)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, pairwise

from switcher.objects.book import Book
from switcher.objects.tariffs import Tariff
from switcher.tariff.periods import billing_period

ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which one price list counts, or none."""

    start: datetime
    end: datetime
    tariff: Tariff | None


@dataclass(frozen=True, slots=True)
class RunningPeriod:
    """The billing period of a contract that a moment lies in, and the networks whose traffic it counts together."""

    contract: str
    physical_networks: tuple[str, ...]
    start: datetime
    end: datetime
    counted: tuple[tuple[datetime, datetime, tuple[str, ...]], ...]
    """The times of it that are over, and the networks whose traffic counted in each: lists may change them."""


def known_by(tariffs: Iterable[Tariff], known_at: datetime | None) -> tuple[Tariff, ...]:
    """The lists that were recorded by then; one without recordedAt was known always."""
    return tuple(
        tariff
        for tariff in tariffs
        if known_at is None or tariff.spec.recorded_at is None or tariff.spec.recorded_at <= known_at
    )


def by_contract(tariffs: Iterable[Tariff]) -> dict[str, tuple[Tariff, ...]]:
    """The lists of each contract, contracts by name."""
    groups: dict[str, list[Tariff]] = {}
    for tariff in tariffs:
        groups.setdefault(tariff.contract, []).append(tariff)
    return {contract: tuple(groups[contract]) for contract in sorted(groups)}


def valid_at(lists: Iterable[Tariff], at: datetime) -> Tariff | None:
    """Of the lists valid at a moment the one recorded last, then the one valid from last."""
    valid = [
        item for item in lists if item.spec.valid_from <= at and (item.spec.valid_to is None or at < item.spec.valid_to)
    ]
    return max(valid, key=lambda item: (item.spec.recorded_at or ALWAYS, item.spec.valid_from), default=None)


def timeline(lists: Sequence[Tariff], start: datetime, end: datetime) -> tuple[Stretch, ...]:
    """[start, end) cut where another list of the contract, or none, begins to count."""
    edges = {start, end}
    for item in lists:
        edges.update(at for at in (item.spec.valid_from, item.spec.valid_to) if at is not None and start < at < end)
    result: list[Stretch] = []
    for begin, finish in pairwise(sorted(edges)):
        tariff = valid_at(lists, begin)
        if result and result[-1].tariff is tariff:
            result[-1] = Stretch(result[-1].start, finish, tariff)
        else:
            result.append(Stretch(begin, finish, tariff))
    return tuple(result)


def networks_of(lists: Iterable[Tariff]) -> frozenset[str]:
    """All physical networks that any of the lists names."""
    return frozenset(name for item in lists for name in item.spec.physical_networks)


def contracts_on(book: Book, physical_network: str) -> tuple[str, ...]:
    """The contracts of which some list names the physical network, by name."""
    return tuple(sorted({item.contract for item in book.tariffs if physical_network in item.spec.physical_networks}))


def running_periods(book: Book, at: datetime) -> tuple[RunningPeriod, ...]:
    """For every contract the billing period that ``at`` lies in: usage counters run from its start."""
    result = []
    for contract, lists in by_contract(known_by(book.tariffs, at)).items():
        current = valid_at(lists, at)
        start, end = billing_period(current or lists[0], at)
        counted = tuple(_counted(lists, timeline(lists, start, at))) if start < at else ()
        result.append(RunningPeriod(contract, _counting(lists, current), start, end, counted))
    return tuple(result)


def _counting(lists: Sequence[Tariff], current: Tariff | None) -> tuple[str, ...]:
    """The networks that count while a list is valid; where none is, those of all."""
    return current.spec.physical_networks if current else tuple(sorted(networks_of(lists)))


def _counted(lists: Sequence[Tariff], line: Sequence[Stretch]) -> Iterator[tuple[datetime, datetime, tuple[str, ...]]]:
    for networks, some in groupby(line, lambda stretch: _counting(lists, stretch.tariff)):
        spans = [*some]
        yield spans[0].start, spans[-1].end, networks


def metered_periods(book: Book, at: datetime) -> tuple[RunningPeriod, ...]:
    """Those of contracts that count bytes: what is only due by time needs no counter."""
    metered = {
        tariff.contract for tariff in book.tariffs if any(charge.fixed is None for charge in tariff.spec.charges)
    }
    return tuple(running for running in running_periods(book, at) if running.contract in metered)
