"""What an extra load adds to one graduated charge in one billing period, as far as its list counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from switcher.model import Usage
from switcher.objects.prices import Tiers, Window
from switcher.objects.words import Direction
from switcher.tariff.flow import NOTHING, Flow, Gauge
from switcher.tariff.graduated import cost, tier_at, unit_price

Step = tuple[Decimal, bool, bool, Window | None]
"""Seconds, whether the extra load flows, whether this list prices it, and the window of the schedule."""


@dataclass(slots=True, kw_only=True)
class Counter:
    """``steps`` lead from the window's start to the period's end; they are only computed when a tier may be crossed."""

    gauge: Gauge
    tiers: Tiers
    least: Decimal = Decimal(0)
    """Units up to here are not priced: what a quota includes."""
    most: Decimal | None = None
    """Units from here on are free: the maximum of a volume."""
    now: tuple[Step, ...]
    """The steps of the window only."""
    all_steps: Callable[[], tuple[Step, ...]]
    _steps: tuple[Step, ...] | None = field(default=None, init=False)
    _known: dict[tuple[Decimal, Decimal], Decimal] = field(default_factory=dict, init=False)
    """The price of a base load alone, which is asked for again with every extra one."""

    def added(self, usage: Usage, base: Flow, extra: Flow) -> Decimal:
        """What the bill grows by."""
        base, extra = self.gauge.of_base(base), self.gauge.of_extra(extra)
        with_extra, without = self.gauge.larger(usage, base, extra), self.gauge.larger(usage, base, NOTHING)
        if with_extra is without:
            return self._difference(without, usage, base, extra)
        return self._whole(with_extra, usage, base, extra) - self._whole(without, usage, base, NOTHING)

    def forecast(self, usage: Usage, base: Flow) -> Decimal:
        """What the whole period comes to without an extra load; the past only where this list counts now."""
        base = self.gauge.of_base(base)
        direction = self.gauge.larger(usage, base, NOTHING)
        if self.now and not self.now[0][2]:
            return self._along(self.gauge.reading(direction, usage), self.gauge.speed(direction, base), Decimal(0))
        return self._whole(direction, usage, base, NOTHING)

    def _difference(self, direction: Direction, used: Usage, base: Flow, extra: Flow) -> Decimal:
        speed, more = self.gauge.speed(direction, base), self.gauge.speed(direction, extra)
        if not more:
            return Decimal(0)
        reading = self.gauge.reading(direction, used)
        end = self.gauge.final(direction, used, base, extra)
        if end <= self.least or (self.most is not None and reading >= self.most):
            return Decimal(0)
        number = tier_at(self.tiers, reading)
        tops = [top for top in (self.tiers[number].up_to, self.most) if top is not None]
        if reading >= self.least and all(end <= top for top in tops):
            price = self.tiers[number].price
            priced = (
                length * unit_price(price, window) for length, flowing, active, window in self.now if flowing and active
            )
            return more * sum(priced, Decimal(0))
        return self._along(reading, speed, more) - self._along(reading, speed, Decimal(0))

    def _whole(self, direction: Direction, used: Usage, base: Flow, extra: Flow) -> Decimal:
        """The charge's whole bill; what flowed before the window is taken at the list's plain prices."""
        reading = self.gauge.reading(direction, used)
        past = self._cost(None, Decimal(0), reading)
        return past + self._along(reading, self.gauge.speed(direction, base), self.gauge.speed(direction, extra))

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
                total += self._cost(window, reading, following)
            reading = following
        if not more:
            self._known[start, speed] = total
        return total

    def _cost(self, window: Window | None, start: Decimal, end: Decimal) -> Decimal:
        low, high = max(start, self.least), end if self.most is None else min(end, self.most)
        return cost(self.tiers, window, low, high) if high > low else Decimal(0)
