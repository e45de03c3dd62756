"""Loads over a period as a chart needs them: as many points as asked for, from the resolution that suits them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from switcher.adapters.store.instants import HOUR, MICROSECOND, MINUTE, PER_SECOND, micros, moment_of
from switcher.adapters.store.intervals import Grid, Interval
from switcher.adapters.store.reading import Wanted, sums
from switcher.adapters.store.slots import FIVE
from switcher.adapters.store.sums import Sums
from switcher.ports import LoadPoint, LoadSeries

STEPS = (HOUR, FIVE, MINUTE, PER_SECOND)
BITS = 8.0 * PER_SECOND
"""A byte a microsecond in bits a second."""


def series(connection: Connection, wanted: Wanted, start: datetime, end: datetime, points: int) -> LoadSeries:
    """At most ``points`` steps that cover ``[start, end)``, and one more where an edge cuts the first.

    Of one node, time without samples does not count; a whole physical network is idle where no node reports. Raises
    ValueError when the period is empty or no point is asked for.
    """
    period = (micros(start), micros(end))
    if period[0] >= period[1] or points < 1:
        raise ValueError(f"no {points} points can be drawn from {start} to {end}")
    grid = Grid(period=period, step=step_for(period, points))
    found = sums(connection, wanted, grid)
    line = sorted((slot, one) for (_, slot), one in found.items() if one.covered)
    return LoadSeries(
        step=grid.step * MICROSECOND,
        points=tuple(_point(one, slot, grid, of_node=wanted.node is not None) for slot, one in line),
    )


def step_for(period: Interval, points: int) -> int:
    """The shortest step for so many points, in whole hours, fives, minutes or seconds: the coarsest that fits."""
    least = -(-(period[1] - period[0]) // points)
    unit = next((unit for unit in STEPS if unit <= least), PER_SECOND)
    return -(-least // unit) * unit


def _point(one: Sums, slot: int, grid: Grid, *, of_node: bool) -> LoadPoint:
    start, until = max(slot, grid.period[0]), min(slot + grid.step, grid.period[1])
    time = one.covered if of_node else until - start
    return LoadPoint(
        start=moment_of(start),
        in_bps=one.into * BITS / time,
        out_bps=one.out * BITS / time,
        capacity_bps=one.capacity or None,
    )
