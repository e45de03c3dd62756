"""Quotas in decisions: what a block or overage costs, and networks that throttle or stop beyond theirs."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from switcher.decide import Before, decide, remember
from switcher.model import Memory, MoveReason, Snapshot, StayReason, Usage
from tests.support.scenes import (
    GB_PER_HOUR,
    MBPS,
    NOTHING,
    NOW,
    book,
    network,
    per_gb,
    policy,
    reasons,
    snapshot,
    targets,
    workload,
)
from tests.unit.pricing import quota, tariff

GB = 10**9
DAY_LEFT = 12
"""Hours of the billing period, a day, that are left at noon."""


def _satellite(beyond: dict[str, Any], included: str = "48") -> dict[str, Any]:
    return tariff(quota(included, "65", beyond), name="sky", physicalNetworks=["psky"], billingPeriod={"unit": "day"})


def _prices(beyond: dict[str, Any], **more: Any) -> Any:
    return book(_satellite(beyond), per_gb("pcable", "0.5", direction="sum"), policy(**more))


def _used(gigabytes: float) -> Memory:
    return Memory(usage={("psky", "sky"): Usage(in_bytes=Decimal(0), out_bytes=Decimal(gigabytes) * GB)})


def _seen(on_sky: int, on_cable: int, gigabytes_per_hour: float = 1.0) -> Snapshot:
    rate = gigabytes_per_hour * GB_PER_HOUR
    homes = {"sky": on_sky, "cable": on_cable}
    return snapshot(
        [
            network(name, used_bps=rate * count, in_bps=0.0, out_bps=rate * count, capacity_bps=1000 * MBPS)
            for name, count in homes.items()
        ],
        [
            workload(f"{name}{number}", name, rate, in_bps=0.0, out_bps=rate)
            for name, count in homes.items()
            for number in range(count)
        ],
    )


STOP = {"stop": True}


def test_what_is_included_is_free_as_far_as_it_lasts() -> None:
    decision = decide(_seen(0, 6), _used(0), _prices(STOP))

    # 48 GB for 12 hours are 4 GB/h: four workloads of 1 GB/h, and no fifth
    assert targets(decision) == {f"cable{number}": "sky" for number in range(4)}
    assert set(reasons(decision).values()) == {StayReason.NO_CAPACITY}


def test_a_network_that_has_stopped_is_left_by_all() -> None:
    decision = decide(_seen(3, 0), _used(48), _prices(STOP))

    assert targets(decision) == {f"sky{number}": "cable" for number in range(3)}
    assert {move.reason for move in decision.moves} == {MoveReason.SAFETY}


def test_beyond_a_quota_that_throttles_as_many_stay_as_the_rate_carries() -> None:
    decision = decide(_seen(3, 0, 0.4), _used(50), _prices({"throttle": "1Mbps"}))

    assert len(decision.moves) == 2  # each has 0.9 Mbps


def test_who_would_run_out_within_the_hour_leaves_before() -> None:
    decision = decide(_seen(3, 0), _used(46), _prices(STOP))

    # 2 GB are left and 3 GB/h flow: 1/6 GB/h lasts to midnight, which is less than any of them
    assert len(decision.moves) == 3


def test_who_has_hours_left_may_stay() -> None:
    assert not decide(_seen(3, 0), _used(30), _prices(STOP)).moves


@pytest.mark.parametrize(
    ("used", "moves"),
    [
        pytest.param(0, 1, id="included"),
        pytest.param(50, 0, id="each more costs a dollar"),
    ],
)
def test_overage_is_priced_beyond_what_is_included(used: float, moves: int) -> None:
    assert len(decide(_seen(0, 1), _used(used), _prices({"overage": "1"})).moves) == moves


def test_a_block_that_is_started_anyway_costs_nothing_more() -> None:
    beyond = {"block": "100", "price": "25"}

    assert len(decide(_seen(1, 1), _used(49), _prices(beyond)).moves) == 1
    assert not decide(_seen(0, 1), _used(47.5), _prices(beyond)).moves  # 1 GB would begin one


def test_a_network_that_runs_out_while_snapshots_come_is_left() -> None:
    prices, memory, before, moved = _prices(STOP), NOTHING, None, False
    for hour in range(11):
        now = NOW + timedelta(hours=hour)
        seen = _seen(5, 0)
        networks = tuple(
            network(
                each.name,
                used_bps=each.used_bps,
                in_bps=0.0,
                out_bps=each.used_bps,
                capacity_bps=1e9,
                sampled_at=now,
            )
            for each in seen.networks
        )
        seen = Snapshot(now=now, networks=networks, workloads=seen.workloads)
        memory = remember(memory, before, seen, prices)
        decision = decide(seen, memory, prices)
        before = Before(seen, decision)
        moved = moved or bool(decision.moves)
        # 5 GB an hour: after nine hours 45 of 48 GB are used, and the next hour would use up the rest
        assert moved == (hour >= 9)
