"""The best that each workload could do alone, its moves paid for: a dynamic programme over time, for prices per GB.

Capacity is left out: where none binds this is the optimum itself, elsewhere a bound.
"""

from __future__ import annotations

import numpy as np

from switcher.decide.board import Floats
from switcher.simulate.prices import densities, latency_cost, over_time
from switcher.simulate.world import World


def dynamic_bound(world: World) -> float:
    """The least money of all workloads, bill, penalties and moves, over the whole world."""
    site, (into, out) = world.site, over_time(world)
    move = np.array([float(cost) for cost in site.move_cost])[:, None]
    ahead = np.zeros(site.uplink.shape)
    for slot in reversed(range(world.slots)):
        cost = densities(site, (into[..., slot], out[..., slot]), world.into[:, slot], world.out[:, slot])
        cost += latency_cost(site, world.demand[:, slot])
        ahead = _or_move(ahead, move) + cost * (world.seconds / 3600)
    start = _or_move(ahead, move)[np.arange(len(site.workloads)), world.at_start]
    return float(start.sum())


def _or_move(ahead: Floats, move: Floats) -> Floats:
    """W x C: what is ahead from each network, when the best other one may be moved to first."""
    best: Floats = np.minimum(ahead, ahead.min(axis=1, keepdims=True) + move)
    return best
