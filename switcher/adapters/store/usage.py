"""What uplinks carried in a period: rows for bills, and totals for the volume counters of long billing periods."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from switcher.adapters.store.instants import HOUR, PER_SECOND, micros, moment_of
from switcher.adapters.store.intervals import Interval, share
from switcher.adapters.store.schema import uplink_hours, uplink_samples, uplinks
from switcher.ports import UsageRow

Totals = defaultdict[str, list[int]]


def usage(connection: Connection, start: datetime, end: datetime) -> list[UsageRow]:
    """Uplink samples whose interval touches ``[start, end)``, oldest first."""
    rows = [
        UsageRow(
            start=moment_of(row.start),
            seconds=(row.until - row.start) / PER_SECOND,
            physical_network=row.physical_network,
            node=row.node,
            in_bytes=row.in_bytes,
            out_bytes=row.out_bytes,
        )
        for row in connection.execute(_samples(micros(start), micros(end)))
    ]
    return sorted(rows, key=lambda row: (row.start, row.node, row.physical_network))


def usage_totals(connection: Connection, start: datetime, end: datetime) -> Mapping[str, tuple[int, int]]:
    """Bytes (in, out) of each physical network in ``[start, end)``: whole hours from their sums, edges from samples.

    After a prune the edges of a period that does not begin on a UTC hour have no samples and count as nothing.
    """
    low, high = micros(start), micros(end)
    first, last = -(-low // HOUR) * HOUR, high // HOUR * HOUR
    totals: Totals = defaultdict(lambda: [0, 0])
    if first >= last:
        _add_samples(connection, (low, high), totals)
    else:
        _add_samples(connection, (low, first), totals)
        _add_hours(connection, (first, last), totals)
        _add_samples(connection, (last, high), totals)
    return {name: (totals[name][0], totals[name][1]) for name in sorted(totals)}


def _samples(low: int, high: int) -> Select[*tuple[Any, ...]]:
    """Samples that touch ``[low, high)``, with their uplink.

    The samples of an uplink do not overlap, so none that ends after the first end at or past ``high`` can touch:
    the primary key bounds the search on both sides.
    """
    samples, other = uplink_samples, uplink_samples.alias("other")
    past = and_(other.c.uplink_id == uplinks.c.id, other.c.until >= high)
    straddles = select(func.min(other.c.until)).where(past).scalar_subquery()
    touches = and_(
        samples.c.uplink_id == uplinks.c.id,
        samples.c.until > low,
        samples.c.until <= func.coalesce(straddles, high),
        samples.c.start < high,
    )
    return select(samples, uplinks.c.node, uplinks.c.physical_network).join_from(uplinks, samples, touches)


def _add_samples(connection: Connection, period: Interval, totals: Totals) -> None:
    low, high = period
    if low >= high:
        return
    columns = uplink_samples.c
    inside: ColumnElement[bool] = and_(columns.start >= low, columns.until <= high)
    whole = (
        select(uplinks.c.physical_network, func.sum(columns.in_bytes), func.sum(columns.out_bytes))
        .join_from(
            uplinks,
            uplink_samples,
            and_(columns.uplink_id == uplinks.c.id, columns.until > low, columns.until <= high, inside),
        )
        .group_by(uplinks.c.physical_network)
    )
    for name, into, out in connection.execute(whole):
        _add(totals, name, int(into), int(out))
    for row in connection.execute(_samples(low, high).where(~inside)):
        taken = (row.start, row.until)
        _add(totals, row.physical_network, share(row.in_bytes, taken, period), share(row.out_bytes, taken, period))


def _add_hours(connection: Connection, period: Interval, totals: Totals) -> None:
    columns = uplink_hours.c
    query = (
        select(uplinks.c.physical_network, func.sum(columns.in_bytes), func.sum(columns.out_bytes))
        .join_from(
            uplinks,
            uplink_hours,
            and_(columns.uplink_id == uplinks.c.id, columns.hour >= period[0], columns.hour < period[1]),
        )
        .group_by(uplinks.c.physical_network)
    )
    for name, into, out in connection.execute(query):
        _add(totals, name, int(into), int(out))


def _add(totals: Totals, name: str, into: int, out: int) -> None:
    totals[name][0] += into
    totals[name][1] += out
