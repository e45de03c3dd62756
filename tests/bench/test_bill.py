"""What a bill costs: rows by the minute of 10 networks on 20 nodes, beside only parsing the same file."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from switcher.objects.rows import read_samples
from switcher.tariff import bill
from tests.unit.pricing import at, book, fixed, percentile, tariff, volume

pytestmark = pytest.mark.bench

DAY = at("2026-11-01"), at("2026-11-02")
NETWORKS, NODES, MINUTES = 10, 20, 1440
NIGHT = [{"from": "22:00", "to": "06:00", "multiply": "0.4"}]
SLOWER = 12
"""Than the csv module with its numbers and times parsed; measured: 6."""


def lines() -> Iterator[str]:
    """A day of rows, in time order."""
    for minute in range(MINUTES):
        start = (DAY[0] + timedelta(minutes=minute)).isoformat()
        for network in range(NETWORKS):
            for node in range(NODES):
                yield f"{start},60,net{network},out,{1_000_000 + minute},n{node}\n"


def test_reading_and_pricing_a_day(tmp_path: Path) -> None:
    file = tmp_path / "use.csv"
    with file.open("w") as use:
        use.write("start,seconds,network,direction,bytes,node\n")
        use.writelines(lines())
    charges = volume(("100", "0"), (None, "0.09"), schedule=NIGHT), percentile(direction="max"), fixed("1", each="node")
    prices = book(*(tariff(*charges, name=f"t{each}", physicalNetworks=[f"net{each}"]) for each in range(NETWORKS)))
    began = time.process_time()
    with file.open() as use:
        parsed = [(datetime.fromisoformat(row["start"]), Decimal(row["bytes"])) for row in csv.DictReader(use)]
    baseline = time.process_time() - began
    began = time.process_time()
    rows = read_samples(file)
    read = time.process_time() - began
    began = time.process_time()
    invoice = bill(prices.tariffs, rows, DAY)
    priced = time.process_time() - began
    assert len(rows) == len(parsed) == NETWORKS * NODES * MINUTES
    assert [line.amount for line in invoice.entries[0].lines if line.unit == "node-hour"] == [NODES * 24]
    print(f"\n{len(rows)} rows: read {len(rows) / read:,.0f}/s, priced {len(rows) / priced:,.0f}/s, "
          f"parsed only {len(rows) / baseline:,.0f}/s")  # fmt: skip
    assert read + priced < SLOWER * baseline
