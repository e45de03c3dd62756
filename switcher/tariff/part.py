"""One contract in one billing period: what a placement adds to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from switcher.model import Usage
from switcher.objects.tariffs import Nth
from switcher.objects.words import Each
from switcher.tariff.counter import Counter
from switcher.tariff.fixed import in_prices
from switcher.tariff.flow import Flow
from switcher.tariff.total import Total


@dataclass(frozen=True, slots=True)
class Due:
    """A fixed price over a time: ``weight`` is what one costs; nth discounts count from the base on."""

    each: Each
    weight: Decimal
    nth: tuple[Nth, ...]
    networks: int

    def added(self, base: Flow, extra: Flow) -> Decimal:
        """What the bill grows by. What is due per network is due anyway."""
        if self.each is Each.NETWORK:
            return Decimal(0)
        is_node = self.each is Each.NODE
        before = base.nodes if is_node else base.attachments
        more = extra.nodes if is_node else extra.attachments
        if not self.nth:
            return self.weight * more
        return self.weight * (in_prices(self.nth, before + more) - in_prices(self.nth, before))

    def forecast(self, base: Flow) -> Decimal:
        """What is due when the base load is there all the time."""
        match self.each:
            case Each.NETWORK:
                count = self.networks
            case Each.NODE:
                count = base.nodes
            case Each.ATTACHMENT:
                count = base.attachments
        return self.weight * in_prices(self.nth, count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The least and the most that the contract costs in the period, and what of it is due for time."""

    least: Decimal
    most: Decimal | None
    due: tuple[Due, ...]
    """Over the whole period."""
    flat: Decimal
    """Prices of quotas."""

    def clip(self, amount: Decimal) -> Decimal:
        """The amount, not below the minimum and then not above the maximum."""
        raised = max(amount, self.least)
        return raised if self.most is None else min(raised, self.most)


@dataclass(slots=True, kw_only=True)
class Part:
    """``counters`` and ``due`` are for the window, in the tariff's currency; ``rate`` makes it the wanted one."""

    contract: str
    rate: Decimal
    due: tuple[Due, ...]
    counters: tuple[Counter | Total, ...]
    bounds: Bounds | None
    _forecast: dict[tuple[Usage, Flow], Decimal] = field(default_factory=dict, init=False)

    def added(self, usage: Usage, base: Flow, extra: Flow) -> Decimal:
        """What the bill grows by. With a minimum or maximum: by how much the bounded forecast of the period grows."""
        more = sum((due.added(base, extra) for due in self.due), Decimal(0))
        for counter in self.counters:
            more += counter.added(usage, base, extra)
        if self.bounds is None:
            return more * self.rate
        without = self._expected(usage, base, self.bounds)
        return (self.bounds.clip(without + more) - self.bounds.clip(without)) * self.rate

    def _expected(self, usage: Usage, base: Flow, bounds: Bounds) -> Decimal:
        """The forecast of the period's charges without the extra load."""
        if (usage, base) not in self._forecast:
            fixed = sum((due.forecast(base) for due in bounds.due), bounds.flat)
            metered = (counter.forecast(usage, base) for counter in self.counters)
            self._forecast[usage, base] = sum(metered, fixed)
        return self._forecast[usage, base]
