"""Moves as the history in memory holds them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from cni.wire import Outcome, Phase, SwitchStatus
from switcher.adapters.store.instants import moment_of
from switcher.adapters.store.phases import is_news, own_move, phase_times
from switcher.model import PastMove
from switcher.ports import RecordedMove, Switched


class MemoryMoves:
    """Every move by its id, with the time of each phase in microseconds. For any number of threads."""

    def __init__(self) -> None:
        self._moves: dict[str, RecordedMove] = {}
        self._phases: dict[str, dict[Phase, int]] = {}
        self._lock = threading.RLock()

    def record(self, move: RecordedMove) -> None:
        """Store a move as decided, and the status that it may have."""
        with self._lock:
            if move.order.id not in self._moves:
                self._moves[move.order.id] = replace(move, status=None)
                self._phases[move.order.id] = {}
            if move.status is not None:
                self.advance(move.status, move.decided_at)

    def learn(self, status: SwitchStatus, node: str, learned: datetime) -> None:
        """A status that a node reports, perhaps of a move that it made by itself."""
        with self._lock:
            if status.id not in self._moves:
                self.record(own_move(status, node, learned))
            self.advance(status, learned)

    def advance(self, status: SwitchStatus, learned: datetime) -> None:
        """Store a new status of a move that is known."""
        with self._lock:
            move = self._moves.get(status.id)
            if move is not None and is_news(move.status, status):
                self._moves[status.id] = replace(move, status=status)
                self._phases[status.id] = phase_times(self._phases[status.id], status, learned)

    def phases(self, move: str) -> Mapping[Phase, datetime]:
        """When each phase of a move began, oldest first."""
        times = self._phases.get(move, {})
        return {phase: moment_of(at) for phase, at in sorted(times.items(), key=lambda item: item[1])}

    def decided(self) -> list[RecordedMove]:
        """All, by the time of their decision."""
        with self._lock:
            return sorted(self._moves.values(), key=lambda move: move.decided_at)


def switched(move: RecordedMove) -> Switched:
    """What a tick looks back at."""
    order, status = move.order, move.status
    moved = status is not None and status.outcome is Outcome.MOVED
    return Switched(
        id=order.id,
        node=move.node,
        move=PastMove(
            workload=f"{order.workload}:{order.attachment}",
            policy=move.policy,
            source=order.source,
            target=order.target,
            reason=order.reason,
            at=move.decided_at,
        ),
        outcome=None if status is None else status.outcome,
        seconds=status.finished_at - status.started_at if moved and status and status.finished_at else None,
    )
