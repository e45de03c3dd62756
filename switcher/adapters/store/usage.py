"""What uplinks carried in a period: rows for bills, and totals for the volume counters of long billing periods."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, tuple_

from switcher.adapters.store.instants import HOUR, PER_SECOND, micros, moment_of
from switcher.adapters.store.intervals import Interval, share
from switcher.adapters.store.schema import uplink_hours, uplink_samples, uplinks
from switcher.ports import UsageRow

Totals = defaultdict[str, list[int]]
Sample = Row[*tuple[Any, ...]]
Uplink = tuple[str, str]
"""Node and physical network."""


def usage(connection: Connection, start: datetime, end: datetime) -> list[UsageRow]:
    """Uplink samples whose interval touches ``[start, end)``, oldest first."""
    names, period = _uplinks(connection), (micros(start), micros(end))
    inside = connection.execute(select(uplink_samples).where(_inside(period)))
    rows = [
        UsageRow(
            start=moment_of(row.start),
            seconds=(row.until - row.start) / PER_SECOND,
            physical_network=names[row.uplink_id][1],
            node=names[row.uplink_id][0],
            in_bytes=row.in_bytes,
            out_bytes=row.out_bytes,
        )
        for row in (*inside, *_straddling(connection, period))
    ]
    return sorted(rows, key=lambda row: (row.start, row.node, row.physical_network))


def usage_totals(connection: Connection, start: datetime, end: datetime) -> Mapping[str, tuple[int, int]]:
    """Bytes (in, out) of each physical network in ``[start, end)``: whole hours from their sums, edges from samples.

    After a prune the edges of a period that does not begin on a UTC hour have no samples and count as nothing.
    """
    low, high = micros(start), micros(end)
    first, last = -(-low // HOUR) * HOUR, high // HOUR * HOUR
    names, totals = _uplinks(connection), Totals(lambda: [0, 0])
    if first >= last:
        _add_samples(connection, (low, high), names, totals)
    else:
        _add_samples(connection, (low, first), names, totals)
        _add_hours(connection, (first, last), names, totals)
        _add_samples(connection, (last, high), names, totals)
    return {name: (totals[name][0], totals[name][1]) for name in sorted(totals)}


def _uplinks(connection: Connection) -> dict[int, Uplink]:
    return {row.id: (row.node, row.physical_network) for row in connection.execute(select(uplinks))}


def _inside(period: Interval) -> ColumnElement[bool]:
    """Samples wholly in the period. Naming all uplinks lets SQLite search the primary key instead of reading all."""
    columns = uplink_samples.c
    return and_(
        columns.uplink_id.in_(select(uplinks.c.id)),
        columns.until > period[0],
        columns.until <= period[1],
        columns.start >= period[0],
    )


def _straddling(connection: Connection, period: Interval) -> Iterable[Sample]:
    """Samples that begin before an edge of the period and end after it: at most one an uplink and edge."""
    found: dict[Interval, Sample] = {}
    samples, other = uplink_samples, uplink_samples.alias("other")
    for edge in period:
        next_end = select(func.min(other.c.until)).where(other.c.uplink_id == uplinks.c.id, other.c.until > edge)
        over = select(uplinks.c.id, next_end.scalar_subquery())
        query = select(samples).where(tuple_(samples.c.uplink_id, samples.c.until).in_(over), samples.c.start < edge)
        found |= {(row.uplink_id, row.until): row for row in connection.execute(query)}
    return found.values()


def _add_samples(connection: Connection, period: Interval, names: Mapping[int, Uplink], totals: Totals) -> None:
    if period[0] >= period[1]:
        return
    columns = uplink_samples.c
    sums = select(columns.uplink_id, func.sum(columns.in_bytes), func.sum(columns.out_bytes))
    for owner, into, out in connection.execute(sums.where(_inside(period)).group_by(columns.uplink_id)):
        _add(totals, names[owner], int(into), int(out))
    for row in _straddling(connection, period):
        taken = (row.start, row.until)
        into, out = share(row.in_bytes, taken, period), share(row.out_bytes, taken, period)
        _add(totals, names[row.uplink_id], into, out)


def _add_hours(connection: Connection, period: Interval, names: Mapping[int, Uplink], totals: Totals) -> None:
    columns = uplink_hours.c
    query = (
        select(columns.uplink_id, func.sum(columns.in_bytes), func.sum(columns.out_bytes))
        .where(columns.uplink_id.in_(select(uplinks.c.id)), columns.hour >= period[0], columns.hour < period[1])
        .group_by(columns.uplink_id)
    )
    for owner, into, out in connection.execute(query):
        _add(totals, names[owner], int(into), int(out))


def _add(totals: Totals, uplink: Uplink, into: int, out: int) -> None:
    totals[uplink[1]][0] += into
    totals[uplink[1]][1] += out
