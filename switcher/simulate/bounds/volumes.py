"""The least bill where prices depend on the volume of a billing period: tiers and quotas, free moves, splittable.

A mixed-integer programme over all slots together: how much flows where, with whole tiers and whole blocks. What the
solver proves within its time is the bound, so that it holds even when the optimum itself was not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from ortools.linear_solver import pywraplp

from switcher.decide.board import NOWHERE, Floats
from switcher.objects.tariffs import Quota, Volume
from switcher.objects.words import Direction, Mode
from switcher.simulate.world import World
from switcher.tariff import billing_period

SECONDS = 60
PROCESSOR_TIME = "timing/clocktype = 1"
"""SCIP's own: on a busy machine the clock on the wall would end the search before anything is proved."""
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Network:
    """A physical network: its charge, and the foreign units that it counts too."""

    charge: Volume | Quota
    foreign: float
    room: Floats
    """T: units that may be added in each slot."""


def volumes_bound(world: World, seconds: float = SECONDS) -> float:
    """Money that our workloads add to the bill at least.

    For worlds inside one billing period in which every network has one list with one charge: a graduated volume or a
    quota with blocks or overage, all without schedules and in one direction. Raises ValueError for others, and when
    nothing was proved in so many seconds of the processor.
    """
    networks = [_network(world, name) for name in world.site.physical_networks]
    direction = {each.charge.direction for each in networks}
    if len(direction) != 1 or Direction.MAX in direction:
        raise ValueError("the bound needs one direction of charging, in, out or sum, for all networks")
    if (world.site.uplink == NOWHERE).any():
        raise ValueError("the bound needs every network on every node")
    due = _units(world, networks[0].charge, world.into.sum(axis=0), world.out.sum(axis=0))
    solver = pywraplp.Solver.CreateSolver("SCIP")
    solver.SetTimeLimit(int(seconds * 1000))
    if not solver.SetSolverSpecificParametersAsString(PROCESSOR_TIME):
        raise ValueError(f"the solver does not know {PROCESSOR_TIME}")
    carried = [[solver.NumVar(0, float(most), "") for most in each.room] for each in networks]
    for slot, units in enumerate(due.tolist()):
        total = min(units, sum(float(each.room[slot]) for each in networks))
        solver.Add(solver.Sum([row[slot] for row in carried]) >= total)
    money = [_money(solver, each, solver.Sum(row)) for each, row in zip(networks, carried, strict=True)]
    solver.Minimize(solver.Sum(money))
    status = solver.Solve()
    bound = float(solver.Objective().BestBound()) - sum(_cost(each.charge, each.foreign) for each in networks)
    proved = status == pywraplp.Solver.OPTIMAL or (status == pywraplp.Solver.FEASIBLE and bound > 0)
    if not proved:
        raise ValueError(f"nothing was proved in {seconds:g} s")
    return bound


def _network(world: World, name: str) -> _Network:
    lists = [tariff for tariff in world.site.book.tariffs if name in tariff.spec.physical_networks]
    charges = [charge for tariff in lists for charge in tariff.spec.charges]
    found = [charge.volume or charge.quota for charge in charges if charge.volume or charge.quota]
    if len(lists) != 1 or len(charges) != 1 or not found or found[0] is None:
        raise ValueError(f"the bound needs one list with one volume or quota for {name}")
    charge = found[0]
    graduated = not isinstance(charge, Volume) or charge.mode is Mode.GRADUATED
    bounded = isinstance(charge, Volume) and (charge.minimum or charge.maximum)
    limited = isinstance(charge, Quota) and (charge.beyond.throttle or charge.beyond.stop)
    if not graduated or charge.schedule or bounded or limited or lists[0].spec.minimum or lists[0].spec.maximum:
        raise ValueError(f"the bound needs plain tiers, blocks or overage for {name}")
    start, end = billing_period(lists[0], world.start)
    if not start <= world.start < world.end <= end:
        raise ValueError("the bound needs one billing period")
    if isinstance(charge, Quota):  # of a part of the billing period the bill takes a part of the quota
        part = Decimal((world.end - world.start) / MICROSECOND) / Decimal((end - start) / MICROSECOND)
        charge = charge.model_copy(update={"included": charge.included * part, "price": charge.price * part})
    mine = world.site.physical == world.site.physical_networks.index(name)
    into, out = world.background_in[mine].sum(axis=0), world.background_out[mine].sum(axis=0)
    shed = float(world.site.shed[mine].sum())
    room = _units(world, charge, np.maximum(shed - into, 0.0), np.maximum(shed - out, 0.0))
    return _Network(charge=charge, foreign=float(_units(world, charge, into, out).sum()), room=room)


def _units(world: World, charge: Volume | Quota, into: Floats, out: Floats) -> Floats:
    """T: the charge's units of two rates."""
    both = (into if charge.direction is not Direction.OUT else 0.0) + (
        out if charge.direction is not Direction.IN else 0.0
    )
    found: Floats = np.asarray(both) * (world.seconds / 8) / float(charge.unit.bytes)
    return found


def _money(solver: Any, network: _Network, carried: Any) -> Any:
    """The bill of the network, foreign load included, as an expression."""
    charge = network.charge
    if isinstance(charge, Volume):
        return _tiered(solver, charge, carried + network.foreign)
    beyond = charge.beyond
    over = solver.NumVar(0, solver.infinity(), "") if beyond.overage is not None else solver.IntVar(0, 10**6, "")
    size = 1.0 if beyond.block is None else float(beyond.block)
    solver.Add(size * over >= carried + network.foreign - float(charge.included))
    price = beyond.overage if beyond.overage is not None else beyond.price
    return over * float(price or 0) + float(charge.price)


def _tiered(solver: Any, charge: Volume, units: Any) -> Any:
    """Graduated tiers, each full before the next begins."""
    parts, before, open_before = [], 0.0, None
    for number, tier in enumerate(charge.tiers):
        last = tier.up_to is None
        width = 1e9 if tier.up_to is None else float(tier.up_to) - before
        part = solver.NumVar(0, width, "")
        if open_before is not None:
            solver.Add(part <= width * open_before)
        if not last:
            open_before = solver.BoolVar(f"full{number}")
            solver.Add(part >= width * open_before)
            before += width
        parts.append((part, float(tier.price)))
    solver.Add(solver.Sum([part for part, _ in parts]) == units)
    return solver.Sum([part * price for part, price in parts])


def _cost(charge: Volume | Quota, units: float) -> float:
    """The bill of so many units."""
    if isinstance(charge, Volume):
        total, before = 0.0, 0.0
        for tier in charge.tiers:
            top = np.inf if tier.up_to is None else float(tier.up_to)
            total += max(min(units, top) - before, 0.0) * float(tier.price)
            before = top
        return total
    over = max(units - float(charge.included), 0.0)
    if charge.beyond.overage is not None:
        return float(charge.price) + over * float(charge.beyond.overage)
    blocks = np.ceil(over / float(charge.beyond.block or 1))
    return float(charge.price) + float(blocks) * float(charge.beyond.price or 0)
