"""What the flow solves: who may go where at what cost, and how much room there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from switcher.decide.board import Floats, Ints

OVERFLOW = -1
"""In place of a column: there is no room, and the workload stays where it is."""


@dataclass(frozen=True, slots=True)
class Tier:
    """One level of a price that rises with the load of a group of uplinks."""

    group: int
    width: float
    """Bits per second; the last one of a group is infinite."""
    extra: float
    """Money per hour of a bit per second, beyond the workloads' own cost."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Market:
    """Who may go where, at what cost. Shapes: M workloads, C columns, U uplinks."""

    demand: Floats
    """M: bits per second."""
    cost: Floats
    """M x C: money per hour with the move's share in it; infinite where it may not be."""
    home: Ints
    """M: the column of the present network; its cost is finite."""
    uplink: Ints
    """M x C."""
    room: Floats
    """U: bits per second for these workloads under ``fill``."""
    tolerated: Floats
    """U: bits per second above that for those who are there already."""
    group: Ints | None = None
    """U: which of the tiers below an uplink's traffic is counted on, NOWHERE if none."""
    tiers: Sequence[Tier] = ()
