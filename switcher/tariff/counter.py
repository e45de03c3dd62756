"""What an extra load adds to one volume charge in one billing period, as far as its list counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from switcher.model import Usage
from switcher.objects.tariffs import Volume, Window
from switcher.objects.words import Direction
from switcher.tariff.flow import Flow
from switcher.tariff.graduated import cost, tier_at, unit_price

Step = tuple[Decimal, bool, bool, Window | None]
"""Seconds, whether the extra load flows, whether this list prices it, and the window of the schedule."""


@dataclass(slots=True)
class Counter:
    """``steps`` lead from the window's start to the period's end; they are only computed when a tier may be crossed."""

    charge: Volume
    fresh: bool
    """The billing period begins inside the window: the counter starts at zero."""
    window_seconds: Decimal
    rest_seconds: Decimal
    """From the window's start to the period's end."""
    now: tuple[Step, ...]
    """The steps of the window only."""
    all_steps: Callable[[], tuple[Step, ...]]
    _steps: tuple[Step, ...] | None = field(default=None, init=False)
    _known: dict[tuple[Decimal, Decimal], Decimal] = field(default_factory=dict, init=False)
    """The price of a base load alone, which is asked for again with every extra one."""

    def added(self, usage: Usage, base: Flow, extra: Flow) -> Decimal:
        """What the bill grows by."""
        base = base if self.charge.destination in (None, base.destination) or base.destination is None else Flow()
        if self.charge.destination not in (None, extra.destination):
            return Decimal(0)
        used = Usage() if self.fresh else usage
        if self.charge.direction is not Direction.MAX:
            return self._difference(self.charge.direction, used, base, extra)
        with_extra, without = self._larger(used, base, extra), self._larger(used, base, Flow())
        if with_extra is without:
            return self._difference(without, used, base, extra)
        return self._whole(with_extra, used, base, extra) - self._whole(without, used, base, Flow())

    def _larger(self, used: Usage, base: Flow, extra: Flow) -> Direction:
        into, out = (
            self._reading(direction, used)
            + self._speed(direction, base) * self.rest_seconds
            + self._speed(direction, extra) * self.window_seconds
            for direction in (Direction.IN, Direction.OUT)
        )
        return Direction.IN if into > out else Direction.OUT

    def _reading(self, direction: Direction, used: Usage) -> Decimal:
        into = used.in_bytes if direction in (Direction.IN, Direction.SUM) else Decimal(0)
        out = used.out_bytes if direction in (Direction.OUT, Direction.SUM) else Decimal(0)
        return (into + out) / self.charge.unit.bytes

    def _speed(self, direction: Direction, flow: Flow) -> Decimal:
        """Units per second."""
        into = flow.in_bps if direction in (Direction.IN, Direction.SUM) else 0.0
        out = flow.out_bps if direction in (Direction.OUT, Direction.SUM) else 0.0
        return Decimal(into + out) / (8 * self.charge.unit.bytes)

    def _difference(self, direction: Direction, used: Usage, base: Flow, extra: Flow) -> Decimal:
        reading = self._reading(direction, used)
        speed, more = self._speed(direction, base), self._speed(direction, extra)
        if not more:
            return Decimal(0)
        tiers = self.charge.tiers
        number = tier_at(tiers, reading)
        end = reading + speed * self.rest_seconds + more * self.window_seconds
        top = tiers[number].up_to
        if top is None or end <= top:
            price = tiers[number].price
            priced = (length * unit_price(price, window) for length, _, active, window in self.now if active)
            return more * sum(priced, Decimal(0))
        return self._along(reading, speed, more) - self._along(reading, speed, Decimal(0))

    def _whole(self, direction: Direction, used: Usage, base: Flow, extra: Flow) -> Decimal:
        """The charge's whole bill; what flowed before the window is taken at the list's plain prices."""
        reading = self._reading(direction, used)
        past = cost(self.charge.tiers, None, Decimal(0), reading)
        return past + self._along(reading, self._speed(direction, base), self._speed(direction, extra))

    def _along(self, reading: Decimal, speed: Decimal, more: Decimal) -> Decimal:
        """The price of what flows from the window's start to the period's end."""
        if self._steps is None:
            self._steps = self.all_steps()
        start = reading
        if not more and (start, speed) in self._known:
            return self._known[start, speed]
        total = Decimal(0)
        for length, flowing, active, window in self._steps:
            following = reading + (speed + more if flowing else speed) * length
            if active:
                total += cost(self.charge.tiers, window, reading, following)
            reading = following
        if not more:
            self._known[start, speed] = total
        return total
