"""Samples of time that was rolled up before they came: the sums are corrected in the transaction that stores them.

``series.py`` has taken out what is counted already, also where its samples are deleted. Only of what a version before
``covering.py`` deleted nobody knows which parts of a slot it covered, but ``covered`` says how much of it: no more time
counts there than the slot has left. Sums that retention has deleted are not made anew, and nothing is added to those of
whole networks that an uplink's hours do not have any more: they tell what is counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeAlias

from sqlalchemy import Connection, select

from switcher.adapters.store.covering import note
from switcher.adapters.store.intervals import Grid, Interval
from switcher.adapters.store.reach import Reaches
from switcher.adapters.store.slots import Level
from switcher.adapters.store.sums import BySlot, Sums, add, by_network, divided

Part: TypeAlias = tuple[int, Interval, int, int, float]
"""A stored sample: its series, time, bytes in and out, capacity."""


def correct(connection: Connection, levels: Sequence[Level], stored: Sequence[Part], reach: Reaches) -> None:
    """Add what lies before each level's ``rolled_until`` to its sums; ``levels`` from fine to coarse.

    ``stored``: samples that begin before the finest level's.
    """
    if not stored:
        return
    finest = levels[0]
    note(connection, finest.parts, ((owner, taken) for owner, taken, *_ in stored))
    edge, told_from = reach[finest.name].rolled_until, reach[levels[-1].name].kept_from
    sums = divided(stored, Grid(period=(0, edge), step=finest.step))
    for level in levels:
        sums = _coarser(sums, level.step, reach[level.name].rolled_until)
        if not sums:
            return
        sums = _fitting(connection, level, sums)
        add(connection, level.table, _since(sums, reach[level.name].kept_from))
        if level.whole is not None:
            kept = _since(sums, max(told_from, reach[level.whole.name].kept_from))
            add(connection, level.whole, by_network(connection, kept))


def _since(sums: BySlot, moment: int) -> BySlot:
    return {key: one for key, one in sums.items() if key[1] >= moment}


def _coarser(sums: BySlot, step: int, rolled_until: int) -> BySlot:
    """The sums by slots of ``step``, of those that the level has rolled up already."""
    found: defaultdict[tuple[int, int], Sums] = defaultdict(Sums)
    for (owner, slot), one in sums.items():
        if slot < rolled_until:
            found[owner, slot // step * step].add(one.into, one.out, one.covered, one.capacity)
    return found


def _fitting(connection: Connection, level: Level, sums: BySlot) -> BySlot:
    """The sums, each without the share of its time that its slot has no room for."""
    table = level.table
    owner, slot = table.primary_key.columns
    slots = [key[1] for key in sums]
    query = select(owner, slot, table.c.covered).where(
        owner.in_(sorted({key[0] for key in sums})), slot >= min(slots), slot <= max(slots)
    )
    covered = {(row[0], row[1]): row[2] for row in connection.execute(query)}
    return {key: one.within(max(0, level.step - covered.get(key, 0))) for key, one in sums.items()}
