"""What is remembered of a tick: the decision and its orders before they are given, each outcome when it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from cni.wire import Outcome, Phase, status_of
from switcher.model import Decision, Drift, Memory, Snapshot, Uplink
from switcher.ports import History, RecordedMove
from switcher.snapshots import from_json, to_json
from switcher.terms import Terms


def record_decision(
    history: History, decision: Decision, seen: tuple[Snapshot, Memory], on: Terms, moves: Sequence[RecordedMove]
) -> None:
    """Store the decision with all that it was taken on. Raises TryLaterError: then nothing may be ordered."""
    snapshot, memory = seen
    history.record_decision(decision, to_json(snapshot, memory), moves, on)


def last_drift(history: History) -> Mapping[Uplink, Drift]:
    """What the last tick had learned of how loads change, so that a controller that starts goes on with it.

    Nothing where no tick is recorded, or only one of a version that learned nothing or that this one cannot read.
    """
    last = history.decision()
    if last is None:
        return {}
    try:
        return from_json(last.inputs)[1].drift
    except msgspec.MsgspecError:
        return {}


def record_refusal(history: History, move: RecordedMove, message: str, *, at: float) -> None:
    """Store that the node refused the order, or never took it, and touched nothing."""
    refused = msgspec.structs.replace(
        status_of(move.order, Phase.DONE, at), outcome=Outcome.REFUSED, message=message, finished_at=at
    )
    history.advance_move(refused)
