"""Scenes with everything that a decision can meet, by a number: nodes, policies, tiers, stale data, past moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from cni.wire import MoveReason
from switcher.model import Memory, NetworkState, PastMove, Placement, Snapshot, Usage, WorkloadState
from switcher.objects.model import Book
from tests.support.scenes import NOW, book, network, per_attachment, per_gb, policy, snapshot, threshold, workload

Scene = tuple[Snapshot, Memory, Book]


def scene(seed: int, workloads: int = 40) -> Scene:
    """The same scene for the same number."""
    rng = Random(seed)
    names = [f"cni:n{number}" for number in range(rng.randint(1, 6))]
    nodes = [f"k{number}" for number in range(rng.randint(1, 4))] if rng.random() < 0.6 else [None]
    documents = [*_policies(rng, names), *filter(None, (_price(rng, name) for name in names))]
    if rng.random() < 0.4:
        documents.append(threshold(fill="0.5", shed="0.6", confirm={"atLeast": 2, "of": 3}))
    networks = list(_networks(rng, names, nodes))
    states = [_workload(rng, number, names, nodes) for number in range(rng.randint(0, workloads))]
    return snapshot(networks, states), _memory(rng, names, networks, states), book(*documents)


def _maybe(rng: Random, share: float, **fields: Any) -> dict[str, Any]:
    return fields if rng.random() < share else {}


def _policies(rng: Random, names: Sequence[str]) -> list[dict[str, Any]]:
    found = []
    for number in range(rng.randint(1, 3)):
        spec = {
            **_maybe(rng, 0.3, mode=rng.choice(["off", "recommend", "auto"])),
            **_maybe(rng, 0.3, candidates=rng.sample(names, rng.randint(1, len(names)))),
            **_maybe(rng, 0.3, penalties={"latency": "0.001", "loss": "0.5"}),
            **_maybe(rng, 0.3, horizon=rng.choice(["30m", "2h"])),
            **_maybe(rng, 0.3, payback="10m"),
            **_maybe(rng, 0.5, moveCost=rng.choice(["0", "0.001", "0.02"])),
            **_maybe(rng, 0.3, flap={"factor": "1", "halfLife": "1h"}),
            **_maybe(rng, 0.3, budgets=[{"moves": rng.choice(["10%", "3", "0"]), "reasons": ["Savings", "Safety"]}]),
            **(_maybe(rng, 0.6, podSelector={"matchLabels": {"app": f"a{number}"}}) if number else {}),
            "priority": number,
        }
        found.append({**policy(**spec), "metadata": {"name": f"policy{number}"}})
    return found


def _price(rng: Random, name: str) -> dict[str, Any] | None:
    physical, kind = f"p{name[4:]}", rng.random()
    if kind < 0.1:
        return None
    if kind < 0.4:
        return per_attachment(physical, f"{rng.uniform(0.1, 5):.2f}")
    if kind < 0.9:
        tiers = [(str(rng.randint(1, 200)), f"{rng.uniform(0, 0.1):.3f}")] if kind < 0.65 else []
        found: dict[str, Any] = per_gb(physical, f"{rng.uniform(0.1, 0.3):.3f}", *tiers)
        return found
    return dict(per_gb(physical, "0.05", validTo="2026-11-20T12:30:00Z"))


def _networks(rng: Random, names: Sequence[str], nodes: Sequence[str | None]) -> list[NetworkState]:
    capacity = 10 ** rng.uniform(7, 8.5)
    found = []
    for name in names:
        for node in nodes:
            used = rng.uniform(0, capacity * rng.choice([0.3, 1.0]))
            age = timedelta(hours=1) if rng.random() < 0.05 else timedelta(seconds=rng.randint(0, 60))
            fields = {
                **_maybe(rng, 0.5, in_bps=used, out_bps=used * rng.random()),
                **_maybe(rng, 0.2, free_addresses=rng.randint(0, 10)),
                **_maybe(rng, 0.3, latency_ms=rng.uniform(1, 50), loss=rng.uniform(0, 0.05)),
                **_maybe(rng, 0.05, quarantined=True),
            }
            place = {"physical_network": f"p{name[4:]}", "node": node, "sampled_at": NOW - age}
            found.append(network(name, capacity_bps=capacity, used_bps=used, **place, **fields))
    return found


def _workload(rng: Random, number: int, names: Sequence[str], nodes: Sequence[str | None]) -> WorkloadState:
    fields = {
        **_maybe(rng, 0.5, labels={"app": f"a{rng.randint(0, 3)}"}),
        **_maybe(rng, 0.5, in_bps=rng.uniform(0, 1e6), out_bps=rng.uniform(0, 2e6)),
        **_maybe(rng, 0.1, move_cost=Decimal("0.005")),
        **_maybe(rng, 0.1, penalties={rng.choice(names): Decimal("0.01")}),
        **_maybe(rng, 0.1, do_not_move=True),
        **_maybe(rng, 0.1, moving=True),
        **_maybe(rng, 0.1, since=NOW - timedelta(minutes=rng.randint(0, 10))),
        **_maybe(rng, 0.1, candidates=tuple(rng.sample(names, rng.randint(0, len(names))))),
        **_maybe(rng, 0.05, primary=True),
    }
    on = rng.choice(names) if rng.random() < 0.95 else "gone"
    return workload(f"ns/w{number}:net1", on, 10 ** rng.uniform(3, 6.8), node=rng.choice(nodes), **fields)


def _memory(
    rng: Random, names: Sequence[str], networks: Sequence[NetworkState], states: Sequence[WorkloadState]
) -> Memory:
    moves, placements = [], dict[str, tuple[Placement, ...]]()
    for state in states:
        if rng.random() < 0.2:
            ago = timedelta(minutes=rng.uniform(0, 120))
            reason = rng.choice([MoveReason.SAFETY, MoveReason.SAVINGS])
            past = {"policy": "policy0", "source": rng.choice(names), "target": state.network, "reason": reason}
            moves.append(PastMove(workload=state.id, at=NOW - ago, **past))
        if rng.random() < 0.3:
            came = NOW - timedelta(seconds=rng.randint(1, 100))
            before = Placement(network=rng.choice(names), since=NOW - timedelta(seconds=200))
            placements[state.id] = (before, Placement(network=state.network, since=came))
    usage: Mapping[tuple[str, str], Usage] = {
        (f"p{name[4:]}", f"contract-p{name[4:]}"): Usage(out_bytes=Decimal(rng.randint(0, 10**11))) for name in names
    }
    over = {state.uplink: ((NOW - timedelta(minutes=1), rng.random() < 0.5),) for state in networks}
    return Memory(moves=tuple(moves), placements=placements, over_shed=over, usage=usage)
