"""Short ways to write tariffs, samples and times in tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from switcher.objects.load import book_from_documents
from switcher.objects.model import Book
from switcher.tariff import Exchange, Invoice, Sample, Stay, bill

GB = 10**9


def at(text: str) -> datetime:
    """``2026-12-01`` or ``2026-12-01 22:30``, UTC; or RFC 3339."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def tariff(*charges: dict[str, Any], name: str = "t", **spec: Any) -> dict[str, Any]:
    """A tariff on network ``p``: USD, monthly, UTC, valid from 2026 on, unless said otherwise."""
    whole = {
        "physicalNetworks": ["p"],
        "currency": "USD",
        "billingPeriod": {"unit": "month"},
        "validFrom": "2026-01-01T00:00:00Z",
        **spec,
        "charges": [{"name": f"c{number}", **charge} for number, charge in enumerate(charges)],
    }
    return {"kind": "Tariff", "metadata": {"name": name}, "spec": whole}


def fixed(price: str, per: str = "hour", each: str = "network", **more: Any) -> dict[str, Any]:
    """A fixed charge."""
    return {"fixed": {"price": price, "per": per, "each": each, **more}}


def volume(*tiers: tuple[str | None, str], direction: str = "out", unit: str = "GB", **more: Any) -> dict[str, Any]:
    """A graduated volume charge from (upTo, price) pairs."""
    steps = [{"upTo": top, "price": price} if top else {"price": price} for top, price in tiers]
    return {"volume": {"direction": direction, "unit": unit, "tiers": steps, **more}}


def percentile(price: str | None = "1", q: str = "95", direction: str = "out", **more: Any) -> dict[str, Any]:
    """A percentile of 5-minute samples in Mbps, unless said otherwise."""
    fields = {"q": q, "sample": "5m", "direction": direction, "unit": "Mbps", "price": price, **more}
    return {"percentile": {key: value for key, value in fields.items() if value is not None}}


def quota(included: str, price: str, beyond: dict[str, Any], direction: str = "sum", **more: Any) -> dict[str, Any]:
    """A quota in GB."""
    fields = {"included": included, "unit": "GB", "direction": direction, "price": price, "beyond": beyond, **more}
    return {"quota": fields}


def steps(*tiers: tuple[str | None, str]) -> list[dict[str, str]]:
    """Tiers from (upTo, price) pairs."""
    return [{"upTo": top, "price": price} if top else {"price": price} for top, price in tiers]


def book(*documents: dict[str, Any]) -> Book:
    """A book of documents."""
    return book_from_documents(documents, "test")


def sample(start: str, hours: float, gigabytes: float | str, **more: Any) -> Sample:
    """Bytes out on network ``p``, unless said otherwise."""
    begin = at(start)
    fields: dict[str, Any] = {"network": "p", "direction": "out", **more}
    end = begin + timedelta(hours=hours)
    return Sample(start=begin, end=end, bytes=Decimal(str(gigabytes)) * GB, **fields)


def stay(start: str, end: str, attachment: str = "a", network: str = "p") -> Stay:
    """An attachment on a network."""
    return Stay(attachment=attachment, network=network, start=at(start), end=at(end))


def rate(source: str, target: str, value: str, date: str) -> dict[str, Any]:
    """An exchange rate."""
    return {"kind": "ExchangeRate", "spec": {"from": source, "to": target, "rate": value, "date": date}}


def billed(
    prices: Book,
    samples: list[Sample],
    start: str,
    end: str,
    stays: list[Stay] | None = None,
    *,
    known: str | None = None,
    settlement: str | None = None,
) -> Invoice:
    """The bill of [start, end)."""
    exchange = Exchange(rates=prices.rates, settlement=settlement)
    return bill(prices.tariffs, samples, (at(start), at(end)), stays, at(known) if known else None, exchange)


def total(*arguments: Any, **more: Any) -> str:
    """The bill's total as text."""
    return str(billed(*arguments, **more).total)
