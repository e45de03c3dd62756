"""The database full, gone, or cut off: nothing accepted is lost or doubled, and everyone is told in time."""

from __future__ import annotations

import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from cni.wire import Batch, SwitchOrder, encode
from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.migrate import upgrade
from switcher.cycle import Cycle, Parts
from switcher.decide import Settings
from switcher.errors import TryLaterError
from switcher.meters import Meters
from switcher.observe import Sight
from switcher.web.app import Doors, application
from tests.support.batches import at, attachment, batch, traffic, uplink
from tests.support.postgres import Postgres, UnavailableError, running
from tests.unit.ticking import BOOK, NETWORKS

# A connection whose server dies while it is being made is left to the collector by SQLAlchemy.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
SAMPLES = 2000
MOST = 500
"""Batches that fit nowhere here."""


def large(sequence: int) -> Batch:
    """A batch with many samples, and a workload that would be cheaper elsewhere."""
    present = attachment("cni:dear", physical_network="phynet2")
    return batch(
        sequence,
        sent=float(sequence),
        uplinks=(
            uplink(sequence, 1, 1, 1, physical_network="phynet2", capacity_bps=1e9),
            uplink(sequence, 1, 1, 1, physical_network="phynet0", capacity_bps=1e9),
        ),
        traffic=(
            traffic(sequence, 1, 10**6, 10**6, network="cni:dear"),
            *(traffic(sequence + n / SAMPLES, 1 / SAMPLES, 1, 1, workload="lab/w02") for n in range(SAMPLES)),
        ),
        attachments=(present,),
        networks=NETWORKS,
    )


@dataclass
class Node:
    """Takes orders, and counts them."""

    orders: list[SwitchOrder] = field(default_factory=list)

    def order(self, _node: str, order: SwitchOrder) -> None:
        self.orders.append(order)

    def switches(self, _node: str) -> list[object]:
        return []


@dataclass
class Site:
    """A controller's inside: its history, its doors and its ticks."""

    history: SqlHistory
    node: Node = field(default_factory=Node)
    meters: Meters = field(default_factory=Meters)

    def __post_init__(self) -> None:
        doors = Doors(ledger=self.history, meters=self.meters, ready=self.history.ping, token=None)
        self.web = TestClient(application(doors))
        self.cycle = Cycle(
            Parts(
                history=self.history,
                hands=self.node,  # type: ignore[arg-type]
                book=lambda: BOOK,
                clock=lambda: at(MOST),
                stopwatch=lambda: 0.0,
                sight=Sight(window=timedelta(seconds=600)),
                settings=Settings(stale_after=timedelta(hours=1)),
                meters=self.meters,
            )
        )

    def send(self, one: Batch) -> int:
        """The answer's status."""
        return self.web.post("/v1/ingest", content=encode(one)).status_code


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    """A server that the test may stop."""
    try:
        with running() as server:
            yield server
    except UnavailableError as reason:
        pytest.skip(str(reason))


@pytest.fixture
def small_disk(short_path: Path) -> Iterator[Path]:
    """A file system with room for a few batches."""
    place = short_path / "small"
    place.mkdir()
    short_path.chmod(0o755)  # PostgreSQL runs as another user
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=14m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def full(small_disk: Path, postgres_or_none: Postgres | None) -> Iterator[SqlHistory]:
    """A history with no room left, on the database that the test names."""
    if postgres_or_none is None:
        url = f"sqlite:///{small_disk / 'history.db'}"
    else:
        (small_disk / "space").mkdir()
        url = postgres_or_none.fresh_database(postgres_or_none.tablespace(small_disk / "space"))
    upgrade(url)
    history = SqlHistory.open(url)
    yield history
    history.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def postgres_or_none(request: pytest.FixtureRequest) -> Postgres | None:
    """A server of its own: one whose files went with a file system is of no use to other tests."""
    server: Postgres | None = None if request.param == "sqlite" else request.getfixturevalue("own_server")
    return server


@pytest.mark.netns
def test_a_full_disk_means_try_later_not_ready_and_no_decision(full: SqlHistory, small_disk: Path) -> None:
    site = Site(full)
    assert site.web.get("/readyz").status_code == 200
    held = next(n for n in range(1, MOST) if site.send(large(n)) == 503) - 1
    assert held > 1
    answer = site.web.post("/v1/ingest", content=encode(large(held + 1)))
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    ready = site.web.get("/readyz")
    assert ready.status_code == 503
    assert "full" in ready.text or "No space left" in ready.text
    assert site.cycle.tick() is None
    assert site.node.orders == []
    assert 'switcher_ticks_total{result="skipped"} 1.0' in site.web.get("/metrics").text
    assert full.usage_totals(at(0), at(MOST + 1))["phynet0"] == (held, held)

    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    assert site.web.get("/readyz").status_code == 200
    assert [site.send(large(held + n)) for n in (0, 1, 1, 2)] == [200] * 4
    assert full.usage_totals(at(0), at(MOST + 1))["phynet0"] == (held + 2, held + 2)
    assert site.cycle.tick() is not None
    assert len(site.node.orders) == 1


