"""What the run cost, exactly, against what it would have cost without a move and with perfect foresight.

All three are bills of the same tariffs over spans of attachments on networks. The clairvoyant's assignment is the
cheapest at every moment, with free moves: what is on an uplink, with the foreign load, stays within shed x capacity,
and what may not move does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from cni.wire import Outcome, SwitchStatus
from switcher.lab.blueprint import NAMESPACE, START_NETWORK, Blueprint, Workload

AMPLE = -1
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
    """The cheapest feasible network of each workload, exactly: every choice is tried, equal remainders once.

    What finds no room anywhere, and what may not move, is on the network where it started.
    """
    names = sorted(prices, key=lambda name: (prices[name], name))
    needs = {workload.name: int(-(-demand_bps.get(workload.name, 0.0) // UNIT_BPS)) for workload in workloads}
    fixed = [workload for workload in workloads if workload.do_not_move]
    free = sorted(
        (w for w in workloads if not w.do_not_move), key=lambda workload: (-needs[workload.name], workload.name)
    )
    room = {name: int(room_bps[name] // UNIT_BPS) for name in names}
    room[START_NETWORK] -= sum(needs[workload.name] for workload in fixed)

    @cache
    def best(index: int, left: tuple[int, ...]) -> tuple[Decimal, tuple[str, ...]]:
        if index == len(free):
            return Decimal(0), ()
        need = needs[free[index].name]
        options = []
        for position, name in enumerate(names):
            if left[position] == AMPLE or need <= left[position]:
                after = left if left[position] == AMPLE else _less(left, position, need)
                cost, rest = best(index + 1, after)
                options.append((cost + prices[name], (name, *rest)))
        if not options:
            cost, rest = best(index + 1, left)
            options.append((cost + prices[START_NETWORK], (START_NETWORK, *rest)))
        return min(options)

    # Where all together fit, nothing is counted, so that equal states are recognised as equal.
    most = sum(needs[workload.name] for workload in free)
    chosen = best(0, tuple(AMPLE if room[name] >= most else max(room[name], 0) for name in names))[1]
    assigned = {workload.name: name for workload, name in zip(free, chosen, strict=True)}
    return assigned | {workload.name: START_NETWORK for workload in fixed}


def _less(left: tuple[int, ...], position: int, need: int) -> tuple[int, ...]:
    return (*left[:position], left[position] - need, *left[position + 1 :])
