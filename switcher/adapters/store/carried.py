"""What uplinks and attachments carried, in equal slots of a period: the past as a backtest needs it.

Each series is read by itself, so that a month of thousands of attachments never is in memory at once. Samples that
lie in one slot are summed by the database; those that straddle an edge are shared here, to the byte.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, Table, cast, func, or_, select

from switcher.adapters.store.instants import MICROSECOND, micros
from switcher.adapters.store.intervals import Interval, share
from switcher.adapters.store.schema import path_samples, paths, uplink_samples, uplinks
from switcher.model import Uplink
from switcher.ports import AttachmentPath, SlotBytes

Sums = defaultdict[int, list[int]]


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


def uplink_slots(connection: Connection, slots: Slots) -> Iterator[tuple[Uplink, SlotBytes]]:
    """By node and name; uplinks without a sample in the period are left out."""
    found = connection.execute(select(uplinks)).all()
    for row in sorted(found, key=lambda row: (row.node, row.physical_network)):
        carried = _of_series(connection, uplink_samples, row.id, slots)
        if carried.slots:
            yield Uplink(row.physical_network, row.node), carried


def path_slots(connection: Connection, slots: Slots) -> Iterator[tuple[AttachmentPath, SlotBytes]]:
    """By node, workload, attachment and network; paths without a sample in the period are left out."""
    found = connection.execute(select(paths)).all()
    for path, owner in sorted(
        (AttachmentPath(row.node, row.workload, row.attachment, row.network), row.id) for row in found
    ):
        carried = _of_series(connection, path_samples, owner, slots)
        if carried.slots:
            yield path, carried


def _of_series(connection: Connection, samples: Table, owner: int, slots: Slots) -> SlotBytes:
    sums: Sums = defaultdict(lambda: [0, 0])
    own: Column[int] = next(iter(samples.primary_key.columns))
    low, high = slots.period
    columns = samples.c
    first, last = _number(columns.start, slots), _number(columns.until - 1, slots)
    touches = own == owner, columns.until > low, columns.start < high
    inside = columns.start >= low, columns.until <= high, first == last
    totals = [cast(func.sum(columns[name]), BigInteger) for name in ("in_bytes", "out_bytes")]
    grouped = select(last, totals[0], totals[1]).where(*touches, *inside).group_by(last)
    for number, into, out in connection.execute(grouped):
        _add(sums, number, into, out)
    across = or_(columns.start < low, columns.until > high, first != last)
    query = select(columns.start, columns.until, columns.in_bytes, columns.out_bytes)
    for start, until, into, out in connection.execute(query.where(*touches, across)):
        for number, part in slots.parts((start, until)):
            _add(sums, number, share(into, (start, until), part), share(out, (start, until), part))
    return slot_bytes(sums)


def _number(at: ColumnElement[int], slots: Slots) -> ColumnElement[int]:
    """The slot of an instant, by whole numbers; the same on every database where it is not negative."""
    return (at - slots.period[0]) // slots.step


def _add(sums: Sums, number: int, into: int, out: int) -> None:
    total = sums[number]
    total[0] += into
    total[1] += out


def slot_bytes(sums: dict[int, list[int]]) -> SlotBytes:
    """Sums as columns, in order of time."""
    order = sorted(sums)
    return SlotBytes(
        slots=array("q", order),
        in_bytes=array("q", (sums[number][0] for number in order)),
        out_bytes=array("q", (sums[number][1] for number in order)),
    )
