"""A long history: what charts, ticks, ingestion, rolling up and retention cost in it; how large it is.

``ROWS=100000000`` (default a million) makes it as long as wanted: a week of one-second samples of so many series as
give that many rows (``long_history.py``). ``DATABASES=sqlite`` leaves one out. ``HISTORY=URL`` measures one that was
filled before by ``python -m tests.bench.long_history URL ROWS``, with as many; it adds samples, and deletes others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median

import pytest

from switcher.adapters.store.engine import Database
from switcher.adapters.store.erasing import erase
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.instants import HOUR, PER_SECOND
from switcher.adapters.store.intervals import Grid
from switcher.adapters.store.migrate import upgrade
from switcher.adapters.store.reading import Wanted, sums
from switcher.adapters.store.retention import retain
from switcher.adapters.store.rolling import roll_up
from switcher.adapters.store.schema import path_samples
from switcher.keeping import Keep, cutoffs
from tests.bench.long_history import NOON, Hour, Shape, fill
from tests.bench.test_ingest import compared
from tests.bench.work import Meter
from tests.support.batches import at
from tests.support.postgres import running

pytestmark = pytest.mark.bench
SHAPE = Shape(int(os.environ.get("ROWS", "1000000")))
SECONDS, SERIES = SHAPE.seconds, SHAPE.series
FILLED = os.environ.get("HISTORY")
WINDOW = timedelta(minutes=5)


@pytest.fixture(params=os.environ.get("DATABASES", "sqlite,postgresql").split(","))
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if FILLED is not None:
        yield FILLED
    elif request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'history.db'}"
    else:
        with running() as server:
            yield server.fresh_database()


def test_a_long_history(url: str) -> None:
    upgrade(url)
    database = Database(url)
    print(
        f"\n{database.url.get_backend_name()}, {SERIES * SECONDS:,} samples of {SERIES} series, {SECONDS / 3600:.1f} h"
    )
    if FILLED is None:
        say_filled(list(fill(database, SHAPE)))
    say_size(SqlHistory(database))
    say_reads(database)
    print(f"  ingestion, {compared(database, (10, 10), first=SECONDS)}")
    say_upkeep(database)
    database.close()


def say_filled(hours: list[Hour]) -> None:
    """The first and the last day of making it."""
    for name, some in (("first", hours[:24]), ("last", hours[-24:])):
        rolled, work = median(hour.rolled for hour in some), median(hour.work for hour in some)
        print(
            f"  the {name} day: made in {median(hour.made for hour in some):.1f} s an hour, rolled up in"
            f" {1000 * rolled / 12:.0f} ms for five minutes (work {1000 * work / 12:.0f}),"
            f" {SERIES * 3600 / rolled:,.0f} samples a second (by work {SERIES * 3600 / work:,.0f})"
        )


def say_size(history: SqlHistory) -> None:
    """PostgreSQL's tables by themselves; of SQLite the whole file."""
    found = history.stats()
    known = {one.table: one.size_bytes for one in found.resolutions if one.size_bytes is not None}
    raw = sum(size for table, size in known.items() if table.endswith("_samples"))
    rows = SERIES * SECONDS
    print(
        f"  {found.size_bytes / rows:.1f} bytes a sample"
        + (f": {raw / rows:.0f} with its index, {(sum(known.values()) - raw) / rows:.2f} of all sums" if known else "")
    )


def say_reads(database: Database) -> None:
    """What a chart and a tick read."""
    history, meter, (start, end) = SqlHistory(database), Meter(database), (at(0), at(SECONDS))
    chart = meter.often(lambda: history.series("phynet0", "n0", start, end, 500))
    together = meter.often(lambda: history.series("phynet0", None, start, end, 500))
    samples = meter.once(lambda: from_samples(database))
    print(
        f"  a chart of all of it: {chart} for an uplink, {together} for a physical network"
        f" ({samples.work / chart.work:,.0f} times as fast by work as from the samples)"
    )
    month = meter.often(lambda: history.usage_totals(end - timedelta(days=30), end + timedelta(seconds=7)))
    slots = meter.often(lambda: history.slot_totals(start, end, timedelta(minutes=5)))
    loads = meter.often(lambda: (history.uplink_loads(end, WINDOW), history.attached(end, WINDOW)))
    print(f"  for a tick: a billing period's totals {month}, all its fives {slots}, loads {loads}")


def say_upkeep(database: Database) -> None:
    """Rolling up, retention, and deleting row by row."""
    meter, until = Meter(database), NOON + (SECONDS + 900) // 300 * 300 * PER_SECOND
    rolled = meter.once(lambda: roll_up(database, until))
    print(f"  rolling up what was ingested: {rolled}")
    hour = meter.once(lambda: erase(database, path_samples, NOON + HOUR))
    rows = SHAPE.paths * 3600
    print(f"  an hour of samples deleted row by row: {hour}, {rows / hour.whole:,.0f} rows a second")
    limits = cutoffs(Keep(samples=timedelta(seconds=SECONDS / 2)), (), at(SECONDS))
    history = SqlHistory(database)
    before = history.stats().rows["path_samples"]
    half = meter.once(lambda: retain(database, limits))
    gone = before - history.stats().rows["path_samples"]
    print(f"  retention of samples older than half of it: {half}, {gone:,} of attachments gone")


def from_samples(database: Database) -> None:
    """The chart's sums from the samples alone."""
    grid = Grid(period=(NOON, NOON + SECONDS * PER_SECOND), step=SECONDS * PER_SECOND // 500, origin=NOON + 1)
    with database.reading() as connection:
        sums(connection, Wanted(network="phynet0", node="n0"), grid)
