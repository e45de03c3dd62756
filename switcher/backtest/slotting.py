"""Rows of any length as sums over equal slots: bytes are spread evenly over a row, and none is lost or doubled."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from switcher.backtest.record import Class, Span
from switcher.ports import SlotBytes, UsageRow
from switcher.tariff import Sample

MICROSECOND = timedelta(microseconds=1)
Sums = dict[int, list[int]]
"""Bytes (in, out) by slot."""


def add_share(sums: Sums, span: Span, taken: tuple[datetime, datetime], direction: str, count: Decimal) -> None:
    """Add a row to the slots that it touches; each share is a difference of running totals, in whole bytes."""
    start, end = taken
    length, step = (end - start) // MICROSECOND, span.slot // MICROSECOND
    offset, column, total = (start - span.start) // MICROSECOND, int(direction == "out"), round(count)
    first, last = max(offset // step, 0), min(-(-(offset + length) // step), span.slots)
    for number in range(first, last):
        low, high = max(number * step - offset, 0), min((number + 1) * step - offset, length)
        sums.setdefault(number, [0, 0])[column] += total * high // length - total * low // length


def slot_bytes(sums: Mapping[int, list[int]]) -> SlotBytes:
    """As columns, in order of time."""
    order = sorted(sums)
    return SlotBytes(
        slots=array("q", order),
        in_bytes=array("q", (sums[number][0] for number in order)),
        out_bytes=array("q", (sums[number][1] for number in order)),
    )


def samples_of(row: UsageRow, destination: str | None = None) -> Iterator[Sample]:
    """A row of an uplink as the two rows of a bill."""
    end = row.start + timedelta(seconds=row.seconds)
    for direction, count in (("in", row.in_bytes), ("out", row.out_bytes)):
        yield Sample(
            start=row.start,
            end=end,
            network=row.physical_network,
            direction=direction,
            bytes=Decimal(count),
            destination=destination,
            node=row.node,
        )


def slot_samples(uplinks: Mapping[Class, SlotBytes], span: Span) -> Iterator[Sample]:
    """Sums as rows of a bill."""
    for (place, destination), carried in uplinks.items():
        for number, into, out in zip(carried.slots, carried.in_bytes, carried.out_bytes, strict=True):
            yield from samples_of(
                UsageRow(
                    start=span.start + number * span.slot,
                    seconds=span.slot.total_seconds(),
                    physical_network=place.physical_network,
                    node=place.node or "",
                    in_bytes=into,
                    out_bytes=out,
                ),
                destination,
            )
