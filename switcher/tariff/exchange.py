"""Dated exchange rates: amounts in different currencies are never added without one (tariffs.md, Currencies)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from switcher.errors import Problem
from switcher.objects.tariffs import ExchangeRate


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The rates that are known, and the currency that is wanted (None: see :meth:`settlement_of`)."""

    rates: tuple[ExchangeRate, ...] = ()
    settlement: str | None = None

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

    def contradictions(self) -> Iterator[Problem]:
        """Two rates for one pair of currencies and one day."""
        first: dict[tuple[str, str, date], Decimal] = {}
        for each in self.rates:
            spec = each.spec
            other = first.setdefault((spec.source, spec.target, spec.date), spec.rate)
            if other != spec.rate:
                what = f"{spec.source} to {spec.target} dated {spec.date.isoformat()}"
                yield Problem("rates", 0, "", f"two rates for {what}: {other} and {spec.rate}")


def last_day(end: datetime, timezone: str) -> date:
    """The local day on which a billing period ends, ``end`` being exclusive."""
    return (end - timedelta(microseconds=1)).astimezone(ZoneInfo(timezone)).date()
