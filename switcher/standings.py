"""Where percentile charges stand in their billing periods, in money: what is billed already, what they head for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from switcher.decide.aims import cost_of
from switcher.decide.samples import percentiles
from switcher.model import Ledger
from switcher.objects.charges import Percentile
from switcher.objects.model import Book
from switcher.objects.tariffs import Tariff
from switcher.tariff import RunningPeriod, by_contract, metered_periods
from switcher.tariff.exchange import Exchange
from switcher.tariff.lists import timeline
from switcher.tariff.periods import micros


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
    """As it counts now."""
    shares: Sequence[tuple[Percentile, Decimal]]
    """As each price list of the period has it, and the list's share of the time."""

    def money(self, bps: float) -> Decimal | None:
        """What the billing period is billed for a level, in the settlement currency; None: no rate for it."""
        if self.rate is None:
            return None
        return sum((cost_of(charge, max(bps, 0.0)) * share for charge, share in self.shares), Decimal(0)) * self.rate


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
                        contract=running.contract,
                        charge=name,
                        ledger=ledger,
                        running=running,
                        rate=rate,
                        priced=charge,
                        shares=_shares(lists, running, name),
                    )
                )
    return found


def _shares(lists: Sequence[Tariff], running: RunningPeriod, name: str) -> Sequence[tuple[Percentile, Decimal]]:
    length = micros(running.end - running.start)
    return [
        (charge.percentile, Decimal(micros(stretch.end - stretch.start)) / length)
        for stretch in timeline(lists, running.start, running.end)
        for charge in (stretch.tariff.spec.charges if stretch.tariff else ())
        if charge.name == name and charge.percentile is not None
    ]
