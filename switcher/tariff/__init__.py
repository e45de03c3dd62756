"""What traffic costs: the exact bill, and the marginal price of a placement (pure; tariffs.md)."""

from switcher.tariff.bill import bill
from switcher.tariff.exchange import Exchange
from switcher.tariff.invoice import Entry, Gap, Invoice, Line, Portion
from switcher.tariff.lists import RunningPeriod, by_contract, contracts_on, metered_periods, running_periods, valid_at
from switcher.tariff.marginal import Flow, PriceGap, Quote, marginal, quote
from switcher.tariff.periods import billing_period
from switcher.tariff.quote import contract_parts
from switcher.tariff.samples import Sample, Stay

__all__ = [
    "Entry",
    "Exchange",
    "Flow",
    "Gap",
    "Invoice",
    "Line",
    "Portion",
    "PriceGap",
    "Quote",
    "RunningPeriod",
    "Sample",
    "Stay",
    "bill",
    "billing_period",
    "by_contract",
    "contract_parts",
    "contracts_on",
    "marginal",
    "metered_periods",
    "quote",
    "running_periods",
    "valid_at",
]
