"""The least that our workloads add to the bill where charges look at the total of a billing period.

A mixed-integer programme over all slots together, moves free, traffic splittable, under ``shed``: how much flows where.
Tiers of every mode and quotas are in it as they are, also where more traffic makes a bill smaller; all other prices are
those that the world's price lists show for a unit. What the solver proves within its time is the bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

import numpy as np
from ortools.linear_solver import pywraplp

from switcher.decide.board import Floats, Ints
from switcher.objects.charges import Quota, Volume
from switcher.objects.words import Direction, Mode
from switcher.simulate.prices import charges_attachments, over_time, per_attachment
from switcher.simulate.world import World
from switcher.tariff.whole import amount

SECONDS = 60.0
PROCESSOR_TIME = "timing/clocktype = 1"
"""SCIP's own: on a busy machine the clock on the wall would end the search before anything is proved."""
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
    """What may flow in one direction, in GB. Shapes: K classes of destination, P physical networks, T slots."""

    ours: Floats
    """K x T."""
    foreign: Mapping[str | None, Floats]
    """By class, P."""
    room: Floats
    """P x T; none where no class has a price."""
    price: Floats
    """K x P x T, money per GB; infinite where there is none."""


@dataclass(frozen=True, slots=True)
class _Carried:
    """GB of one class on one physical network in some slots, as a variable of the programme."""

    kind: int
    place: int
    amount: Any


def totals_bound(world: World, metered: Sequence[Metered], seconds: float = SECONDS) -> float:
    """Money; penalties for latency are left out. ``metered`` charges must not be in the world's price lists too.

    Raises ValueError when nothing was proved in so many seconds of the processor.
    """
    solver = pywraplp.Solver.CreateSolver("SCIP")
    solver.SetTimeLimit(int(seconds * 1000))
    if not solver.SetSolverSpecificParametersAsString(PROCESSOR_TIME):
        raise ValueError(f"the solver does not know {PROCESSOR_TIME}")
    flows = {way: _flow(way, world, price) for way, price in zip(WAYS, over_time(world), strict=True)}
    carried, money = {}, [_attached(world)]
    for way, flow in flows.items():
        carried[way], cost = _carry(solver, flow)
        money.append(cost)
    for each in metered:
        ways = [way for way in WAYS if each.charge.direction in (way, Direction.SUM)]
        foreign, ours = (sum(_counted(world, each, flows[way])[side] for way in ways) for side in (0, 1))
        found = [part.amount for way in ways for part in carried[way] if _counts(world, each, part)]
        factor = float(GB / each.charge.unit.bytes)
        units = factor * solver.Sum(found) + factor * foreign
        money += [
            _money(solver, each, units, factor * (foreign + ours)),
            -float(_cost(each, Decimal(factor * foreign))),
        ]
    solver.Minimize(solver.Sum(money))
    status = solver.Solve()
    bound = float(solver.Objective().BestBound())
    proved = status == pywraplp.Solver.OPTIMAL or (status == pywraplp.Solver.FEASIBLE and bound > 0)
    if not proved:  # zero is also what it says before it knows anything
        raise ValueError(f"nothing was proved in {seconds:g} s")
    return bound


def _counted(world: World, metered: Metered, flow: _Flow) -> tuple[float, float]:
    """GB that the charge counts in one direction: (of the foreign load, of ours at the most)."""
    wanted, site = metered.charge.destination, world.site
    places = [number for number, name in enumerate(site.physical_networks) if name in metered.networks]
    foreign = sum(float(rates[places].sum()) for name, rates in flow.foreign.items() if wanted in (None, name))
    ours = sum(float(flow.ours[kind].sum()) for kind, name in enumerate(site.classes) if wanted in (None, name))
    return foreign, ours


def _counts(world: World, metered: Metered, part: _Carried) -> bool:
    """Whether a charge counts what is carried."""
    wanted, site = metered.charge.destination, world.site
    return site.physical_networks[part.place] in metered.networks and wanted in (None, site.classes[part.kind])


def _flow(way: Direction, world: World, price: Floats) -> _Flow:
    site, gigabytes = world.site, world.seconds / 8e9
    into = way is Direction.IN
    rates, background = (world.into, world.background_in) if into else (world.out, world.background_out)
    room = np.zeros((len(site.physical_networks), world.slots))
    np.add.at(room, site.physical, np.maximum(world.shed - background, 0.0) * gigabytes)
    foreign = {}
    for name, both in world.foreign_by_class.items():
        foreign[name] = np.zeros(len(site.physical_networks))
        np.add.at(foreign[name], site.physical, both[0 if into else 1].sum(axis=1) * gigabytes)
    return _Flow(
        ours=np.stack([rates[site.kind == kind].sum(axis=0) * gigabytes for kind in range(len(site.classes))]),
        foreign=foreign,
        room=np.where(np.isfinite(price).any(axis=0), room, 0.0),
        price=price,
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


def _carry(solver: Any, flow: _Flow) -> tuple[list[_Carried], Any]:
    """(What is carried, what it costs by the unit). What finds no room is left out."""
    carried: list[_Carried] = []
    cost = []
    for slots in _alike(flow):
        room, due, price = flow.room[:, slots].sum(axis=1), flow.ours[:, slots].sum(axis=1), flow.price[:, :, slots[0]]
        parts = [
            _Carried(kind, place, solver.NumVar(0, min(float(room[place]), float(due[kind])), ""))
            for kind, place in zip(*np.nonzero(np.isfinite(price)), strict=True)
        ]
        for place in range(len(room)):
            solver.Add(solver.Sum([part.amount for part in parts if part.place == place]) <= float(room[place]))
        for kind in range(len(due)):
            solver.Add(solver.Sum([part.amount for part in parts if part.kind == kind]) <= float(due[kind]))
        least = sum(min(float(due[kind]), float(room[np.isfinite(price[kind])].sum())) for kind in range(len(due)))
        least = min(least, float(room.sum()))
        solver.Add(solver.Sum([part.amount for part in parts]) >= least * (1 - 1e-9))
        carried += parts
        cost += [float(price[part.kind, part.place]) * part.amount for part in parts]
    return carried, solver.Sum(cost)


def _alike(flow: _Flow) -> Iterator[Ints]:
    """Slots that may be joined: the same prices, and room for everything on every network that has any."""
    total = flow.ours.sum(axis=0)
    usable = flow.room.any(axis=1)
    wide = (flow.room[usable] >= total).all(axis=0)
    keys = np.vstack([flow.price.reshape(-1, len(total)), np.where(wide, -1, np.arange(len(total)))])
    group = np.unique(keys, axis=1, return_inverse=True)[1].ravel()
    for each in np.unique(group[total > 0]).tolist():
        yield np.flatnonzero((group == each) & (total > 0))


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
