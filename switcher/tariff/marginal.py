"""What a placement adds to the bill: the difference of two bills (tariffs.md, Marginal price of a placement).

The base load and, in the window only, the extra one are taken as constant. Both bills run from the window's start to
the end of each billing period that it touches, on top of the usage so far: what the extra load does to later units of
the base (it moves them up the tiers) is part of its price. What is due anyway cancels out. Announced lists count from
the moment from which they are valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from switcher.model import Usage
from switcher.objects.book import Book
from switcher.tariff.flow import Flow, PriceGap
from switcher.tariff.ledger import Mark
from switcher.tariff.part import Marks
from switcher.tariff.quote import Beside, Quote, compiled

__all__ = ["Beside", "Flow", "Mark", "Marks", "PriceGap", "Quote", "marginal", "quote"]


@lru_cache(maxsize=512)
def quote(
    book: Book, physical_network: str, start: datetime, end: datetime, settlement: str | None = None
) -> Quote | PriceGap:
    """The prices of a physical network in [start, end), to be asked many times; start is also "now".

    ``settlement`` is the currency wanted; None: the only one in the book. A contract in another one has no price.
    """
    return compiled(book, physical_network, (start, end), settlement)


def marginal(  # noqa: PLR0913, PLR0917 # the question has these parts; who asks often keeps the quote
    book: Book,
    physical_network: str,
    start: datetime,
    end: datetime,
    usage_by_contract: Mapping[str, Usage],
    base: Flow,
    extra: Flow,
    settlement: str | None = None,
) -> Decimal | PriceGap:
    """What ``extra`` in [start, end) on top of ``base`` adds to the bill, unrounded; or why that is unknown.

    ``usage_by_contract``: the counters of each contract's running billing period at ``start`` (missing: zero). ``base``
    is all that is on the physical network otherwise, and goes on flowing to the end of the billing period.
    """
    prices = quote(book, physical_network, start, end, settlement)
    return prices if isinstance(prices, PriceGap) else prices.marginal(usage_by_contract, base, extra)
