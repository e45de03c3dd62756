"""What a tick makes of the moves before it. Pure.

Moves are ordered newest first, as :meth:`switcher.ports.History.lately` gives them: those in flight from before the
time that is looked back at come last.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
from msgspec.structs import replace

from cni.wire import Outcome
from switcher.decide.memory import LOOK_BACK
from switcher.model import PastMove
from switcher.ports import Switched
from switcher.reported import Reported
from switcher.workloads import Workloads

QUARANTINE = timedelta(minutes=10)
"""Failures of so long ago keep nothing away from a network."""
RETRY_REFUSED = timedelta(minutes=15)
"""A target that the node refused for an attachment is offered again after this time."""


def by_clock(moves: Sequence[Switched], now: datetime) -> Sequence[Switched]:
    """The moves as a clock that says ``now`` has them: one dated ahead counts as made as long ago as it is ahead.

    A clock that was set back leaves such. When they were made nobody knows: near by they count as lately made, and what
    lies further ahead than a rule looks back does not keep it busy until the clock has caught up.
    """
    ahead = bisect_left(moves, True, key=lambda one: one.move.at <= now)
    if not ahead:
        return moves
    turned = [replace(one, move=replace(one.move, at=now - (one.move.at - now))) for one in moves[:ahead]]
    return sorted([*turned, *moves[ahead:]], key=lambda one: one.move.at, reverse=True)


def after(moves: Sequence[Switched], moment: datetime) -> Sequence[Switched]:
    """Those that were decided at that moment or later."""
    return moves[: bisect_left(moves, True, key=lambda one: one.move.at < moment)]


def in_flight(moves: Sequence[Switched], alive: Collection[str], now: datetime) -> Sequence[Switched]:
    """Those that have not ended. ``alive``: nodes that are heard of; any other has taken its moves with it in a day."""
    lately = now - LOOK_BACK
    return [one for one in moves if one.outcome is None and (one.node in alive or one.move.at >= lately)]


def remembered(moves: Sequence[Switched], flying: Sequence[Switched], since: datetime) -> tuple[PastMove, ...]:
    """What policies look back at, oldest first: the others are no input of a decision, and not recorded with it.

    ``since``: how far they do (see :func:`switcher.decide.memory.reach`).
    """
    lately, older = after(moves, since), flying[len(after(flying, since)) :]
    return tuple(one.move for one in reversed([*lately, *older]))


def failures(moves: Sequence[Switched], now: datetime) -> Mapping[tuple[str, str], int]:
    """How many switches failed lately, by node and target."""
    failed = (Outcome.UNDONE, Outcome.FAILED, Outcome.RETURNED)
    return Counter((one.node, one.move.target) for one in after(moves, now - QUARANTINE) if one.outcome in failed)


def refused(moves: Sequence[Switched], known: Reported, now: datetime) -> Mapping[int, frozenset[str]]:
    """By row: the targets that its node refused lately."""
    targets: dict[int, frozenset[str]] = {}
    for one in after(moves, now - RETRY_REFUSED):
        if one.outcome is Outcome.REFUSED:
            for row in rows_of(known, one):
                targets[row] = targets.get(row, frozenset()) | {one.move.target}
    return targets


def rows_of(known: Reported, one: Switched) -> Sequence[int]:
    """The row of what moves; none once another node has it: what a node that is gone was told is no order to others."""
    return [row for row in known.rows_of(one.move.workload) if known.node[row] == one.node]


def origins(moves: Sequence[Switched], workloads: Workloads, now: datetime) -> Mapping[str, str]:
    """By workload id: where it would be, had the moves of the last day not been made."""
    nodes, row_of = list(workloads.node), workloads.row_of
    return {  # of several moves of one workload the oldest is the last here, and counts
        one.move.workload: one.move.source
        for one in after(moves, now - LOOK_BACK)
        if one.outcome in (Outcome.MOVED, None)
        and (row := row_of.get(one.move.workload)) is not None
        and nodes[row] == one.node
    }


def median_switch_seconds(moves: Sequence[Switched], now: datetime) -> float | None:
    """How long a switch of the last day took from its start to its end; None: none has moved."""
    taken = [one.seconds for one in after(moves, now - LOOK_BACK) if one.seconds is not None]
    return float(np.median(taken)) if taken else None
