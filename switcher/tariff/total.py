"""What an extra load adds to a charge that depends only on how much flows in the whole billing period."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from switcher.model import Usage
from switcher.objects.charges import Quota, Volume
from switcher.tariff.flow import NOTHING, Flow, Gauge
from switcher.tariff.graduated import cost
from switcher.tariff.money import tidy
from switcher.tariff.whole import amount


@dataclass(frozen=True, slots=True)
class Total:
    """``price`` is what a number of units in the period comes to."""

    gauge: Gauge
    price: Callable[[Decimal], Decimal]
    grows: bool = True
    """Whether it counts what flows in the window: what flows while no list has a quota starts none of its blocks."""

    def added(self, usage: Usage, base: Flow, extra: Flow) -> Decimal:
        """What the bill grows by."""
        base, extra = self.gauge.of_base(base), self.gauge.of_extra(extra)
        if not self.grows or not (extra.in_bps or extra.out_bps):
            return Decimal(0)
        return self.price(self._units(usage, base, extra)) - self.price(self._units(usage, base, NOTHING))

    def forecast(self, usage: Usage, base: Flow) -> Decimal:
        """What the whole period comes to without an extra load."""
        return self.price(self._units(usage, self.gauge.of_base(base), NOTHING))

    def _units(self, usage: Usage, base: Flow, extra: Flow) -> Decimal:
        return self.gauge.final(self.gauge.larger(usage, base, extra), usage, base, extra)


def at_once(charge: Volume, weight: Decimal) -> Callable[[Decimal], Decimal]:
    """allUnits and stepFee, for the part of the period in which the list is valid."""

    def price(units: Decimal) -> Decimal:
        quantity = max(units, charge.minimum or Decimal(0))
        quantity = quantity if charge.maximum is None else min(quantity, charge.maximum)
        return amount(charge.mode, charge.tiers, quantity, quantity) * weight

    return price


def lacking(charge: Volume, weight: Decimal) -> Callable[[Decimal], Decimal]:
    """What a graduated charge bills up to its minimum, for the part of the period in which the list is valid."""
    least = charge.minimum or Decimal(0)
    return lambda units: cost(charge.tiers, None, units, max(units, least)) * weight


def blocks(charge: Quota, included: Decimal) -> Callable[[Decimal], Decimal]:
    """The blocks that are started beyond ``included`` units."""
    size, each = charge.beyond.block or Decimal(1), charge.beyond.price or Decimal(0)

    def price(units: Decimal) -> Decimal:
        started = tidy(max(units - included, Decimal(0)) / size).to_integral_value(ROUND_CEILING)
        return started * each

    return price
