"""A bill as a value: lines, entries and their sum."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """A part of a line at one price. ``up_to``: the end of its tier, None: open."""

    price: Decimal
    quantity: Decimal
    amount: Decimal
    up_to: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one charge of one price list comes to; the amount is not rounded."""

    charge: str
    tariff: str
    quantity: Decimal
    unit: str
    amount: Decimal
    rate: Decimal | None = None
    """The price of every unit, where there is only one."""
    portions: tuple[Portion, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One contract in one billing period, of which [start, end) is billed; ``total`` is rounded."""

    contract: str
    start: datetime
    end: datetime
    total: Decimal
    lines: tuple[Line, ...]
    currency: str
    """Of the lines; ``total`` is in the invoice's."""
    adjustment: Literal["minimum", "maximum"] | None = None
    """Which bound of the tariff the total is, if its charges come to less or more."""
    rate: Decimal = Decimal(1)
    """Of exchange, from the one into the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time without any sample of a network whose traffic is priced."""

    network: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """The whole bill; ``total`` is the sum of the entries. ``unpriced``: sampled networks that no tariff names."""

    currency: str
    total: Decimal
    start: datetime
    end: datetime
    entries: tuple[Entry, ...]
    gaps: tuple[Gap, ...] = ()
    unpriced: tuple[str, ...] = ()


@dataclass(slots=True)
class Tally:
    """Quantities and amounts by (tier, price) while a line is computed."""

    parts: dict[tuple[int, Decimal], tuple[Decimal, Decimal]] = field(default_factory=dict)

    def add(self, tier: int, price: Decimal, quantity: Decimal) -> None:
        """Count ``quantity`` at ``price``."""
        before, amount = self.parts.get((tier, price), (Decimal(0), Decimal(0)))
        self.parts[tier, price] = before + quantity, amount + quantity * price

    def line(self, charge: str, tariff: str, unit: str, tops: Iterable[Decimal | None], price: Decimal) -> Line:
        """The line; ``tops`` are the ends of the tiers and ``price`` what is shown when nothing was counted."""
        ends = dict(enumerate(tops))
        portions = tuple(
            Portion(price=each, quantity=quantity, amount=amount, up_to=ends.get(tier))
            for (tier, each), (quantity, amount) in sorted(self.parts.items())
        )
        prices = {portion.price for portion in portions} or {price}
        one = len(prices) == 1 and len(ends) <= 1
        return Line(
            charge=charge,
            tariff=tariff,
            quantity=sum((portion.quantity for portion in portions), Decimal(0)),
            unit=unit,
            amount=sum((portion.amount for portion in portions), Decimal(0)),
            rate=prices.pop() if one else None,
            portions=() if one else portions,
        )
