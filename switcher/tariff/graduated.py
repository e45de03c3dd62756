"""Graduated tiers: each unit at its tier's price, ``upTo`` inclusive (tariffs.md, Volume)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from switcher.objects.prices import Tiers, Window


def portions(tiers: Tiers, start: Decimal, end: Decimal) -> Iterator[tuple[int, Decimal]]:
    """The units between two readings of the counter, by tier: (tier's number, quantity)."""
    before = Decimal(0)
    for number, tier in enumerate(tiers):
        top = tier.up_to
        low, high = max(start, before), end if top is None else min(end, top)
        if high > low:
            yield number, high - low
        if top is None or top >= end:
            return
        before = top


def unit_price(price: Decimal, window: Window | None) -> Decimal:
    """A unit's price in a window of a schedule."""
    if window is None:
        return price
    return window.price if window.price is not None else price * (window.multiply or Decimal(0))


def cost(tiers: Tiers, window: Window | None, start: Decimal, end: Decimal) -> Decimal:
    """The price of the units between two readings of the counter."""
    if window is not None and window.price is not None:
        return (end - start) * window.price
    plain = sum((quantity * tiers[number].price for number, quantity in portions(tiers, start, end)), Decimal(0))
    return plain if window is None else plain * (window.multiply or Decimal(0))


def tier_at(tiers: Tiers, reading: Decimal) -> int:
    """The number of the tier in which the next unit after this reading falls."""
    for number, tier in enumerate(tiers):
        if tier.up_to is None or reading < tier.up_to:
            return number
    return len(tiers) - 1
