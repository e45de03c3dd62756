"""How full arrivals may make an uplink, and how full it may stay: what the thresholds say, less what is kept for drift.

Who is there leaves when the next decision could come too late. Who arrives is to stay for a while: it finds room for
what the load will do until then, or a link that is filled to its brim at every tick spills at the next one, and each
of those moves costs money. Where a node's uplinks together have less to spare than all that, every one keeps the same
part of it. Otherwise one would stay congested because what the others keep lets nobody in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from switcher.decide.board import NOWHERE, Board, Floats
from switcher.decide.reserve import NEXT, reserve
from switcher.model import Memory

MOST_KEPT = 0.15
"""Of a capacity: no more is kept free for drift."""
STAY = timedelta(minutes=5)
"""How long an arrival is to find room."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Thresholds:
    """By uplink, bits per second."""

    capacity: Floats
    fill: Floats
    shed: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Limits:
    """By uplink, bits per second."""

    arrive: Floats
    """What arrivals must fit under."""
    leave: Floats
    """Above this load some must leave."""


def limits(board: Board, memory: Memory, thresholds: Thresholds, load: Floats, spare: Floats) -> Limits:
    """The limits of uplinks that carry ``load``; ``spare``: how much more could arrive, nan: nothing may."""
    fill, shed = thresholds.fill, thresholds.shed
    drifts, most = [memory.drift.get(uplink) for uplink in board.uplinks], MOST_KEPT * thresholds.capacity
    soon, later = (np.minimum(reserve(drifts, board.seen.now, load, more), most) for more in (NEXT, STAY))
    free = fill - np.minimum(fill - soon, shed - later)
    part = _part(board, spare, np.maximum(load + spare - (fill - free), 0.0))
    return Limits(arrive=fill - part * free, leave=shed - part * soon)


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
