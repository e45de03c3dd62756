"""A long history as the product would have it: samples stored in order of time, rolled up hour by hour.

The database makes the samples itself, one a second of every series, in the order in which agents send them: ten
seconds of each series of a node at once. Partitions are made ahead as upkeep does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text

from switcher.adapters.store.engine import Database
from switcher.adapters.store.instants import PER_SECOND, micros
from switcher.adapters.store.partitions import make_ahead
from switcher.adapters.store.rolling import roll_up
from tests.support.batches import at

NOON = micros(at(0))
WEEK = 7 * 86_400
PER_NODE = 3
"""Uplinks of a node, each to another physical network."""
TIMES = {
    "sqlite": "(WITH RECURSIVE s(n) AS (VALUES (:first) UNION ALL SELECT n + 1 FROM s WHERE n < :last - 1)"
    " SELECT n FROM s)",
    "postgresql": "(SELECT CAST(generate_series(:first, :last - 1) AS bigint) AS n)",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """So many series that a week of their samples gives that many rows; never less than four."""

    rows: int

    @property
    def series(self) -> int:
        """Uplinks and attachments."""
        return max(4, self.rows // WEEK)

    @property
    def seconds(self) -> int:
        """How long the history is: a week, or less."""
        return min(WEEK, self.rows // self.series)

    @property
    def uplinks(self) -> int:
        """A tenth of the series, and those of one node at least."""
        return max(PER_NODE, self.series // 10 // PER_NODE * PER_NODE)

    @property
    def paths(self) -> int:
        """Attachments, each on one network."""
        return self.series - self.uplinks


@dataclass(frozen=True, slots=True)
class Hour:
    """What an hour of samples took."""

    made: float
    """Seconds for the samples."""
    rolled: float
    """Seconds for the sums of all resolutions, at this process and at the server."""
    work: float
    """Seconds of this process' own work for the sums."""


def fill(database: Database, shape: Shape) -> Iterator[Hour]:
    """Make the history, hour by hour."""
    _make_series(database, shape)
    for first in range(0, shape.seconds, 3600):
        last = min(first + 3600, shape.seconds)
        with database.writing() as connection:
            make_ahead(connection, NOON + first * PER_SECOND)
        began = time.perf_counter()
        _make_samples(database, first, last)
        made, work = time.perf_counter(), time.process_time()
        roll_up(database, NOON + last * PER_SECOND)
        yield Hour(made - began, time.perf_counter() - made, time.process_time() - work)


def _make_series(database: Database, shape: Shape) -> None:
    nodes = shape.uplinks // PER_NODE
    uplinks = [{"n": n, "node": f"n{n // PER_NODE}", "net": f"phynet{n % PER_NODE}"} for n in range(shape.uplinks)]
    paths = [{"n": n, "node": f"n{n % nodes}", "workload": f"lab/w{n}"} for n in range(shape.paths)]
    with database.writing() as connection:
        connection.execute(text("INSERT INTO uplinks VALUES (:n, :node, :net)"), uplinks)
        connection.execute(text("INSERT INTO paths VALUES (:n, :node, :workload, 'net1', 'cni:a')"), paths)


def _make_samples(database: Database, first: int, last: int) -> None:
    values = f"id, {NOON} + (n + 1) * {PER_SECOND}, {NOON} + n * {PER_SECOND}, 1000 + (n + id) % 977, 500 + n % 331"
    for owners, more in (("uplinks", ", 1e9, NULL, NULL"), ("paths", "")):
        with database.writing() as connection:
            source = f"{TIMES[connection.dialect.name]} AS t, {owners} ORDER BY n / 10, id, n"
            statement = f"INSERT INTO {owners[:-1]}_samples SELECT {values}{more} FROM {source}"  # noqa: S608
            connection.execute(text(statement), {"first": first, "last": last})