@pytest.mark.parametrize("put_another", [False, True], ids=["removed", "replaced"])
def test_a_file_that_is_gone_takes_nothing_and_is_decided_on_by_nobody(sqlite_url: str, put_another: bool) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    site = Site(SqlHistory.open(sqlite_url))
    assert site.send(large(1)) == 200

    aside = file.rename(file.with_name("aside.db"))
    if put_another:
        file.write_bytes(b"")
    assert site.send(large(2)) == 503
    ready = site.web.get("/readyz")
    assert (ready.status_code, "was removed or replaced" in ready.text) == (503, True)
    assert site.cycle.tick() is None
    assert site.node.orders == []
    assert file.exists() == put_another  # no empty history in its place

    aside.rename(file)
    assert site.web.get("/readyz").status_code == 200
    assert site.send(large(2)) == 200
    assert site.history.usage_totals(at(0), at(MOST))["phynet0"] == (2, 2)
    site.history.close()


def test_a_damaged_file_takes_nothing_more_whatever_still_works_in_it(sqlite_url: str) -> None:
    site = Site(SqlHistory.open(sqlite_url))
    assert site.send(large(1)) == 200
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page, size = other.execute(
            "SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = 'attachments'"
        ).fetchone()
    with Path(sqlite_url.removeprefix("sqlite:///")).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)

    assert site.send(large(2)) == 503
    ready = site.web.get("/readyz")
    assert (ready.status_code, "malformed" in ready.text) == (503, True)
    assert site.cycle.tick() is None
    assert site.send(batch(2)) == 503  # would touch sound pages only
    site.history.close()


def stored(site: Site, batches: int, disturb: object) -> int:
    """Sends each batch until it is taken, while something is done to the database; how often "later" was said."""
    later = 0
    thread = threading.Thread(target=disturb)  # type: ignore[arg-type]
    thread.start()
    sequence = 1
    while sequence <= batches or thread.is_alive():
        if site.send(large(sequence)) == 200:
            sequence += 1
        else:
            later += 1
            time.sleep(0.02)
    thread.join()
    assert site.history.usage_totals(at(0), at(MOST))["phynet0"] == (sequence - 1, sequence - 1)
    return later


def test_a_server_that_is_stopped_and_started_loses_and_doubles_nothing(own_server: Postgres) -> None:
    url = own_server.fresh_database()
    upgrade(url)
    site, seen = Site(SqlHistory.open(url)), []

    def restart() -> None:
        for _ in range(2):
            time.sleep(0.5)
            own_server.stop()
            seen.append((site.web.get("/readyz").status_code, site.cycle.tick()))
            own_server.start()

    assert stored(site, 5, restart) > 0
    assert seen == [(503, None)] * 2
    assert site.web.get("/readyz").status_code == 200
    assert site.cycle.tick() is not None
    site.history.close()


def test_connections_that_are_cut_in_the_middle_lose_and_double_nothing(own_server: Postgres) -> None:
    url = own_server.fresh_database()
    upgrade(url)
    site = Site(SqlHistory.open(url))

    def cut() -> None:
        for _ in range(25):
            time.sleep(0.03)
            own_server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname LIKE 'history%' AND pid <> pg_backend_pid()"
            )

    assert stored(site, 5, cut) > 0
    site.history.close()


def test_a_lock_that_another_one_holds_means_try_later_in_time(postgres: Postgres) -> None:
    url = postgres.fresh_database()
    upgrade(url)
    patient, holder = Database(url, patience=timedelta(milliseconds=50)), Database(url)
    with holder.writing() as connection:
        connection.execute(text("LOCK TABLE agents IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(TryLaterError, match="lock timeout"):
            SqlHistory(patient).ingest(batch(1))
    assert SqlHistory(patient).ingest(batch(1)) == 1
    patient.close()
    holder.close()


def test_a_write_that_failed_counts_until_one_succeeds(sqlite_url: str) -> None:
    database = Database(sqlite_url, patience=timedelta(milliseconds=20))
    history = SqlHistory(database)
    with database.writing(), pytest.raises(TryLaterError):
        SqlHistory(database).ingest(batch(1))
    history.ping()  # writes, and so finds that all is well again
    assert database.unwritable is None
    history.close()
