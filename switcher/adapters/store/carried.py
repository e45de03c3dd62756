"""What uplinks and attachments carried, in equal slots of a period: the past as a backtest needs it.

Each series is read by itself, so that a month of thousands of attachments never is in memory at once. Where the
samples are deleted their sums answer; slots of five minutes, or of whole multiples, on UTC's grid are exact in them.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from switcher.adapters.store.instants import MICROSECOND, micros
from switcher.adapters.store.intervals import Grid, Interval
from switcher.adapters.store.reach import reaches
from switcher.adapters.store.reading import OneSeries, Wanted, sums
from switcher.adapters.store.schema import path_samples, paths, uplink_samples, uplinks
from switcher.adapters.store.slots import PATH_LEVELS, UPLINK_LEVELS
from switcher.model import Uplink
from switcher.ports import AttachmentPath, SlotBytes


class Slots:
    """Equal slots of a period, in microseconds. Raises ValueError when the last one is not whole."""

    def __init__(self, start: datetime, end: datetime, slot: timedelta) -> None:
        self.period: Interval = (micros(start), micros(end))
        self.step = slot // MICROSECOND
        if self.step <= 0 or (self.period[1] - self.period[0]) % self.step:
            raise ValueError(f"{end - start} is no whole number of slots of {slot}")

    def parts(self, taken: Interval) -> Iterator[tuple[int, Interval]]:
        """The slots that an interval touches, each with its edges."""
        first, last = max(taken[0], self.period[0]), min(taken[1], self.period[1])
        for number in range((first - self.period[0]) // self.step, -(-(last - self.period[0]) // self.step)):
            begins = self.period[0] + number * self.step
            yield number, (begins, begins + self.step)


def resolution(connection: Connection, start: datetime) -> timedelta:
    """The finest resolution of attachments from which nothing was deleted since ``start``, else the coarsest."""
    reach = reaches(connection)
    known = [(path_samples.name, 0), *((level.name, level.step) for level in PATH_LEVELS)]
    complete = [step for name, step in known if reach[name].kept_from <= micros(start)]
    return min(complete, default=PATH_LEVELS[-1].step) * MICROSECOND


def uplink_slots(connection: Connection, slots: Slots) -> Iterator[tuple[Uplink, SlotBytes]]:
    """By node and name; uplinks without a sample in the period are left out."""
    found = connection.execute(select(uplinks)).all()
    for row in sorted(found, key=lambda row: (row.node, row.physical_network)):
        carried = _of_series(connection, OneSeries(samples=uplink_samples, levels=UPLINK_LEVELS, number=row.id), slots)
        if carried.slots:
            yield Uplink(row.physical_network, row.node), carried


def path_slots(connection: Connection, slots: Slots) -> Iterator[tuple[AttachmentPath, SlotBytes]]:
    """By node, workload, attachment and network; paths without a sample in the period are left out."""
    found = connection.execute(select(paths)).all()
    for path, owner in sorted(
        (AttachmentPath(row.node, row.workload, row.attachment, row.network), row.id) for row in found
    ):
        carried = _of_series(connection, OneSeries(samples=path_samples, levels=PATH_LEVELS, number=owner), slots)
        if carried.slots:
            yield path, carried


def slot_totals(connection: Connection, start: datetime, end: datetime, slot: timedelta) -> dict[str, SlotBytes]:
    """By physical network, all nodes together, from their own sums; ``end`` may cut the last slot."""
    grid = Grid(period=(micros(start), micros(end)), step=slot // MICROSECOND, origin=micros(start))
    if grid.step <= 0:
        raise ValueError(f"a slot of {slot} has no length")
    names: defaultdict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
    for (name, at), one in sums(connection, Wanted(), grid).items():
        if one.covered:
            names[name][(at - grid.origin) // grid.step] = (one.into, one.out)
    return {name: slot_bytes(names[name]) for name in sorted(names)}


def _of_series(connection: Connection, series: OneSeries, slots: Slots) -> SlotBytes:
    grid = Grid(period=slots.period, step=slots.step, origin=slots.period[0])
    found = sums(connection, series, grid)
    numbers = {(slot - grid.origin) // grid.step: [one.into, one.out] for (_, slot), one in found.items()}
    capacities = [one.capacity for _, one in sorted(found.items()) if one.capacity]
    return slot_bytes(numbers, capacities[-1] if capacities else 0.0)


def slot_bytes(sums: Mapping[int, Sequence[int]], capacity_bps: float = 0.0) -> SlotBytes:
    """Sums as columns, in order of time."""
    order = sorted(sums)
    return SlotBytes(
        slots=array("q", order),
        in_bytes=array("q", (sums[number][0] for number in order)),
        out_bytes=array("q", (sums[number][1] for number in order)),
        capacity_bps=capacity_bps,
    )
