"""What a tick looks back at: what is left out makes no difference, and nothing that counts is left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from cni.wire import MoveReason, Outcome
from switcher.decide import Settings, decide_and_tell
from switcher.decide.memory import reach
from switcher.model import PastMove
from switcher.past import after, by_clock, in_flight, median_switch_seconds, origins, remembered
from switcher.ports import Switched
from switcher.workloads import Workloads
from tests.support.random_scenes import scene
from tests.support.scenes import NOW, book, policy, workload

SEEDS = range(40)
HOUR = timedelta(hours=1)


def switched(ago: timedelta, name: str = "w", outcome: Outcome | None = Outcome.MOVED, **more: object) -> Switched:
    fields = {"source": "a", "target": "b", "policy": "all", "reason": MoveReason.SAVINGS, **more}
    move = PastMove(workload=name, at=NOW - ago, **fields)
    return Switched(id=f"{ago}-{name}", node="n1", move=move, outcome=outcome, seconds=ago / HOUR if outcome else None)


def test_what_no_policy_looks_back_at_makes_no_difference() -> None:
    left_out = 0
    for seed in SEEDS:
        seen, memory, objects = scene(seed)
        moves = tuple(sorted(memory.moves, key=lambda move: move.at))
        past = [
            Switched(id=move.workload, node="n1", move=move, outcome=Outcome.MOVED, seconds=1.0)
            for move in reversed(moves)
        ]
        kept = remembered(past, [], seen.now - reach(objects))
        every, some = (
            decide_and_tell(seen, replace(memory, moves=each), objects, Settings(), lambda _: True)
            for each in (moves, kept)
        )
        assert every == some
        left_out += len(moves) - len(kept)
    assert left_out > 10


@pytest.mark.parametrize(
    ("spec", "span"),
    [
        pytest.param({}, HOUR, id="the default budgets"),
        pytest.param({"cooldown": "3h"}, 3 * HOUR, id="a cooldown"),
        pytest.param({"cooldown": "48h"}, 48 * HOUR, id="a cooldown longer than a day"),
        pytest.param({"budgets": [{"moves": "1", "per": "72h"}]}, 72 * HOUR, id="a budget of three days"),
        pytest.param({"flap": {"factor": "1", "halfLife": "1m"}}, 24 * HOUR, id="a flap penalty halves and never ends"),
        pytest.param({"flap": {"factor": "1", "halfLife": "12h"}}, 120 * HOUR, id="a long half-life"),
    ],
)
def test_moves_are_remembered_as_long_as_a_policy_looks_back(spec: dict[str, object], span: timedelta) -> None:
    objects = book(policy(**{"budgets": [], **spec}))
    past = [switched(span - HOUR / 60), switched(span + HOUR / 60)]
    assert [move.at for move in remembered(past, [], NOW - reach(objects))] == [past[0].move.at]


def test_a_move_in_flight_is_remembered_however_old_it_is() -> None:
    past = [switched(HOUR / 2), switched(5 * HOUR), switched(90 * HOUR, outcome=None)]
    kept = remembered(past, in_flight(past, {"n1"}, NOW), NOW - HOUR)
    assert [NOW - move.at for move in kept] == [90 * HOUR, HOUR / 2]
    assert all(one.at <= other.at for one, other in pairwise(kept))


def test_a_node_that_is_gone_takes_its_moves_with_it_in_a_day() -> None:
    past = [switched(HOUR, outcome=None), switched(25 * HOUR, outcome=None)]
    assert in_flight(past, {"n1"}, NOW) == past
    assert in_flight(past, {"n2"}, NOW) == past[:1]


def test_what_is_dated_ahead_of_the_clock_counts_as_made_as_long_ago() -> None:
    """A rule looks as far ahead as it looks back, and not on until the clock has caught up."""
    past = [switched(-2 * HOUR), switched(-HOUR / 4), switched(HOUR / 12), switched(HOUR)]
    found = by_clock(past, NOW)
    assert [(one.id, NOW - one.move.at) for one in found] == [
        (past[2].id, HOUR / 12),
        (past[1].id, HOUR / 4),
        (past[3].id, HOUR),
        (past[0].id, 2 * HOUR),
    ]
    assert [NOW - move.at for move in remembered(found, [], NOW - HOUR / 2)] == [HOUR / 4, HOUR / 12]
    assert by_clock(past[2:], NOW) == past[2:]
    assert list(by_clock([switched(timedelta(0))], NOW)) == [switched(timedelta(0))]


def test_after_keeps_what_was_decided_just_then() -> None:
    past = [switched(HOUR), switched(2 * HOUR), switched(3 * HOUR)]
    assert after(past, NOW - 2 * HOUR) == past[:2]
    assert after(past, NOW) == []


def test_the_median_counts_what_has_moved_in_a_day() -> None:
    past = [switched(2 * HOUR), switched(4 * HOUR), switched(5 * HOUR, outcome=None), switched(90 * HOUR)]
    assert median_switch_seconds(past, NOW) == 3.0
    assert median_switch_seconds(past[2:], NOW) is None


def test_had_nothing_moved_each_would_be_where_its_first_move_of_the_day_began() -> None:
    here = [workload("back", "b", 1.0, node="n1"), workload("made-again", "b", 1.0, node="n2")]
    past = [
        switched(HOUR, "back", source="c"),
        switched(2 * HOUR, "back", source="b", target="c"),
        switched(3 * HOUR, "back", source="a", target="b"),
        switched(4 * HOUR, "back", Outcome.UNDONE, source="z"),
        switched(4 * HOUR, "made-again"),
        switched(5 * HOUR, "gone"),
        switched(25 * HOUR, "back", source="y"),
    ]
    assert origins(past, Workloads.of(here), NOW) == {"back": "a"}
