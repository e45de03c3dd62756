"""Where percentile charges stand in their billing periods, in money: what is billed already, what they head for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from switcher.decide.aims import cost_of
from switcher.decide.samples import percentiles
from switcher.model import Ledger
from switcher.objects.model import Book
from switcher.objects.tariffs import Percentile
from switcher.tariff import RunningPeriod, by_contract, metered_periods
from switcher.tariff.exchange import Exchange

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One percentile charge of a contract in the running billing period."""

    contract: str
    charge: str
    ledger: Ledger
    running: RunningPeriod
    rate: Decimal | None
    """What a unit of the contract's currency is in the settlement currency; None: unknown."""
    priced: Percentile

    def money(self, bps: float) -> Decimal | None:
        """What the billing period is billed for a level, in the settlement currency; None: no rate for it."""
        return None if self.rate is None else cost_of(self.priced, max(bps, 0.0)) * self.rate

    def per_hour(self, bps: float) -> Decimal | None:
        """The same, spread evenly over the billing period."""
        money = self.money(bps)
        length = self.running.end - self.running.start
        return None if money is None else money * Decimal(HOUR.total_seconds()) / Decimal(length.total_seconds())


def standings(
    book: Book, now: datetime, ledgers: Mapping[tuple[str, str], Ledger], currency: str | None
) -> Sequence[Standing]:
    """By contract and charge. ``currency``: the settlement currency; None: the only one of the price lists."""
    exchange = Exchange(rates=book.rates, settlement=currency)
    wanted = exchange.settlement_of({tariff.spec.currency for tariff in book.tariffs}) if book.tariffs else currency
    contracts, found = by_contract(book.tariffs), []
    for running in metered_periods(book, now):
        lists = contracts[running.contract]
        today = now.astimezone(ZoneInfo(lists[0].spec.timezone)).date()
        rate = None if wanted is None else exchange.rate(lists[0].spec.currency, wanted, today)
        for name, charge in percentiles(lists, now).items():
            ledger = ledgers.get((running.contract, name))
            if ledger is not None:
                found.append(
                    Standing(
                        contract=running.contract, charge=name, ledger=ledger, running=running, rate=rate, priced=charge
                    )
                )
    return found
