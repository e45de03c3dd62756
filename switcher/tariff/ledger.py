"""What an extra load adds to a percentile charge: nothing up to the level that is billed anyway, beyond it a raise.

A percentile has no marginal price of its own, because what a sample costs is known at the period's end only. The
decision keeps a ledger instead (docs/decision.md, Percentiles), of which this module needs one figure, the mark: the
load up to which more load adds nothing. Raising it is paid once and lasts, so its price is spread over the time in
which it will be of use.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from switcher.objects.charges import Percentile
from switcher.tariff.flow import NOTHING, Flow
from switcher.tariff.percentile import on_level


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where the ledger of one percentile charge stands."""

    free_bps: float
    """A load of all the contract's networks up to here adds nothing to the bill."""
    useful_seconds: Decimal = Decimal(0)
    """How long a higher level would be used: its price is spread over this time."""
    raise_bps: float = 0.0
    """So much more costs ``raise_money`` only, because it lifts the level no further than to the next sample."""
    raise_money: Decimal = Decimal(0)
    raise_seconds: Decimal = Decimal(0)
    """The time that this money is spread over."""
    elsewhere: Flow = NOTHING
    """What the contract's other networks carry (a pool)."""
    expected_bps: float | None = None
    """What the period is expected to be billed for at least; None: ``free_bps``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One percentile charge of one price list in one billing period."""

    name: str
    charge: Percentile
    weight: Decimal
    """The part of the period in which the list is valid."""
    seconds: Decimal
    """Of the window that lie in the period."""

    def added(self, mark: Mark, base: Flow, extra: Flow) -> Decimal:
        """What the bill grows by, as far as the window bears it."""
        if self.charge.destination not in (None, extra.destination):
            return Decimal(0)
        return self._beyond(mark, self.load(mark, base, extra)) - self._beyond(mark, self.load(mark, base))

    def _beyond(self, mark: Mark, load: Decimal) -> Decimal:
        """What a load costs beyond what is billed anyway."""
        free, width = Decimal(mark.free_bps), Decimal(mark.raise_bps)
        total = Decimal(0)
        if load > free and width:
            part = min(load - free, width) / width
            total += mark.raise_money * part * self.weight * self.seconds / max(mark.raise_seconds, self.seconds)
        if load > free + width:
            # What is too much for this sample raises the level from where it will be: a commit is no free stretch.
            billed = max(free + width, Decimal(mark.expected_bps or 0))
            more = self._cost(billed + load - free - width) - self._cost(billed)
            total += more * self.seconds / max(mark.useful_seconds, self.seconds)
        return total

    def forecast(self, mark: Mark, base: Flow) -> Decimal:
        """What the period comes to when the base load goes on."""
        expected = mark.free_bps if mark.expected_bps is None else mark.expected_bps
        return self._cost(max(Decimal(expected), self.load(mark, base)))

    @property
    def anyway(self) -> Decimal:
        """What the period comes to without any load: a commit, the first step's fee."""
        return self._cost(Decimal(0))

    def _cost(self, bps: Decimal) -> Decimal:
        priced = on_level(self.charge, bps / self.charge.unit.bps, self.weight)
        return sum((portion.amount for portion in priced.portions), Decimal(0))

    def load(self, mark: Mark, base: Flow, extra: Flow = NOTHING) -> Decimal:
        """Bits per second that the charge counts, on all networks of the contract."""
        return Decimal(base.beside(extra).beside(mark.elsewhere).counted(self.charge.direction))
