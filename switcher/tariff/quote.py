"""The prices of a physical network over a window, made ready to be asked many times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from switcher.model import Usage
from switcher.objects.book import Book
from switcher.objects.tariffs import Fixed, Nth, Tariff, Volume
from switcher.objects.words import Each, Mode, Per
from switcher.tariff.counter import Counter, Step
from switcher.tariff.fixed import in_prices
from switcher.tariff.flow import Flow, PriceGap
from switcher.tariff.graduated import unit_price
from switcher.tariff.lists import Stretch, by_contract, known_by, networks_of, timeline
from switcher.tariff.periods import Span, billing_periods, length_in, micros, seconds
from switcher.tariff.refusals import classes_of
from switcher.tariff.schedule import slots


@dataclass(frozen=True, slots=True)
class Due:
    """A fixed price over the window: ``weight`` is what one costs; nth discounts count from the base on."""

    each: Each
    weight: Decimal
    nth: tuple[Nth, ...]

    def added(self, base: Flow, extra: Flow) -> Decimal:
        """What the bill grows by. What is due per network is due anyway."""
        if self.each is Each.NETWORK:
            return Decimal(0)
        is_node = self.each is Each.NODE
        before = base.nodes if is_node else base.attachments
        more = extra.nodes if is_node else extra.attachments
        if not self.nth:
            return self.weight * more
        return self.weight * (in_prices(self.nth, before + more) - in_prices(self.nth, before))


@dataclass(frozen=True, slots=True)
class Quote:
    """All that a placement on a physical network may add to, between two moments."""

    due: tuple[Due, ...]
    counters: tuple[tuple[str, Counter], ...]
    """With the contract whose usage they run on."""
    classes: tuple[frozenset[str | None], ...]
    """At each time of the window, the classes of destination that volume charges count; None is all traffic."""

    def marginal(self, usage_by_contract: Mapping[str, Usage], base: Flow, extra: Flow) -> Decimal | PriceGap:
        """What the extra load adds to the bill, unrounded, or why that is unknown."""
        if (extra.in_bps or extra.out_bps) and not all(self._priced(extra.destination, each) for each in self.classes):
            return PriceGap.UNKNOWN
        total = sum((due.added(base, extra) for due in self.due), Decimal(0))
        for contract, counter in self.counters:
            total += counter.added(usage_by_contract.get(contract, Usage()), base, extra)
        return total

    @staticmethod
    def _priced(destination: str | None, classes: frozenset[str | None]) -> bool:
        if not classes:
            return True
        if destination is None:
            return classes == {None}
        return destination in classes or None in classes


def compiled(book: Book, physical_network: str, window: Span, settlement: str | None) -> Quote | PriceGap:
    """The quote by the lists known when the window begins, or why there is none."""
    known = known_by(book.tariffs, window[0])
    contracts = {name: lists for name, lists in by_contract(known).items() if physical_network in networks_of(lists)}
    currency = settlement or _only({tariff.spec.currency for tariff in known})
    lines = {name: timeline(lists, *window) for name, lists in contracts.items()}
    gap = _gap(lines, contracts, physical_network)
    if gap is not None:
        return gap
    valid = [s.tariff for line in lines.values() for s in line if s.tariff is not None]
    if any(tariff.spec.currency != currency or not _supported(tariff) for tariff in valid):
        return PriceGap.UNKNOWN
    due: list[Due] = []
    counters: list[tuple[str, Counter]] = []
    for contract, lists in contracts.items():
        for whole in billing_periods(lists[0], *window):
            part = _Part(physical_network, whole, window, timeline(lists, max(whole[0], window[0]), whole[1]))
            due += part.due()
            counters += [(contract, counter) for counter in part.counters()]
    return Quote(tuple(due), tuple(counters), tuple(_classes(lines, physical_network)))


def _only(currencies: set[str]) -> str | None:
    return next(iter(currencies)) if len(currencies) == 1 else None


def _supported(tariff: Tariff) -> bool:
    """Until each kind of charge has its marginal price, such a list has none: unknown is never zero."""
    plain = all(charge.fixed is not None or _graduated(charge.volume) for charge in tariff.spec.charges)
    return plain and tariff.spec.minimum is None and tariff.spec.maximum is None


def _graduated(charge: Volume | None) -> bool:
    if charge is None or charge.mode is not Mode.GRADUATED:
        return False
    return charge.minimum is None and charge.maximum is None


def _gap(
    lines: Mapping[str, Sequence[Stretch]], contracts: Mapping[str, Sequence[Tariff]], network: str
) -> PriceGap | None:
    """Whether some contract has no valid list at some time of the window, or none prices the network then."""
    stale = False
    for contract, line in lines.items():
        for stretch in line:
            if stretch.tariff is None:
                if all(tariff.spec.valid_from > stretch.start for tariff in contracts[contract]):
                    return PriceGap.UNKNOWN
                stale = True
    if stale:
        return PriceGap.STALE
    starts = {stretch.start for line in lines.values() for stretch in line}
    return None if starts and all(_naming(lines, network, at) for at in starts) else PriceGap.UNKNOWN


def _naming(lines: Mapping[str, Sequence[Stretch]], network: str, at: datetime) -> list[Tariff]:
    """The lists that count at a moment and name the network."""
    return [
        stretch.tariff
        for line in lines.values()
        for stretch in line
        if stretch.tariff and stretch.start <= at < stretch.end and network in stretch.tariff.spec.physical_networks
    ]


def _classes(lines: Mapping[str, Sequence[Stretch]], network: str) -> Iterator[frozenset[str | None]]:
    for at in sorted({stretch.start for line in lines.values() for stretch in line}):
        yield classes_of(_naming(lines, network, at))


@dataclass(frozen=True, slots=True)
class _Part:
    """One contract in one billing period, from the window's start or the period's to the period's end."""

    network: str
    whole: Span
    window: Span
    stretches: tuple[Stretch, ...]

    def _tariffs(self, until: datetime) -> Iterator[Tariff]:
        """The lists that price the network at some time before ``until``."""
        seen: list[Tariff] = []
        for stretch in self.stretches:
            tariff = stretch.tariff
            if tariff is None or stretch.start >= until or any(tariff is one for one in seen):
                continue
            if self.network in tariff.spec.physical_networks:
                seen.append(tariff)
                yield tariff

    def due(self) -> Iterator[Due]:
        for tariff in self._tariffs(self.window[1]):
            for charge in tariff.spec.charges:
                if charge.fixed is not None:
                    yield Due(charge.fixed.each, self._weight(tariff, charge.fixed), charge.fixed.nth)

    def _weight(self, tariff: Tariff, charge: Fixed) -> Decimal:
        """What one attachment costs over the window; a new node is due for the rest of the period."""
        until = self.whole[1] if charge.each is Each.NODE else min(self.window[1], self.whole[1])
        total = Decimal(0)
        for stretch in self.stretches:
            if stretch.tariff is tariff and stretch.start < until:
                span = stretch.start, min(stretch.end, until)
                if charge.per is Per.HOUR:
                    for start, end, window in slots(charge.schedule, tariff.spec.timezone, *span):
                        total += seconds(end - start) / 3600 * unit_price(charge.price, window)
                else:
                    share = Decimal(micros(span[1] - span[0])) / micros(self.whole[1] - self.whole[0])
                    total += length_in(charge.per, tariff, self.whole) * share * charge.price
        return total

    def counters(self) -> Iterator[Counter]:
        first, until = self.stretches[0].start, min(self.window[1], self.whole[1])
        for tariff in self._tariffs(self.whole[1]):
            for charge in tariff.spec.charges:
                if charge.volume is not None:
                    yield Counter(
                        charge=charge.volume,
                        fresh=self.whole[0] >= self.window[0],
                        window_seconds=seconds(until - first),
                        rest_seconds=seconds(self.whole[1] - first),
                        now=tuple(self._steps(tariff, charge.volume, first, until)),
                        all_steps=partial(self._to_end, tariff, charge.volume),
                    )

    def _to_end(self, tariff: Tariff, charge: Volume) -> tuple[Step, ...]:
        first, until = self.stretches[0].start, min(self.window[1], self.whole[1])
        return (*self._steps(tariff, charge, first, until), *self._steps(tariff, charge, until, self.whole[1]))

    def _steps(self, tariff: Tariff, charge: Volume, start: datetime, end: datetime) -> Iterator[Step]:
        for stretch in self.stretches:
            span = max(start, stretch.start), min(end, stretch.end)
            if span[0] < span[1]:
                active = stretch.tariff is tariff
                schedule = charge.schedule if active else ()
                for begin, finish, window in slots(schedule, tariff.spec.timezone, *span):
                    yield seconds(finish - begin), begin < self.window[1], active, window
