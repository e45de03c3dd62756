"""Latency and loss above their thresholds, and savings too small for their disruption."""

from __future__ import annotations

from typing import Any

import pytest

from switcher.decide import decide
from switcher.model import Memory, MoveReason, Placement, StayReason, Uplink
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

PRICES = (per_attachment("pa", "1"), per_attachment("pb", "2"))


def _on_a(count: int = 2, **quality: Any) -> Any:
    return snapshot(
        [network("a", used_bps=count * MBPS, **quality), network("b")],
        [workload(f"w{number}", "a") for number in range(count)],
    )


@pytest.mark.parametrize(
    ("quality", "leave"),
    [
        pytest.param({"latency_ms": 81.0}, True, id="late"),
        pytest.param({"latency_ms": 80.0}, False, id="just in time"),
        pytest.param({"loss": 0.011}, True, id="lossy"),
        pytest.param({"loss": 0.01, "latency_ms": 79.0}, False, id="good"),
        pytest.param({}, False, id="not measured"),
    ],
)
def test_a_network_above_its_latency_or_loss_is_left(
    quality: dict[str, Any], leave: bool
) -> None:  # a case's expectation
    decision = decide(_on_a(**quality), NOTHING, book(*PRICES, policy(), threshold(latency="80ms", loss="0.01")))

    assert targets(decision) == ({"w0": "b", "w1": "b"} if leave else {})
    assert {move.reason for move in decision.moves} <= {MoveReason.SAFETY}
    assert all("latency or loss" in move.explanation for move in decision.moves)


def test_nothing_comes_to_a_network_that_is_late() -> None:
    seen = snapshot([network("a", latency_ms=90.0), network("b", used_bps=MBPS)], [workload("w", "b")])

    assert reasons(decide(seen, NOTHING, book(*PRICES, policy(), threshold(latency="80ms")))) == {
        "w": StayReason.NO_CAPACITY
    }


def test_latency_that_is_explained_by_the_load_lets_only_the_excess_leave() -> None:
    seen = snapshot(
        [network("a", used_bps=80 * MBPS, latency_ms=90.0), network("b")],
        [workload(f"w{number}", "a", 10 * MBPS) for number in range(8)],
    )

    decision = decide(seen, NOTHING, book(*PRICES, policy(), threshold(latency="80ms")))

    assert len(decision.moves) == 1  # down to 70 Mbps


def test_latency_is_confirmed_like_load() -> None:
    prices = book(*PRICES, policy(), threshold(latency="80ms", confirm={"atLeast": 2, "of": 2}))
    earlier = Memory(over_shed={Uplink("pa", None): ((NOW - minutes(1), True),)})

    assert not decide(_on_a(latency_ms=90.0), NOTHING, prices).moves
    assert len(decide(_on_a(latency_ms=90.0), earlier, prices).moves) == 2


def test_the_sample_that_made_some_leave_makes_no_others_leave() -> None:
    seen = snapshot(
        [network("a", used_bps=2 * MBPS, latency_ms=90.0, sampled_at=NOW - minutes(1)), network("b")],
        [workload("w0", "a"), workload("w1", "b")],
    )
    moved = Memory(
        placements={"w1": (Placement(network="a", since=NOW - minutes(60)), Placement(network="b", since=NOW))}
    )

    decision = decide(seen, moved, book(*PRICES, policy(cooldown="0s"), threshold(latency="80ms")))

    assert not decision.moves


@pytest.mark.parametrize(
    ("spec", "moves"),
    [
        pytest.param({}, ["w-large", "w-small"], id="no threshold"),
        pytest.param({"disruptionThreshold": "13"}, ["w-large", "w-small"], id="k = 13"),
        pytest.param({"disruptionThreshold": "1.2"}, ["w-large"], id="k = 1.2"),
        pytest.param({"disruptionThreshold": "1"}, [], id="k = 1"),
    ],
)
def test_a_saving_must_be_worth_its_disruption(spec: dict[str, str], moves: list[str]) -> None:
    # Of 24 USD/h in all, small saves 1 and large 11, each for half of the disruption: 1/12 and 11/12 of its share.
    prices = book(
        per_attachment("psmall", "7"), per_attachment("plarge", "17"), per_attachment("pc", "6"), policy(**spec)
    )
    seen = snapshot(
        [network("small"), network("large"), network("c")],
        [workload("w-small", "small", candidates=("c",)), workload("w-large", "large", candidates=("c",))],
    )

    decision = decide(seen, NOTHING, prices)

    assert sorted(targets(decision)) == moves
    assert set(reasons(decision).values()) <= {StayReason.SAVING_TOO_SMALL}


def test_costs_and_disruption_of_other_policies_do_not_count() -> None:
    """Small saves 1 of its policy's 7 USD/h, whose disruption is all its own; of everyone's it would be too little."""
    prices = book(
        per_attachment("psmall", "7"),
        per_attachment("plarge", "17"),
        per_attachment("pc", "6"),
        policy(disruptionThreshold="8"),
        {**policy(), "metadata": {"name": "other"}},
    )
    seen = snapshot(
        [network("small"), network("large"), network("c")],
        [
            workload("w-small", "small", candidates=("c",), policy="all"),
            workload("w-large", "large", candidates=("large",), policy="other"),
        ],
    )

    assert targets(decide(seen, NOTHING, prices)) == {"w-small": "c"}
