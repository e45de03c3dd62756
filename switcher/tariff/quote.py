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
from switcher.tariff.flow import NOTHING, Flow, PriceGap
from switcher.tariff.in_force import counts
from switcher.tariff.lists import Stretch, by_contract, known_by, networks_of, timeline
from switcher.tariff.part import Marks, Part
from switcher.tariff.parting import has_price, parted
from switcher.tariff.periods import Span, billing_periods
from switcher.tariff.refusals import classes_of, is_priced

Beside = Callable[[frozenset[str]], Flow]
"""What is on those of some physical networks that are not the one that is asked about."""


@dataclass(frozen=True, slots=True)
class Quote:
    """All that a placement on a physical network may add to, between two moments."""

    parts: tuple[Part, ...]
    """Every contract in every billing period that the window touches."""
    classes: tuple[frozenset[str | None], ...]
    """At each time of the window, the classes of destination that volume charges count; None is all traffic."""

    def marginal(
        self,
        usage_by_contract: Mapping[str, Usage],
        base: Flow,
        extra: Flow,
        marks: Marks | None = None,
        beside: Beside | None = None,
    ) -> Decimal | PriceGap:
        """What the extra load adds to the bill, unrounded, or why that is unknown.

        ``base`` is on the physical network already, ``beside`` tells what is on others that a contract counts too.

        Percentiles, and quotas that throttle or stop, have a price for those only who keep ``marks``: a ledger of
        percentiles, and the capacity that quotas leave.
        """
        if not self.prices(extra) or not all(part.has_price(marks) for part in self.parts):
            return PriceGap.UNKNOWN
        usages = (usage_by_contract.get(part.contract, Usage()) for part in self.parts)
        return sum(
            (
                part.added(usage, base, extra, marks or {}, beside(part.networks) if beside else NOTHING)
                for part, usage in zip(self.parts, usages, strict=True)
            ),
            Decimal(0),
        )

    def prices(self, load: Flow) -> bool:
        """Whether some charge counts the load's class at each time of the window, if it has any traffic."""
        moving = load.in_bps or load.out_bps
        return not moving or all(is_priced(load.destination, each) for each in self.classes)


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
        of_contract = _parts(lists, rates[contract], physical_network, window)
        if of_contract is None:
            return PriceGap.UNKNOWN
        parts += of_contract
    return Quote(tuple(parts), tuple(_classes(lines, physical_network)))


def contract_parts(book: Book, window: Span, settlement: str | None) -> Mapping[str, Sequence[Part] | None]:
    """Of every contract all its networks together, in each billing period of the window; None: it has no price."""
    known = known_by(book.tariffs, window[0])
    exchange = Exchange(rates=book.rates, settlement=settlement)
    currency = exchange.settlement_of({tariff.spec.currency for tariff in known})
    return {
        contract: _parts(lists, _rate(lists[0], exchange, window[0], currency), None, window)
        for contract, lists in by_contract(known).items()
    }


def _parts(lists: Sequence[Tariff], rate: Decimal | None, network: str | None, window: Span) -> Sequence[Part] | None:
    """A contract's parts by billing period, oldest first; None: there is no rate, or no marginal price.

    A network that the contract does not have in the window, because its lists have dropped it, is in none of them.
    """
    found = []
    for whole in billing_periods(lists[0], *window):
        stretches = timeline(lists, *whole)
        if network is not None and not counts(network, stretches, window):
            continue
        if rate is None or not has_price(stretches):
            return None
        found.append(parted(lists[0].contract, rate, network, window, stretches))
    return found


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
