"""Policies that solve the whole assignment: again and again without regard to moves, or once with hindsight."""

from __future__ import annotations

import numpy as np

from switcher.decide.board import NOWHERE, Floats, Ints
from switcher.simulate.flows import Moment, cheapest_shares
from switcher.simulate.prices import densities, mean_cost, shown
from switcher.simulate.sight import Sight
from switcher.simulate.world import World

TIE = 1e-4
"""Share of a price that a network must be cheaper by: among equals everyone stays."""


class Reoptimise:
    """The cheapest assignment under ``fill`` in every slot, as if moves were free."""

    name = "reoptimise"

    def place(self, sight: Sight) -> Ints:
        """By the samples: the background is what was there beyond our own."""
        site = sight.site
        into, out = site.loads(sight.here, sight.into), site.loads(sight.here, sight.out)
        background = np.maximum(np.maximum(sight.total_in - into, sight.total_out - out), 0.0)
        cost = densities(site, shown(site, sight.now), sight.into, sight.out)
        cost *= 1 + TIE * (np.arange(len(site.networks)) != sight.here[:, None])
        moment = Moment(uplink=site.uplink, cost=cost, demand=sight.demand, room=site.fill - background)
        return largest_share(cheapest_shares(moment), sight.here)


class StaticHindsight:
    """One assignment for all the time: the cheapest at mean prices that is under ``shed`` at the busiest time.

    It is made of networks that are there all the time; a workload that has none stays where it is.
    """

    name = "static-hindsight"

    def __init__(self, world: World) -> None:
        site = world.site
        cost = mean_cost(world)
        for stage in world.stages:
            cost = np.where(stage.site.uplink == NOWHERE, np.inf, cost)
        background = np.maximum(world.background_in, world.background_out).max(axis=1)
        total = world.demand.sum(axis=0)
        demand = world.demand.mean(axis=1) * (total.max() / max(total.mean(), 1e-9))
        moment = Moment(uplink=site.uplink, cost=cost, demand=demand, room=world.shed.min(axis=1) - background)
        self._place = largest_share(cheapest_shares(moment), world.at_start)

    def place(self, sight: Sight) -> Ints:
        """Always the same, for those whose network is there."""
        return np.where(sight.site.at(self._place) == NOWHERE, sight.here, self._place).astype(np.int64)


def largest_share(shares: Floats, here: Ints) -> Ints:
    """W: where most of each workload is; where it is now if it found no room or needs none."""
    best = shares.argmax(axis=1)
    return np.where(shares.max(axis=1) > 0, best, here).astype(np.int64)
