"""Orders are given once, refusals are kept with their word, and a crash between record and order loses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from cni.wire import MoveReason, Outcome, Phase, SwitchOrder, SwitchStatus, status_of
from switcher.act import act, resume
from switcher.errors import RefusedError, TryLaterError
from switcher.ports import RecordedMove
from tests.support.memory_history import MemoryHistory

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
MOVE = RecordedMove(
    node="n1",
    order=SwitchOrder(
        id="1",
        workload="lab/w1",
        attachment="net1",
        source="cni:a",
        target="cni:b",
        reason=MoveReason.SAVINGS,
        deadline_seconds=120,
    ),
    policy="all",
    decided_at=NOW,
    saving_per_hour="1.5",
    explanation="cheaper",
)


def status(phase: Phase, outcome: Outcome | None = None) -> SwitchStatus:
    return msgspec.structs.replace(status_of(MOVE.order, phase, NOW.timestamp()), outcome=outcome)


@dataclass
class Node:
    """A node that behaves: it starts an order once, refuses what it is told to, and may be away."""

    away: bool = False
    refuses: str | None = None
    journal: dict[str, SwitchStatus] = field(default_factory=dict)
    starts: int = 0

    def order(self, _node: str, order: SwitchOrder) -> None:
        if self.away:
            raise TryLaterError("away")
        if self.refuses is not None:
            raise RefusedError("nginx listens on 10.1.0.2:80", self.refuses)
        if order.id not in self.journal:
            self.starts += 1
            self.journal[order.id] = status(Phase.ATTACH)

    def switches(self, _node: str) -> Sequence[SwitchStatus]:
        if self.away:
            raise TryLaterError("away")
        return list(self.journal.values())


def recorded(move: RecordedMove = MOVE) -> MemoryHistory:
    history = MemoryHistory()
    history.record_move(move)
    return history


def test_an_order_that_is_given_again_starts_once() -> None:
    history, node = recorded(), Node()
    act(node, history, [MOVE], NOW)
    act(node, history, [MOVE], NOW)
    assert node.starts == 1


def test_a_refusal_ends_the_move_with_its_reason_word() -> None:
    history, node = recorded(), Node(refuses="BoundSocket")
    act(node, history, [MOVE], NOW)
    (move,) = history.moves()
    assert move.status is not None
    assert (move.status.outcome, move.open) == (Outcome.REFUSED, False)
    assert move.status.message == "BoundSocket: nginx listens on 10.1.0.2:80"


def test_a_node_that_is_away_gets_the_order_at_the_next_tick() -> None:
    history, node = recorded(), Node(away=True)
    act(node, history, [MOVE], NOW)
    assert [move.open for move in history.moves()] == [True]
    node.away = False
    resume(node, history, NOW + timedelta(seconds=30))
    assert node.starts == 1


def test_a_crash_between_record_and_order_is_made_good_by_the_successor() -> None:
    history, node = recorded(), Node()
    resume(node, history, NOW + timedelta(seconds=5))
    assert node.starts == 1


def test_an_order_that_its_node_never_took_is_given_up_after_its_deadline() -> None:
    history, node = recorded(), Node()
    resume(node, history, NOW + timedelta(seconds=121))
    (move,) = history.moves()
    assert (node.starts, move.open) == (0, False)
    assert move.status is not None
    assert "did not take the order in time" in move.status.message


def test_an_order_that_is_dated_further_ahead_than_its_deadline_is_given_up() -> None:
    """The clock was set back: how old it is nobody knows."""
    for ago, started in ((119, 1), (121, 0)):
        history, node = recorded(), Node()
        resume(node, history, NOW - timedelta(seconds=ago))
        assert (node.starts, history.moves()[0].open) == (started, bool(started))


def test_an_order_that_its_node_holds_is_never_given_up() -> None:
    history, node = recorded(), Node(journal={"1": status(Phase.DRAIN)})
    resume(node, history, NOW + timedelta(hours=1))
    (move,) = history.moves()
    assert move.open
    assert move.status is not None
    assert move.status.phase is Phase.DRAIN


def test_the_outcome_is_learned_from_the_node() -> None:
    ended = finished(status(Phase.DONE, Outcome.MOVED))
    history, node = recorded(), Node(journal={"1": ended})
    resume(node, history, NOW + timedelta(seconds=90))
    (move,) = history.moves()
    assert move.status == ended
    assert not move.open


def test_a_node_that_is_away_for_long_leaves_a_started_move_open() -> None:
    history = recorded()
    history.advance_move(status(Phase.DRAIN))
    resume(Node(away=True), history, NOW + timedelta(hours=1))
    assert [move.open for move in history.moves()] == [True]


def test_a_started_move_that_a_node_has_lost_with_its_store_is_given_up() -> None:
    """Its journal is then empty, and knows nothing of any other switch either."""
    history, node = recorded(), Node()
    act(node, history, history.open_moves(), NOW)
    resume(node, history, NOW + timedelta(seconds=30))
    node.journal.clear()
    resume(node, history, NOW + timedelta(seconds=150))
    assert [move.status.outcome for move in history.moves() if move.status] == [Outcome.REFUSED]


def test_a_move_decided_later_waits_for_its_own_deadline() -> None:
    later = msgspec.structs.replace(MOVE, decided_at=NOW + timedelta(minutes=5))
    history, node = recorded(later), Node()
    resume(node, history, NOW + timedelta(minutes=6))
    assert node.starts == 1


def finished(old: SwitchStatus) -> SwitchStatus:
    """A finished switch has its times."""
    return msgspec.structs.replace(old, shifted_at=old.started_at + 1, finished_at=old.started_at + 9)
