"""The flow against plain enumeration, and what holds for every decision."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import numpy as np
import pytest

from switcher.decide import decide
from switcher.decide.flow import OVERFLOW, Market, cheapest
from switcher.model import Decision, Memory, MoveReason, Placement, Snapshot, StayReason
from switcher.objects.model import Book
from tests.support.scenes import (
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
    workload,
)


def _random_market(rng: np.random.Generator, *, equal: bool) -> Market:
    count, columns = int(rng.integers(2, 7)), 3
    demand = np.full(count, 10.0) if equal else rng.integers(1, 20, count).astype(float)
    cost = rng.random((count, columns)) * 5 + demand[:, None] * rng.random(columns)  # by attachment and by volume
    home = rng.integers(0, columns, count)
    cost[(rng.random(cost.shape) < 0.2) & (np.arange(columns) != home[:, None])] = np.inf
    room = rng.integers(0, int(demand.sum()) + 10, columns).astype(float)
    uplink = np.tile(np.arange(columns), (count, 1))
    return Market(demand=demand, cost=cost, home=home, uplink=uplink, room=room, tolerated=np.zeros(columns))


def _cost(market: Market, choice: tuple[int, ...]) -> tuple[int, float]:
    """(how many overflow, money): the overflow is dearer than any money."""
    rows = range(len(choice))
    paid = sum(market.cost[row, market.home[row] if choice[row] == OVERFLOW else choice[row]] for row in rows)
    return sum(at == OVERFLOW for at in choice), float(paid)


def _fits(market: Market, choice: tuple[int, ...]) -> bool:
    load = [0.0] * len(market.room)
    for row, at in enumerate(choice):
        if at != OVERFLOW:
            load[at] += market.demand[row]
    return all(used <= room + 1e-9 for used, room in zip(load, market.room, strict=True))


def _enumerated(market: Market) -> tuple[int, float]:
    options = [[OVERFLOW, *(int(column) for column in np.flatnonzero(np.isfinite(row)))] for row in market.cost]
    return min(_cost(market, choice) for choice in itertools.product(*options) if _fits(market, choice))


@pytest.mark.parametrize("seed", range(60))
def test_with_equal_demands_the_flow_is_the_best_of_all_assignments(seed: int) -> None:
    market = _random_market(np.random.default_rng(seed), equal=True)

    choice = tuple(cheapest(market).tolist())

    assert _fits(market, choice)
    assert _cost(market, choice) == pytest.approx(_enumerated(market))


@pytest.mark.parametrize("seed", range(40))
def test_where_nothing_binds_the_flow_is_the_best_of_all_assignments(seed: int) -> None:
    market = _random_market(np.random.default_rng(seed), equal=False)
    wide = replace(market, room=np.full(3, float(market.demand.sum())))

    assert _cost(wide, tuple(cheapest(wide).tolist())) == pytest.approx(_enumerated(wide))


BUSY = ("a", "b", "c", "d")
PRICES = tuple(per_gb(f"p{name}", price) for name, price in zip(BUSY, ("0.02", "0.05", "0.05", "0.09"), strict=True))


def _random_site(seed: int) -> tuple[Snapshot, Book]:
    rng = random.Random(seed)
    networks = [
        network(
            name,
            capacity_bps=rng.choice((50, 100, 200)) * MBPS,
            used_bps=rng.uniform(0, 190) * MBPS,
            free_addresses=rng.choice((None, None, 2, 0)),
            sampled_at=NOW - minutes(rng.choice((0, 1, 11))),
        )
        for name in BUSY
    ]
    workloads = [workload(f"w{n:02}", rng.choice(BUSY), rng.choice((1, 5, 20)) * MBPS) for n in range(25)]
    fixed = per_attachment("pa", rng.choice(("0.01", "0.2")))
    objects = (fixed, *PRICES[1:]) if seed % 2 else PRICES
    return snapshot(networks, workloads), book(*objects, policy(moveCost=rng.choice(("0", "0.001", "0.05"))))


def _after(seen: Snapshot, decision: Decision) -> dict[str, float]:
    load = {state.name: state.used_bps for state in seen.networks}
    demand = {state.id: state.demand_bps for state in seen.workloads}
    at = {name: sum(w.demand_bps for w in seen.workloads if w.network == name) for name in load}
    projected = {name: max(load[name] - at[name], 0.0) + at[name] for name in load}
    for move in decision.moves:
        projected[move.source] -= demand[move.workload]
        projected[move.target] += demand[move.workload]
    return projected


@pytest.mark.parametrize("seed", range(80))
def test_whatever_is_seen_every_decision_keeps_the_rules(seed: int) -> None:
    seen, objects = _random_site(seed)

    decision = decide(seen, NOTHING, objects)

    states = {state.name: state for state in seen.networks}
    moved = {move.workload for move in decision.moves}
    assert moved.isdisjoint(reasons(decision))
    assert len(moved) + len(decision.stays) == len(seen.workloads)
    after = _after(seen, decision)
    for move in decision.moves:
        target, source = states[move.target], states[move.source]
        assert after[move.target] <= 0.7 * target.capacity_bps * (1 + 1e-6)
        assert NOW - target.sampled_at <= minutes(10)
        assert NOW - source.sampled_at <= minutes(10)
        assert move.reason is MoveReason.SAFETY or move.saving_per_hour > 0
    for state in seen.networks:
        arrived = sum(move.target == state.name for move in decision.moves)
        assert state.free_addresses is None or arrived <= state.free_addresses


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    seen, objects = _random_site(seed)
    rng = random.Random(seed)
    shuffled = Snapshot(
        now=NOW,
        networks=tuple(rng.sample(seen.networks, len(seen.networks))),
        workloads=tuple(rng.sample(seen.workloads, len(seen.workloads))),
    )

    assert decide(shuffled, NOTHING, objects) == decide(seen, NOTHING, objects)


@pytest.mark.parametrize("seed", range(20))
def test_once_the_moves_are_made_no_one_wants_back(seed: int) -> None:
    seen, objects = _random_site(seed)
    first = decide(seen, NOTHING, objects)
    target = {move.workload: move.target for move in first.moves}
    landed = tuple(replace(state, network=target.get(state.id, state.network)) for state in seen.workloads)
    were = {state.id: (Placement(network=state.network, since=NOW - minutes(999)),) for state in seen.workloads}

    second = decide(replace(seen, workloads=landed), Memory(placements=were), objects)

    source = {move.workload: move.source for move in first.moves}
    assert not [move for move in second.moves if source.get(move.workload) == move.target]


def test_ten_thousand_workloads_on_old_metrics_do_not_move_as_a_herd() -> None:
    """The samples are a minute old and never change; each tick's moves are made, and the next tick knows."""
    count, old = 10_000, NOW - minutes(1)
    networks = [network(name, capacity_bps=count * MBPS, sampled_at=old) for name in BUSY]
    networks[0] = replace(networks[0], used_bps=0.95 * count * MBPS)
    workloads = [workload(f"w{n:05}", "a", 0.9 * MBPS) for n in range(count)]
    were = {state.id: (Placement(network="a", since=NOW - minutes(999)),) for state in workloads}
    objects = book(*(per_gb(f"p{name}", "0.05") for name in BUSY), policy())
    moves = 0
    for _ in range(3):
        seen = snapshot(networks, workloads)
        decision = decide(seen, Memory(placements=were), objects)
        moves += len(decision.moves)
        assert all(load <= 0.7 * count * MBPS * (1 + 1e-6) for name, load in _landed(seen, decision).items())
        target = {move.workload: move.target for move in decision.moves}
        workloads = [replace(state, network=target.get(state.id, state.network)) for state in workloads]

    assert moves == pytest.approx(count * 0.25 / 0.9, rel=0.01)  # from 95 % down to 70 %, once


def _landed(seen: Snapshot, decision: Decision) -> dict[str, float]:
    """Load of each network with all moves landed, and 5 % of background on the first."""
    target = {move.workload: move.target for move in decision.moves}
    load = {state.name: 0.0 for state in seen.networks}
    load["a"] = 0.05 * len(seen.workloads) * MBPS
    for state in seen.workloads:
        load[target.get(state.id, state.network)] += state.demand_bps
    return load


def test_nothing_is_decided_on_nothing() -> None:
    assert decide(snapshot([], []), NOTHING, book(policy())).moves == ()
    assert reasons(decide(snapshot([], [workload("w", "a")]), NOTHING, book(policy()))) == {
        "w": StayReason.STALE_SAMPLES
    }
    assert decide(snapshot([network("a")], []), NOTHING, book()).stays == ()
