"""The cheapest assignment of every slot with free moves, splittable, under ``shed``: for prices per GB.

No policy that keeps to ``shed`` is cheaper: it may not split, and pays for its moves. Prices per attachment are in it;
prices by percentile, and tiers, are not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from switcher.decide.board import Floats
from switcher.simulate.flows import Moment, least_money
from switcher.simulate.prices import charges_attachments, densities, latency_cost, over_time, per_attachment
from switcher.simulate.world import World

SMALL = 1e-3
"""Of the largest demand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeMoves:
    """The bound, and whether it could be kept at all."""

    money: float
    no_room_percent: float
    """Of the traffic: what finds no room even so. It counts at its cheapest price."""


def free_moves_bound(world: World, told: Callable[[int], None] = lambda _: None) -> FreeMoves:
    """The bound over the whole world, penalties for latency included. ``told`` hears the number of slots done."""
    into, out = over_time(world)
    background = np.maximum(world.background_in, world.background_out)
    money = lost = 0.0
    for slot in range(world.slots):
        site, demand = world.in_force(slot), world.demand[:, slot]
        cost = densities(site, (into[..., slot], out[..., slot]), world.into[:, slot], world.out[:, slot])
        cost += latency_cost(site, demand)
        idle, demand = _attach(world, slot, cost, demand)
        moment = Moment(uplink=site.uplink, cost=cost, demand=demand, room=site.shed - background[:, slot])
        per_hour, without = least_money(moment)
        money += (per_hour + idle) * world.seconds / 3600
        lost += without
        told(slot + 1)
    return FreeMoves(money=money, no_room_percent=100 * lost / max(float(world.demand.sum()), 1e-9))


def _attach(world: World, slot: int, cost: Floats, demand: Floats) -> tuple[float, Floats]:
    """Adds the prices of attachments to ``cost``. (Money per hour of those that fit anywhere, the others' demand.)

    Who needs next to nothing is taken to fit wherever it is cheapest: a price per attachment over so small a demand
    would leave no digits for the others'.
    """
    site = world.site
    if not charges_attachments(site.book):
        return 0.0, demand
    price = per_attachment(site, world.time(slot), world.slot)
    there = np.ones(len(demand), dtype=np.bool_) if world.present is None else world.present[:, slot]
    cost += np.where(there[:, None], price[site.physical[np.maximum(site.uplink, 0)]], 0.0)
    small = there & (demand <= SMALL * float(demand.max(initial=0.0)))
    return float(cost[small].min(axis=1).sum()), np.where(small, 0.0, demand)
