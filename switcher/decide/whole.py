"""A market in whole numbers, as the solver has it: its cheapest flow, and what room is then worth.

workload -> uplink -> sink          arrivals, and who stays, under ``room``
workload -> resident -> uplink      who stays
resident -> sink                    who stays above ``fill``, as far as ``shed`` tolerates it
uplinks -> group -> sink            instead of the sink, where a price rises with the load: one arc per level
workload -> sink                    the overflow
settled -> uplink or resident       what has its place already, all of a place together
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from switcher.decide.board import NOWHERE, Ints

NEVER = 2**61
"""In place of a cost: there is no such arc."""
ARC = (np.int32, np.int32, np.int64, np.int64)
"""What the solver takes of an arc: from, to, capacity, cost."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whole:
    """Shapes: M workloads, C columns, U uplinks. Amounts are units of demand; costs are per unit.

    Places are where workloads may go: the uplinks, then their residents (who stays there).
    """

    units: Ints
    """M."""
    cost: Ints
    """M x C; NEVER where it may not be."""
    place: Ints
    """M x C: the uplink, or of the present network U + the uplink."""
    room: Ints
    """U."""
    tolerated: Ints
    """U."""
    group: Ints
    """U: NOWHERE where no price rises with the load."""
    level_of: Ints
    """By level of such a price: its group."""
    width: Ints
    extra: Ints
    """What each level takes, and what it costs beyond the workloads' own cost."""
    overflow: int
    settled: Ints
    """2U: what goes to each place whatever else does."""

    @property
    def groups(self) -> int:
        """How many there are."""
        return int(self.level_of.max()) + 1 if len(self.level_of) else 0

    def only(self, rows: Ints, settled: Ints) -> Whole:
        """The same with these workloads alone."""
        return replace(self, units=self.units[rows], cost=self.cost[rows], place=self.place[rows], settled=settled)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solved:
    """The flow on every arc."""

    shares: Ints
    """M x C; the rest of a workload's units has no room."""
    arriving: Ints
    """2U: of what was settled. The rest of it has no room."""
    staying: Ints
    """U: from residents to their uplink."""
    above: Ints
    """U: what is tolerated there."""
    leaving: Ints
    """U: from the uplink on, to its group or the sink."""
    levels: Ints
    """On each level."""


def solve(whole: Whole) -> Solved:
    """The cheapest flow. Raises ArithmeticError if there is none, which the overflow arcs make impossible."""
    kinds = _arcs(whole)
    ends = list(accumulate((len(each[0]) for each in kinds), initial=0))
    count, sink = len(whole.units), len(whole.units) + 2 * len(whole.room) + whole.groups
    places = np.flatnonzero(whole.settled)
    nodes = np.concatenate([np.arange(count), [sink], sink + 1 + np.arange(len(places))])
    total = int(whole.units.sum() + whole.settled.sum())
    supplies = np.concatenate([whole.units, [-total], whole.settled[places]])
    flow = SimpleMinCostFlow()
    made = flow.add_arcs_with_capacity_and_unit_cost(
        *(_joined([each[part] for each in kinds], ends, dtype) for part, dtype in enumerate(ARC))
    )
    flow.set_nodes_supplies(nodes.astype(np.int32), supplies)
    status = flow.solve()
    if status != flow.OPTIMAL:  # the overflow arcs make it feasible, the scale keeps it in range
        raise ArithmeticError(f"min-cost flow ended with status {status}")
    flows = np.asarray(flow.flows(made), dtype=np.int64)
    own, _, *between, settled, _ = (flows[start:end] for start, end in pairwise(ends))
    shares, arriving = np.zeros(whole.cost.shape, dtype=np.int64), np.zeros(len(whole.settled), dtype=np.int64)
    shares[whole.cost < NEVER], arriving[places] = own, settled
    staying, above, leaving, levels = between
    return Solved(shares=shares, arriving=arriving, staying=staying, above=above, leaving=leaving, levels=levels)


