"""Uplinks that are too full: who leaves, how many, and who cannot."""

from __future__ import annotations

from typing import Any

import pytest

from switcher.decide import decide
from switcher.model import Memory, MoveReason, Placement, Snapshot, StayReason, Uplink
from tests.support.scenes import (
    MBPS,
    NOTHING,
    NOW,
    book,
    minutes,
    network,
    per_attachment,
    policy,
    reasons,
    snapshot,
    targets,
    threshold,
    workload,
)

PRICES = (per_attachment("pcheap", "3.47"), per_attachment("pdear", "11.80"))


def _crowded(used: float, count: int = 6, demand: float = 10.0, **there: Any) -> Snapshot:
    """``count`` workloads on a cheap uplink of 100 Mbps that carries ``used`` Mbps in all."""
    return snapshot(
        [network("cheap", used_bps=used * MBPS), network("dear", **there)],
        [workload(f"w{number}", "cheap", demand * MBPS) for number in range(count)],
    )


def test_only_the_excess_over_fill_leaves() -> None:
    decision = decide(_crowded(used=95), NOTHING, book(*PRICES, policy()))

    assert targets(decision) == {"w3": "dear", "w4": "dear", "w5": "dear"}  # 95 - 3 x 10 is under 70
    assert {move.reason for move in decision.moves} == {MoveReason.SAFETY}
    assert all(move.saving_per_hour < 0 for move in decision.moves)
    assert set(reasons(decision).values()) == {StayReason.BEST}


@pytest.mark.parametrize(("used", "leave"), [(70, 0), (85, 0), (85.1, 2), (120, 5), (400, 6)])
def test_shed_is_where_it_begins_and_fill_where_it_ends(used: float, leave: int) -> None:
    assert len(decide(_crowded(used), NOTHING, book(*PRICES, policy())).moves) == leave


def test_between_fill_and_shed_nothing_arrives() -> None:
    seen = snapshot(
        [network("cheap", used_bps=75 * MBPS), network("dear", used_bps=MBPS)], [workload("w", "dear", MBPS)]
    )

    assert reasons(decide(seen, NOTHING, book(*PRICES, policy()))) == {"w": StayReason.NO_CAPACITY}


def test_the_busier_direction_counts() -> None:
    busy_out = network("cheap", used_bps=50 * MBPS, in_bps=10 * MBPS, out_bps=95 * MBPS)
    workloads = [
        workload(f"w{number}", "cheap", 10 * MBPS, in_bps=10 * MBPS * (number < 3), out_bps=10 * MBPS * (number >= 3))
        for number in range(6)
    ]

    decision = decide(snapshot([busy_out, network("dear")], workloads), NOTHING, book(*PRICES, policy()))

    assert set(targets(decision)) == {"w3", "w4", "w5"}  # what comes in does not relieve what goes out


def test_above_shed_must_be_confirmed() -> None:
    careful = threshold(confirm={"atLeast": 2, "of": 3})
    objects = book(*PRICES, policy(), careful)
    uplink = Uplink("pcheap", None)

    def with_past(*above: bool) -> Memory:
        samples = tuple((NOW - minutes(5 - number), was) for number, was in enumerate(above))
        return Memory(over_shed={uplink: samples})

    assert not decide(_crowded(95), NOTHING, objects).moves
    assert not decide(_crowded(95), with_past(True, False, False), objects).moves
    assert decide(_crowded(95), with_past(False, True), objects).moves


def test_moves_that_the_samples_do_not_show_yet_count_as_landed() -> None:
    """Four of 20 Mbps came since the sample of 10: the projection of 90 is above shed without any confirmation."""
    seen = _crowded(used=10, count=4, demand=20.0)
    came = {f"w{number}": (Placement(network="dear", since=NOW - minutes(99)),) for number in range(4)}

    decision = decide(
        seen, Memory(placements=came), book(*PRICES, policy(), threshold(confirm={"atLeast": 9, "of": 9}))
    )

    assert set(targets(decision)) == {"w3"}


def test_those_who_left_since_the_samples_are_not_told_to_leave_again() -> None:
    left = snapshot(
        [network("cheap", used_bps=95 * MBPS), network("dear")],
        [workload(f"w{number}", "dear" if number < 3 else "cheap", 10 * MBPS) for number in range(6)],
    )
    since = NOW - minutes(1)
    were = {
        f"w{number}": (Placement(network="cheap", since=NOW - minutes(99)), Placement(network="dear", since=since))
        for number in range(3)
    }
    old = network("cheap", used_bps=95 * MBPS, sampled_at=since)

    decision = decide(
        snapshot([old, left.networks[1]], left.workloads), Memory(placements=were), book(*PRICES, policy())
    )

    assert not [move for move in decision.moves if move.reason is MoveReason.SAFETY]


@pytest.mark.parametrize(
    ("spec", "fields", "reason"),
    [
        pytest.param({}, {"do_not_move": True}, StayReason.DO_NOT_MOVE, id="do-not-move"),
        pytest.param({"mode": "off"}, {}, StayReason.POLICY_OFF, id="off"),
        pytest.param({"mode": "recommend"}, {}, StayReason.RECOMMEND_ONLY, id="recommend"),
        pytest.param(
            {"budgets": [{"moves": "0", "reasons": ["Safety"]}]}, {}, StayReason.FREEZE_WINDOW, id="frozen by name"
        ),
        pytest.param({"candidates": ["cheap"]}, {}, StayReason.NO_CANDIDATE, id="no candidate"),
    ],
)
def test_safety_obeys(spec: dict[str, Any], fields: dict[str, Any], reason: StayReason) -> None:
    seen = snapshot(
        [network("cheap", used_bps=95 * MBPS), network("dear")], [workload("w", "cheap", 30 * MBPS, **fields)]
    )

    assert reasons(decide(seen, NOTHING, book(*PRICES, policy(**spec)))) == {"w": reason}


