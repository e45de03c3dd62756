"""The cheapest splittable assignment of one moment under capacity: a min-cost flow, as a bound and as a plan.

Demands and costs are rounded down and rooms up to whole units: the money that it says is never above the true optimum,
and below it by a millionth or so. Overflow arcs above every price keep it feasible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from switcher.decide.board import NOWHERE, Floats, Ints

UNITS = 10_000_000
"""Sum of all demands in units."""
STEPS = 1_000_000
"""Of the largest cost per unit."""
OVERFLOW = 4 * STEPS
"""Cost of a unit that finds no room."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Moment:
    """Who may be where, at what cost, at one moment. Shapes: W workloads, C network names, U uplinks."""

    uplink: Ints
    """W x C, NOWHERE: may not be."""
    cost: Floats
    """W x C: money per hour of the whole workload there, not negative; infinite: may not be."""
    demand: Floats
    """W: bits per second."""
    room: Floats
    """U: bits per second."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Whole:
    """A moment in whole numbers. R rows with demand, or groups of rows that are alike."""

    rows: Ints
    units: Ints
    price: Ints
    """R x C, -1: may not be."""
    uplink: Ints
    unit_bps: float
    money: float
    """Per hour, of one step of one unit."""


def least_money(moment: Moment) -> tuple[float, float]:
    """(money per hour that nobody can undercut, bits per second that find no room, which count at their cheapest)."""
    whole = _whole(moment)
    if whole is None:
        return 0.0, 0.0
    alike, group = np.unique(np.hstack([whole.price, whole.uplink]), axis=0, return_inverse=True)
    columns = whole.price.shape[1]
    units = np.bincount(group.ravel(), weights=whole.units).astype(np.int64)
    price, uplink = alike[:, :columns], alike[:, columns:]
    tail, head = np.nonzero(price >= 0)
    flow = _solve((tail, uplink[tail, head], price[tail, head]), units, _room(moment, whole))
    lost = units - np.bincount(tail, weights=flow, minlength=len(units)).astype(np.int64)
    least = np.where(price >= 0, price, OVERFLOW).min(axis=1)
    steps = int((flow * price[tail, head]).sum() + (lost * least).sum())
    return steps * whole.money, float(lost.sum()) * whole.unit_bps


def cheapest_shares(moment: Moment) -> Floats:
    """W x C: bits per second of each workload under each name; what finds no room is nowhere."""
    shares = np.zeros(moment.cost.shape)
    whole = _whole(moment)
    if whole is not None:
        tail, head = np.nonzero(whole.price >= 0)
        arcs = tail, whole.uplink[tail, head], whole.price[tail, head]
        shares[whole.rows[tail], head] = _solve(arcs, whole.units, _room(moment, whole)) * whole.unit_bps
    return shares


def _whole(moment: Moment) -> _Whole | None:
    """None: nothing flows."""
    may = np.isfinite(moment.cost) & (moment.uplink != NOWHERE)
    rows = np.flatnonzero((moment.demand > 0) & may.any(axis=1))
    if not len(rows):
        return None
    demand = moment.demand[rows]
    unit_bps = float(demand.sum()) / UNITS
    density = np.where(may[rows], moment.cost[rows], np.nan) / demand[:, None]
    largest = max(float(np.nanmax(density)), 1e-300)
    price = np.where(may[rows], np.floor(np.nan_to_num(density) / largest * STEPS), -1).astype(np.int64)
    return _Whole(
        rows=rows,
        units=np.floor(demand / unit_bps).astype(np.int64),
        price=price,
        uplink=moment.uplink[rows],
        unit_bps=unit_bps,
        money=largest / STEPS * unit_bps,
    )


def _room(moment: Moment, whole: _Whole) -> Ints:
    return np.ceil(np.maximum(moment.room, 0.0) / whole.unit_bps).astype(np.int64)


def _solve(arcs: tuple[Ints, Ints, Ints], units: Ints, room: Ints) -> Ints:
    """Units on each arc (workload, uplink, price)."""
    tail, uplink, price = arcs
    count, uplinks = len(units), len(room)
    everyone, places = np.arange(count), np.arange(uplinks)
    sink = count + uplinks
    solver = SimpleMinCostFlow()
    work = solver.add_arcs_with_capacity_and_unit_cost(tail, count + uplink, units[tail], price)
    for start, capacity, cost in ((count + places, room, 0), (everyone, units, OVERFLOW)):
        solver.add_arcs_with_capacity_and_unit_cost(
            start, np.full(len(start), sink), capacity, np.full(len(start), cost, dtype=np.int64)
        )
    solver.set_nodes_supplies(np.append(everyone, sink), np.append(units, -units.sum()))
    status = solver.solve()
    if status != solver.OPTIMAL:  # the overflow keeps it feasible
        raise AssertionError(f"the flow could not be solved: {status}")
    found: Ints = np.asarray(solver.flows(work), dtype=np.int64)
    return found
