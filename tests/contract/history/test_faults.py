"""What the history must bear: kills, crowds, locks, directories that cannot be written."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from cni.wire import Batch, Phase
from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.migrate import upgrade
from switcher.errors import BadInputError, SwitcherError, TryLaterError
from tests.contract.history.test_decisions import INPUTS, decision
from tests.support.batches import at, attachment, batch, move, status, traffic, uplink

UPLINKS, TRAFFIC = 40, 160
"""Samples in each batch of the killed writer: large enough that most of its time is spent inside a transaction."""


def large(sequence: int) -> Batch:
    present = attachment(f"cni:{'ab'[sequence % 2]}", since=float(sequence))
    return batch(
        sequence,
        sent=float(sequence),
        uplinks=tuple(uplink(sequence, 1, 1, 1, physical_network=f"p{n}") for n in range(UPLINKS)),
        traffic=tuple(traffic(sequence, 1, 1, 1, workload=f"lab/w{n}") for n in range(TRAFFIC)),
        attachments=(present,),
    )


WRITER = """
import sys
from switcher.adapters.store.history import SqlHistory
from tests.contract.history.test_faults import large
history = SqlHistory.open(sys.argv[1])
for sequence in range(int(sys.argv[2]), 10**6):
    print(history.ingest(large(sequence)), flush=True)
"""


def written_until_killed(url: str, first: int, batches: int, pause: float) -> int:
    """Acknowledgements that were seen before kill -9, some way into a batch."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, url, str(first)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert writer.stdout is not None
    with writer, writer.stdout as acknowledged:
        for _ in range(batches):
            assert acknowledged.readline()
        time.sleep(pause)
        writer.send_signal(signal.SIGKILL)
        rest = acknowledged.read().split()
    return int(rest[-1]) if rest else first + batches - 1


def test_a_kill_in_the_middle_loses_nothing_acknowledged_and_stores_nothing_in_part(sqlite_url: str) -> None:
    held = 0
    for turn in range(4):
        acknowledged = written_until_killed(sqlite_url, held + 1, 3, pause=0.003 * turn)
        history = SqlHistory.open(sqlite_url)
        found = history.stats()
        held = found.agents[0].last_sequence
        assert held in (acknowledged, acknowledged + 1)
        assert (found.rows["uplink_samples"], found.rows["path_samples"]) == (UPLINKS * held, TRAFFIC * held)
        assert found.rows["placement_spans"] == held
        assert history.usage_totals(at(0), at(10**6)) == {f"p{n}": (held, held) for n in range(UPLINKS)}
        assert history.faults() == []
        history.close()


def test_writers_and_readers_at_once_never_meet_a_lock(url: str) -> None:
    upgrade(url)
    history, turns = SqlHistory.open(url), 25
    history.record_move(move("m1"))

    def agent(name: str) -> None:
        for n in range(1, turns + 1):
            samples = tuple(uplink(n, 1, 10, 1, physical_network=f"p{k}") for k in range(5))
            history.ingest(batch(n, agent=f"{name}/x", node=name, uplinks=samples, attachments=(attachment(),)))

    def ticks() -> None:
        other = SqlHistory.open(url)  # as the controller's tick, the CLI or the live view in a process of its own
        for n in range(turns):
            other.uplink_loads(at(n), timedelta(seconds=30))
            other.attached(at(n), timedelta(seconds=30))
            other.record_decision(decision(n), INPUTS, [move(f"d{n}")])
            other.advance_move(status("m1", Phase.VERIFY))
            assert len(other.moves(limit=1)) == 1
        other.close()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(agent, "n1"), pool.submit(agent, "n2"), pool.submit(ticks)]:
            done.result(timeout=120)
    rows = history.stats().rows
    history.close()
    assert (rows["uplink_samples"], rows["decisions"], rows["moves"]) == (2 * 5 * turns, turns, turns + 1)


def test_two_agents_of_one_node_at_once_count_its_time_once(url: str) -> None:
    upgrade(url)
    history = SqlHistory.open(url)

    def agent(name: str) -> None:
        for n in range(1, 21):
            history.ingest(batch(n, agent=name, uplinks=(uplink(n, 1, 10, 1),), traffic=(traffic(n, 1, 1, 1),)))

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(agent, "n1/old"), pool.submit(agent, "n1/new")]:
            done.result(timeout=120)
    totals = history.usage_totals(at(0), at(100))
    history.close()
    assert totals == {"phynet0": (200, 20)}


@pytest.fixture
def locked(sqlite_url: str) -> Iterator[sqlite3.Connection]:
    """Another program that holds the write lock."""
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def test_a_lock_that_never_ends_means_try_later_and_reads_go_on(sqlite_url: str, locked: sqlite3.Connection) -> None:
    database = Database(sqlite_url, patience=timedelta(milliseconds=50))
    history = SqlHistory(database)
    with pytest.raises(TryLaterError, match="locked"):
        history.ingest(batch(1, uplinks=(uplink(0, 1, 1, 1),)))
    assert history.usage_totals(at(0), at(10)) == {}
    locked.execute("ROLLBACK")
    assert history.ingest(batch(1, uplinks=(uplink(0, 1, 1, 1),))) == 1
    history.close()


READ_ONLY = """
import sys
from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.errors import TryLaterError
from tests.support.batches import batch
try:
    SqlHistory(Database(sys.argv[1])).ingest(batch(1))
except TryLaterError as error:
    print(error)
"""


def test_a_directory_that_cannot_be_written_means_try_later(sqlite_url: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    (tmp_path / "history.db").chmod(0o444)
    # Root may write anywhere until it gives that right up.
    drop = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*drop, sys.executable, "-c", READ_ONLY, sqlite_url], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    tmp_path.chmod(0o755)
    assert done.stdout.startswith(f"the history at {sqlite_url} does not answer: ")


def test_a_file_that_is_no_database_means_try_later(tmp_path: Path) -> None:
    (tmp_path / "history.db").write_text("this is not a database, whatever its name says " * 100)
    with pytest.raises(TryLaterError, match="not a database"):
        SqlHistory.open(f"sqlite:///{tmp_path / 'history.db'}")


def test_a_server_that_is_away_means_try_later(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="the PostgreSQL driver psycopg is not installed")
    with pytest.raises(TryLaterError):
        SqlHistory.open(f"postgresql+psycopg://nobody:secret@/none?host={tmp_path}")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "not a database URL"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("mysql://root:secret@host/x", "SQLite or PostgreSQL"),
    ],
)
def test_a_url_that_cannot_be_used_is_bad_input_without_its_password(url: str, said: str) -> None:
    with pytest.raises(BadInputError, match=said) as caught:
        SqlHistory.open(url)
    assert "secret" not in str(caught.value)


def test_inputs_that_were_changed_afterwards_are_noticed(sqlite_url: str) -> None:
    history = SqlHistory.open(sqlite_url)
    history.record_decision(decision(), INPUTS, [])
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as other:
        for (trigger,) in other.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            other.execute(f"DROP TRIGGER {trigger}")  # as somebody would who means it
        other.execute("UPDATE decisions SET inputs_hash = 'x'")
    other.close()
    with pytest.raises(SwitcherError, match="changed after"):
        history.decision()
    history.close()