def test_safety_ignores_age_cooldown_payback_and_budgets_that_do_not_name_it() -> None:
    seen = snapshot(
        [network("cheap", used_bps=95 * MBPS), network("dear")],
        [workload("w", "cheap", 30 * MBPS, since=NOW - minutes(1))],
    )
    strict = policy(
        moveCost="100", payback="1m", cooldown="9h", budgets=[{"moves": "0"}, {"moves": "1", "reasons": ["Safety"]}]
    )

    assert targets(decide(seen, NOTHING, book(*PRICES, strict))) == {"w": "dear"}


def test_safety_has_a_budget_of_its_own() -> None:
    decision = decide(_crowded(used=95, count=6), NOTHING, book(*PRICES, policy(budgets=[])))

    assert len(decision.moves) == 1  # ten per cent of six, rounded up
    assert sorted(reasons(decision).values())[:2] == [StayReason.BEST, StayReason.BEST]
    assert list(reasons(decision).values()).count(StayReason.BUDGET_SPENT) == 2


def test_with_nowhere_to_go_they_stay() -> None:
    decision = decide(_crowded(95, used_bps=80 * MBPS), NOTHING, book(*PRICES, policy()))

    assert not decision.moves
    assert list(reasons(decision).values()).count(StayReason.NO_CAPACITY) == 3


def test_those_of_cheapest_regret_leave() -> None:
    """Leaving costs 8.33 an hour each: one large one relieves more per money than three small ones."""
    seen = snapshot(
        [network("cheap", used_bps=90 * MBPS), network("dear")],
        [*(workload(f"small{n}", "cheap", 7 * MBPS) for n in range(5)), workload("large", "cheap", 25 * MBPS)],
    )

    assert set(targets(decide(seen, NOTHING, book(*PRICES, policy())))) == {"large"}


def test_who_would_save_by_leaving_leaves_first() -> None:
    seen = snapshot(
        [network("dear", used_bps=95 * MBPS), network("cheap", capacity_bps=30 * MBPS), network("middle")],
        [workload(f"w{number}", "dear", 10 * MBPS) for number in range(6)],
    )
    prices = (*PRICES, per_attachment("pmiddle", "20"))

    decision = decide(seen, NOTHING, book(*prices, policy()))

    by_target = sorted(targets(decision).values())
    assert by_target == ["cheap", "cheap", "middle"]
    assert {move.reason for move in decision.moves} == {MoveReason.SAFETY}


def test_an_unknown_price_is_no_refuge() -> None:
    seen = snapshot([network("cheap", used_bps=95 * MBPS), network("new")], [workload("w", "cheap", 30 * MBPS)])

    assert reasons(decide(seen, NOTHING, book(*PRICES, policy()))) == {"w": StayReason.UNKNOWN_PRICE}


def test_a_crowded_uplink_and_savings_elsewhere_share_the_room() -> None:
    """30 Mbps of room: those who must leave come before those who would like to save."""
    seen = snapshot(
        [
            network("full", used_bps=95 * MBPS),
            network("dear", used_bps=30 * MBPS),
            network("cheap", used_bps=40 * MBPS),
        ],
        [
            *(workload(f"must{n}", "full", 10 * MBPS) for n in range(5)),
            *(workload(f"wish{n}", "dear", 10 * MBPS, candidates=("cheap",)) for n in range(3)),
        ],
    )
    stay_away = policy(candidates=["cheap"])
    prices = (per_attachment("pfull", "5"), *PRICES)

    decision = decide(seen, NOTHING, book(*prices, stay_away))

    assert sorted(targets(decision)) == ["must0", "must1", "must2"]
    assert {reason for name, reason in reasons(decision).items() if name.startswith("wish")} == {StayReason.NO_CAPACITY}


def test_only_as_many_as_must_leave_for_safety_the_others_for_money() -> None:
    seen = snapshot(
        [network("dear", used_bps=95 * MBPS), network("cheap", capacity_bps=1e9)],
        [workload(f"w{number}", "dear", 10 * MBPS) for number in range(6)],
    )

    decision = decide(seen, NOTHING, book(*PRICES, policy()))

    given = [move.reason for move in decision.moves]
    assert given.count(MoveReason.SAFETY) == 3  # from 95 down to 65 of 100 Mbps
    assert given.count(MoveReason.SAVINGS) == 3


def test_between_fill_and_shed_no_one_is_in_more_of_a_hurry_than_others() -> None:
    """One place is left on the cheap network; it goes to the larger saving, not to the fuller uplink."""
    seen = snapshot(
        [
            network("dear", used_bps=20 * MBPS),
            network("middle", used_bps=80 * MBPS),
            network("cheap", capacity_bps=20 * MBPS),
        ],
        [
            workload("from-dear", "dear", 10 * MBPS, candidates=("cheap",)),
            workload("from-middle", "middle", 10 * MBPS, candidates=("cheap",)),
        ],
    )

    decision = decide(seen, NOTHING, book(*PRICES, per_attachment("pmiddle", "5"), policy()))

    assert targets(decision) == {"from-dear": "cheap"}
