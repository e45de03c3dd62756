"""One contract in one billing period: what a placement adds to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from switcher.model import Usage
from switcher.objects.charges import Nth
from switcher.objects.tariffs import Tariff
from switcher.objects.words import Each
from switcher.tariff.counter import Counter
from switcher.tariff.fixed import in_prices
from switcher.tariff.flow import NOTHING, Flow
from switcher.tariff.ledger import Level, Mark
from switcher.tariff.total import Total

Marks = Mapping[tuple[str, str], Mark]
"""By (contract, name of the percentile charge)."""


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
class Flat:
    """What a whole period costs for time."""

    due: tuple[Due, ...]
    quotas: Decimal
    """Their prices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The least and the most that the contract costs in the period."""

    least: Decimal
    most: Decimal | None

    def clip(self, amount: Decimal) -> Decimal:
        """The amount, not below the minimum and then not above the maximum."""
        raised = max(amount, self.least)
        return raised if self.most is None else min(raised, self.most)


@dataclass(slots=True, kw_only=True)
class Part:
    """``counters`` and ``due`` are for the window, in the tariff's currency; ``rate`` makes it the wanted one."""

    contract: str
    rate: Decimal
    lists: tuple[Tariff, ...]
    """The price lists of the period that it is of, oldest first."""
    due: tuple[Due, ...]
    networks: frozenset[str]
    """Of all lists of the contract that count in the window: they are counted together."""
    counters: tuple[Counter | Total, ...]
    bounds: Bounds | None
    flat: Callable[[], Flat]
    valid: Decimal
    """The window's part of the time of the period in which there are prices."""
    levels: tuple[Level, ...] = ()
    """Percentile charges, which need the marks of a ledger."""
    capped: bool = False
    """A quota throttles or stops: who asks must see to the capacity that is then left."""
    _forecast: dict[tuple[Usage, Flow], Decimal] = field(default_factory=dict, init=False)

    def has_price(self, marks: Marks | None) -> bool:
        """Whether what is known is enough for a price."""
        if marks is None:
            return not self.levels and not self.capped
        return all((self.contract, level.name) in marks for level in self.levels)

    def added(self, usage: Usage, base: Flow, extra: Flow, marks: Marks, beside: Flow = NOTHING) -> Decimal:
        """What the bill grows by. With a minimum or maximum: by how much the bounded forecast of the period grows.

        ``beside``: what is on the contract's other networks, which marks know of percentiles already.
        """
        pool = base.beside(beside)
        more = self.charged(usage, pool, extra)
        for level in self.levels:
            more += level.added(marks[self.contract, level.name], base, extra)
        if self.bounds is None:
            return more * self.rate
        levels = sum((level.forecast(marks[self.contract, level.name], base) for level in self.levels), Decimal(0))
        without = self._expected(usage, pool) + levels
        return (self.bounds.clip(without + more) - self.bounds.clip(without)) * self.rate

    def charged(self, usage: Usage, base: Flow, extra: Flow) -> Decimal:
        """By how much the charges grow, percentiles apart, in the tariff's currency."""
        more = sum((due.added(base, extra) for due in self.due), Decimal(0))
        for counter in self.counters:
            more += counter.added(usage, base, extra)
        return more

    def anyway(self, nodes: int) -> Decimal:
        """What the period's charges come to without any traffic, on so many nodes: commits and first steps too."""
        return self._expected(Usage(), Flow(nodes=nodes)) + sum((level.anyway for level in self.levels), Decimal(0))

    def expected(self, usage: Usage, base: Flow, marks: Marks) -> Decimal:
        """What they come to when the base load goes on, and percentiles to what their marks expect."""
        levels = (level.forecast(marks[self.contract, level.name], NOTHING) for level in self.levels)
        return sum(levels, self._expected(usage, base))

    def _expected(self, usage: Usage, base: Flow) -> Decimal:
        """The forecast of the period's charges without an extra load, percentiles apart."""
        if (usage, base) not in self._forecast:
            flat = self.flat()
            fixed = sum((due.forecast(base) for due in flat.due), flat.quotas)
            metered = (counter.forecast(usage, base) for counter in self.counters)
            self._forecast[usage, base] = sum(metered, fixed)
        return self._forecast[usage, base]
