"""Rolling up: samples into minutes, minutes into fives, fives into hours, each exact to the byte.

Every step is one transaction that also moves ``rolled_until``: a kill in the middle leaves both as they were. Steps
are short, so that ingestion waits little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, FromClause, Table, func, select, text

from switcher.adapters.store.covering import AT_ONCE, note
from switcher.adapters.store.engine import Database
from switcher.adapters.store.instants import HOUR
from switcher.adapters.store.intervals import Grid, Interval
from switcher.adapters.store.reach import alone, reaches, rolled
from switcher.adapters.store.sampled import OWNERS, Series, ending_in, over, straddling, whole
from switcher.adapters.store.schema import paths, uplinks
from switcher.adapters.store.searching import first_after, rows_of
from switcher.adapters.store.slots import FIVE, PATH_LEVELS, STEPS, UPLINK_LEVELS, Level
from switcher.adapters.store.sums import Query, add, adding, total


def roll_up(database: Database, until: int) -> int:
    """Roll every level up to ``until`` at least for the finest, as far as whole slots go for the others; steps made."""
    steps = 0
    for levels in (UPLINK_LEVELS, PATH_LEVELS):
        for level in levels:
            finest = level is levels[0]
            target = -(-until // level.step) * level.step if finest else None
            while _step(database, level, target):
                steps += 1
    return steps


def _step(database: Database, level: Level, target: int | None) -> bool:
    """Roll up a little more; False: there is no more until ``target`` (None: until where the source reaches)."""
    with database.writing() as connection:
        alone(connection)
        _by_index(connection)
        now = reaches(connection)
        start = now[level.name].rolled_until
        end = target if target is not None else now[level.source.name].rolled_until // level.step * level.step
        if start >= end:
            return False
        start = max(start, min(end, _first(connection, level, start)))
        end = min(end, start + _span(level))
        if start < end:
            _roll(connection, level, (start, end))
        rolled(connection, level.name, end)
        return True


def _by_index(connection: Connection) -> None:
    """PostgreSQL knows little of a table that grows by the minute, and would read all of it for each step."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        connection.execute(text("SET LOCAL enable_hashjoin = off"))


def _span(level: Level) -> int:
    """What one transaction rolls up: five minutes of samples, a day of fives."""
    return FIVE if level.source.name in OWNERS else 24 * HOUR


def _first(connection: Connection, level: Level, start: int) -> int:
    """The slot of the first thing that is not rolled up yet: a history may be silent for years."""
    if level.source.name in OWNERS:
        series = Series(samples=level.source)
        query = select(func.min(first_after(connection, level.source, series.ids, start).c.start))
    else:
        query = select(func.min(level.source.c.slot)).where(level.source.c.slot >= start)
    found = connection.execute(query).scalar()
    return 2**62 if found is None else max(start, int(found) // level.step * level.step)


def _roll(connection: Connection, level: Level, period: Interval) -> None:
    if level.source.name in OWNERS:
        series, grid = Series(samples=level.source), Grid(period=period, step=level.step)
        _insert_from(connection, level.table, whole(connection, series, grid))
        add(connection, level.table, straddling(connection, series, grid))
    else:
        _insert_from(connection, level.table, _coarser(connection, level, period))
    _note_parts(connection, level, period)
    if level.whole is not None:
        _insert_from(connection, level.whole, _of_networks(connection, level, period))


def _note_parts(connection: Connection, level: Level, period: Interval) -> None:
    """Remember what is counted of the series that have a slot in the period which they do not fill."""
    slots = _slots(connection, level.table, period)
    owner = slots.c[next(iter(level.table.primary_key.columns)).name]
    query = select(owner).distinct().where(slots.c.covered < level.step)
    numbers = list(connection.execute(query).scalars())
    for first in range(0, len(numbers), AT_ONCE):
        note(connection, level.parts, _counted(connection, level, period, numbers[first : first + AT_ONCE]))


def _counted(
    connection: Connection, level: Level, period: Interval, numbers: Sequence[int]
) -> Iterator[tuple[int, Interval]]:
    """What a level is summed from, of these series: samples, or finer slots that are full."""
    if level.source.name in OWNERS:
        series = Series(samples=level.source, owners=OWNERS[level.source.name].c.id.in_(numbers))
        inside = select(*series.what(ending_in(connection, series, period)))
        for query in (inside, over(connection, series, period[1])):
            yield from ((row[0], (row[1], row[2])) for row in connection.execute(query))
    else:
        step = STEPS[level.source.name]
        owner, slot = level.source.primary_key.columns
        full = level.source.c.covered >= step
        slots = select(owner, slot).where(owner.in_(numbers), slot >= period[0], slot < period[1], full)
        yield from ((row[0], (row[1], row[1] + step)) for row in connection.execute(slots))


def _coarser(connection: Connection, level: Level, period: Interval) -> Query:
    source = _slots(connection, level.source, period)
    owner, slot = source.c[next(iter(level.source.primary_key.columns)).name], source.c.slot
    sums = [total(source.c.in_bytes), total(source.c.out_bytes), total(source.c.covered)]
    if "capacity_bps" in source.c:
        sums.append(func.max(source.c.capacity_bps))
    return select(owner, (slot - slot % level.step).label("begins"), *sums).group_by(owner, "begins")


def _of_networks(connection: Connection, level: Level, period: Interval) -> Query:
    found, name = _slots(connection, level.table, period), uplinks.c.physical_network
    columns = found.c
    sums = total(columns.in_bytes), total(columns.out_bytes), total(columns.covered)
    joined = select(name, columns.slot, *sums).join_from(found, uplinks, uplinks.c.id == columns.uplink_id)
    return joined.group_by(name, columns.slot)


def _slots(connection: Connection, table: Table, period: Interval) -> FromClause:
    """Slots of the period, of all series."""
    owner, slot = table.primary_key.columns
    owners = uplinks if owner.name == "uplink_id" else paths
    return rows_of(connection, table, select(owners.c.id), slot >= period[0], slot < period[1])


def _insert_from(connection: Connection, table: Table, sums: Query) -> None:
    connection.execute(adding(connection, table).from_select([column.name for column in table.c], sums))
