"""What is remembered of a tick: the decision and its orders before they are given, each outcome when it is known."""

from __future__ import annotations

from collections.abc import Sequence

from cni.wire import Outcome, Phase, SwitchStatus
from switcher.model import Decision, Memory, Snapshot
from switcher.ports import History, RecordedMove
from switcher.snapshots import to_json


def record_decision(
    history: History, decision: Decision, seen: tuple[Snapshot, Memory], moves: Sequence[RecordedMove]
) -> None:
    """Store the decision with all its inputs. Raises TryLaterError: then nothing may be ordered."""
    snapshot, memory = seen
    history.record_decision(decision, to_json(snapshot, memory), moves)


def record_refusal(history: History, move: RecordedMove, message: str, *, at: float) -> None:
    """Store that the node refused the order, or never took it, and touched nothing."""
    order = move.order
    history.advance_move(
        SwitchStatus(
            id=order.id,
            workload=order.workload,
            attachment=order.attachment,
            source=order.source,
            target=order.target,
            reason=order.reason,
            phase=Phase.DONE,
            outcome=Outcome.REFUSED,
            message=message,
            started_at=at,
            finished_at=at,
        )
    )