def _arcs(whole: Whole) -> Sequence[tuple[Ints, Ints | int, Ints | int, Ints | int]]:
    """By kind: (from, to, capacity, cost) of every arc; one number for all that are alike.

    Nodes: workloads, places, groups, the sink, what is settled.
    """
    count, uplinks = len(whole.units), len(whole.room)
    uplink = count + np.arange(uplinks)
    resident, first_group = uplink + uplinks, count + 2 * uplinks
    sink = first_group + whole.groups
    away = np.where(whole.group == NOWHERE, sink, first_group + whole.group)
    total = int(whole.units.sum() + whole.settled.sum())
    rows, columns = np.nonzero(whole.cost < NEVER)
    places = np.flatnonzero(whole.settled)
    settled, amount = sink + 1 + np.arange(len(places)), whole.settled[places]
    return (
        (rows, count + whole.place[rows, columns], whole.units[rows], whole.cost[rows, columns]),
        (np.arange(count), sink, whole.units, whole.overflow),
        (resident, uplink, total, 0),
        (resident, away, whole.tolerated, 0),
        (uplink, away, whole.room, 0),
        (first_group + whole.level_of, sink, whole.width, whole.extra),
        (settled, count + places, amount, 0),
        (settled, sink, amount, whole.overflow),
    )


def _joined(parts: Sequence[Ints | int], ends: Sequence[int], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """One array of all; each part begins where the one before ends. The solver takes 32 bits for a node."""
    whole = np.empty(ends[-1], dtype=dtype)
    for part, start, end in zip(parts, ends[:-1], ends[1:], strict=True):
        whole[start:end] = part
    return whole


def prices(whole: Whole, solved: Solved) -> Ints:
    """2U: what one more unit at each place costs from there on, NEVER where none can be there (the flow's potentials).

    Costs of the shortest ways to the sink in what the flow has left: by Bellman and Ford over the places, where a
    workload that is on one place and could be on another is a way between the two.
    """
    uplinks = len(whole.room)
    nodes = 2 * uplinks + whole.groups + 1
    sink = nodes - 1
    way = np.full((nodes, nodes), NEVER, dtype=np.int64)
    uplink = np.arange(uplinks)
    resident, away = uplinks + uplink, np.where(whole.group == NOWHERE, sink, 2 * uplinks + whole.group)

    def lead(start: Ints, end: Ints | int, cost: Ints | int, open_: object) -> None:
        chosen = np.broadcast_to(np.asarray(open_, dtype=np.bool_), start.shape)
        ends, costs = np.broadcast_to(end, start.shape), np.broadcast_to(cost, start.shape)
        np.minimum.at(way, (start[chosen], ends[chosen]), costs[chosen])

    lead(resident, uplink, 0, True)
    lead(uplink, resident, 0, solved.staying > 0)
    lead(resident, away, 0, solved.above < whole.tolerated)
    lead(away, resident, 0, solved.above > 0)
    lead(uplink, away, 0, solved.leaving < whole.room)
    lead(away, uplink, 0, solved.leaving > 0)
    lead(2 * uplinks + whole.level_of, sink, whole.extra, solved.levels < whole.width)
    lead(np.arange(2 * uplinks), sink, whole.overflow, solved.arriving > 0)
    rows, columns = np.nonzero(solved.shares)
    here, paid = whole.place[rows, columns], whole.cost[rows, columns]
    lead(here, sink, whole.overflow - paid, True)
    for column in range(whole.cost.shape[1]):
        cost = whole.cost[rows, column]
        lead(here, whole.place[rows, column], cost - paid, cost < NEVER)
    return _shortest(way)[: 2 * uplinks]


def _shortest(way: Ints) -> Ints:
    """From every node to the last one."""
    found = np.append(np.full(len(way) - 1, NEVER, dtype=np.int64), 0)
    while True:
        nearer = np.minimum(found, (way + found[None, :]).min(axis=1))
        if np.array_equal(nearer, found):
            return found
        found = nearer
