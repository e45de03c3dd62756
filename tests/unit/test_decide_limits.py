"""How full arrivals may make an uplink, and how full it may stay, when its load drifts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from switcher.decide import decide
from switcher.decide.limits import worth_staying
from switcher.decide.reserve import WARM
from switcher.model import Drift, Memory, NetworkState
from tests.support.scenes import MBPS, NOW, book, network, per_gb, policy, snapshot, targets, threshold, workload

MINUTE = timedelta(minutes=1)


def _rising(*networks: NetworkState, mbps_per_minute: float = 1.0) -> Memory:
    """All of them grow by so much, and are sampled every minute."""
    return Memory(
        drift={
            state.uplink: Drift(
                sampled_at=NOW,
                load=state.used_bps,
                every=MINUTE.total_seconds(),
                trend=mbps_per_minute * MBPS / MINUTE.total_seconds(),
                count=WARM,
            )
            for state in networks
        }
    )


@pytest.mark.parametrize(
    ("fill", "move_cost", "load", "goes"),
    [
        ("0.84", "0.00", 74, True),  # in six minutes, the next and five more, 79 Mbps will be 85: shed
        ("0.84", "0.00", 74.1, False),
        ("0.75", "0.00", 69, True),  # in the next minute 74 Mbps will be 75: fill
        ("0.75", "0.00", 69.1, False),
        ("0.84", "0.02625", 69, True),  # what 5 Mbps cost in 20 minutes (2 and 5 cents per GB): 10
        ("0.84", "0.02625", 69.1, False),
        ("0.84", "0.05", 65, True),  # 19 minutes: 15 Mbps are the most that is kept free
        ("0.84", "0.05", 65.1, False),
    ],
)
def test_an_arrival_finds_room_for_what_the_load_does_until_the_move_was_worth_its_cost(
    fill: str, move_cost: str, load: float, goes: bool
) -> None:
    a, b = network("a", used_bps=load * MBPS), network("b", used_bps=5 * MBPS)
    objects = book(
        per_gb("pa", "0.02"),
        per_gb("pb", "0.05"),
        policy(moveCost=move_cost, horizon="3h"),
        threshold(fill=fill, shed="0.85"),
    )
    seen = snapshot([a, b], [workload("w", "b", 5 * MBPS)])
    assert targets(decide(seen, _rising(a), objects)) == ({"w": "a"} if goes else {})


@pytest.mark.parametrize(("load", "goes"), [(78.8, True), (79.0, False)])
def test_an_arrival_counts_on_it_that_a_load_which_falls_goes_on_falling_but_not_by_the_next_minute(
    load: float, goes: bool
) -> None:
    """Three spreads of a minute are 1 Mbps, of six 2.4, in which it falls by 6: ``fill`` less 1 Mbps binds."""
    a, b = network("a", used_bps=load * MBPS), network("b", used_bps=5 * MBPS)
    spread = (MBPS / 3) ** 2 / (load * MBPS) / MINUTE.total_seconds()
    known = _rising(a, mbps_per_minute=-1).drift
    memory = Memory(drift={uplink: structs.replace(drift, spread=spread) for uplink, drift in known.items()})
    objects = book(
        per_gb("pa", "0.02"), per_gb("pb", "0.05"), policy(moveCost="0"), threshold(fill="0.849", shed="0.85")
    )
    seen = snapshot([a, b], [workload("w", "b", 5 * MBPS)])
    assert targets(decide(seen, memory, objects)) == ({"w": "a"} if goes else {})


@pytest.mark.parametrize(
    ("moves", "costs", "minutes"),
    [
        ([0.0, 0.0], [[1.0, 3.0], [1.0, 1.0]], 5),  # the least
        ([0.5, 0.0], [[1.0, 3.0], [1.0, 1.0]], 5),
        ([0.75, 0.25], [[1.0, 3.0], [1.0, 1.0]], 10),
        ([0.5, 0.5], [[1.0, np.inf], [np.nan, 1.0]], 15),
        ([9.0, 0.0], [[1.0, 3.0], [1.0, 1.0]], 60),  # the most
        ([0.1, 0.0], [[0.0, 0.0], [0.0, np.nan]], 60),  # what costs nothing never costs as much as its move
        ([0.0, 0.0], [[0.0, 0.0], [0.0, np.nan]], 5),
        ([], [], 5),
    ],
)
def test_an_arrival_finds_room_for_half_the_time_in_which_its_traffic_costs_as_much_as_the_move(
    moves: list[float], costs: list[list[float]], minutes: float
) -> None:
    assert worth_staying(np.array(moves), np.array(costs).reshape(len(moves), -1 if moves else 0)) == minutes * MINUTE


def _leave(loads: Mapping[str, float], states: Mapping[str, Mapping[str, Any]] | None = None) -> Sequence[str]:
    """Where those of ten workloads on ``a`` go that leave it; nothing is cheaper, all loads grow by 3 Mbps a minute."""
    networks = [network(name, used_bps=load * MBPS, **(states or {}).get(name, {})) for name, load in loads.items()]
    lists = [per_gb(f"p{name}", "0.02") for name in loads]
    objects = book(*lists, policy(), threshold(fill="0.8", shed="0.85"))
    seen = snapshot(networks, [workload(f"w{number}", "a", node="n1") for number in range(10)])
    return sorted(targets(decide(seen, _rising(*networks, mbps_per_minute=3), objects)).values())


def test_those_who_must_leave_find_the_room_that_others_keep_for_drift() -> None:
    """88 Mbps are 8 above ``fill``. Alone each of the others would keep 13 Mbps free of its 80, and take nobody."""
    assert _leave({"a": 88, "b": 74, "c": 74}) == ["b"] * 4 + ["c"] * 4


def test_no_more_arrive_than_fill_says_though_more_must_leave() -> None:
    assert _leave({"a": 88, "b": 78, "c": 78}) == ["b"] * 2 + ["c"] * 2


def test_where_all_that_is_kept_can_be_kept_it_is() -> None:
    """d is empty: it takes all who leave, and b and c keep what they have."""
    assert _leave({"a": 88, "b": 74, "c": 74, "d": 0}) == ["d"] * 8


@pytest.mark.parametrize(
    "nowhere", [{"sampled_at": NOW - timedelta(hours=1)}, {"node": "n2"}], ids=["stale", "on another node"]
)
def test_room_where_nobody_can_go_is_nothing_to_spare(nowhere: Mapping[str, Any]) -> None:
    assert _leave({"a": 88, "b": 74, "c": 74, "d": 0}, {"d": nowhere}) == ["b"] * 4 + ["c"] * 4


def test_an_uplink_that_is_found_under_two_names_is_counted_once() -> None:
    """b and c are one uplink: were its room counted twice, more of it would be kept, and only four could leave."""
    shared = {"physical_network": "pb"}
    assert len(_leave({"a": 86, "b": 72, "c": 72}, {"b": shared, "c": shared})) == 6
