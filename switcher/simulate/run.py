"""Lets a policy decide slot by slot, and keeps what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from switcher.decide.board import NOWHERE, Floats, Ints
from switcher.simulate.policy import Policy
from switcher.simulate.sight import look
from switcher.simulate.world import World


@dataclass(frozen=True, kw_only=True, eq=False)
class Trail:
    """What a policy did in a world."""

    policy: str
    places: Ints
    """T x W: columns."""
    seconds: Floats
    """T: how long each decision took."""

    def between(self, first: int, last: int) -> Trail:
        """What it did in the slots from ``first`` to before ``last``."""
        return Trail(policy=self.policy, places=self.places[first:last], seconds=self.seconds[first:last])


def run(
    world: World, policy: Policy, stopwatch: Callable[[], float], told: Callable[[int], None] = lambda _: None
) -> Trail:
    """The policy's trail. ``stopwatch``: seconds of any clock; ``told`` is called with the number of slots done.

    A move takes effect with the slot in which it is decided. Raises ValueError when the policy sends a workload to a
    network that its node does not have.
    """
    places = np.empty((world.slots, len(world.site.workloads)), dtype=np.int64)
    seconds = np.empty(world.slots)
    placed: list[Ints] = []
    for number in range(world.slots):
        sight = look(world, number, placed)
        started = stopwatch()
        places[number] = policy.place(sight)
        seconds[number] = stopwatch() - started
        if (sight.site.at(places[number]) == NOWHERE).any():
            raise ValueError(f"{policy.name} sends a workload to a network that its node does not have")
        placed.append(places[number])
        told(number + 1)
    return Trail(policy=policy.name, places=places, seconds=seconds)
