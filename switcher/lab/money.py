"""What the run cost, exactly, against what it would have cost without a move and with perfect foresight.

All three are bills of the same tariffs over spans of attachments on networks. The clairvoyant's assignment is the
cheapest at every moment, with free moves: what is on an uplink, with the foreign load, stays within shed x capacity,
and what may not move does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor

from ortools.sat.python import cp_model

from cni.wire import Outcome, SwitchStatus
from switcher.lab.blueprint import NAMESPACE, START_NETWORK, Blueprint, Workload

UNIT_BPS = 100_000
"""Demands and capacities are compared in these units, demands rounded up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A workload's attachment was on a physical network from ``start`` to ``end`` (seconds since the epoch)."""

    workload: str
    physical_network: str
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A time in which prices and foreign load do not change."""

    start: float
    end: float
    prices: Mapping[str, Decimal]
    """Money per attachment and hour by physical network."""
    room_bps: Mapping[tuple[str, str], float]
    """What workloads may use, by (node, physical network)."""


def bare(network: str) -> str:
    """In the lab a network has the name of its physical network: ``cni:phynet0`` is on ``phynet0``."""
    return network.removeprefix("cni:")


def spent_spans(blueprint: Blueprint, switches: Iterable[SwitchStatus], start: float, end: float) -> list[Span]:
    """Where every workload was, from what the nodes recorded: it is on the new network from the shift on."""
    by_workload: dict[str, list[tuple[float, str]]] = {}
    for status in sorted(switches, key=lambda status: status.shifted_at or 0.0):
        if status.shifted_at is None:
            continue
        changes = by_workload.setdefault(status.workload, [])
        changes.append((status.shifted_at, bare(status.target)))
        if status.outcome is Outcome.RETURNED and status.finished_at is not None:
            changes.append((status.finished_at, bare(status.source)))
    return [
        span
        for workload in blueprint.workloads
        for span in _spans(workload.name, by_workload.get(f"{NAMESPACE}/{workload.name}", []), start, end)
    ]


def _spans(workload: str, changes: Sequence[tuple[float, str]], start: float, end: float) -> Iterable[Span]:
    where, since = START_NETWORK, start
    for moment, network in changes:
        at = min(max(moment, start), end)
        if at > since:
            yield Span(workload=workload, physical_network=where, start=since, end=at)
        where, since = network, at
    if end > since:
        yield Span(workload=workload, physical_network=where, start=since, end=end)


def unmoved_spans(blueprint: Blueprint, start: float, end: float) -> list[Span]:
    """If nothing had moved."""
    return [
        Span(workload=workload.name, physical_network=START_NETWORK, start=start, end=end)
        for workload in blueprint.workloads
    ]


def clairvoyant_spans(
    blueprint: Blueprint, intervals: Sequence[Interval], demand_bps: Mapping[str, float]
) -> list[Span]:
    """The cheapest assignment of each interval."""
    spans = []
    for interval in intervals:
        for node in blueprint.nodes:
            assigned = cheapest(blueprint.on(node.name), demand_bps, _on_node(interval, node.name), interval.prices)
            spans += [
                Span(workload=name, physical_network=network, start=interval.start, end=interval.end)
                for name, network in assigned.items()
            ]
    return spans


def _on_node(interval: Interval, node: str) -> dict[str, float]:
    return {network: room for (where, network), room in interval.room_bps.items() if where == node}


def cheapest(
    workloads: Sequence[Workload],
    demand_bps: Mapping[str, float],
    room_bps: Mapping[str, float],
    prices: Mapping[str, Decimal],
) -> dict[str, str]:
    """The cheapest feasible network of each workload, exactly (OR-Tools CP-SAT, one thread, so always the same).

    What finds no room anywhere, and what may not move, is on the network where it started.
    """
    names = sorted(prices, key=lambda name: (prices[name], name))
    needs = {w.name: ceil(demand_bps.get(w.name, 0.0) / UNIT_BPS) for w in workloads}
    model = cp_model.CpModel()
    chosen = {(w.name, name): model.new_bool_var(f"{w.name} on {name}") for w in workloads for name in names}
    crowded = {w.name: model.new_bool_var(f"{w.name} has no room") for w in workloads}
    for workload in workloads:
        model.add_exactly_one([crowded[workload.name], *(chosen[workload.name, name] for name in names)])
        if workload.do_not_move:
            model.add(chosen[workload.name, START_NETWORK] + crowded[workload.name] == 1)
    for name in names:
        used = sum(needs[w.name] * chosen[w.name, name] for w in workloads)
        model.add(used <= max(0, floor(room_bps[name] / UNIT_BPS)))
    dearest = 1 + len(workloads) * max(_coins(price) for price in prices.values())
    cost = sum(_coins(prices[name]) * chosen[w.name, name] for w in workloads for name in names)
    model.minimize(cost + dearest * sum(crowded.values()))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.solve(model)
    return {
        w.name: next((name for name in names if solver.value(chosen[w.name, name])), START_NETWORK) for w in workloads
    }


def _coins(price: Decimal) -> int:
    return int(price.scaleb(4).to_integral_value())
