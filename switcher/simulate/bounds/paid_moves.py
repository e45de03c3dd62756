"""What nobody who keeps to ``shed`` can undercut when moves cost money: for prices per GB.

Each slot of each uplink and direction gets a price for its room (a Lagrange multiplier). With these on top of the price
lists nobody is in anyone's way, so that a dynamic programme finds each workload's best way through time; what all the
room is worth is then taken off again. Whatever these prices are, the sum is a bound. Good ones are found by steps along
the subgradient, load less room, scaled as in Adam (https://arxiv.org/abs/1412.6980); the bound is the best on the way.

Where a workload is in the first slot is left to it, so the bound holds wherever a policy starts. It is what workloads
that may be split would need: whole ones may need more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from switcher.decide.board import GB_PER_HOUR_PER_BPS, Bools, Floats, Ints
from switcher.simulate.prices import densities, latency_cost, over_time
from switcher.simulate.world import World

STEPS = 200
FIRST_STEP = 0.2
"""Of the mean difference between the dearest and the cheapest uplink."""
SLOWING = 40
"""After so many steps they are half as long."""
MEMORY = 0.9, 0.99
"""Of the mean of the subgradients, and of their squares."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Market:
    """Both directions in one array, in before out."""

    prices: tuple[Floats, Floats]
    """K x P x T each: money per GB."""
    room: Floats
    """2 x U x T: bits per second."""
    rates: Floats
    """2 x W x T."""
    move: Floats
    """W x 1: money."""


def paid_moves_bound(world: World, steps: int = STEPS) -> float:
    """The least money: bill, penalties and moves. Where nobody can keep to ``shed`` it means nothing."""
    market = _market(world)
    spread = _spread(world, market)
    scarce = np.zeros(market.room.shape)
    mean, square, best = np.zeros(scarce.shape), np.zeros(scarce.shape), -np.inf
    for step in range(1, steps + 1):
        money, load = _alone(world, market, scarce)
        best = max(best, money)
        slope = (load - market.room) / world.site.capacity[None, :, None]
        mean += (1 - MEMORY[0]) * (slope - mean)
        square += (1 - MEMORY[1]) * (slope * slope - square)
        ahead = mean / (1 - MEMORY[0] ** step) / (np.sqrt(square / (1 - MEMORY[1] ** step)) + 1e-9)
        scarce = np.maximum(scarce + FIRST_STEP * spread / (1 + step / SLOWING) * ahead, 0.0)
    return best


def _market(world: World) -> _Market:
    site = world.site
    background = np.stack([world.background_in, world.background_out])
    return _Market(
        prices=over_time(world),
        room=np.maximum(site.shed[None, :, None] - background, 0.0),
        rates=np.stack([world.into, world.out]),
        move=np.array([float(cost) for cost in site.move_cost])[:, None],
    )


def _spread(world: World, market: _Market) -> float:
    """Money for a bit per second over a slot: between the dearest and the cheapest network, the mean over time."""
    price = np.where(np.isfinite(market.prices[0] + market.prices[1]), market.prices[0] + market.prices[1], 0.0)
    return float(np.ptp(price, axis=1).mean()) * GB_PER_HOUR_PER_BPS * world.seconds / 3600


def _alone(world: World, market: _Market, scarce: Floats) -> tuple[float, Floats]:
    """(The bound, 2 x U x T: what everyone would put on the uplinks) at these prices of a bit per second of room."""
    workloads, slots = market.rates.shape[1:]
    everyone = np.arange(workloads)
    ahead = np.zeros(world.site.uplink.shape)
    leaves = np.empty((slots, *ahead.shape), dtype=np.bool_)
    best = np.empty((slots, workloads), dtype=np.int64)
    for slot in reversed(range(slots)):
        best[slot] = ahead.argmin(axis=1)
        moved = ahead[everyone, best[slot]][:, None] + market.move
        leaves[slot] = moved < ahead
        ahead = np.minimum(ahead, moved) + _cost(world, market, scarce[:, :, slot], slot)
    load = np.zeros(market.room.shape)
    for slot, place in enumerate(_ways(ahead.argmin(axis=1), leaves, best)):
        for side in range(2):
            load[side, :, slot] = world.site.loads(place, market.rates[side, :, slot])
    return float(ahead.min(axis=1).sum() - (scarce * market.room).sum()), load


def _cost(world: World, market: _Market, scarce: Floats, slot: int) -> Floats:
    """W x C: money of a slot, with what its room is worth (2 x U)."""
    site, (into, out) = world.site, market.rates[:, :, slot]
    prices = market.prices[0][..., slot], market.prices[1][..., slot]
    per_hour = densities(site, prices, into, out) + latency_cost(site, world.demand[:, slot])
    room = scarce[:, np.maximum(site.uplink, 0)]
    cost: Floats = per_hour * (world.seconds / 3600) + room[0] * into[:, None] + room[1] * out[:, None]
    return cost


def _ways(place: Ints, leaves: Bools, best: Ints) -> Iterator[Ints]:
    """W of each slot: where everyone is who begins there; what is best after a slot is known from its end."""
    everyone = np.arange(len(place))
    for slot in range(len(best)):
        yield place
        place = np.where(leaves[slot][everyone, place], best[slot], place)
