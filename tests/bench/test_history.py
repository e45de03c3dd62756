"""A long history: what a chart, a tick, an hour of rolling up and an hour of retention cost; how large it is.

``ROWS=100000000`` (default a million) makes it as long as wanted: a week of one-second samples of so many series as
give that many rows, made by the database itself and then rolled up as always. ``DATABASES=sqlite`` leaves one out.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median

import pytest
from sqlalchemy import Connection, text

from switcher.adapters.store.engine import Database
from switcher.adapters.store.erasing import erase
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.instants import HOUR, PER_SECOND, micros
from switcher.adapters.store.intervals import Grid
from switcher.adapters.store.migrate import upgrade
from switcher.adapters.store.reading import Wanted, sums
from switcher.adapters.store.rolling import roll_up
from switcher.adapters.store.schema import path_samples
from tests.support.batches import at
from tests.support.postgres import running

pytestmark = pytest.mark.bench
ROWS = int(os.environ.get("ROWS", "1000000"))
WEEK = 7 * 86_400
SERIES = max(4, ROWS // WEEK)
SECONDS = min(WEEK, ROWS // SERIES)
UPLINKS = max(3, SERIES // 10 // 3 * 3)
PATHS = SERIES - UPLINKS
NOON = micros(at(0))
TIMES = {
    "sqlite": "(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n + 1 < :count) SELECT n FROM s)",
    "postgresql": "(SELECT CAST(generate_series(0, :count - 1) AS bigint) AS n)",
}


@pytest.fixture(params=os.environ.get("DATABASES", "sqlite,postgresql").split(","))
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'history.db'}"
        return
    with running() as server:
        yield server.fresh_database()


def test_a_long_history(url: str) -> None:
    upgrade(url)
    database = Database(url)
    history = SqlHistory(database)
    empty = history.stats().size_bytes
    filled = timed(lambda: fill(database))
    raw = history.stats().size_bytes - empty
    work = time.process_time()
    rolled = timed(lambda: roll_up(database, NOON + SECONDS * PER_SECOND))
    work = time.process_time() - work
    size = history.stats().size_bytes - empty - raw
    start, end = at(0), at(SECONDS)
    print(
        f"\n{database.url.get_backend_name()}, {SERIES * SECONDS:,} samples of {SERIES} series"
        f" in {SECONDS / 3600:.1f} h:"
        f"\n  made by the database in {filled:.0f} s; {raw / SERIES / SECONDS:.0f} bytes a sample,"
        f" all sums together {size / SERIES / SECONDS:.2f} bytes more"
        f"\n  rolled up in {rolled:.1f} s: {rolled * 3600 / SECONDS:.2f} s for an hour of data,"
        f" {SERIES * SECONDS / rolled:,.0f} samples a second ({SERIES * SECONDS / work:,.0f} of its own work)"
    )
    chart = often(lambda: history.series("phynet0", "n0", start, end, 500))
    together = often(lambda: history.series("phynet0", None, start, end, 500))
    month = often(lambda: history.usage_totals(end - timedelta(days=30), end + timedelta(seconds=7)))
    slots = often(lambda: history.slot_totals(start, end, timedelta(minutes=5)))
    samples = often(lambda: plain(database))
    print(
        f"  a chart of all of it: {chart} for an uplink, {together} for a physical network"
        f" ({samples.whole / chart.whole:,.0f} times as fast as from the samples)"
        f"\n  a billing period's totals for a tick: {month}; all its fives: {slots}"
    )
    hour = timed(lambda: erase(database, path_samples, NOON + HOUR))
    print(f"  deleting an hour of samples row by row: {hour:.2f} s ({PATHS * 3600 / hour:,.0f} rows a second)")
    history.close()


def fill(database: Database) -> None:
    with database.writing() as connection:
        for n in range(UPLINKS):
            connection.execute(text(f"INSERT INTO uplinks VALUES ({n}, 'n{n // 3}', 'phynet{n % 3}')"))  # noqa: S608
        for n in range(PATHS):
            connection.execute(text(f"INSERT INTO paths VALUES ({n}, 'n0', 'w{n}', 'net1', 'cni:a')"))  # noqa: S608
    for table, count, more in (("uplink_samples", UPLINKS, ", 1e9, NULL, NULL"), ("path_samples", PATHS, "")):
        for n in range(count):
            with database.writing() as connection:
                fill_series(connection, table, n, more)


def fill_series(connection: Connection, table: str, owner: int, more: str) -> None:
    values = f"{owner}, {NOON} + (n + 1) * 1000000, {NOON} + n * 1000000, 1000 + n % 977, 500 + n % 331{more}"
    times = TIMES[connection.dialect.name]
    connection.execute(text(f"INSERT INTO {table} SELECT {values} FROM {times} AS t"), {"count": SECONDS})  # noqa: S608


def plain(database: Database) -> None:
    """The chart's sums from the samples alone."""
    grid = Grid(period=(NOON, NOON + SECONDS * PER_SECOND), step=SECONDS * PER_SECOND // 500, origin=NOON + 1)
    with database.reading() as connection:
        sums(connection, Wanted(network="phynet0", node="n0"), grid)


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@dataclass(frozen=True)
class Took:
    """Medians of several times, in milliseconds."""

    whole: float
    own: float
    """Of this thread's own work: without the wait for the disk and for other processes."""

    def __str__(self) -> str:
        return f"{self.whole:.1f} ms (own work {self.own:.1f})"


def often(work: Callable[[], object]) -> Took:
    whole, own = [], []
    for _ in range(7):
        began = time.thread_time()
        whole.append(timed(work))
        own.append(time.thread_time() - began)
    return Took(1000 * median(whole), 1000 * median(own))
