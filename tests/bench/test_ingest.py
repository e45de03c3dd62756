"""Ingestion of samples against the floor: the driver's own bulk insert of the same rows into the same tables.

Rounds of both alternate and medians are compared, because the machine has other work. Each batch is one transaction
that survives a power cut, as in use; its work leaves out the wait for the disk and for other processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from cni.wire import Batch
from switcher.adapters.store.bulk import insert_rows
from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.instants import micros
from switcher.adapters.store.migrate import upgrade
from switcher.adapters.store.partitions import make_ahead
from switcher.adapters.store.schema import path_samples, paths, uplink_samples, uplinks
from tests.bench.work import Meter, Took
from tests.support.batches import at, attachment, batch, traffic, uplink
from tests.support.postgres import running

pytestmark = pytest.mark.bench
ROUNDS, ATTACHMENTS = 9, 100
FIRST = 10**6
"""Number of the first series of the floor's node."""
Sizes = tuple[int, int]
"""Batches in a round, and seconds of samples in each: as an agent sends them, and after an outage."""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'history.db'}"
        return
    with running(durable=True) as server:
        yield server.fresh_database()


def node_batch(n: int, seconds: int, node: str = "bench", first: int = 0) -> Batch:
    """A node with attachments and three uplinks, a sample of each every second from ``first`` on."""
    times = range(first + n * seconds, first + (n + 1) * seconds)
    return batch(
        n + 1,
        sent=times.stop,
        agent=f"{node}/a",
        node=node,
        uplinks=tuple(uplink(t, 1, 1000, 1000, physical_network=f"phynet{p}") for t in times for p in range(3)),
        traffic=tuple(traffic(t, 1, 1000, 1000, workload=f"lab/w{w:03}") for t in times for w in range(ATTACHMENTS)),
        attachments=tuple(attachment(workload=f"lab/w{w:03}") for w in range(ATTACHMENTS)) if n == 0 else None,
    )


@dataclass(frozen=True)
class Compared:
    """Medians of rounds of so many samples, in so many batches."""

    samples: int
    batches: int
    ours: Took
    floor: Took

    def __str__(self) -> str:
        rate, plain = self.samples / self.ours.whole, self.samples / self.floor.whole
        return (
            f"batches of {self.samples // self.batches:,}: {rate:,.0f} samples/s;"
            f" {self.ours.whole / self.floor.whole:.1f} times plain bulk inserts ({plain:,.0f});"
            f" {1000 * self.ours.whole / self.batches:.0f} ms a batch; by work alone"
            f" {self.samples / self.ours.work:,.0f} samples/s, {self.ours.work / self.floor.work:.1f} times plain"
        )


def compared(database: Database, sizes: Sizes, first: int = 0) -> Compared:
    """Ingestion beside the floor; samples begin at ``first`` seconds."""
    history, meter, (count, seconds) = SqlHistory(database), Meter(database), sizes
    batches = [node_batch(n, seconds, first=first) for n in range(count * ROUNDS + 1)]
    history.ingest(batches[0])
    owners = plain_series(database)
    ours, floor = [], []
    for turn in range(ROUNDS):
        some = batches[1 + turn * count : 1 + (turn + 1) * count]
        ours.append(meter.once(lambda some=some: [history.ingest(one) for one in some]))
        rows = [plain_rows(one, owners) for one in some]
        floor.append(meter.once(lambda rows=rows: [plain(database, *both) for both in rows]))
    samples = count * seconds * (ATTACHMENTS + 3)
    return Compared(samples, count, _median(ours), _median(floor))


def _median(rounds: Sequence[Took]) -> Took:
    return Took(median(one.whole for one in rounds), median(one.work for one in rounds))


@pytest.mark.parametrize("sizes", [(10, 10), (2, 100)], ids=["10 s", "100 s"])
def test_ingest_against_plain_bulk_inserts(url: str, sizes: Sizes) -> None:
    upgrade(url)
    database, (count, seconds) = Database(url), sizes
    with database.writing() as connection:
        make_ahead(connection, micros(at(0)))
    found = compared(database, sizes)
    stored = SqlHistory(database).stats().rows
    assert stored["path_samples"] == seconds * ATTACHMENTS * (count * ROUNDS * 2 + 1)
    database.close()
    print(f"\ningest on {database.url.get_backend_name()}, {found}")


def plain_series(database: Database) -> dict[str, int]:
    """Series of another node, by name."""
    with database.writing() as connection:
        names = [{"id": FIRST + p, "node": "plain", "physical_network": f"phynet{p}"} for p in range(3)]
        connection.execute(uplinks.insert(), names)
        rows = [
            {"id": FIRST + w, "node": "plain", "workload": f"lab/w{w:03}", "attachment": "net1", "network": "cni:a"}
            for w in range(ATTACHMENTS)
        ]
        connection.execute(paths.insert(), rows)
    return {row["physical_network"]: row["id"] for row in names} | {row["workload"]: row["id"] for row in rows}


def plain_rows(one: Batch, owners: dict[str, int]) -> tuple[list[Any], list[Any]]:
    """The batch's samples as rows, ready to be stored."""
    of_uplinks = [
        (owners[s.physical_network], until(s), until(s) - 10**6, s.in_bytes, s.out_bytes, s.capacity_bps, None, None)
        for s in one.uplinks
    ]
    return of_uplinks, [(owners[s.workload], until(s), until(s) - 10**6, s.in_bytes, s.out_bytes) for s in one.traffic]


def until(sample: Any) -> int:
    return round((sample.start + sample.seconds) * 1e6)


def plain(database: Database, of_uplinks: list[Any], of_paths: list[Any]) -> None:
    with database.writing() as connection:
        insert_rows(connection, uplink_samples, of_uplinks)
        insert_rows(connection, path_samples, of_paths)
