"""How full arrivals may make an uplink, and how full it may stay: what the thresholds say, less what is kept for drift.

Who is there leaves when the next decision could come too late. Who arrives is to stay until the move was worth its
money: it finds room for what the load will do until then, or a link that is filled to its brim at every tick spills at
the next one, and each of those moves costs money. Where a node's uplinks together have less to spare than all that,
every one keeps the same part of it. Otherwise one would stay congested because what the others keep lets nobody in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np

from switcher.decide.board import NOWHERE, Board, Floats
from switcher.decide.reserve import until_next, while_staying
from switcher.model import Drift

HOUR = timedelta(hours=1)
MOST_KEPT = 0.15
"""Of a capacity: no more is kept free for drift."""
LEAST_STAY = timedelta(minutes=5)
MOST_STAY = timedelta(hours=1)
"""How long an arrival is to find room, whatever its move costs. What a load does in more than an hour is not drift."""
OF_WORTH = 0.5
"""Of the time in which traffic costs as much as its move: room for all of it costs more than it saves."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Thresholds:
    """By uplink, bits per second."""

    capacity: Floats
    fill: Floats
    shed: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Limits:
    """Of uplinks that carry ``load``; all by uplink, in bits per second."""

    board: Board
    drifts: Sequence[Drift | None]
    thresholds: Thresholds
    load: Floats
    spare: Floats
    """How much more could arrive; nan: nothing may."""

    def leave(self) -> Floats:
        """Above this load some must leave."""
        return self.thresholds.shed - self._part(self._soon) * self._soon

    def arrive(self, stay: timedelta) -> Floats:
        """What arrivals must fit under that are to stay so long."""
        fill, shed = self.thresholds.fill, self.thresholds.shed
        staying = self._at_most(while_staying(self.drifts, self.board.seen.now, self.load, stay))
        free = fill - np.minimum(fill - self._soon, shed - staying)
        return fill - self._part(free) * free

    @cached_property
    def _soon(self) -> Floats:
        return self._at_most(until_next(self.drifts, self.board.seen.now, self.load))

    def _at_most(self, kept: Floats) -> Floats:
        return np.minimum(kept, MOST_KEPT * self.thresholds.capacity)

    def _part(self, free: Floats) -> Floats:
        """How much of what each is to keep free below ``fill`` it can."""
        wanted = np.maximum(self.load + self.spare - (self.thresholds.fill - free), 0.0)
        return _part(self.board, self.spare, wanted)


def worth_staying(move_cost: Floats, cost: Floats) -> timedelta:
    """How long an arrival is to find room: half the time in which workloads' traffic costs as much as their moves.

    ``move_cost``: W, money; ``cost``: W x C, money per hour on each network, nan or infinite where one may not be.
    """
    known = np.isfinite(cost)
    each = np.where(known, cost, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    moves, hourly = math.fsum(move_cost), math.fsum(each)
    hours = moves / hourly if hourly > 0 else math.inf if moves > 0 else 0.0
    return max(LEAST_STAY, min(OF_WORTH * hours, MOST_STAY / HOUR) * HOUR)


def _part(board: Board, spare: Floats, wanted: Floats) -> Floats:
    """U: how much of what each wants to keep free it can. One that several nodes share has it from the freest."""
    found = np.sort(board.uplink[board.places[1]], axis=1)
    once = (found != NOWHERE) & ~np.isnan(spare)[found]
    once[:, 1:] &= found[:, 1:] != found[:, :-1]
    there, needed = (np.where(once, each[found], 0.0).sum(axis=1) for each in (spare, wanted))
    share = np.divide(there, needed, out=np.ones(len(found)), where=(needed > 0) & (there < needed))
    part = np.full(len(wanted), -np.inf)
    np.maximum.at(part, found[once], np.broadcast_to(share[:, None], found.shape)[once])
    return np.where(np.isinf(part), 1.0, np.maximum(part, 0.0))
