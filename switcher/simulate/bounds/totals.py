"""The least that our workloads add to the bill where charges look at the total of a billing period.

A mixed-integer programme over all slots together, moves free, traffic splittable, under ``shed``: how much flows where.
Tiers of every mode and quotas are in it as they are, also where more traffic makes a bill smaller; all other prices are
those that the world's price lists show for a unit. What the solver proves within its time is the bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

import numpy as np
from ortools.linear_solver import pywraplp

from switcher.decide.board import Floats, Ints
from switcher.objects.tariffs import Quota, Volume
from switcher.objects.words import Direction, Mode
from switcher.simulate.prices import charges_attachments, over_time, per_attachment
from switcher.simulate.world import World
from switcher.tariff.whole import amount

SECONDS = 60.0
GB = Decimal(10) ** 9
WAYS = (Direction.IN, Direction.OUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """A charge on all that flows in the one billing period that the world lies in."""

    charge: Volume | Quota
    """A volume in any mode, or a quota with overage or blocks: no schedule, no bounds, not the larger direction."""
    networks: tuple[str, ...]
    """Physical networks whose traffic it counts together."""
    part: Decimal = Decimal(1)
    """Of the billing period: so much of a quota is included."""


@dataclass(frozen=True, slots=True)
class _Flow:
    """What may flow in one direction. Shapes: P physical networks, T slots. GB."""

    ours: Floats
    """T."""
    foreign: Floats
    """P."""
    room: Floats
    """P x T; none where there is no price."""
    price: Floats
    """P x T, money per GB; finite."""


def totals_bound(world: World, metered: Sequence[Metered], seconds: float = SECONDS) -> float:
    """Money; penalties for latency are left out. ``metered`` charges must not be in the world's price lists too.

    Raises ValueError when nothing was proven in time.
    """
    solver = pywraplp.Solver.CreateSolver("SCIP")
    solver.SetTimeLimit(int(seconds * 1000))
    flows = {way: _flow(way, world, price) for way, price in zip(WAYS, over_time(world), strict=True)}
    carried, money = {}, [_attached(world)]
    for way, flow in flows.items():
        carried[way], cost = _carry(solver, flow)
        money.append(cost)
    names = world.site.physical_networks
    for each in metered:
        places = [names.index(name) for name in each.networks if name in names]
        factor = float(GB / each.charge.unit.bytes)
        counted = [way for way in WAYS if each.charge.direction in (way, Direction.SUM)]
        foreign = factor * sum(float(flows[way].foreign[places].sum()) for way in counted)
        most = foreign + factor * sum(float(flows[way].ours.sum()) for way in counted)
        units = solver.Sum([factor * carried[way][place] for way in counted for place in places]) + foreign
        money += [_money(solver, each, units, most), -float(_cost(each, Decimal(foreign)))]
    solver.Minimize(solver.Sum(money))
    if solver.Solve() not in (pywraplp.Solver.OPTIMAL, pywraplp.Solver.FEASIBLE):
        raise ValueError("no bound was found in time")
    return float(solver.Objective().BestBound())


def _flow(way: Direction, world: World, price: Floats) -> _Flow:
    into = way is Direction.IN
    rates, background = (world.into, world.background_in) if into else (world.out, world.background_out)
    gigabytes = world.seconds / 8e9
    count = len(world.site.physical_networks)
    room, foreign = np.zeros((count, world.slots)), np.zeros(count)
    np.add.at(room, world.site.physical, np.maximum(world.site.shed[:, None] - background, 0.0) * gigabytes)
    np.add.at(foreign, world.site.physical, background.sum(axis=1) * gigabytes)
    priced = np.isfinite(price)
    return _Flow(
        ours=rates.sum(axis=0) * gigabytes,
        foreign=foreign,
        room=np.where(priced, room, 0.0),
        price=np.where(priced, price, 0.0),
    )


def _attached(world: World) -> float:
    """What attachments cost where they are cheapest."""
    if not charges_attachments(world.site.book):
        return 0.0
    present = np.ones(world.into.shape, dtype=np.bool_) if world.present is None else world.present
    hours, money = world.seconds / 3600, 0.0
    for slot, count in enumerate(present.sum(axis=0).tolist()):
        price = per_attachment(world.site, world.time(slot), world.slot)
        money += count * hours * float(np.min(price, initial=np.inf, where=np.isfinite(price)))
    return money


def _carry(solver: Any, flow: _Flow) -> tuple[list[Any], Any]:
    """(GB on each network, what they cost by the unit). What finds no room is left out."""
    total = np.minimum(flow.ours, flow.room.sum(axis=0))
    carried: list[list[Any]] = [[] for _ in flow.room]
    cost = []
    for slots in _alike(flow, total):
        due = float(total[slots].sum())
        parts = [solver.NumVar(0, min(float(room), due), "") for room in flow.room[:, slots].sum(axis=1)]
        solver.Add(solver.Sum(parts) >= due * (1 - 1e-12))
        for place, part in enumerate(parts):
            carried[place].append(part)
            cost.append(float(flow.price[place, slots[0]]) * part)
    return [solver.Sum(parts) for parts in carried], solver.Sum(cost)


def _alike(flow: _Flow, total: Floats) -> Iterator[Ints]:
    """Slots that may be joined: the same prices, and room for everything on every network that has any."""
    number = np.arange(len(total))
    usable = flow.room.any(axis=1)
    wide = (flow.room[usable] >= total).all(axis=0)
    keys = np.vstack([flow.price, np.where(wide, -1, number)])
    group = np.unique(keys, axis=1, return_inverse=True)[1].ravel()
    busy = total > 0
    for each in np.unique(group[busy]).tolist():
        yield np.flatnonzero((group == each) & busy)


def _money(solver: Any, metered: Metered, units: Any, most: float) -> Any:
    """The charge's bill of so many units, at most ``most``, as an expression."""
    charge = metered.charge
    if isinstance(charge, Volume):
        return _tiered(solver, charge, units, most)
    beyond = charge.beyond
    over = solver.NumVar(0, solver.infinity(), "") if beyond.overage is not None else solver.IntVar(0, 10**9, "")
    size = 1.0 if beyond.block is None else float(beyond.block)
    solver.Add(size * over >= units - float(charge.included * metered.part))
    return over * float((beyond.price if beyond.overage is None else beyond.overage) or 0)


