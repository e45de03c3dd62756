"""What one more attachment, and one more GB, would cost on a network now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from datetime import datetime, timedelta
from decimal import Decimal

from switcher.model import usage_by_network
from switcher.objects.model import Book
from switcher.observe import running_usage
from switcher.ports import History
from switcher.tariff import Flow, PriceGap, quote

HOUR = timedelta(hours=1)
GB_PER_HOUR = 8e9 / 3600
"""Bits per second."""


def currency_of(book: Book, settlement: str | None) -> str | None:
    """Of what a command shows: the setting, else the only one of the price lists; None where there are several."""
    present = {tariff.spec.currency for tariff in book.tariffs}
    return settlement or (present.pop() if len(present) == 1 else None)


class Asking:
    """Marginal prices at a moment, on top of the volume counters of the running billing periods."""

    def __init__(self, book: Book, history: History, now: datetime, currency: str | None) -> None:
        self._book = book
        self._now = now
        self._currency = currency
        self._usage = usage_by_network(running_usage(history, book, now))
        self._attached = Counter(known.report.physical_network for known in history.attachments())

    def of(self, physical_network: str | None) -> Mapping[str, object]:
        """The columns of a row; the word for why there is no price where there is none."""
        if physical_network is None:
            return {"price/h": None, "price/GB out": None}
        return {
            "price/h": self._ask(physical_network, Flow(attachments=1)),
            "price/GB out": self._ask(physical_network, Flow(out_bps=GB_PER_HOUR)),
        }

    def _ask(self, name: str, extra: Flow) -> str:
        usage = self._usage.get(name, {})
        asked = quote(self._book, name, self._now, self._now + HOUR, self._currency)
        if isinstance(asked, PriceGap):
            return asked.value
        price = asked.marginal(usage, self._there({name}), extra, beside=lambda pool: self._there(pool - {name}))
        return price.value if isinstance(price, PriceGap) else plain(price)

    def _there(self, names: Set[str]) -> Flow:
        return Flow(attachments=sum(self._attached[name] for name in names))


def plain(price: Decimal) -> str:
    """A price without the digits that only arithmetic left: at most six after the point, trailing zeros gone."""
    text = format(price.quantize(Decimal("0.000001")) + 0, "f")  # + 0: no zero below zero
    return text.rstrip("0").rstrip(".") if "." in text else text
