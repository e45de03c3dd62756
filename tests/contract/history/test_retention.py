"""What is old goes, whatever the database; what is still needed stays; nobody waits and nothing is counted wrong."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from cni.wire import Batch, Outcome, Phase
from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.instants import DAY, micros
from switcher.adapters.store.migrate import upgrade
from switcher.adapters.store.partitions import partitions
from switcher.keeping import Cutoffs, Keep, cutoffs
from switcher.objects.load import book_from_documents
from tests.contract.history.test_decisions import INPUTS, decision
from tests.support.batches import at, attachment, batch, move, status, traffic, uplink, wire_time
from tests.unit.pricing import percentile, tariff

DAY_SECONDS = 86_400


@pytest.fixture
def history(database: Database) -> SqlHistory:
    return SqlHistory(database, lambda: at(0))


def cut(seconds: float, **more: timedelta) -> Cutoffs:
    return cutoffs(Keep(**more), (), at(seconds))


def day(number: int, sequence: int) -> Batch:
    """A sample an hour of one day, of an uplink and of a path."""
    hours = [number * DAY_SECONDS + 3600.0 * hour for hour in range(24)]
    return batch(
        sequence,
        sent=(number + 1) * DAY_SECONDS,
        uplinks=tuple(uplink(hour, 600, 1000, 10) for hour in hours),
        traffic=tuple(traffic(hour, 600, 1000, 10) for hour in hours),
        attachments=(attachment(),),
    )


def days(history: SqlHistory, count: int) -> None:
    """Days that pass: each is sampled, and looked after at its end with nothing old enough to go."""
    for number in range(count):
        history.look_after(at(number * DAY_SECONDS), cut(0))
        history.ingest(day(number, number + 1))
    history.look_after(at(count * DAY_SECONDS + 600), cut(0))


def test_each_resolution_goes_at_its_own_age_and_the_totals_stay(history: SqlHistory, database: Database) -> None:
    days(history, 12)
    now = 12 * DAY_SECONDS + 600
    keep = {"samples": timedelta(days=2), "minutes": timedelta(days=4), "fives": timedelta(days=9)}
    history.look_after(at(now), cut(now, **keep))
    found = {state.table: state for state in history.stats().resolutions}
    if database.file is not None:  # row by row, to the moment: ten minutes of each first day are too old
        assert {name: state.rows for name, state in found.items()} == {
            "uplink_samples": 47,
            "path_samples": 47,
            "uplink_minutes": 4 * 240 - 10,
            "uplink_fives": 9 * 48 - 2,
            "path_fives": 9 * 48 - 2,
            "network_minutes": 9 * 240 - 10,
            "network_fives": 9 * 48 - 2,
            "uplink_hours": 12 * 24 - 1,  # the last hour ended less than the lag ago
            "network_hours": 12 * 24 - 1,
            "path_hours": 12 * 24 - 1,
        }
    else:  # PostgreSQL drops what is old as a whole
        left = [partition.high for partition in partitions_of(database, "uplink_samples")]
        assert min(left) > micros(at(now)) - 2 * DAY
        assert 47 <= found["uplink_samples"].rows <= 71
        assert found["uplink_hours"].rows == 12 * 24 - 1
    assert history.usage(at(0), at(9 * DAY_SECONDS)) == []
    assert len(history.usage(at(10 * DAY_SECONDS), at(now))) >= 47
    for first in range(0, 12, 3):
        period = at(first * DAY_SECONDS), at((first + 3) * DAY_SECONDS)
        assert history.usage_totals(*period) == {"phynet0": (72_000, 720)}
    assert found["uplink_samples"].kept_from is not None


def partitions_of(database: Database, table: str) -> list:  # type: ignore[type-arg]
    with database.reading() as connection:
        return partitions(connection, table)


def test_partitions_are_there_before_their_time_and_take_what_came_too_early(
    history: SqlHistory, database: Database
) -> None:
    if database.file is not None:
        assert partitions_of(database, "path_samples") == []
        return
    history.ingest(day(40, 1))  # a clock that is ahead, or a controller that was away: there is no partition yet
    for _ in range(2):
        history.look_after(at(38 * DAY_SECONDS), cut(0))
        edges = [
            (p.low, p.high) for p in partitions_of(database, "path_samples") if p.high > micros(at(37 * DAY_SECONDS))
        ]
        assert len(edges) == 4
        assert all(high - low == DAY for low, high in edges if low is not None)
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM path_samples_rest").scalar() == 0
    assert history.stats().rows["path_samples"] == 24


def test_what_comes_after_its_samples_were_deleted_still_counts(history: SqlHistory) -> None:
    days(history, 8)
    now = 8 * DAY_SECONDS + 600
    for _ in range(2):
        history.look_after(at(now), cut(now, samples=timedelta(hours=1)))
        late = batch(1, agent="n9/late", node="n9", uplinks=(uplink(DAY_SECONDS + 7, 600, 60, 6),))
        history.ingest(late)
    assert history.usage_totals(at(0), at(8 * DAY_SECONDS)) == {"phynet0": (8 * 24_000 + 60, 8 * 240 + 6)}
    assert history.usage_totals(at(DAY_SECONDS), at(DAY_SECONDS + 3600)) == {"phynet0": (1060, 16)}


def test_decisions_moves_and_placements_go_at_their_age(history: SqlHistory) -> None:
    for n in range(4):
        history.record_decision(decision(n * DAY_SECONDS), INPUTS, [move(f"m{n}", decided=n * DAY_SECONDS)])
        history.ingest(
            batch(n + 1, sent=n * DAY_SECONDS, attachments=(attachment("cni:ab"[: 5 + n % 2], since=n * DAY_SECONDS),))
        )
    for n in (0, 2, 3):
        history.advance_move(status(f"m{n}", Phase.DONE, Outcome.MOVED, finished_at=wire_time(9.0)))
    now = 3 * DAY_SECONDS + 60
    history.look_after(at(now), cut(now, decisions=timedelta(days=1, hours=1), moves=timedelta(days=2)))
    rows = history.stats().rows
    assert (rows["decisions"], rows["stay_counts"]) == (2, 2 * len(decision(0).stays))
    assert [found.order.id for found in history.moves()] == ["m3", "m2", "m1"], "m1 is still open"
    assert len(history.placement_spans(at(0), at(now))) == rows["placement_spans"] < 4
    assert history.decision(at(DAY_SECONDS)) is None
    recorded = history.decision()
    assert recorded is not None
    assert recorded.at == at(3 * DAY_SECONDS)


def test_what_a_bill_still_needs_stays(history: SqlHistory) -> None:
    days(history, 12)
    now = 12 * DAY_SECONDS + 600
    short = Keep(samples=timedelta(hours=1), minutes=timedelta(hours=1), fives=timedelta(hours=1))
    book = book_from_documents([tariff(percentile(), physicalNetworks=["phynet0"])], "test")
    history.look_after(at(now), cutoffs(short, book.tariffs, at(now)))
    rows = history.stats().rows
    assert rows["network_fives"] == 12 * 48
    assert rows["network_minutes"] < 12 * 240
    history.look_after(at(now), cutoffs(short, (), at(now)))
    assert history.stats().rows["network_fives"] < 12 * 48


def test_sqlite_stops_growing_and_gives_back(sqlite_url: str) -> None:
    history = SqlHistory.open(sqlite_url)
    sizes, keep = [], {name: timedelta(hours=1) for name in ("samples", "minutes", "fives", "hours")}
    for hour in range(12):
        samples = tuple(traffic(3600 * hour + n, 1, 1, 1, workload=f"lab/w{n % 4}") for n in range(0, 3600))
        history.ingest(batch(hour + 1, sent=3600 * (hour + 1), traffic=samples, attachments=(attachment(),)))
        history.look_after(at(3600 * (hour + 1) + 200), cut(3600 * (hour + 1) + 200, **keep))
        sizes.append(history.stats().size_bytes - history.stats().free_bytes)
    assert max(sizes[8:]) < 1.1 * max(sizes[4:8])
    for n in range(40):
        history.ingest(
            batch(
                100 + n,
                sent=90_000,
                traffic=tuple(
                    traffic(50_000 + n * 100 + k / 30, 1 / 30, 1, 1, workload=f"lab/w{k % 7}") for k in range(3000)
                ),
            )
        )
    large = history.stats().size_bytes
    done = history.look_after(at(10**6), cut(10**6, **keep))
    assert done.freed_bytes > 2_000_000
    history.close()
    assert Path(sqlite_url.removeprefix("sqlite:///")).stat().st_size < large / 2


def test_ingestion_and_upkeep_at_once_count_everything_once(history: SqlHistory) -> None:
    over, problems = threading.Event(), []

    def upkeep() -> None:
        seconds = 0
        while not over.is_set():
            seconds += 240
            try:
                history.look_after(at(seconds), cut(seconds, samples=timedelta(minutes=5)))
            except Exception as error:
                problems.append(error)

    thread = threading.Thread(target=upkeep)
    thread.start()
    for n in range(60):
        # The late one fills its minute: of a part of one nobody knows which, once its sample is deleted.
        samples = (uplink(100 * n, 100, 1000, 1), uplink(max(0, 100 * n - 7000), 60, 10, 0, physical_network="late"))
        history.ingest(batch(n + 1, sent=100.0 * n, uplinks=samples))
    over.set()
    thread.join()
    history.look_after(at(9000), cut(9000))
    assert problems == []
    assert history.usage_totals(at(0), at(6000)) == {"late": (10, 0), "phynet0": (60_000, 60)}


KILLED = """
import os, signal, sys
from sqlalchemy import Engine, event
from switcher.adapters.store.history import SqlHistory
from switcher.keeping import Keep, cutoffs
from datetime import timedelta
from tests.support.batches import at
left = int(sys.argv[2])
history = SqlHistory.open(sys.argv[1])

@event.listens_for(Engine, "before_cursor_execute")
def count(*_):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

history.look_after(at(260000), cutoffs(Keep(samples=timedelta(hours=1)), (), at(260000)))
"""


def test_upkeep_that_is_killed_anywhere_is_finished_by_the_next(url: str) -> None:
    upgrade(url)
    history = SqlHistory.open(url)
    for number in range(3):
        history.ingest(day(number, number + 1))
    deaths = 0
    for statements in range(3, 200, 45):
        command = [sys.executable, "-c", KILLED, url, str(statements)]
        deaths += subprocess.run(command, cwd=Path.cwd(), check=False).returncode == -signal.SIGKILL
        assert history.usage_totals(at(0), at(3 * DAY_SECONDS)) == {"phynet0": (72_000, 720)}
    assert deaths > 1
    history.look_after(at(260_000), cut(260_000, samples=timedelta(hours=1)))
    assert history.usage_totals(at(0), at(3 * DAY_SECONDS)) == {"phynet0": (72_000, 720)}
    assert history.faults() == []
    history.close()
