"""Upgrades of a history that is in use: from the revision before, with data, and killed in the middle."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from alembic import command
from sqlalchemy import Connection, text

from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.instants import HOUR, PER_SECOND, micros
from switcher.adapters.store.migrate import alembic_config, head, revision, upgrade
from switcher.keeping import Keep, cutoffs
from switcher.ports import RemovedObject
from tests.contract.history.test_migrations import compare
from tests.support.batches import at, batch, uplink

NOON = micros(at(0))
SAMPLE = 600 * PER_SECOND


def insert(connection: Connection, table: str, *values: object) -> None:
    names = [f":v{n}" for n in range(len(values))]
    row = {f"v{n}": value for n, value in enumerate(values)}
    connection.execute(text(f"INSERT INTO {table} VALUES ({', '.join(names)})"), row)  # noqa: S608 - names of ours


def at_0002(url: str) -> None:
    """Two uplinks with four hours of samples, of which the first hour and a half was pruned; its hours are summed."""
    database = Database(url)
    with database.writing() as connection:
        command.upgrade(alembic_config(connection), "0002")
        for uplink_id, node in ((1, "n1"), (2, "n2")):
            insert(connection, "uplinks", uplink_id, node, "phynet0")
            for n in range(9, 24):
                start, until = NOON + n * SAMPLE, NOON + (n + 1) * SAMPLE
                insert(connection, "uplink_samples", uplink_id, until, start, n, 10 * n, 1e6, None, None)
            for hour in range(4):
                into = sum(range(6 * hour, 6 * hour + 6))
                insert(connection, "uplink_hours", uplink_id, NOON + hour * HOUR, into, 10 * into)
        insert(connection, "paths", 1, "n1", "lab/w01", "net1", "cni:a")
        insert(connection, "path_samples", 1, NOON + SAMPLE, NOON, 7, 8)
        insert(connection, "agents", 1, "n1/aaaa", "n1", 5, 0, 0, NOON + 24 * SAMPLE)
    database.close()


def check_kept(url: str) -> None:
    """Everything that was there is, exactly, before and after it is rolled up."""
    compare(url)
    history = SqlHistory.open(url)
    for _ in range(2):
        for hours in range(4):
            into = 2 * sum(range(6 * hours, 6 * hours + 6))
            assert history.usage_totals(at(3600 * hours), at(3600 * (hours + 1))) == {"phynet0": (into, 10 * into)}
        assert history.usage_totals(at(0), at(4 * 3600)) == {"phynet0": (2 * sum(range(24)), 20 * sum(range(24)))}
        assert len(history.usage(at(0), at(4 * 3600))) == 30
        history.look_after(at(5 * 3600), cutoffs(Keep(), (), at(5 * 3600)))
    assert history.usage_totals(at(2 * 3600 + 300), at(2 * 3600 + 900)) == {"phynet0": (2 * (6 + 6), 2 * (60 + 65))}
    assert history.stats().rows["path_fives"] == 2
    assert history.ingest(batch(5)) == 5
    assert history.ingest(batch(6, uplinks=(uplink(4 * 3600, 10, 3, 3), uplink(3 * 3600, 600, 9, 9)))) == 6
    assert history.usage_totals(at(4 * 3600), at(5 * 3600)) == {"phynet0": (3, 3)}
    assert history.usage_totals(at(3 * 3600), at(3 * 3600 + 600)) == {"phynet0": (36, 360)}
    history.close()


def test_an_upgrade_with_data_keeps_all_of_it(url: str) -> None:
    at_0002(url)
    assert upgrade(url) == head()
    check_kept(url)


def at_0006(url: str) -> None:
    """Two versions of a tariff, and a policy."""
    database = Database(url)
    with database.writing() as connection:
        command.upgrade(alembic_config(connection), "0006")
        for number, (kind, name, learned) in enumerate(
            [("Tariff", "t", 10), ("Tariff", "t", 20), ("SwitchPolicy", "p", 10)]
        ):
            document = f'{{"kind":"{kind}","spec":{{"number":{number}}}}}'
            columns = "objects (kind, name, document, recorded_at)"
            insert(connection, columns, kind, name, document, micros(at(learned)))
    database.close()


def known(history: SqlHistory, moment: float) -> list[object]:
    return [stored.document["spec"]["number"] for stored in history.objects(at(moment))]


def test_objects_outlive_the_upgrade_and_can_be_removed_after_it(url: str) -> None:
    """And the way back: what the version before has no word for, it knows again."""
    at_0006(url)
    assert upgrade(url) == head()
    compare(url)
    history = SqlHistory.open(url)
    assert [known(history, moment) for moment in (15, 25)] == [[2, 0], [2, 1]]
    history.store_objects([RemovedObject(kind="Tariff", name="t", recorded_at=at(30))])
    assert [known(history, moment) for moment in (25, 35)] == [[2, 1], [2]]
    history.close()
    database = Database(url)
    with database.writing() as connection:
        command.downgrade(alembic_config(connection), "0006")
        assert connection.execute(text("SELECT count(*) FROM objects WHERE document IS NOT NULL")).scalar() == 3
    database.close()
    assert upgrade(url) == head()
    history = SqlHistory.open(url)
    assert known(history, 35) == [2, 1]
    history.store_objects([RemovedObject(kind="Tariff", name="t", recorded_at=at(40))])
    assert known(history, 45) == [2]
    history.close()


KILLED = """
import os, signal, sys
from sqlalchemy import Engine, event
from switcher.adapters.store.migrate import upgrade
done, most = 0, int(sys.argv[2])

def die(*_):
    print(done, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

@event.listens_for(Engine, "before_cursor_execute")
def count(*_):
    global done
    done += 1
    if done > most:
        die()

event.listen(Engine, "commit", die)
upgrade(sys.argv[1])
"""
"""Upgrades, and dies after so many statements, or when all is done but the commit."""


def upgrade_killed(url: str, after: int) -> int:
    """Statements until then."""
    command = [sys.executable, "-c", KILLED, url, str(after)]
    killed = subprocess.run(command, cwd=Path.cwd(), check=False, stdout=subprocess.PIPE, text=True)
    assert killed.returncode == -signal.SIGKILL
    return int(killed.stdout)


def test_a_kill_in_the_middle_leaves_the_old_history_and_the_next_upgrade_finishes(url: str) -> None:
    at_0002(url)
    statements = upgrade_killed(url, 10**6)
    assert statements > 20
    for after in (0, *range(5, statements, statements // 5)):
        upgrade_killed(url, after)
        database = Database(url)
        with database.reading() as connection:
            assert revision(connection) == "0002"
            assert connection.execute(text("SELECT count(*) FROM uplink_hours WHERE hour >= 0")).scalar() == 8
        database.close()
    upgrade(url)
    check_kept(url)
