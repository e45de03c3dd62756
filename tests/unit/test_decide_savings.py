"""Moves that save money: when they are made, when not, and what is said about it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from switcher.decide import Settings, decide
from switcher.model import Memory, MoveReason, PastMove, Snapshot, StayReason
from tests.support.scenes import (
    GB_PER_HOUR,
    MBPS,
    NOTHING,
    NOW,
    book,
    minutes,
    network,
    per_attachment,
    per_gb,
    policy,
    reasons,
    snapshot,
    targets,
    threshold,
    workload,
)

DEAR_AND_CHEAP = (per_attachment("pdear", "11.80"), per_attachment("pcheap", "3.47"))
TWO = (network("dear", used_bps=MBPS), network("cheap"))


def _one(**fields: Any) -> Snapshot:
    return snapshot(TWO, [workload("w", "dear", **fields)])


def test_a_workload_moves_to_the_cheaper_network_and_says_what_it_saves() -> None:
    decision = decide(_one(), NOTHING, book(*DEAR_AND_CHEAP, policy()))

    (move,) = decision.moves
    assert (move.source, move.target, move.reason) == ("dear", "cheap", MoveReason.SAVINGS)
    assert move.saving_per_hour == Decimal("8.33")
    for part in ("11.80", "3.47", "0.0100", "USD"):
        assert part in move.explanation


def test_saving_per_hour_is_demand_times_price_and_penalty_before_the_move_cost() -> None:
    seen = snapshot(TWO, [workload("w", "dear", 2 * GB_PER_HOUR, penalties={"cheap": Decimal("0.01")})])

    decision = decide(seen, NOTHING, book(per_gb("pdear", "0.09"), per_gb("pcheap", "0.05"), policy()))

    assert decision.moves[0].saving_per_hour == Decimal("0.06")  # 2 GB/h x (0.09 - 0.05 - 0.01)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        pytest.param({"policy": "none"}, StayReason.NO_POLICY, id="no such policy"),
        pytest.param({"do_not_move": True}, StayReason.DO_NOT_MOVE, id="marked do-not-move"),
        pytest.param({"moving": True}, StayReason.ALREADY_MOVING, id="a move in flight"),
        pytest.param({"candidates": ()}, StayReason.NO_CANDIDATE, id="no candidates"),
        pytest.param({"candidates": ("elsewhere",)}, StayReason.NO_CANDIDATE, id="candidates that are not there"),
        pytest.param({"since": NOW - minutes(4)}, StayReason.TOO_YOUNG, id="younger than the minimum age"),
        pytest.param({"move_cost": Decimal("8.40")}, StayReason.SAVING_TOO_SMALL, id="a move dearer than the saving"),
        pytest.param({"penalties": {"cheap": Decimal("30")}}, StayReason.BEST, id="a penalty that eats the saving"),
        pytest.param({"network": "gone"}, StayReason.STALE_SAMPLES, id="on a network that nobody sampled"),
    ],
)
def test_a_workload_stays(changed: dict[str, Any], reason: StayReason) -> None:
    decision = decide(_one(**changed), NOTHING, book(*DEAR_AND_CHEAP, policy()))

    assert reasons(decision) == {"w": reason}
    assert decision.stays[0].explanation


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        pytest.param({"mode": "off"}, StayReason.POLICY_OFF, id="off"),
        pytest.param({"mode": "recommend"}, StayReason.RECOMMEND_ONLY, id="recommend"),
        pytest.param({"payback": "5m", "moveCost": "1"}, StayReason.PAYBACK_TOO_LONG, id="payback"),
        pytest.param(
            {"budgets": [{"moves": "0", "schedule": "0 11 * * fri", "duration": "2h"}]},
            StayReason.FREEZE_WINDOW,
            id="inside a freeze window",
        ),
        pytest.param({"budgets": [{"moves": "0", "reasons": ["Savings"]}]}, StayReason.FREEZE_WINDOW, id="frozen"),
        pytest.param({"candidates": ["dear"]}, StayReason.NO_CANDIDATE, id="only where it is"),
    ],
)
def test_the_policy_keeps_it(spec: dict[str, Any], reason: StayReason) -> None:
    assert reasons(decide(_one(), NOTHING, book(*DEAR_AND_CHEAP, policy(**spec)))) == {"w": reason}


def test_a_recommendation_says_what_it_would_do() -> None:
    decision = decide(_one(), NOTHING, book(*DEAR_AND_CHEAP, policy(mode="recommend")))

    assert "cheap: 3.48" in decision.stays[0].explanation


def test_outside_its_freeze_window_a_policy_moves() -> None:
    frozen = policy(budgets=[{"moves": "0", "schedule": "0 8 * * fri", "duration": "2h"}])

    assert targets(decide(_one(), NOTHING, book(*DEAR_AND_CHEAP, frozen))) == {"w": "cheap"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"free_addresses": 0}, StayReason.NO_ADDRESS, id="no address left"),
        pytest.param({"quarantined": True}, StayReason.QUARANTINED, id="switches failed there"),
        pytest.param({"used_bps": 70 * MBPS}, StayReason.NO_CAPACITY, id="full"),
        pytest.param({"capacity_bps": 0.0}, StayReason.STALE_SAMPLES, id="capacity unknown"),
        pytest.param({"sampled_at": NOW - minutes(10.1)}, StayReason.STALE_SAMPLES, id="old samples there"),
        pytest.param({"physical_network": "other"}, StayReason.UNKNOWN_PRICE, id="a price nobody wrote down"),
    ],
)
def test_the_cheaper_network_cannot_take_it(fields: dict[str, Any], reason: StayReason) -> None:
    seen = snapshot([TWO[0], network("cheap", **fields)], [workload("w", "dear")])

    assert reasons(decide(seen, NOTHING, book(*DEAR_AND_CHEAP, policy()))) == {"w": reason}


def test_old_samples_of_its_own_uplink_hold_it() -> None:
    old = network("dear", used_bps=MBPS, sampled_at=NOW - minutes(10.1))

    decision = decide(snapshot([old, TWO[1]], [workload("w", "dear")]), NOTHING, book(*DEAR_AND_CHEAP, policy()))

    assert reasons(decision) == {"w": StayReason.STALE_SAMPLES}


def test_the_thresholds_stale_after_counts_before_the_settings() -> None:
    seen = snapshot([network("dear", sampled_at=NOW - minutes(3)), TWO[1]], [workload("w", "dear")])
    strict = threshold(staleAfter="2m")

    assert targets(decide(seen, NOTHING, book(*DEAR_AND_CHEAP, policy()))) == {"w": "cheap"}
    assert not decide(seen, NOTHING, book(*DEAR_AND_CHEAP, policy(), strict)).moves
    assert not decide(seen, NOTHING, book(*DEAR_AND_CHEAP, policy()), Settings(stale_after=minutes(2))).moves


def test_a_price_that_has_run_out_holds() -> None:
    ended = per_attachment("pdear", "11.80", validTo="2026-11-01T00:00:00Z")

    decision = decide(_one(), NOTHING, book(ended, DEAR_AND_CHEAP[1], policy()))

    assert reasons(decision) == {"w": StayReason.STALE_PRICE}


def _moved(ago: timedelta, **fields: Any) -> PastMove:
    values: dict[str, Any] = {
        "workload": "w",
        "policy": "all",
        "source": "cheap",
        "target": "dear",
        "reason": MoveReason.SAVINGS,
        "at": NOW - ago,
    }
    return PastMove(**{**values, **fields})


@pytest.mark.parametrize(
    ("ago", "stays"),
    [(minutes(14.9), {"w": StayReason.COOLDOWN}), (minutes(15), {})],
)
def test_who_moved_lately_rests(ago: timedelta, stays: dict[str, StayReason]) -> None:
    decision = decide(_one(), Memory(moves=(_moved(ago),)), book(*DEAR_AND_CHEAP, policy()))

    assert reasons(decision) == stays


def test_who_moved_twice_rests_from_the_later_move_on() -> None:
    twice = Memory(moves=(_moved(minutes(5)), _moved(minutes(60))))

    assert reasons(decide(_one(), twice, book(*DEAR_AND_CHEAP, policy()))) == {"w": StayReason.COOLDOWN}


def test_who_was_seen_first_a_moment_ago_is_too_young_whatever_is_known_of_others() -> None:
    """A node that does not say how old its containers are: they count from when they were first seen."""
    seen = snapshot(TWO, [workload("old", "dear", since=NOW - minutes(60)), workload("w", "dear")])
    memory = Memory(first_seen={"old": NOW - minutes(1), "w": NOW - minutes(1)})

    decision = decide(seen, memory, book(*DEAR_AND_CHEAP, policy()))

    assert (targets(decision), reasons(decision)) == ({"old": "cheap"}, {"w": StayReason.TOO_YOUNG})


@pytest.mark.parametrize(("factor", "moves"), [("1", True), ("2000", False)])
def test_past_moves_make_the_next_dearer(factor: str, moves: bool) -> None:
    """The cent of a move, once moved an hour ago: 0.01 x (1 + factor / 2) against 8.33 in the horizon."""
    flappy = policy(flap={"factor": factor, "halfLife": "1h"})

    decision = decide(_one(), Memory(moves=(_moved(minutes(60)),)), book(*DEAR_AND_CHEAP, flappy))

    assert bool(decision.moves) is moves


def test_budgets_count_finished_moves_and_those_in_flight() -> None:
    """Ten per cent of 21 attachments are 3, rounded up: one finished lately, one in flight, one may go."""
    seen = snapshot(
        [network("dear", used_bps=21 * MBPS), network("cheap")],
        [workload(f"w{number:02}", "dear", moving=number == 7) for number in range(21)],
    )
    memory = Memory(moves=(_moved(minutes(50), workload="w03"),))

    decision = decide(seen, memory, book(*DEAR_AND_CHEAP, policy(budgets=[])))

    assert targets(decision) == {"w00": "cheap"}
    assert sum(reason is StayReason.BUDGET_SPENT for reason in reasons(decision).values()) == 19


def test_a_budget_forgets_what_is_older_than_per() -> None:
    spent = Memory(moves=(_moved(minutes(60)),))

    assert decide(_one(), spent, book(*DEAR_AND_CHEAP, policy(budgets=[], cooldown="1m"))).moves


def test_the_best_saving_for_its_disruption_goes_first() -> None:
    seen = snapshot(
        [network("dear", used_bps=3 * GB_PER_HOUR), network("cheap")],
        [
            workload("big", "dear", 2 * GB_PER_HOUR, move_cost=Decimal("0.05")),
            workload("small", "dear", GB_PER_HOUR, move_cost=Decimal("0.01")),
        ],
    )
    one = policy(budgets=[{"moves": "1", "per": "1h", "reasons": ["Savings"]}])

    decision = decide(seen, NOTHING, book(per_gb("pdear", "0.09"), per_gb("pcheap", "0.01"), one))

    assert targets(decision) == {"small": "cheap"}
    assert reasons(decision) == {"big": StayReason.BUDGET_SPENT}


def test_what_does_not_fit_stays_with_the_surcharge_that_says_why() -> None:
    seen = snapshot(
        [network("dear", used_bps=100 * MBPS, capacity_bps=1e9), network("cheap")],
        [workload(f"w{number}", "dear", 10 * MBPS) for number in range(10)],
    )

    decision = decide(seen, NOTHING, book(*DEAR_AND_CHEAP, policy()))

    assert targets(decision) == {f"w{number}": "cheap" for number in range(7)}  # fill: 70 of 100 Mbps
    assert reasons(decision) == {f"w{number}": StayReason.NO_CAPACITY for number in (7, 8, 9)}
    # One attachment more would save 8.33 less the move over an hour of 4.5 GB.
    assert float(decision.surcharge["cheap"]) == pytest.approx((8.33 - 0.01) / 4.5)
    assert set(decision.surcharge) == {"cheap"}


def test_two_networks_of_one_price_do_not_tempt_anyone() -> None:
    seen = snapshot([network("a", used_bps=60 * MBPS), network("b")], [workload(f"w{i}", "a") for i in range(60)])
    prices = (per_gb("pa", "0.09"), per_gb("pb", "0.09"))

    decision = decide(seen, NOTHING, book(*prices, policy(moveCost="0")))

    assert set(reasons(decision).values()) == {StayReason.BEST}


def test_networks_that_share_an_uplink_share_its_capacity() -> None:
    shared = {"physical_network": "pcheap", "capacity_bps": 10 * MBPS}
    seen = snapshot(
        [TWO[0], network("cheap", **shared), network("cheap2", **shared)],
        [workload(f"w{number}", "dear", 2 * MBPS) for number in range(6)],
    )

    assert len(decide(seen, NOTHING, book(*DEAR_AND_CHEAP, policy())).moves) == 3


def test_uplinks_of_nodes_fill_up_apart() -> None:
    nodes = ("n1", "n2")
    networks = [network(name, node=node, capacity_bps=10 * MBPS) for name in ("cheap", "dear") for node in nodes]
    workloads = [workload(f"w{number}", "dear", 3 * MBPS, node=nodes[number > 0]) for number in range(4)]

    decision = decide(snapshot(networks, workloads), NOTHING, book(*DEAR_AND_CHEAP, policy()))

    assert set(targets(decision)) == {"w0", "w1", "w2"}


def test_addresses_are_given_to_those_who_save_most() -> None:
    demands = {"small": 1, "large": 3, "middle": 2}
    seen = snapshot(
        [network("dear", used_bps=6 * GB_PER_HOUR), network("cheap", free_addresses=2)],
        [workload(name, "dear", factor * GB_PER_HOUR) for name, factor in demands.items()],
    )

    decision = decide(seen, NOTHING, book(per_gb("pdear", "0.09"), per_gb("pcheap", "0.01"), policy()))

    assert set(targets(decision)) == {"large", "middle"}
    assert reasons(decision) == {"small": StayReason.NO_ADDRESS}


def test_candidates_may_be_written_bare() -> None:
    seen = snapshot(
        [network("cni:dear", physical_network="pdear"), network("cni:cheap", physical_network="pcheap")],
        [workload("w", "cni:dear")],
    )

    assert targets(decide(seen, NOTHING, book(*DEAR_AND_CHEAP, policy(candidates=["cheap"])))) == {"w": "cni:cheap"}


def test_latency_and_loss_cost_what_the_policy_says() -> None:
    """1 GB/h: 0.04 cheaper there, but 60 ms more at 0.001 per GB and ms."""
    seen = snapshot(
        [network("dear", latency_ms=20.0), network("cheap", latency_ms=80.0)], [workload("w", "dear", GB_PER_HOUR)]
    )
    prices = (per_gb("pdear", "0.09"), per_gb("pcheap", "0.05"))

    assert decide(seen, NOTHING, book(*prices, policy())).moves
    assert reasons(decide(seen, NOTHING, book(*prices, policy(penalties={"latency": "0.001"})))) == {
        "w": StayReason.BEST
    }


def test_a_quality_that_is_not_measured_is_no_advantage() -> None:
    seen = snapshot([network("dear", latency_ms=500.0), network("cheap")], [workload("w", "dear", GB_PER_HOUR)])
    same = (per_gb("pdear", "0.09"), per_gb("pcheap", "0.09"))

    decision = decide(seen, NOTHING, book(*same, policy(penalties={"latency": "0.001"}, moveCost="0")))

    assert reasons(decision) == {"w": StayReason.BEST}


def _wanting(count: int, free: str) -> tuple[Snapshot, dict[str, Any]]:
    """Workloads of 1 GB/h each, and a network that is free up to so many GB and dear after that."""
    wide = {"capacity_bps": 1e9}
    seen = snapshot(
        [network("dear", used_bps=count * GB_PER_HOUR, **wide), network("cheap", **wide)],
        [workload(f"w{number:02}", "dear", GB_PER_HOUR) for number in range(count)],
    )
    return seen, per_gb("pcheap", "1.00", (free, "0"))


def test_only_as_many_go_to_a_free_tier_as_it_has_room_for() -> None:
    """Each alone would go there for nothing; 20 GB/h together would pay 13 of them at 1.00 instead of 0.09."""
    seen, tiered = _wanting(20, free="7")

    decision = decide(seen, NOTHING, book(per_gb("pdear", "0.09"), tiered, policy()))

    assert sorted(targets(decision)) == [f"w{number:02}" for number in range(7)]
    assert set(reasons(decision).values()) == {StayReason.BEST}
    assert "next tier 1.00" in decision.stays[0].explanation


def test_a_tier_that_is_dearer_but_still_cheaper_than_here_is_used_too() -> None:
    seen, tiered = _wanting(20, free="7")

    assert len(decide(seen, NOTHING, book(per_gb("pdear", "1.10"), tiered, policy())).moves) == 20


def test_a_charge_on_both_directions_counts_a_load_of_unknown_direction_once() -> None:
    seen = snapshot(TWO, [workload("w", "dear", GB_PER_HOUR)])
    both_ways = per_gb("pcheap", "0.06", direction="sum")

    decision = decide(seen, NOTHING, book(per_gb("pdear", "0.09"), both_ways, policy()))

    assert decision.moves[0].saving_per_hour == Decimal("0.03")
