"""How a row came about over time: money until then, and how much was on uplinks that were too full."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from switcher.simulate import Trail, World
from switcher.simulate.account import foreign_bill, move_money, overload_by_slot, whole_bill

POINTS = 40
MOST_ROWS = 400_000
"""Rows of bills for one course: fewer points where there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """At the end of each stretch of the period."""

    times: tuple[datetime, ...]
    money: tuple[float, ...]
    """What the workloads had added to the bill by then, with their moves."""
    overloaded_percent: tuple[float, ...]
    """Of their traffic in the stretch."""


def course(world: World, trail: Trail) -> Course:
    """Bills of [start, t) for some moments t, exact as bills are, so that tiers, quotas and percentiles show."""
    rows = 2 * len(world.site.uplinks) * world.slots
    points = int(np.clip(MOST_ROWS / max(rows, 1), 4, min(POINTS, world.slots)))
    edges = np.unique(np.linspace(0, world.slots, points + 1).round().astype(int))[1:].tolist()
    over, everything, _ = overload_by_slot(world, trail)
    moves = np.cumsum([float(money) for money in move_money(world, trail)])
    begin, percent, money = 0, [], []
    for edge in edges:
        then, there = _until(world, trail, edge)
        money.append(float(whole_bill(then, there) - foreign_bill(then)) + float(moves[edge - 1]))
        percent.append(100 * float(over[begin:edge].sum()) / max(float(everything[begin:edge].sum()), 1e-9))
        begin = edge
    return Course(
        times=tuple(world.time(edge) for edge in edges), money=tuple(money), overloaded_percent=tuple(percent)
    )


def _until(world: World, trail: Trail, edge: int) -> tuple[World, Trail]:
    """Both up to the slot ``edge``."""
    return world.between(0, edge, world.at_start), trail.between(0, edge)
