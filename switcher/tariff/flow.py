"""Loads and missing prices: what a marginal price is asked for and may be answered with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from typing import TypeVar

from switcher.model import Usage
from switcher.objects.charges import Quota, Volume
from switcher.objects.words import Direction

Amount = TypeVar("Amount", float, Decimal)


class PriceGap(StrEnum):
    """Why there is no price. An unknown price is never zero."""

    UNKNOWN = "unknown"
    """No list is valid (yet), nothing names the network or the class, or its price has no marginal form."""
    STALE = "stale"
    """The last list's ``validTo`` has passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A constant load. In a base load ``nodes`` counts all nodes that have traffic, in an extra one only new ones."""

    attachments: int = 0
    in_bps: float = 0.0
    out_bps: float = 0.0
    both_bps: float = 0.0
    """So much of it is in both, because nobody knows its direction: it counts in full in whichever is charged."""
    destination: str | None = None
    nodes: int = 0

    def beside(self, other: Flow) -> Flow:
        """Both together, of this one's class; nodes are this one's."""
        return replace(
            self,
            attachments=self.attachments + other.attachments,
            in_bps=self.in_bps + other.in_bps,
            out_bps=self.out_bps + other.out_bps,
            both_bps=self.both_bps + other.both_bps,
        )

    def without(self, part: Flow) -> Flow:
        """What is left when a part of it is away."""
        return replace(
            self,
            attachments=max(self.attachments - part.attachments, 0),
            in_bps=max(self.in_bps - part.in_bps, 0.0),
            out_bps=max(self.out_bps - part.out_bps, 0.0),
            both_bps=max(self.both_bps - part.both_bps, 0.0),
        )

    def times(self, rate: float) -> Flow:
        """So many times as much load; attachments and nodes are the same."""
        return replace(self, in_bps=self.in_bps * rate, out_bps=self.out_bps * rate, both_bps=self.both_bps * rate)

    def counted(self, direction: Direction) -> float:
        """Bits per second that a direction counts. For ``max`` and ``maxOfPercentiles`` the larger."""
        return _counted(direction, self.in_bps, self.out_bps, self.both_bps)


NOTHING = Flow()


def together(flows: Iterable[Flow]) -> Flow:
    """All of them, added in their order."""
    return reduce(Flow.beside, flows, NOTHING)


def counted_bytes(direction: Direction, used: Usage) -> Decimal:
    """Bytes that a direction counts; for ``max`` the larger of the two."""
    return _counted(direction, used.in_bytes, used.out_bytes, used.both_bytes)


def _counted(direction: Direction, into: Amount, out: Amount, both: Amount) -> Amount:
    """``both``: so much is in each of the two, and counts once."""
    match direction:
        case Direction.IN:
            return into
        case Direction.OUT:
            return out
        case Direction.SUM:
            return into + out - both
        case _:
            return max(into, out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """How much of a load a charge counts, in its unit, over the rest of a billing period."""

    charge: Volume | Quota
    fresh: bool
    """The billing period begins inside the window: the counter starts at zero."""
    window_seconds: Decimal
    rest_seconds: Decimal
    """From the window's start to the period's end."""

    def of_base(self, base: Flow) -> Flow:
        """The base load as far as the charge counts it; one of unknown class is counted."""
        counts = self.charge.destination in (None, base.destination) or base.destination is None
        return base if counts else NOTHING

    def of_extra(self, extra: Flow) -> Flow:
        """The extra load as far as the charge counts it."""
        return extra if self.charge.destination in (None, extra.destination) else NOTHING

    def reading(self, direction: Direction, used: Usage) -> Decimal:
        """Units that have flowed in the period when the window starts."""
        if self.fresh:
            return Decimal(0)
        return counted_bytes(direction, used) / self.charge.unit.bytes

    def speed(self, direction: Direction, flow: Flow) -> Decimal:
        """Units per second."""
        return Decimal(flow.counted(direction)) / (8 * self.charge.unit.bytes)

    def final(self, direction: Direction, used: Usage, base: Flow, extra: Flow) -> Decimal:
        """Units at the period's end: the base flows to the end, the extra load in the window only."""
        going_on = self.speed(direction, base) * self.rest_seconds
        return self.reading(direction, used) + going_on + self.speed(direction, extra) * self.window_seconds

    def larger(self, used: Usage, base: Flow, extra: Flow) -> Direction:
        """The direction that counts: for ``max`` the larger of the two totals at the period's end."""
        if self.charge.direction is not Direction.MAX:
            return self.charge.direction
        into, out = (self.final(each, used, base, extra) for each in (Direction.IN, Direction.OUT))
        return Direction.IN if into > out else Direction.OUT
