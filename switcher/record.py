"""What is remembered of a tick: the decision and its orders before they are given, each outcome when it is known."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cni.wire import Outcome, Phase, status_of
from switcher.model import Decision, Memory, Snapshot
from switcher.ports import History, RecordedMove
from switcher.snapshots import to_json
from switcher.terms import Terms


def record_decision(
    history: History, decision: Decision, seen: tuple[Snapshot, Memory], on: Terms, moves: Sequence[RecordedMove]
) -> None:
    """Store the decision with all that it was taken on. Raises TryLaterError: then nothing may be ordered."""
    snapshot, memory = seen
    history.record_decision(decision, to_json(snapshot, memory), moves, on)


def record_refusal(history: History, move: RecordedMove, message: str, *, at: float) -> None:
    """Store that the node refused the order, or never took it, and touched nothing."""
    refused = msgspec.structs.replace(
        status_of(move.order, Phase.DONE, at), outcome=Outcome.REFUSED, message=message, finished_at=at
    )
    history.advance_move(refused)
