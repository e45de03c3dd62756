"""The cheapest assignment of every slot with free moves, splittable, under ``shed``: for prices per GB.

No policy that keeps to ``shed`` is cheaper: it may not split, and pays for its moves. Prices per attachment and by
percentile, and tiers, are not in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from switcher.simulate.flows import Moment, least_money
from switcher.simulate.prices import densities, latency_cost, over_time
from switcher.simulate.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeMoves:
    """The bound, and whether it could be kept at all."""

    money: float
    no_room_percent: float
    """Of the traffic: what finds no room even so. It counts at its cheapest price."""


def free_moves_bound(world: World) -> FreeMoves:
    """The bound over the whole world, penalties for latency included."""
    site, (into, out) = world.site, over_time(world)
    background = np.maximum(world.background_in, world.background_out)
    money = lost = 0.0
    for slot in range(world.slots):
        demand = world.demand[:, slot]
        cost = densities(site, (into[:, slot], out[:, slot]), world.into[:, slot], world.out[:, slot])
        cost += latency_cost(site, demand)
        moment = Moment(uplink=site.uplink, cost=cost, demand=demand, room=site.shed - background[:, slot])
        per_hour, without = least_money(moment)
        money += per_hour * world.seconds / 3600
        lost += without
    return FreeMoves(money=money, no_room_percent=100 * lost / max(float(world.demand.sum()), 1e-9))