def _tiered(solver: Any, charge: Volume, units: Any, most: float) -> Any:
    """The total lies in exactly one tier, which says what it costs."""
    reached, inside, cost, before = [], [], [], Decimal(0)
    for tier in charge.tiers:
        low, high = float(before), most if tier.up_to is None else float(tier.up_to)
        here, total = solver.BoolVar(""), solver.NumVar(0, max(most, high), "")
        solver.Add(total >= low * here)
        solver.Add(total <= max(high, low) * here)
        price = float(tier.price)
        match charge.mode:
            case Mode.GRADUATED:
                base = float(amount(charge.mode, charge.tiers, before, before))
                cost.append((base - price * low) * here + price * total)
            case Mode.ALL_UNITS:
                cost.append(price * total)
            case Mode.STEP_FEE:
                cost.append(price * here)
        reached.append(here)
        inside.append(total)
        before = tier.up_to or before
    solver.Add(solver.Sum(reached) == 1)
    solver.Add(solver.Sum(inside) == units)
    return solver.Sum(cost)


def _cost(metered: Metered, units: Decimal) -> Decimal:
    """The charge's bill of so many units, without a quota's price, which is due anyway."""
    charge = metered.charge
    if isinstance(charge, Volume):
        return amount(charge.mode, charge.tiers, units, units)
    over, beyond = max(units - charge.included * metered.part, Decimal(0)), charge.beyond
    if beyond.block is None or beyond.price is None:
        return over * (beyond.overage or 0)
    return (over / beyond.block).to_integral_value(ROUND_CEILING) * beyond.price
