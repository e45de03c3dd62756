"""The exact optimum of a tiny world: whole workloads, capacity, moves, prices per GB. It proves the bounds in tests."""

from __future__ import annotations

import numpy as np
from ortools.sat.python import cp_model

from switcher.decide.board import NOWHERE, Floats
from switcher.simulate.prices import densities, latency_cost, over_time
from switcher.simulate.world import World

STEPS = 10_000_000
"""Of the largest cost, for whole numbers."""
LARGEST = 50_000
"""Workloads x networks x slots that are still tiny."""


def exact_optimum(world: World) -> float:
    """Bill, penalties and moves of the best that anyone can do under ``shed``, by the solver's proof.

    Raises ValueError when the world is not tiny, or cannot be kept under ``shed``.
    """
    site = world.site
    if site.uplink.size * world.slots > LARGEST:
        raise ValueError(f"{site.uplink.size * world.slots:,} choices are not tiny")
    costs = _costs(world)
    moves = np.array([float(cost) for cost in site.move_cost])
    scale = STEPS / max(float(costs[np.isfinite(costs)].max()), float(moves.max()), 1e-300)
    model = cp_model.CpModel()
    there = {
        (slot, row, column): model.new_bool_var("")
        for slot in range(world.slots)
        for row, column in zip(*np.nonzero(site.uplink != NOWHERE), strict=True)
    }
    _one_each(model, world, there)
    _capacities(model, world, there)
    moved = _moves(model, world, there)
    model.minimize(
        sum(int(costs[key[1], key[2], key[0]] * scale) * var for key, var in there.items())
        + sum(int(moves[row] * scale) * var for (_, row), var in moved.items())
    )
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    if solver.solve(model) != cp_model.OPTIMAL:
        raise ValueError("the world cannot be kept under shed")
    return solver.best_objective_bound / scale


def _costs(world: World) -> Floats:
    """W x C x T: money of a slot."""
    site, (into, out) = world.site, over_time(world)
    slots = []
    for slot in range(world.slots):
        cost = densities(site, (into[..., slot], out[..., slot]), world.into[:, slot], world.out[:, slot])
        slots.append((cost + latency_cost(site, world.demand[:, slot])) * (world.seconds / 3600))
    return np.stack(slots, axis=2)


Places = dict[tuple[int, int, int], cp_model.IntVar]


def _one_each(model: cp_model.CpModel, world: World, there: Places) -> None:
    for slot in range(world.slots):
        for row in range(len(world.site.workloads)):
            model.add_exactly_one(var for key, var in there.items() if key[:2] == (slot, row))


def _capacities(model: cp_model.CpModel, world: World, there: Places) -> None:
    """Loads rounded down and rooms up, so that nothing that fits is refused."""
    site, unit = world.site, max(float(world.demand.max()) / 1e6, 1e-9)
    for slot in range(world.slots):
        for rates, background in ((world.into, world.background_in), (world.out, world.background_out)):
            room = np.ceil(np.maximum(site.shed - background[:, slot], 0.0) / unit).astype(np.int64)
            for place in range(len(site.uplinks)):
                load = [
                    int(rates[row, slot] / unit) * var
                    for (at, row, column), var in there.items()
                    if at == slot and site.uplink[row, column] == place
                ]
                model.add(sum(load) <= int(room[place]))


def _moves(model: cp_model.CpModel, world: World, there: Places) -> dict[tuple[int, int], cp_model.IntVar]:
    """(slot, workload) -> moved: at least where it comes to a network on which it was not."""
    moved = {(slot, row): model.new_bool_var("") for slot, row, _ in there}
    for (slot, row, column), var in there.items():
        if slot == 0:
            before = int(world.at_start[row] == column)
            model.add(moved[slot, row] >= var - before)
        else:
            model.add(moved[slot, row] >= var - there[slot - 1, row, column])
    return moved
