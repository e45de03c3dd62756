"""Dated exchange rates: amounts in different currencies are never added without one (tariffs.md, Currencies)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from switcher.errors import Problem
from switcher.objects.book import Book
from switcher.objects.tariffs import ExchangeRate, Tariff

WRITE = "write an ExchangeRate, or a row of --rates"
Needed = tuple[Tariff, date, str]
"""A price list whose currency is to be changed, the day of the rate, and what it is needed for."""


def _nowhere(_tariff: Tariff, text: str) -> Problem:
    return Problem("tariffs", 0, "spec.currency", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The rates that are known, and the currency that is wanted (None: see :meth:`settlement_of`)."""

    rates: tuple[ExchangeRate, ...] = ()
    settlement: str | None = None
    placed: Callable[[Tariff, str], Problem] = field(default=_nowhere, compare=False)
    """A problem with a price list's currency, where it was read."""

    @classmethod
    def of(cls, book: Book, settlement: str | None = None, more: Sequence[ExchangeRate] = ()) -> Exchange:
        """With the rates of a book, and more."""

        def placed(tariff: Tariff, text: str) -> Problem:
            return book.problem(tariff, ("spec", "currency"), text)

        return cls(rates=(*book.rates, *more), settlement=settlement, placed=placed)

    def settlement_of(self, currencies: Collection[str]) -> str | None:
        """The currency of a total: the wanted one, else the only one, else the only one that all have rates into."""
        if self.settlement is not None or len(currencies) == 1:
            return self.settlement or next(iter(currencies))
        pairs = {(rate.spec.source, rate.spec.target) for rate in self.rates}
        open_to_all = {
            target for _, target in pairs if all(one == target or (one, target) in pairs for one in currencies)
        }
        found = open_to_all & set(currencies) or open_to_all
        return found.pop() if len(found) == 1 else None

    def rate(self, source: str, target: str, on: date) -> Decimal | None:
        """What one unit of ``source`` is in ``target``: the latest rate dated on or before the day; None: unknown."""
        if source == target:
            return Decimal(1)
        dated = [
            (rate.spec.date, rate.spec.rate)
            for rate in self.rates
            if (rate.spec.source, rate.spec.target) == (source, target) and rate.spec.date <= on
        ]
        return max(dated)[1] if dated else None

    def missing(self, needed: Sequence[Needed]) -> Iterator[Problem]:
        """Why amounts of these price lists cannot be added."""
        first = {tariff.spec.currency: tariff for tariff, _, _ in reversed(needed)}
        currencies = sorted(first)
        settlement = self.settlement_of(currencies) if currencies else None
        if currencies and settlement is None:
            text = f"currencies {', '.join(currencies)} are never added without an exchange rate"
            into = "from each of them into the one of the total"
            yield self.placed(first[currencies[-1]], f"{text} {into}: {WRITE}")
        for tariff, day, what in needed if settlement else ():
            if self.rate(tariff.spec.currency, settlement or "", day) is None:
                text = f"no rate from {tariff.spec.currency} to {settlement} dated on or before {day.isoformat()}"
                yield self.placed(tariff, f"{text}, {what}: {WRITE}")

    def contradictions(self) -> Iterator[Problem]:
        """Two rates for one pair of currencies and one day."""
        first: dict[tuple[str, str, date], Decimal] = {}
        for each in self.rates:
            spec = each.spec
            other = first.setdefault((spec.source, spec.target, spec.date), spec.rate)
            if other != spec.rate:
                what = f"{spec.source} to {spec.target} dated {spec.date.isoformat()}"
                yield Problem("rates", 0, "", f"two rates for {what}: {other} and {spec.rate}")


def in_bill(tariff: Tariff, end: datetime) -> Needed:
    """What a billing period that ends then needs."""
    what = f"the last day of a billing period of contract {tariff.contract!r}"
    return tariff, last_day(end, tariff.spec.timezone), what


def last_day(end: datetime, timezone: str) -> date:
    """The local day on which a billing period ends, ``end`` being exclusive."""
    return (end - timedelta(microseconds=1)).astimezone(ZoneInfo(timezone)).date()
