"""Where nobody knows the direction of a load it counts once in what is priced on the sum of both, also in a pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from switcher.decide import Before, decide, remember
from switcher.decide.board import lay_out
from switcher.decide.loaded import loaded
from switcher.decide.projection import project
from switcher.decide.settings import Settings
from switcher.model import Memory, NetworkState
from switcher.objects.model import Book
from switcher.objects.words import Direction
from tests.support.scenes import (
    GB_PER_HOUR,
    MBPS,
    NOTHING,
    book,
    minutes,
    network,
    per_gb,
    policy,
    snapshot,
    targets,
    workload,
)
from tests.unit.links import ledger_of
from tests.unit.pricing import percentile, quota, tariff

DAY = datetime(2026, 11, 20, tzinfo=UTC)
DAILY = {"billingPeriod": {"unit": "day"}}
POOL = tariff(percentile(direction="sum"), name="pool", physicalNetworks=["pa", "pb"], **DAILY)
LOOSE = network("a", used_bps=10 * MBPS)
KNOWN = network("b", used_bps=3 * MBPS, in_bps=3 * MBPS, out_bps=2 * MBPS)


def told(networks: Sequence[NetworkState], prices: Book) -> Memory:
    """What is remembered at noon when these networks carried the same all the time from midnight on."""
    memory, before = NOTHING, None
    for number in range(145):
        now = DAY + number * minutes(5)
        seen = snapshot([replace(each, sampled_at=now) for each in networks], [], now)
        memory = remember(memory, before, seen, prices)
        before = Before(seen, decide(seen, memory, prices))
    return memory


@pytest.mark.parametrize(
    ("networks", "mbps"),
    [
        pytest.param([LOOSE], 10, id="the other has no sample"),
        pytest.param([LOOSE, network("b", used_bps=5 * MBPS)], 15, id="of both nobody knows"),
        pytest.param([LOOSE, KNOWN], 15, id="of the other the directions are known"),
        pytest.param([KNOWN], 5, id="directions are known, and the other has no sample"),
    ],
)
def test_a_pools_samples_and_its_load_count_what_flows_once(networks: list[NetworkState], mbps: float) -> None:
    prices = book(POOL)

    memory = told(networks, prices)

    assert memory.ledgers["pool", "c0"].level == pytest.approx(mbps * MBPS)
    board = lay_out(snapshot(networks, []))
    ledger = ledger_of("pool", networks=("pa", "pb"), direction=Direction.SUM)
    (link,) = loaded(board, project(board, memory, prices, Settings()), ledger)
    assert link.load == pytest.approx(mbps * MBPS)


@pytest.mark.parametrize(
    ("networks", "free"),
    [
        pytest.param([LOOSE, network("b")], True, id="both loose"),
        pytest.param([LOOSE, KNOWN], True, id="one loose"),
        pytest.param([LOOSE, replace(KNOWN, used_bps=9 * MBPS, in_bps=9 * MBPS, out_bps=2 * MBPS)], False, id="full"),
    ],
)
def test_up_to_the_aim_a_pool_is_free(networks: list[NetworkState], free: bool) -> None:
    """20 Mbps of the pool are paid anyway; one of 4 may come from a network that costs a little."""
    seen = snapshot([*networks, network("c")], [workload("w", "c", 4 * MBPS)])
    memory = Memory(ledgers=ledger_of("pool", networks=("pa", "pb"), direction=Direction.SUM, aim=20 * MBPS))
    prices = book(POOL, per_gb("pc", "0.05"), policy(candidates=["a", "c"]))
    assert targets(decide(seen, memory, prices)) == ({"w": "a"} if free else {})


def test_what_a_quota_includes_is_used_up_by_what_flowed_once() -> None:
    """2 GB/h from midnight to noon are 24 of the 48 GB: there is enough for the other half of the day."""
    sky = tariff(quota("48", "65", {"stop": True}), name="sky", physicalNetworks=["psky"], **DAILY)
    prices = book(sky, per_gb("pcable", "0.5"), policy())
    networks = [network("sky", used_bps=2 * GB_PER_HOUR), network("cable")]
    seen = snapshot(networks, [workload(f"w{number}", "sky", GB_PER_HOUR) for number in range(2)])

    assert not decide(seen, told(networks, prices), prices).moves


def test_as_many_come_as_a_tier_on_the_sum_is_cheap_for() -> None:
    """3 GB of the hour are free: three workloads of 1 GB/h fit in, each counted once."""
    tiers = per_gb("pa", "1", ("3", "0"), direction="sum", billingPeriod={"unit": "hour"})
    seen = snapshot(
        [network("a"), network("b", used_bps=6 * GB_PER_HOUR)],
        [workload(f"w{number}", "b", GB_PER_HOUR) for number in range(6)],
    )
    assert len(decide(seen, NOTHING, book(tiers, per_gb("pb", "0.5"), policy())).moves) == 3


def test_a_discount_on_the_sum_is_earned_by_what_flows_once() -> None:
    """From 3 GB on all cost 0.1, and 0.5 elsewhere: two workloads of 1 GB/h are not enough, four are."""
    falling = per_gb("pa", "0.1", ("3", "1"), direction="sum", billingPeriod={"unit": "hour"})
    falling["spec"]["charges"][0]["volume"]["mode"] = "allUnits"
    prices = book(falling, per_gb("pb", "0.5"), policy())
    for count in (2, 4):
        there = [workload(f"w{number}", "b", GB_PER_HOUR) for number in range(count)]
        seen = snapshot([network("a"), network("b", used_bps=count * GB_PER_HOUR)], there)
        assert len(decide(seen, NOTHING, prices).moves) == (count if count > 3 else 0)
