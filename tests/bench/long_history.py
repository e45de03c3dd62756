"""A long history as the product would have it: samples stored in order of time, rolled up hour by hour.

The database makes the samples itself, one a second of every series, in the order in which agents send them: ten
seconds of each series at once. Partitions are made ahead as upkeep does. `python -m tests.bench.long_history URL ROWS`
fills an empty database, for test_history.py to measure.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from sqlalchemy import text

from switcher.adapters.store.engine import Database
from switcher.adapters.store.instants import PER_SECOND, micros
from switcher.adapters.store.migrate import upgrade
from switcher.adapters.store.partitions import make_ahead
from switcher.adapters.store.rolling import roll_up
from switcher.adapters.store.schema import paths, uplinks
from tests.bench.work import Meter
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
    """What an hour of samples took, in seconds."""

    made: float
    rolled: float
    work: float
    """Of the processor, for the sums of all resolutions."""


def fill(database: Database, shape: Shape) -> Iterator[Hour]:
    """Make the history, hour by hour."""
    _make_series(database, shape)
    meter = Meter(database)
    for first in range(0, shape.seconds, 3600):
        last = min(first + 3600, shape.seconds)
        with database.writing() as connection:
            make_ahead(connection, NOON + first * PER_SECOND)
        made = meter.once(partial(_make_samples, database, first, last))
        rolled = meter.once(partial(roll_up, database, NOON + last * PER_SECOND))
        yield Hour(made.whole, rolled.whole, rolled.work)


def _make_series(database: Database, shape: Shape) -> None:
    nodes = shape.uplinks // PER_NODE
    ours = [{"node": f"n{n // PER_NODE}", "physical_network": f"phynet{n % PER_NODE}"} for n in range(shape.uplinks)]
    placed = {"attachment": "net1", "network": "cni:a"}
    theirs = [{"node": f"n{n % nodes}", "workload": f"lab/w{n}", **placed} for n in range(shape.paths)]
    with database.writing() as connection:
        connection.execute(uplinks.insert(), ours)
        connection.execute(paths.insert(), theirs)


def _make_samples(database: Database, first: int, last: int) -> None:
    values = f"id, {NOON} + (n + 1) * {PER_SECOND}, {NOON} + n * {PER_SECOND}, 1000 + (n + id) % 977, 500 + n % 331"
    for owners, more in (("uplinks", ", 1e9, NULL, NULL"), ("paths", "")):
        with database.writing() as connection:
            source = f"{TIMES[connection.dialect.name]} AS t, {owners} ORDER BY n / 10, id, n"
            statement = f"INSERT INTO {owners[:-1]}_samples SELECT {values}{more} FROM {source}"  # noqa: S608
            connection.execute(text(statement), {"first": first, "last": last})


def main(url: str, rows: int) -> None:
    """Fill the database at ``url``, and say how far it is."""
    upgrade(url)
    for number, hour in enumerate(fill(Database(url), Shape(rows)), 1):
        print(f"{number} h: made in {hour.made:.1f} s, rolled up in {hour.rolled:.1f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
