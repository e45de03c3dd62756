"""What a controller would have seen: samples of the past, as old as the world says, and where everyone is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from switcher.decide.board import Bools, Floats, Ints
from switcher.simulate.world import Site, World


@dataclass(frozen=True, kw_only=True, eq=False)
class Sight:
    """At the start of a slot. Rates are means of the newest slot that is sampled."""

    now: datetime
    number: int
    """Of the slot."""
    site: Site
    """As it is now."""
    sampled_at: datetime
    """The end of the sampled slot."""
    here: Ints
    """W: columns."""
    into: Floats
    """W."""
    out: Floats
    total_in: Floats
    """U: everything, with the placements of the sampled slot."""
    total_out: Floats
    present: Bools | None

    @property
    def demand(self) -> Floats:
        """W: what a workload needs of an uplink."""
        return np.maximum(self.into, self.out)

    @property
    def used(self) -> Floats:
        """U: the larger direction."""
        return np.maximum(self.total_in, self.total_out)


def look(world: World, number: int, placed: Sequence[Ints]) -> Sight:
    """The sight at the start of slot ``number``; ``placed``: the assignments of the slots before it.

    Before the first slot nothing was sampled: traffic is taken to have been as in the first, and everyone at the start.
    """
    lag = 1 + world.staleness // world.slot
    sampled = max(number - lag, 0)
    there = placed[sampled] if number >= lag else world.at_start
    total_in, total_out = world.total(there, sampled)
    now = world.time(number)
    return Sight(
        now=now,
        number=number,
        site=world.in_force(number),
        sampled_at=now - world.staleness,
        here=world.settled(number, placed[-1] if placed else world.at_start),
        into=world.into[:, sampled],
        out=world.out[:, sampled],
        total_in=total_in,
        total_out=total_out,
        present=None if world.present is None else world.present[:, number],
    )
