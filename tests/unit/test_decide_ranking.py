"""How networks stand for new workloads: by the decision's own prices, surcharges, rooms and reasons."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from cni.smart.model import Candidate
from cni.smart.outlook import Outlook
from cni.wire import RankedNetwork, Ranking
from switcher.decide import Settings, decide, decide_and_rank
from switcher.model import Snapshot
from switcher.objects.model import Book
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
    snapshot,
    threshold,
    workload,
)
from tests.unit.pricing import quota, tariff

DAILY = {"billingPeriod": {"unit": "day"}}
PRICES = (per_attachment("pdear", "11.80"), per_attachment("pcheap", "3.47"))
DEFAULTS = Settings()
TWO = (network("dear", node="n1"), network("cheap", node="n1"))


def ranked(seen: Snapshot, objects: Book, settings: Settings = DEFAULTS, node: str = "n1") -> Ranking:
    """The ranking of a node."""
    _, rankings = decide_and_rank(seen, NOTHING, objects, settings)
    (found,) = (ranking for ranking in rankings if ranking.node == node)
    return found


def by_name(ranking: Ranking) -> dict[str, RankedNetwork]:
    return {entry.network: entry for entry in ranking.networks}


def ranks(ranking: Ranking) -> list[tuple[str, int | None, str]]:
    return [(entry.network, entry.rank, entry.reason) for entry in ranking.networks]


def test_the_cheapest_comes_first_with_its_price_and_room() -> None:
    ranking = ranked(snapshot(TWO, []), book(*PRICES, policy()))
    assert ranks(ranking) == [("cheap", 1, ""), ("dear", 2, "")]
    assert (ranking.computed_at, ranking.demand_bps, ranking.currency) == (NOW.timestamp(), MBPS, "USD")
    first = ranking.networks[0]
    assert (first.price_per_hour, first.price_per_gb, first.congestion_per_gb) == ("3.47", "0", "0")
    assert (first.room_bps, first.free_addresses, first.sampled_at) == (70 * MBPS, None, NOW.timestamp())
    assert first.physical_network == "pcheap"


def test_a_price_per_gb_is_weighed_at_the_expected_demand() -> None:
    flat, metered = per_attachment("pdear", "0.02"), per_gb("pcheap", "0.05")
    small = ranked(snapshot(TWO, []), book(flat, metered))
    large = ranked(snapshot(TWO, []), book(flat, metered), Settings(new_demand_bps=GB_PER_HOUR))
    assert (by_name(small)["cheap"].price_per_hour, by_name(small)["cheap"].price_per_gb) == ("0", "0.05")
    assert [entry.network for entry in small.networks] == ["dear", "cheap"], "1 Mbps is 0.45 GB an hour: 0.0225"
    assert [entry.network for entry in large.networks] == ["dear", "cheap"]
    tiny = ranked(snapshot(TWO, []), book(flat, metered), Settings(new_demand_bps=1e5))
    assert [entry.network for entry in tiny.networks] == ["cheap", "dear"]


@pytest.mark.parametrize(
    ("changed", "objects", "reason"),
    [
        pytest.param({"sampled_at": NOW - minutes(11)}, (), "StaleSamples", id="old samples"),
        pytest.param({"capacity_bps": 0.0}, (), "StaleSamples", id="no capacity"),
        pytest.param({"physical_network": "unpriced"}, (), "UnknownPrice", id="no price"),
        pytest.param(
            {"physical_network": "ended"},
            (per_attachment("ended", "1", validTo="2026-11-20T12:30:00Z"),),
            "StalePrice",
            id="a list that runs out within the horizon",
        ),
        pytest.param({"quarantined": True}, (), "Quarantined", id="switches to it failed"),
        pytest.param({"free_addresses": 0}, (), "NoAddress", id="no address"),
        pytest.param({"used_bps": 69.5 * MBPS}, (), "NoCapacity", id="no room under fill"),
        pytest.param(
            {"quarantined": True, "free_addresses": 0, "physical_network": "unpriced"}, (), "UnknownPrice", id="several"
        ),
    ],
)
def test_what_bars_a_network_is_said_and_it_has_no_rank(
    changed: dict[str, Any], objects: tuple[Any, ...], reason: str
) -> None:
    networks = (network("dear", node="n1"), network("cheap", node="n1", **changed))
    assert ranks(ranked(snapshot(networks, []), book(*PRICES, *objects))) == [("dear", 1, ""), ("cheap", None, reason)]


def test_an_unknown_price_is_not_told_as_zero() -> None:
    said = by_name(ranked(snapshot(TWO, []), book(PRICES[0])))["cheap"]
    assert (said.rank, said.price_per_hour, said.price_per_gb) == (None, None, None)


def test_the_room_of_stale_samples_is_not_dated() -> None:
    old = network("cheap", node="n1", sampled_at=NOW - minutes(11))
    assert by_name(ranked(snapshot([TWO[0], old], []), book(*PRICES)))["cheap"].sampled_at is None


def test_fill_of_the_networks_threshold_bounds_the_room() -> None:
    filled = ranked(snapshot(TWO, []), book(*PRICES, threshold(fill="0.5", shed="0.6")))
    assert by_name(filled)["cheap"].room_bps == 50 * MBPS


def test_room_and_addresses_are_what_the_decisions_moves_leave() -> None:
    networks = (network("dear", node="n1", used_bps=60 * MBPS), network("cheap", node="n1", free_addresses=20))
    movers = [workload(f"w{number}", "dear", 10 * MBPS, node="n1") for number in range(6)]
    seen = snapshot(networks, movers)
    decision, _ = decide_and_rank(seen, NOTHING, book(*PRICES, policy()))
    assert len(decision.moves) == 6
    ranking = by_name(ranked(seen, book(*PRICES, policy())))
    assert (ranking["cheap"].room_bps, ranking["cheap"].free_addresses) == (10 * MBPS, 14)
    assert ranking["dear"].room_bps == 10 * MBPS, "what leaves may come back: a move may fail"


def test_congestion_is_what_room_would_be_worth_to_those_who_wait() -> None:
    networks = (network("dear", node="n1", used_bps=60 * MBPS), network("cheap", node="n1", capacity_bps=10 * MBPS))
    waiting = [workload(f"w{number}", "dear", 2 * MBPS, node="n1") for number in range(30)]
    seen, objects = snapshot(networks, waiting), book(*PRICES, policy())
    decision, _ = decide_and_rank(seen, NOTHING, objects)
    said = by_name(ranked(seen, objects, Settings(new_demand_bps=0.9 * MBPS)))
    assert decision.surcharge["cheap"] > 0
    assert Decimal(said["cheap"].congestion_per_gb) == decision.surcharge["cheap"]
    assert said["dear"].congestion_per_gb == "0"


def test_what_the_nodes_workloads_carry_is_expected_of_the_next() -> None:
    measured = [
        workload(f"w{rate}", "dear", rate * MBPS, node="n1", in_bps=rate * MBPS, out_bps=0.0) for rate in (2, 6)
    ]
    unmeasured = workload("new", "dear", 0.0, node="n1")
    idle = workload("idle", "dear", 0.0, node="n2", in_bps=0.0, out_bps=0.0)
    networks = (*TWO, network("dear", node="n2"))
    seen = snapshot(networks, [*measured, unmeasured, idle])
    assert ranked(seen, book(*PRICES)).demand_bps == 4 * MBPS
    assert ranked(seen, book(*PRICES), node="n2").demand_bps == MBPS, "idle ones do not promise that the next is idle"


def test_each_node_has_its_own_uplinks() -> None:
    networks = (*TWO, network("dear", node="n2"), network("cheap", node="n2", used_bps=90 * MBPS))
    seen, objects = snapshot(networks, []), book(*PRICES)
    assert ranks(ranked(seen, objects))[0] == ("cheap", 1, "")
    assert ranks(ranked(seen, objects, node="n2")) == [("dear", 1, ""), ("cheap", None, "NoCapacity")]


def test_equal_costs_rank_by_name() -> None:
    networks = [network(name, node="n1") for name in ("b", "a", "c")]
    objects = book(*(per_attachment(f"p{name}", "1") for name in "abc"))
    assert [entry.network for entry in ranked(snapshot(networks, []), objects).networks] == ["a", "b", "c"]


def test_the_sla_of_the_physical_network_is_told() -> None:
    specs = {"pcheap": {"refer_nic": "eth1", "sla": "99.9"}, "pdear": {"refer_nic": "eth2"}}
    objects = [{"kind": "PhysicalNetwork", "metadata": {"name": name}, "spec": spec} for name, spec in specs.items()]
    said = by_name(ranked(snapshot(TWO, []), book(*PRICES, *objects)))
    assert (said["cheap"].sla, said["dear"].sla) == ("99.9", None)


def test_a_snapshot_without_nodes_ranks_nothing() -> None:
    _, rankings = decide_and_rank(snapshot((network("cheap"),), []), NOTHING, book(*PRICES))
    assert rankings == []


def test_the_decision_is_the_same_with_and_without_the_ranking_whatever_the_order_of_rows() -> None:
    rng = random.Random(7)
    networks = [
        network(name, node=node, used_bps=rng.uniform(0, 100) * MBPS, free_addresses=rng.randrange(9))
        for node in ("n1", "n2", "n3")
        for name in ("dear", "cheap")
    ]
    workloads = [
        workload(f"w{number}", rng.choice(["dear", "cheap"]), rng.uniform(0, 9) * MBPS, node=rng.choice(["n1", "n2"]))
        for number in range(40)
    ]
    objects = book(*PRICES, policy())
    straight = decide_and_rank(snapshot(networks, workloads), NOTHING, objects)
    rng.shuffle(networks)
    rng.shuffle(workloads)
    mixed = snapshot(networks, workloads)
    assert decide_and_rank(mixed, NOTHING, objects) == straight
    assert decide(mixed, NOTHING, objects) == straight[0]


def test_an_agent_that_weighs_the_same_demand_finds_the_same_order() -> None:
    rng = random.Random(3)
    names = [f"net{number}" for number in range(9)]
    networks = [network(name, node="n1", used_bps=rng.uniform(0, 60) * MBPS) for name in names]
    prices = [
        per_attachment(f"p{name}", str(rng.randrange(100))) if rng.random() < 0.5 else per_gb(f"p{name}", "0.07")
        for name in names
    ]
    ranking = ranked(snapshot(networks, []), book(*prices), Settings(new_demand_bps=5 * MBPS))
    outlook = Outlook(demand_bps=ranking.demand_bps, ranking=ranking)
    costs = [
        (outlook.cost(Candidate(network=entry.network), ranking.demand_bps), entry.network)
        for entry in ranking.networks
        if entry.rank is not None
    ]
    assert costs == sorted(costs)  # type: ignore[type-var] # none of them is None: all have a price


def test_prices_are_looked_at_over_the_horizon_of_the_nodes_policies() -> None:
    """Dear from an hour on: who looks at four hours would leave it again as soon as it has started."""
    soon_dear = [
        per_attachment("pcheap", price, contract="c", validFrom=since)
        for price, since in (("1", "2026-01-01T00:00:00Z"), ("10", "2026-11-20T13:00:00Z"))
    ]
    prices = (per_attachment("pdear", "3"), *soon_dear)
    far = policy(horizon="4h", podSelector={"matchLabels": {"app": "far"}})
    near = {**policy(horizon="1h", priority=-1), "metadata": {"name": "near"}}
    nodes = [network(name, node=node) for node in ("n1", "n2", "n3") for name in ("dear", "cheap")]
    there = [workload(f"n1{number}", "dear", node="n1", labels={"app": "far"}) for number in range(3)]
    there += [workload(f"n2{number}", "dear", node="n2") for number in range(2)]
    seen = snapshot(nodes, there)

    first = {node: ranked(seen, book(*prices, far, near), node=node).networks[0] for node in ("n1", "n2", "n3")}
    assert {node: (entry.network, entry.price_per_hour) for node, entry in first.items()} == {
        "n1": ("dear", "3"),
        "n2": ("cheap", "1"),
        "n3": ("dear", "3"),  # as most do on the other nodes
    }
    nobody = snapshot(nodes, [])
    assert ranked(nobody, book(*prices, far, near)).networks[0].network == "cheap", "as whom no label tells"
    assert ranked(nobody, book(*prices, policy(horizon="4h"))).networks[0].network == "dear"
    assert ranked(nobody, book(*prices)).networks[0].network == "cheap"


@pytest.mark.parametrize("horizon", ["30m", "1h", "4h"])
def test_what_a_quota_includes_is_not_free_where_more_is_to_come(horizon: str) -> None:
    """12 GB are included until midnight and 2 GB/h may come: each gigabyte now is one of overage then."""
    sky = tariff(quota("12", "0", {"overage": "1"}), name="sky", physicalNetworks=["pcheap"], **DAILY)
    networks = (network("cheap", node="n1"), network("dear", node="n1", used_bps=2 * GB_PER_HOUR))
    seen = snapshot(networks, [workload(f"w{number}", "dear", GB_PER_HOUR, node="n1") for number in range(2)])
    objects = book(sky, per_gb("pdear", "2", direction="sum"), policy(horizon=horizon, mode="recommend"))
    assert Decimal(by_name(ranked(seen, objects))["cheap"].price_per_gb or "0") > Decimal("0.5")


def test_what_the_moves_fill_up_is_not_promised_again() -> None:
    """3 GB of the hour are free, and three workloads of 1 GB/h come: the next one pays the next tier."""
    tiers = per_gb("pcheap", "1", ("3", "0"), direction="sum", billingPeriod={"unit": "hour"})
    objects = book(tiers, per_gb("pdear", "0.5", direction="sum"), policy())
    networks = (network("cheap", node="n1"), network("dear", node="n1", used_bps=3 * GB_PER_HOUR))
    seen = snapshot(networks, [workload(f"w{number}", "dear", GB_PER_HOUR, node="n1") for number in range(3)])
    decision, _ = decide_and_rank(seen, NOTHING, objects)
    assert len(decision.moves) == 3
    ranking = ranked(seen, objects)
    assert ranks(ranking) == [("dear", 1, ""), ("cheap", 2, "")]
    assert (ranking.networks[0].price_per_gb, ranking.networks[1].price_per_gb) == ("0.5", "1")
