"""Samples by slots of time: sums by the database where a sample lies in one slot, shares in Python where not.

A sample over an edge is divided as everywhere (:func:`~switcher.adapters.store.intervals.share`): the product of a
petabyte and a minute in microseconds is more than the databases' integers hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Float, FromClause, Select, Table, cast, func, select

from switcher.adapters.store.intervals import Grid, Interval
from switcher.adapters.store.schema import path_samples, paths, uplink_samples, uplinks
from switcher.adapters.store.searching import first_after, rows_of
from switcher.adapters.store.sums import BySlot, Column, Query, divided, total

OWNERS = {uplink_samples.name: uplinks, path_samples.name: paths}
"""Whose the samples of a table are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The samples of some series: of all, or of those that ``owners`` (rows of ``uplinks`` or ``paths``) finds."""

    samples: Table
    owners: Column | None = None

    @property
    def ids(self) -> Select[tuple[int]]:
        """Whose samples."""
        table = OWNERS[self.samples.name]
        found = select(table.c.id)
        return found if self.owners is None else found.where(self.owners)

    def owner(self, found: FromClause) -> Column:
        """The column that says whose a sample is."""
        return found.c[next(iter(self.samples.primary_key.columns)).name]

    def what(self, found: FromClause) -> tuple[Column, ...]:
        """Series, time, bytes in and out and an uplink's capacity (of a path 0) of samples that were found."""
        columns = found.c
        capacity = columns.capacity_bps if "capacity_bps" in columns else cast(0, Float(53))
        return self.owner(found), columns.start, columns.until, columns.in_bytes, columns.out_bytes, capacity


def ending_in(connection: Connection, series: Series, period: Interval) -> FromClause:
    """The samples of the series that end in (start, end]."""
    until = series.samples.c.until
    return rows_of(connection, series.samples, series.ids, until > period[0], until <= period[1])


def over(connection: Connection, series: Series, edge: int) -> Query:
    """What of each series' samples begins before ``edge`` and ends after it."""
    after = first_after(connection, series.samples, series.ids, edge)
    return select(*series.what(after)).where(after.c.start < edge)


def whole(connection: Connection, series: Series, grid: Grid) -> Query:
    """Series, slot, bytes in and out, time (and an uplink's capacity) of samples that lie in one slot of the period."""
    found = ending_in(connection, series, grid.period)
    columns, owner = found.c, series.owner(found)
    slot = grid.before(columns.until)
    sums = [_named(columns.in_bytes), _named(columns.out_bytes), _named(columns.until - columns.start, "covered")]
    if "capacity_bps" in columns:
        sums.append(func.max(columns.capacity_bps))
    query = select(owner, slot.label("begins"), *sums)  # grouped by its name: parameters differ each time
    return query.where(columns.start >= slot, columns.start >= grid.period[0]).group_by(owner, "begins")


def _named(column: Column, name: str | None = None) -> Column:
    return total(column).label(name or column.name)


def networks(samples: Query) -> Query:
    """Physical network, slot, bytes in and out and time: what :func:`whole` finds of uplinks, added up there.

    By the database: of ten thousand uplinks it hands over ten sums, not as many as there are uplinks.
    """
    found = samples.subquery()
    name, begins = uplinks.c.physical_network, found.c.begins
    sums = [total(found.c[each]) for each in ("in_bytes", "out_bytes", "covered")]
    return (
        select(name, begins, *sums).join_from(found, uplinks, uplinks.c.id == found.c.uplink_id).group_by(name, begins)
    )


def straddling(connection: Connection, series: Series, grid: Grid) -> BySlot:
    """What samples over an edge of a slot, or of the period, carried in the period's slots."""
    return divided(_over_edges(connection, series, grid), grid)


def _over_edges(connection: Connection, series: Series, grid: Grid) -> Iterator[tuple[int, Interval, int, int, float]]:
    found = ending_in(connection, series, grid.period)
    start = grid.before(found.c.until)
    edges = select(*series.what(found)).where((found.c.start < start) | (found.c.start < grid.period[0]))
    for query in (edges, over(connection, series, grid.period[1])):
        for row in connection.execute(query):
            yield row[0], (row[1], row[2]), row[3], row[4], row[5]
