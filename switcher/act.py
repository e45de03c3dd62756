"""Gives the orders to the nodes, and asks what became of those given before."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from switcher.errors import RefusedError, TryLaterError
from switcher.ports import History, NodeHands, RecordedMove
from switcher.record import record_refusal

log = logging.getLogger(__name__)


def act(hands: NodeHands, history: History, moves: Sequence[RecordedMove], now: datetime) -> None:
    """Order each move from its node. A node that is away is asked again at the next tick (see :func:`resume`)."""
    for move in moves:
        try:
            hands.order(move.node, move.order)
        except RefusedError as error:
            reason = f"{error.reason}: {error}" if error.reason else str(error)
            log.warning("move refused by the node", extra=_fields(move, reason))
            record_refusal(history, move, reason, at=now.timestamp())
        except TryLaterError as error:
            log.warning("node away; the move is ordered again at the next tick", extra=_fields(move, str(error)))


def resume(hands: NodeHands, history: History, now: datetime) -> None:
    """Learn what became of moves in flight; order again what never reached its node.

    An order whose deadline passed before the node ever knew of it is given up: what was decided then is no longer
    what should be done now. One that is dated as far ahead (the clock was set back since) goes the same way, and so
    does one that a node which answers has lost (its store was removed).
    """
    waiting: dict[str, list[RecordedMove]] = {}
    for move in history.open_moves():
        waiting.setdefault(move.node, []).append(move)
    for node, moves in sorted(waiting.items()):
        try:
            known, away = {status.id: status for status in hands.switches(node)}, False
        except (TryLaterError, RefusedError) as error:
            log.warning("node away; moves in flight unknown", extra={"node": node, "cause": str(error)})
            known, away = {}, True
        unknown = []
        for move in moves:
            if (status := known.get(move.order.id)) is not None:
                history.advance_move(status)
            elif move.status is None or not away:
                unknown.append(move)
        _order_again(hands, history, unknown, now)


def _order_again(hands: NodeHands, history: History, moves: Sequence[RecordedMove], now: datetime) -> None:
    fresh = []
    for move in moves:
        if abs(now - move.decided_at) > timedelta(seconds=move.order.deadline_seconds):
            log.warning("move given up", extra=_fields(move, "its node did not take it in time"))
            record_refusal(history, move, "the node did not take the order in time", at=now.timestamp())
        else:
            fresh.append(move)
    act(hands, history, fresh, now)


def _fields(move: RecordedMove, cause: str) -> dict[str, str]:
    return {"switch": move.order.id, "node": move.node, "target": move.order.target, "cause": cause}
