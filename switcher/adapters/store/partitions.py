"""PostgreSQL's partitions by time: made ahead of the samples, dropped whole by retention.

Each partitioned table has a partition for everything that no other holds (``_rest``): a sample from a clock that is
wrong, or from before all retention, is stored all the same. Made ahead of time, a partition finds nothing to move out
of it, and nobody waits. Locks are waited for briefly: what did not get one is done at the next upkeep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Table, text

from switcher.adapters.store.instants import moment_of
from switcher.adapters.store.reach import kept, reaches
from switcher.adapters.store.slots import PARTITIONED, Partitioned

AHEAD = 3
"""Partitions that are there before their time begins."""
LOCK_PATIENCE = "2s"
BOUNDS = re.compile(r"FROM \((?P<low>MINVALUE|'-?\d+')\) TO \('(?P<high>-?\d+)'\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A partition that holds [low, high) microseconds; ``low`` None: all before."""

    name: str
    low: int | None
    high: int


def partitions(connection: Connection, table: str) -> list[Partition]:
    """The table's partitions, oldest first, without the one for the rest; none on SQLite."""
    if connection.dialect.name != "postgresql":
        return []
    query = text(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = to_regclass(:table)"
    )
    found = []
    for name, bound in connection.execute(query, {"table": table}):
        if (match := BOUNDS.search(bound)) is not None:
            low = None if match["low"] == "MINVALUE" else int(match["low"].strip("'"))
            found.append(Partition(name=name, low=low, high=int(match["high"])))
    return sorted(found, key=lambda partition: partition.high)


def make_ahead(connection: Connection, now: int) -> int:
    """Make the partitions of the present and of the next spans that are missing; how many."""
    if connection.dialect.name != "postgresql":
        return 0
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE}'"))
    made = 0
    for partitioned in PARTITIONED:
        for low, high in _missing(connection, partitioned, now):
            _make(connection, partitioned, low, high)
            made += 1
    return made


def _missing(connection: Connection, partitioned: Partitioned, now: int) -> Iterator[tuple[int, int]]:
    there, span = partitions(connection, partitioned.table.name), partitioned.span
    first = now // span * span
    for low in range(first, first + (AHEAD + 1) * span, span):
        taken = [partition for partition in there if partition.high > low and (partition.low or 0) < low + span]
        start = max([low, *(partition.high for partition in taken)])
        if start < low + span:  # the first after an upgrade begins where the table of before ends
            yield start, low + span


def _make(connection: Connection, partitioned: Partitioned, low: int, high: int) -> None:
    table, column = partitioned.table.name, partitioned.column
    name = f"{table}_{moment_of(low):%Y%m%d}"
    # All wait for some milliseconds: a row that came in between would be left in the wrong place.
    connection.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
    connection.execute(text(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)"))
    moved = f"DELETE FROM {table}_rest WHERE {column} >= {low} AND {column} < {high} RETURNING *"  # noqa: S608
    connection.execute(text(f"WITH moved AS ({moved}) INSERT INTO {name} SELECT * FROM moved"))  # noqa: S608
    connection.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({low}) TO ({high})"))


def drop_before(connection: Connection, table: Table, before: int) -> int:
    """Drop the partitions that end by then, and what is as old among the rest; how many rows of the rest."""
    column = list(table.primary_key.columns)[1].name
    old = [partition for partition in partitions(connection, table.name) if partition.high <= before]
    if old:
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE}'"))
        kept(connection, table.name, old[-1].high)
    for partition in old:
        connection.execute(text(f"DROP TABLE {partition.name}"))
    edge = reaches(connection)[table.name].kept_from
    deleted = connection.execute(text(f"DELETE FROM {table.name}_rest WHERE {column} < {edge}"))  # noqa: S608
    return deleted.rowcount
