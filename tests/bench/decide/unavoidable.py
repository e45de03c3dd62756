"""How much overload is nobody's fault, where only congestion counts: worlds in which everyone may be everywhere.

Both figures are percent of our bytes, for traffic that may be split and moves without limit; all workloads receive the
same share of what they send, as :func:`tests.bench.decide.worlds.assemble` makes them.
"""

from __future__ import annotations

import numpy as np

from switcher.decide.board import Floats
from switcher.simulate import World


def clairvoyant(world: World) -> float:
    """At least so much for anyone, the future known: where not all fits, one uplink takes all that is left over."""
    over = 0.0
    for slot in range(world.slots):
        room, due = _room(world, slot), float(world.demand[:, slot].sum())
        if due > room.sum():
            over += float((due - (room.sum() - room)).min())
    return _percent(world, over)


def informed(world: World) -> float:
    """By samples as old as the world's, every uplink equally full: what no sample shows yet finds everyone there.

    Not a bound, but what is left when nothing else than the age of the samples is in the way.
    """
    over, lag = 0.0, 1 + world.staleness // world.slot
    for slot in range(world.slots):
        seen, due = max(slot - lag, 0), float(world.demand[:, slot].sum())
        load = due * _shares(world, seen)
        over += float(load[load > _room(world, slot) * (1 + 1e-9)].sum())
    return _percent(world, over)


def _room(world: World, slot: int) -> Floats:
    """U: bits per second under ``shed``."""
    room: Floats = np.maximum(world.site.shed - world.background_out[:, slot], 0.0)
    return room


def _shares(world: World, slot: int) -> Floats:
    """U: of our traffic. Where it does not fit under ``fill``, one uplink takes what is left over, and is lost."""
    room, due = np.maximum(world.site.fill - world.background_out[:, slot], 0.0), float(world.demand[:, slot].sum())
    if due <= room.sum():
        return _even(world, slot)
    lost = int((due - (room.sum() - room)).argmin())
    share = room / due
    share[lost] += 1.0 - float(share.sum())
    return share


def _even(world: World, slot: int) -> Floats:
    """U: shares of our traffic with which all uplinks that we use are equally full."""
    due, capacity = float(world.demand[:, slot].sum()), world.site.capacity
    foreign = world.background_out[:, slot]
    used = np.ones(len(capacity), dtype=np.bool_)
    while True:
        level = (due + foreign[used].sum()) / capacity[used].sum()
        fuller = used & (foreign > level * capacity)
        if not fuller.any():
            return np.where(used, level * capacity - foreign, 0.0) / due
        used &= ~fuller


def _percent(world: World, over: float) -> float:
    return 100 * over / max(float(world.demand.sum()), 1e-9)
