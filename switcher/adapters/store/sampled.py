"""Samples by slots of time: sums by the database where a sample lies in one slot, shares in Python where not.

A sample over an edge is divided as everywhere (:func:`~switcher.adapters.store.intervals.share`): the product of a
petabyte and a minute in microseconds is more than the databases' integers hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Float, Select, Table, and_, cast, func, select, tuple_

from switcher.adapters.store.intervals import Grid, Interval
from switcher.adapters.store.schema import path_samples, paths, uplink_samples, uplinks
from switcher.adapters.store.sums import BySlot, Column, Query, divided, total

OWNERS = {uplink_samples.name: uplinks, path_samples.name: paths}
"""Whose the samples of a table are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The samples of some series: of all, or of those that ``owners`` (rows of ``uplinks`` or ``paths``) finds."""

    samples: Table
    owners: Column | None = None

    @property
    def owner(self) -> Column:
        """The column that says whose a sample is."""
        return next(iter(self.samples.primary_key.columns))

    @property
    def ids(self) -> Select[tuple[int]]:
        """Whose samples. Naming them lets SQLite search the primary key instead of reading all."""
        table = OWNERS[self.samples.name]
        found = select(table.c.id)
        return found if self.owners is None else found.where(self.owners)

    @property
    def capacity(self) -> Any:
        """The column of an uplink's capacity; 0 for a path."""
        return self.samples.c.capacity_bps if "capacity_bps" in self.samples.c else cast(0, Float(53))


def ending_in(series: Series, period: Interval) -> Column:
    """Samples of the series that end in (start, end]."""
    until = series.samples.c.until
    return and_(series.owner.in_(series.ids), until > period[0], until <= period[1])


def first_after(series: Series, edge: int, *what: Any) -> Query:
    """``what`` of the first sample of each series that ends after ``edge``."""
    other, found = series.samples.alias("other"), series.ids.subquery()
    next_end = select(func.min(other.c.until)).where(other.c[series.owner.name] == found.c.id, other.c.until > edge)
    over = select(found.c.id, next_end.scalar_subquery())
    return select(*what).where(tuple_(series.owner, series.samples.c.until).in_(over))


def whole(series: Series, grid: Grid) -> Query:
    """Series, slot, bytes in and out, time (and an uplink's capacity) of samples that lie in one slot of the period."""
    columns = series.samples.c
    slot = grid.before(columns.until)
    sums = [total(columns.in_bytes), total(columns.out_bytes), total(columns.until - columns.start)]
    if "capacity_bps" in columns:
        sums.append(func.max(columns.capacity_bps))
    query = select(series.owner, slot.label("begins"), *sums)  # grouped by its name: parameters differ each time
    inside = ending_in(series, grid.period), columns.start >= slot, columns.start >= grid.period[0]
    return query.where(*inside).group_by(series.owner, "begins")


def straddling(connection: Connection, series: Series, grid: Grid) -> BySlot:
    """What samples over an edge of a slot, or of the period, carried in the period's slots."""
    return divided(_over_edges(connection, series, grid), grid)


def _over_edges(connection: Connection, series: Series, grid: Grid) -> Iterator[tuple[int, Interval, int, int, float]]:
    columns = series.samples.c
    what = (series.owner, columns.start, columns.until, columns.in_bytes, columns.out_bytes, series.capacity)
    start = grid.before(columns.until)
    edges = select(*what).where(
        ending_in(series, grid.period), (columns.start < start) | (columns.start < grid.period[0])
    )
    over_end = first_after(series, grid.period[1], *what).where(columns.start < grid.period[1])
    for query in (edges, over_end):
        for owner, begun, until, into, out, capacity in connection.execute(query):
            yield owner, (begun, until), into, out, capacity
