"""Ingestion of samples against the floor: sqlite3's own executemany of the same rows into the same tables."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from cni.wire import Batch
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.migrate import upgrade
from tests.support.batches import attachment, batch, traffic, uplink

pytestmark = pytest.mark.bench
ROUNDS, ATTACHMENTS, SECONDS = 40, 100, 10
"""Batches of one node with so many attachments, each with so many one-second samples, and 3 uplinks."""


def node_batch(n: int) -> Batch:
    times = range(n * SECONDS, (n + 1) * SECONDS)
    return batch(
        n + 1,
        uplinks=tuple(uplink(t, 1, 1000, 1000, physical_network=f"phynet{p}") for t in times for p in range(3)),
        traffic=tuple(traffic(t, 1, 1000, 1000, workload=f"lab/w{w:03}") for t in times for w in range(ATTACHMENTS)),
        attachments=tuple(attachment(workload=f"lab/w{w:03}") for w in range(ATTACHMENTS)) if n == 0 else None,
    )


def test_ingest_against_plain_executemany(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'history.db'}"
    upgrade(url)
    history = SqlHistory.open(url)
    batches = [node_batch(n) for n in range(ROUNDS)]
    started = time.perf_counter()
    for one in batches:
        history.ingest(one)
    ours = time.perf_counter() - started
    rows = history.stats().rows
    history.close()
    count = rows["uplink_samples"] + rows["path_samples"]
    assert count == ROUNDS * SECONDS * (ATTACHMENTS + 3)
    floor = plain(tmp_path)
    print(
        f"\ningest: {count / ours:,.0f} rows/s; {ours / floor:.1f} times plain sqlite3 executemany"
        f" ({count / floor:,.0f} rows/s); {1000 * ours / ROUNDS:.1f} ms a batch of {count // ROUNDS} samples"
    )


def plain(tmp_path: Path) -> float:
    """Seconds for the same rows, one transaction a batch, with the same safety."""
    url = f"sqlite:///{tmp_path / 'plain.db'}"
    upgrade(url)
    other = sqlite3.connect(tmp_path / "plain.db", isolation_level=None)
    other.execute("PRAGMA synchronous = FULL")
    other.executemany("INSERT INTO uplinks VALUES (?, 'n1', ?)", [(p, f"phynet{p}") for p in range(3)])
    paths = [(w, f"lab/w{w:03}") for w in range(ATTACHMENTS)]
    other.executemany("INSERT INTO paths VALUES (?, 'n1', ?, 'net1', 'cni:a')", paths)
    all_rows = [rows_of(n) for n in range(ROUNDS)]
    started = time.perf_counter()
    for uplinks, traffic_ in all_rows:
        other.execute("BEGIN IMMEDIATE")
        other.executemany("INSERT INTO uplink_samples VALUES (?, ?, ?, ?, ?, ?, NULL, NULL)", uplinks)
        other.executemany("INSERT INTO path_samples VALUES (?, ?, ?, ?, ?)", traffic_)
        other.execute("COMMIT")
    taken = time.perf_counter() - started
    other.close()
    return taken


def rows_of(n: int) -> tuple[list[tuple[float, ...]], list[tuple[int, ...]]]:
    times = [1_763_640_000_000_000 + t * 1_000_000 for t in range(n * SECONDS, (n + 1) * SECONDS)]
    uplinks = [(p, t + 1_000_000, t, 1000, 1000, 100e6) for t in times for p in range(3)]
    return uplinks, [(w, t + 1_000_000, t, 1000, 1000) for t in times for w in range(ATTACHMENTS)]
