"""Sums of any period in slots of any length, of physical networks or of one series, from the tables that suit it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Table, func, select, true

from switcher.adapters.store.choosing import FOREVER, Choice, Source, choose
from switcher.adapters.store.intervals import Grid
from switcher.adapters.store.reach import Reach, Reaches, reaches
from switcher.adapters.store.sampled import OWNERS, Series, networks, straddling, whole
from switcher.adapters.store.schema import uplink_samples, uplinks
from switcher.adapters.store.slots import UPLINK_LEVELS, Level
from switcher.adapters.store.sums import BySlot, Column, Sums, by_network, divided, total


class Whose(Protocol):
    """Whose sums are wanted."""

    @property
    def samples(self) -> Table:
        """Where their samples are."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """Their sums, from fine to coarse."""

    @property
    def owners(self) -> Column:
        """The rows of ``uplinks`` or ``paths`` that are meant."""

    @property
    def together(self) -> bool:
        """Whether uplinks are added up by their physical network."""

    def table(self, level: Level) -> Table:
        """Where a level has their sums."""

    def rows(self, level: Level) -> Column:
        """The rows of it that are theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneSeries:
    """One uplink or path, by its number."""

    samples: Table
    levels: tuple[Level, ...]
    number: int
    together: bool = False

    @property
    def owners(self) -> Column:
        """Its row."""
        return OWNERS[self.samples.name].c.id == self.number

    def table(self, level: Level) -> Table:
        """Where a level has its sums."""
        return level.table

    def rows(self, level: Level) -> Column:
        """The rows of it that are its own."""
        return next(iter(level.table.primary_key.columns)) == self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose sums: every physical network's, one's (``network``), or one node's uplink to it."""

    network: str | None = None
    node: str | None = None

    @property
    def samples(self) -> Table:
        """Where the samples are."""
        return uplink_samples

    @property
    def levels(self) -> tuple[Level, ...]:
        """Their sums, from fine to coarse."""
        return UPLINK_LEVELS

    @property
    def together(self) -> bool:
        """Whether uplinks are added up by their physical network."""
        return self.node is None

    @property
    def owners(self) -> Column:
        """The rows of ``uplinks`` that are meant."""
        if self.network is None:
            return true()
        named = uplinks.c.physical_network == self.network
        return named if self.node is None else named & (uplinks.c.node == self.node)

    def table(self, level: Level) -> Table:
        """Where a level has their sums."""
        return level.table if self.node is not None or level.whole is None else level.whole

    def rows(self, level: Level) -> Column:
        """The rows of it that are theirs."""
        if self.node is not None:
            return level.table.c.uplink_id.in_(select(uplinks.c.id).where(self.owners))
        names = select(uplinks.c.physical_network).distinct()
        column = self.table(level).c.physical_network
        return column.in_(names) if self.network is None else column == self.network


def sums(connection: Connection, wanted: Whose, grid: Grid, *, nested: bool = True) -> BySlot:
    """By physical network (of one node: by the uplink's number) and slot, what was carried.

    ``nested`` False: the grid has one slot, so that a level may answer for whatever of its own slots lies in it.
    """
    found: defaultdict[tuple[Any, int], Sums] = defaultdict(Sums)
    reach = reaches(connection)
    nesting = sources(reach, wanted, grid if nested else None)
    others = [source for source in sources(reach, wanted, None) if source not in nesting]
    for choice in choose(grid.period, nesting, others):
        part = Grid(period=choice.period, step=grid.step, origin=grid.origin)
        for key, one in _read(connection, wanted, choice, part):
            found[key].add(one.into, one.out, one.covered, one.capacity)
    return found


def sources(reach: Reaches, wanted: Whose, grid: Grid | None) -> list[Source]:
    """From coarse to fine: the levels whose slots lie wholly in the grid's, and the samples."""
    found = []
    for level in reversed(wanted.levels):
        if grid is None or (grid.step % level.step == 0 and grid.origin % level.step == 0):
            kept = reach[wanted.table(level).name].kept_from
            here = Reach(rolled_until=reach[level.name].rolled_until, kept_from=kept)
            found.append(Source(table=level.name, step=level.step, reach=here))
    kept = reach[wanted.samples.name].kept_from
    return [*found, Source(table=wanted.samples.name, step=1, reach=Reach(rolled_until=FOREVER, kept_from=kept))]


def _read(connection: Connection, wanted: Whose, choice: Choice, grid: Grid) -> Iterable[tuple[tuple[Any, int], Sums]]:
    if choice.source.table == wanted.samples.name:
        return _read_samples(connection, wanted, grid).items()
    level = next(level for level in wanted.levels if level.name == choice.source.table)
    return (
        _read_whole(connection, wanted, level, grid) if choice.exact else _read_shares(connection, wanted, level, grid)
    )


def _read_samples(connection: Connection, wanted: Whose, grid: Grid) -> BySlot:
    series = Series(samples=wanted.samples, owners=wanted.owners)
    inside, over_edges = whole(connection, series, grid), straddling(connection, series, grid)
    if wanted.together:
        inside, over_edges = networks(inside), by_network(connection, over_edges)
    found: defaultdict[tuple[Any, int], Sums] = defaultdict(Sums)
    for key, slot, *amounts in connection.execute(inside):
        found[key, slot].add(*amounts)
    for at, one in over_edges.items():
        found[at].add(one.into, one.out, one.covered, one.capacity)
    return found


def _read_whole(
    connection: Connection, wanted: Whose, level: Level, grid: Grid
) -> Iterator[tuple[tuple[Any, int], Sums]]:
    table = wanted.table(level)
    owner, slot = table.primary_key.columns
    amounts = [total(table.c.in_bytes), total(table.c.out_bytes), total(table.c.covered)]
    if "capacity_bps" in table.c:
        amounts.append(func.max(table.c.capacity_bps))
    query = select(owner, grid.before(slot + 1).label("begins"), *amounts).group_by(owner, "begins")
    inside = wanted.rows(level), slot >= grid.period[0], slot < grid.period[1]
    for series, begins, *sum_ in connection.execute(query.where(*inside)):
        yield (series, begins), Sums(*sum_)


def _read_shares(
    connection: Connection, wanted: Whose, level: Level, grid: Grid
) -> Iterator[tuple[tuple[Any, int], Sums]]:
    table = wanted.table(level)
    owner, slot = table.primary_key.columns
    touches = slot > grid.period[0] - level.step, slot < grid.period[1]
    query = select(owner, slot, table.c.in_bytes, table.c.out_bytes).where(wanted.rows(level), *touches)
    rows = ((row[0], (row[1], row[1] + level.step), row[2], row[3], 0.0) for row in connection.execute(query))
    yield from divided(rows, grid).items()
