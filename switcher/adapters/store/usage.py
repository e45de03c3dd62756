"""What uplinks carried in a period: rows as they were sampled, and sums for the counters of billing periods."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from switcher.adapters.store.instants import PER_SECOND, micros, moment_of
from switcher.adapters.store.intervals import Grid
from switcher.adapters.store.reading import Wanted, sums
from switcher.adapters.store.sampled import Series, ending_in, over
from switcher.adapters.store.schema import uplink_samples, uplinks
from switcher.ports import UsageRow


def usage(connection: Connection, start: datetime, end: datetime) -> list[UsageRow]:
    """Uplink samples whose interval touches ``[start, end)``, oldest first."""
    names = {row.id: (row.node, row.physical_network) for row in connection.execute(select(uplinks))}
    series, period = Series(samples=uplink_samples), (micros(start), micros(end))
    inside = select(*series.what(ending_in(connection, series, period)))
    rows = [
        UsageRow(
            start=moment_of(row.start),
            seconds=(row.until - row.start) / PER_SECOND,
            physical_network=names[row.uplink_id][1],
            node=names[row.uplink_id][0],
            in_bytes=row.in_bytes,
            out_bytes=row.out_bytes,
        )
        for query in (inside, over(connection, series, period[1]))
        for row in connection.execute(query)
    ]
    return sorted(rows, key=lambda row: (row.start, row.node, row.physical_network))


def usage_totals(connection: Connection, start: datetime, end: datetime) -> Mapping[str, tuple[int, int]]:
    """Bytes (in, out) of each physical network in ``[start, end)``: from the coarsest sums that are exact there.

    A month is some hundred hours of each network and the samples of the last few minutes, however many nodes.
    """
    period = (micros(start), micros(end))
    if period[0] >= period[1]:
        return {}
    grid = Grid(period=period, step=period[1] - period[0], origin=period[0])
    found = sums(connection, Wanted(), grid, nested=False)
    return {name: (one.into, one.out) for (name, _), one in sorted(found.items())}
