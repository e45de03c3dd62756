"""The prices of a physical network over a window, made ready to be asked many times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from switcher.model import Usage
from switcher.objects.book import Book
from switcher.objects.tariffs import Tariff
from switcher.tariff.exchange import Exchange
from switcher.tariff.flow import Flow, PriceGap
from switcher.tariff.lists import Stretch, by_contract, known_by, networks_of, timeline
from switcher.tariff.part import Marks, Part
from switcher.tariff.parting import has_price, parted
from switcher.tariff.periods import Span, billing_periods
from switcher.tariff.refusals import classes_of, is_priced

Together = Callable[[frozenset[str]], Flow]
"""What is on several physical networks together."""


@dataclass(frozen=True, slots=True)
class Quote:
    """All that a placement on a physical network may add to, between two moments."""

    parts: tuple[Part, ...]
    """Every contract in every billing period that the window touches."""
    classes: tuple[frozenset[str | None], ...]
    """At each time of the window, the classes of destination that volume charges count; None is all traffic."""

    def marginal(
        self, usage_by_contract: Mapping[str, Usage], base: Flow, extra: Flow, marks: Marks | None = None
    ) -> Decimal | PriceGap:
        """What the extra load adds to the bill, unrounded, or why that is unknown.

        Percentiles, and quotas that throttle or stop, have a price for those only who keep ``marks``: a ledger of
        percentiles, and the capacity that quotas leave.
        """
        if not self._has_price(extra, marks):
            return PriceGap.UNKNOWN
        usages = (usage_by_contract.get(part.contract, Usage()) for part in self.parts)
        added = (part.added(usage, base, extra, marks or {}) for part, usage in zip(self.parts, usages, strict=True))
        return sum(added, Decimal(0))

    def spent(
        self, usage_by_contract: Mapping[str, Usage], extra: Flow, together: Together, marks: Marks
    ) -> Decimal | PriceGap:
        """What a load by itself comes to, unrounded, as far as it is billed: under a minimum and above a maximum less.

        Percentiles have no price by the hour: here they count in what is billed together only, by their marks.
        """
        if not self._has_price(extra, marks):
            return PriceGap.UNKNOWN
        usages = (usage_by_contract.get(part.contract, Usage()) for part in self.parts)
        spent = (
            part.spent(usage, extra, together(part.networks), marks)
            for part, usage in zip(self.parts, usages, strict=True)
        )
        return sum(spent, Decimal(0))

    def billed(
        self, contract: str, usage_by_contract: Mapping[str, Usage], together: Together, marks: Marks
    ) -> Decimal | None:
        """How much of what a contract charges the running period's traffic is billed; None: it has no price here."""
        part = next((part for part in self.parts if part.contract == contract), None)
        if part is None or not part.has_price(marks):
            return None
        return part.billed(usage_by_contract.get(contract, Usage()), together(part.networks), marks)

    def _has_price(self, extra: Flow, marks: Marks | None) -> bool:
        moving = extra.in_bps or extra.out_bps
        return all(part.has_price(marks) for part in self.parts) and (
            not moving or all(is_priced(extra.destination, each) for each in self.classes)
        )


def compiled(book: Book, physical_network: str, window: Span, settlement: str | None) -> Quote | PriceGap:
    """The quote by the lists known when the window begins, or why there is none."""
    known = known_by(book.tariffs, window[0])
    contracts = {name: lists for name, lists in by_contract(known).items() if physical_network in networks_of(lists)}
    exchange = Exchange(rates=book.rates, settlement=settlement)
    currency = exchange.settlement_of({tariff.spec.currency for tariff in known})
    lines = {name: timeline(lists, *window) for name, lists in contracts.items()}
    gap = _gap(lines, contracts, physical_network)
    if gap is not None:
        return gap
    rates = {name: _rate(lists[0], exchange, window[0], currency) for name, lists in contracts.items()}
    parts: list[Part] = []
    for contract, lists in contracts.items():
        rate = rates[contract]
        for whole in billing_periods(lists[0], *window):
            stretches = timeline(lists, *whole)
            if rate is None or not has_price(stretches, physical_network):
                return PriceGap.UNKNOWN
            parts.append(parted(contract, rate, physical_network, window, stretches))
    return Quote(tuple(parts), tuple(_classes(lines, physical_network)))


def _rate(tariff: Tariff, exchange: Exchange, now: datetime, currency: str | None) -> Decimal | None:
    """What a unit of the contract's currency is in the wanted one, by the latest rate dated on or before today."""
    today = now.astimezone(ZoneInfo(tariff.spec.timezone)).date()
    return None if currency is None else exchange.rate(tariff.spec.currency, currency, today)


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
