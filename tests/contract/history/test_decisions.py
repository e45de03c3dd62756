"""Decisions and moves: kept byte for byte, and open until an outcome is known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest
from msgspec.structs import replace

from cni.wire import Measured, MoveReason, Outcome, Phase, RefusalReason
from switcher.model import Decision, Move, Stay, StayReason
from switcher.ports import RecordedMove
from tests.contract.history.conftest import LEARNED, AnyHistory
from tests.support.batches import at, batch, move, status, wire_time

INPUTS = '{"snapshot": {"now": "…"}, "price":  3.470}\n'.encode() * 100


def decision(taken: float = 0.0) -> Decision:
    return Decision(
        now=at(taken),
        moves=(
            Move(
                workload="lab/w01:net1",
                source="cni:a",
                target="cni:b",
                reason=MoveReason.SAVINGS,
                saving_per_hour=Decimal("3.4300"),
                explanation="6.90 - 3.47 a hour",
            ),
        ),
        stays=(
            Stay(workload="lab/w02:net1", network="cni:a", reason=StayReason.DO_NOT_MOVE, explanation="annotated"),
            Stay(workload="lab/w03:net1", network="cni:a", reason=StayReason.BEST, explanation="3.47 ≤ 6.90"),
        ),
        surcharge={"cni:b": Decimal("0.00000012345678901234567890")},
    )


def test_a_decision_comes_back_whole(reopen: Callable[[], AnyHistory]) -> None:
    reopen().record_decision(decision(1.234567), INPUTS, [move("m1", 1.234567)])
    recorded = reopen().decision()
    assert recorded is not None
    assert recorded.inputs == INPUTS
    assert recorded.inputs_hash == hashlib.sha256(INPUTS).hexdigest()
    assert (recorded.at, recorded.decision) == (at(1.234567), decision(1.234567))
    assert reopen().open_moves() == [move("m1", 1.234567)]


def test_the_decision_in_force_at_a_moment(history: AnyHistory) -> None:
    assert history.decision() is None
    for taken in (10, 20, 30):
        history.record_decision(decision(taken), b"%d" % taken, [])
    found = [history.decision(at(moment)) for moment in (9, 10, 29.999999, 99)]
    assert [recorded and recorded.inputs for recorded in found] == [None, b"10", b"20", b"30"]
    last = history.decision()
    assert last is not None
    assert last.inputs == b"30"


def test_of_two_decisions_at_one_moment_the_later_stored_counts(history: AnyHistory) -> None:
    history.record_decision(decision(10), b"first", [])
    history.record_decision(decision(10), b"second", [])
    last = history.decision()
    assert last is not None
    assert last.inputs == b"second"


def test_after_a_clock_was_set_back_the_last_decision_is_the_one_recorded_last(history: AnyHistory) -> None:
    for taken in (10, 7200, 20):
        history.record_decision(decision(taken), b"%d" % taken, [])
    found = [history.decision(moment) for moment in (None, at(20), at(7199), at(7200))]
    assert [recorded and recorded.inputs for recorded in found] == [b"20", b"20", b"20", b"7200"]


def test_moves_are_open_until_their_outcome_over_restarts(reopen: Callable[[], AnyHistory]) -> None:
    reopen().record_decision(decision(), INPUTS, [move("m1", 1), move("m2", 1)])
    reopen().record_move(move("m0", 0.5))
    reopen().advance_move(status("m2", Phase.VERIFY))
    again = reopen()
    assert [(found.order.id, found.status and found.status.phase) for found in again.open_moves()] == [
        ("m0", None),
        ("m1", None),
        ("m2", Phase.VERIFY),
    ]
    again.advance_move(status("m1", Phase.DONE, Outcome.MOVED))
    assert [found.order.id for found in reopen().open_moves()] == ["m0", "m2"]


def test_a_status_is_kept_with_all_that_was_measured(history: AnyHistory) -> None:
    history.record_move(move("m1"))
    end = status(
        "m1",
        Phase.DONE,
        Outcome.REFUSED,
        refusal=RefusalReason.BOUND_SOCKET,
        message="nginx listens on 10.0.0.2:80",
        finished_at=wire_time(9.5),
        measured=Measured(largest_gap=0.016, drained=3, closed=1),
    )
    history.advance_move(end)
    assert history.moves() == [replace(move("m1"), status=end)]


@pytest.mark.parametrize(
    ("stored", "late"),
    [
        pytest.param(status("m1", Phase.DRAIN), status("m1", Phase.VERIFY), id="an earlier phase"),
        pytest.param(status("m1", Phase.UNDOING), status("m1", Phase.ATTACH), id="from before it was undone"),
        pytest.param(status("m1", Phase.RETURNING), status("m1", Phase.DRAIN), id="from before it returned"),
        pytest.param(status("m1", Phase.DONE, Outcome.MOVED), status("m1", Phase.DETACH), id="from before its outcome"),
        pytest.param(
            status("m1", Phase.DONE, Outcome.MOVED), status("m1", Phase.DONE, Outcome.FAILED), id="another outcome"
        ),
    ],
)
def test_a_late_status_is_ignored(history: AnyHistory, stored: object, late: object) -> None:
    history.record_move(move("m1"))
    history.advance_move(stored)
    history.advance_move(late)
    assert history.moves()[0].status == stored


def test_a_newer_status_of_the_same_phase_counts(history: AnyHistory) -> None:
    history.record_move(move("m1"))
    history.advance_move(status("m1", Phase.DRAIN))
    newer = status("m1", Phase.DRAIN, measured=Measured(drained=2))
    history.advance_move(newer)
    assert history.moves()[0].status == newer


def test_the_time_of_every_phase_is_kept(history: AnyHistory) -> None:
    history.record_move(move("m1"))
    assert history.phases("m1") == {}
    history.ingest(batch(1, sent=4.0, switches=(status("m1", Phase.VERIFY),)))
    history.ingest(batch(2, sent=6.0, switches=(status("m1", Phase.SHIFT),)))
    history.ingest(batch(3, sent=8.0, switches=(status("m1", Phase.SHIFT),)))
    history.advance_move(status("m1", Phase.DRAIN, shifted_at=wire_time(5.5)))
    times = {"shifted_at": wire_time(5.5), "finished_at": wire_time(200.25)}
    history.advance_move(status("m1", Phase.DONE, Outcome.MOVED, **times))
    assert list(history.phases("m1").items()) == [
        (Phase.PREFLIGHT, at(1)),
        (Phase.VERIFY, at(4)),
        (Phase.SHIFT, at(5.5)),
        (Phase.DRAIN, LEARNED),
        (Phase.DONE, at(200.25)),
    ]


def test_a_move_that_nobody_ordered_is_learned_from_its_node(history: AnyHistory) -> None:
    own = status("r1", Phase.ATTACH, reason=MoveReason.RETURN, started_at=wire_time(7.0))
    history.ingest(batch(1, sent=9.0, switches=(own,)))
    (found,) = history.open_moves()
    assert (found.node, found.status, found.decided_at) == ("n1", own, at(7))
    assert (found.order.reason, found.order.target) == (MoveReason.RETURN, "cni:b")


def test_a_status_of_an_unknown_move_by_itself_changes_nothing(history: AnyHistory) -> None:
    history.advance_move(status("m9", Phase.ATTACH))
    assert history.moves() == []


def test_a_move_is_recorded_once(history: AnyHistory) -> None:
    history.record_move(move("m1"))
    history.advance_move(status("m1", Phase.ATTACH))
    history.record_move(move("m1", 50.0))
    assert history.moves() == [replace(move("m1"), status=status("m1", Phase.ATTACH))]


def test_moves_are_newest_first_since_a_moment_and_at_most_so_many(history: AnyHistory) -> None:
    recorded: list[RecordedMove] = [move("m1", 1), move("m2", 2), move("m3", 2), move("m4", 3)]
    for one in recorded:
        history.record_move(one)

    def names(found: object) -> list[str]:
        return [one.order.id for one in found]

    assert names(history.moves()) == ["m4", "m3", "m2", "m1"]
    assert names(history.moves(since=at(2))) == ["m4", "m3", "m2"]
    assert names(history.moves(limit=2)) == ["m4", "m3"]
    assert names(history.moves(since=at(4))) == []


def test_lately_is_the_day_newest_first_and_what_flies_however_old(history: AnyHistory) -> None:
    """Asked again and again, as ticks do, while moves come, go on and end."""
    seen = partial(history.lately, at(100))
    history.record_move(move("flies for long", 1))
    history.record_move(move("over", 2))
    history.advance_move(status("over", Phase.DONE, Outcome.MOVED, finished_at=wire_time(5)))
    assert [(one.id, one.outcome) for one in seen()] == [("flies for long", None)]

    history.record_decision(decision(200), b"", [move("a", 200), move("b", 200)])
    history.record_move(move("c", 300))
    assert [one.id for one in seen()] == ["c", "b", "a", "flies for long"]

    history.advance_move(status("a", Phase.DRAIN))
    history.advance_move(status("b", Phase.DONE, Outcome.UNDONE, finished_at=wire_time(250)))
    history.advance_move(
        status("c", Phase.DONE, Outcome.MOVED, started_at=wire_time(300.25), finished_at=wire_time(304))
    )
    found = {one.id: (one.outcome, one.seconds) for one in seen()}
    assert found == {
        "c": (Outcome.MOVED, 3.75),
        "b": (Outcome.UNDONE, None),
        "a": (None, None),
        "flies for long": (None, None),
    }

    history.advance_move(status("a", Phase.DONE, Outcome.MOVED, finished_at=wire_time(310)))
    history.advance_move(status("flies for long", Phase.DONE, Outcome.FAILED, finished_at=wire_time(310)))
    assert [(one.id, one.outcome) for one in seen() if one.id not in "bc"] == [("a", Outcome.MOVED)]


def test_lately_finds_what_is_told_late_of_a_moment_that_was_read_before(history: AnyHistory) -> None:
    """Of a switch that a node made by itself, which it tells when it reaches a controller again."""
    history.record_move(move("ours", 200))
    history.record_move(move("later", 300))
    assert [one.id for one in history.lately(at(0))] == ["later", "ours"]
    own = status("n1-7", Phase.DONE, Outcome.MOVED, started_at=wire_time(200), finished_at=wire_time(204.5))
    history.ingest(batch(1, sent=400.0, switches=(own,)))
    found = history.lately(at(0))
    assert [one.id for one in found] == ["later", "n1-7", "ours"]
    assert [(one.node, one.move.policy, one.seconds) for one in found[1:2]] == [("n1", "", 4.5)]


def test_lately_looks_back_farther_when_asked_to(reopen: Callable[[], AnyHistory]) -> None:
    history = reopen()
    for number in range(5):
        history.record_move(move(f"m{number}", 100.0 * number))
    for since in (250, 50, 350, 0):
        found = history.lately(at(since))
        assert found == reopen().lately(at(since))
        assert [one.id for one in found] == ["m4", "m3", "m2", "m1", "m0"], "all of them are in flight"
    for number in range(5):
        history.advance_move(status(f"m{number}", Phase.DONE, Outcome.MOVED, finished_at=wire_time(500)))
    for since in (250, 50, 350, 0):
        found = history.lately(at(since))
        assert found == reopen().lately(at(since))
        assert [one.id for one in found] == [f"m{number}" for number in (4, 3, 2, 1, 0) if 100 * number >= since]
