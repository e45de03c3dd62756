"""What a bill costs: samples by the minute of 10 networks on 20 nodes, from a file and from the history.

``DAYS=30`` (default 2) is how long the history is: 8.64 million samples in a month.
"""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.instants import MINUTE as STEP
from switcher.adapters.store.instants import micros
from switcher.adapters.store.migrate import upgrade
from switcher.adapters.store.rolling import roll_up
from switcher.adapters.store.schema import uplinks
from switcher.backtest.slotting import samples_of
from switcher.objects.book import Book
from switcher.objects.rows import read_table
from switcher.objects.sample_rows import COLUMNS, OPTIONAL, one_sample, read_samples
from switcher.recorded import recorded
from switcher.tariff import Sample, bill
from tests.unit.pricing import at, book, fixed, percentile, tariff, volume

pytestmark = pytest.mark.bench

DAY = at("2026-11-01"), at("2026-11-02")
NETWORKS, NODES, MINUTES = 10, 20, 1440
NIGHT = [{"from": "22:00", "to": "06:00", "multiply": "0.4"}]
DAYS = int(os.environ.get("DAYS", "2"))
SMALL = 2
"""Days of which every sample is billed too, for comparison."""
SLOWER = 5
"""Than the csv module with its numbers and times parsed; measured: 2.3."""


def lines() -> Iterator[str]:
    """A day of rows, in time order."""
    for minute in range(MINUTES):
        start = (DAY[0] + timedelta(minutes=minute)).isoformat()
        for network in range(NETWORKS):
            for node in range(NODES):
                yield f"{start},60,net{network},out,{1_000_000 + minute},n{node}\n"


def price_lists() -> Book:
    """A list for each network: tiers by time of day, a percentile, and a price for each node."""
    charges = volume(("100", "0"), (None, "0.09"), schedule=NIGHT), percentile(direction="max"), fixed("1", each="node")
    return book(*(tariff(*charges, name=f"t{each}", physicalNetworks=[f"net{each}"]) for each in range(NETWORKS)))


def test_reading_and_pricing_a_day(tmp_path: Path) -> None:
    file = tmp_path / "use.csv"
    with file.open("w") as use:
        use.write("start,seconds,network,direction,bytes,node\n")
        use.writelines(lines())
    prices = price_lists()
    began = time.process_time()
    with file.open() as use:
        parsed = [(datetime.fromisoformat(row["start"]), Decimal(row["bytes"])) for row in csv.DictReader(use)]
    baseline = time.process_time() - began
    began = time.process_time()
    rows = read_samples(file)
    read = time.process_time() - began
    began = time.process_time()
    assert read_table(file, COLUMNS, OPTIONAL, one_sample) == rows
    one_by_one = time.process_time() - began
    began = time.process_time()
    invoice = bill(prices.tariffs, rows, DAY)
    priced = time.process_time() - began
    assert len(rows) == len(parsed) == NETWORKS * NODES * MINUTES
    assert [line.amount for line in invoice.entries[0].lines if line.unit == "node-hour"] == [NODES * 24]
    print(f"\n{len(rows)} rows: read {len(rows) / read:,.0f}/s, priced {len(rows) / priced:,.0f}/s, "
          f"parsed only {len(rows) / baseline:,.0f}/s; reading took {read / baseline:.1f} of that, all"
          f" {(read + priced) / baseline:.1f}; one row at a time {one_by_one / read:.1f} as long to read")  # fmt: skip
    assert read + priced < SLOWER * baseline
    assert read < one_by_one / 2


SAMPLES = """
WITH RECURSIVE m(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM m WHERE n < :minutes - 1)
INSERT INTO uplink_samples
SELECT id, :start + (n + 1) * :step, :start + n * :step, 900000 + n + id % 7, 1000000 + n + id % 13, 1e9, NULL, NULL
FROM uplinks, m ORDER BY id, n
"""


def filled(url: str) -> SqlHistory:
    """A history of so many days, rolled up."""
    upgrade(url)
    database = Database(url)
    names = [{"node": f"n{node}", "physical_network": f"net{n}"} for n in range(NETWORKS) for node in range(NODES)]
    start, minutes = micros(DAY[0]), DAYS * MINUTES
    with database.writing() as connection:
        connection.execute(uplinks.insert(), names)
        connection.execute(text(SAMPLES), {"start": start, "minutes": minutes, "step": STEP})
    roll_up(database, start + minutes * STEP)
    return SqlHistory(database)


def test_a_bill_from_the_history(tmp_path: Path) -> None:
    history, prices = filled(f"sqlite:///{tmp_path / 'history.db'}"), price_lists()
    period = DAY[0], DAY[0] + timedelta(days=DAYS)
    began = time.process_time()
    rows, _ = recorded(history, prices.tariffs, period, period[1])
    read = time.process_time() - began
    began = time.process_time()
    invoice = bill(prices.tariffs, rows, period)
    priced = time.process_time() - began
    samples = NETWORKS * NODES * MINUTES * DAYS
    print(f"\n{DAYS} days, {samples:,} samples: {len(rows):,} rows in {read:.1f} s, billed in {priced:.1f} s")
    if DAYS <= SMALL:
        assert invoice.entries == bill(prices.tariffs, of_samples(history, period), period).entries
    history.close()


def of_samples(history: SqlHistory, period: tuple[datetime, datetime]) -> list[Sample]:
    """Every sample as it came."""
    return [sample for row in history.usage(*period) for sample in samples_of(row)]
