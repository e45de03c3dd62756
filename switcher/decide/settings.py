"""What the controller's settings say to a decision, beside the users' objects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Frozen; part of a decision's inputs."""

    stale_after: timedelta = timedelta(minutes=10)
    """Age from which samples are no longer believed, where no threshold says otherwise."""
    settlement_currency: str | None = None
    """Of move costs, penalties and sums; None: the only currency of the price lists."""
    switch_seconds: float = 10.0
    """Median of the measured switches, for policies without ``moveCost``."""
    new_demand_bps: float = 1e6
    """What a new workload is expected to carry at least; where those of its node carry more, their mean."""
