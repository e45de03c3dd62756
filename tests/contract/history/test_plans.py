"""PostgreSQL reads of a large table what it is asked for, whatever it knew of the table when it planned.

Counted are pages of indexes: to look one series up after the other takes some for each, to search for the time alone
takes all.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.instants import PER_SECOND, micros
from switcher.adapters.store.migrate import upgrade
from switcher.adapters.store.partitions import make_ahead
from switcher.adapters.store.rolling import roll_up
from tests.support.batches import at, batch, traffic, uplink
from tests.support.postgres import Postgres, missing

pytestmark = pytest.mark.skipif(missing() is not None, reason="test_migrations.py says that it is missing")
NOON = micros(at(0))
SECONDS, SERIES, STEPS = 30_000, 20, 12
"""Steps in an hour, of uplinks and of attachments."""
TABLES = {"uplink_samples": ("uplinks", ", 1e9, NULL, NULL"), "path_samples": ("paths", "")}


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    """Samples of every second, of which the server knows nothing but what there was at their beginning."""
    url = postgres.fresh_database()
    upgrade(url)
    opened = Database(url)
    with opened.writing() as connection:
        make_ahead(connection, NOON)
    names = range(SERIES)
    first = batch(
        1,
        uplinks=tuple(uplink(0, 1, 1, 1, physical_network=f"net{n}") for n in names),
        traffic=tuple(traffic(0, 1, 1, 1, workload=f"lab/w{n}") for n in names),
    )
    SqlHistory(opened).ingest(first)
    with opened.writing() as connection:
        connection.execute(text("ANALYZE"))
        for table, (owners, more) in TABLES.items():
            values = f"id, {NOON} + (n + 1) * {PER_SECOND}, {NOON} + n * {PER_SECOND}, 1, 1{more}"
            numbers = f"generate_series(CAST(1 AS bigint), {SECONDS - 1}) AS n"
            connection.execute(text(f"INSERT INTO {table} SELECT {values} FROM {numbers}, {owners} ORDER BY n"))  # noqa: S608
    yield opened
    opened.close()


def pages_read(database: Database) -> int:
    """Of the samples' indexes since they were made."""
    with database.writing() as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
    read = "SELECT sum(idx_blks_read + idx_blks_hit) FROM pg_statio_user_tables WHERE relname LIKE '%_samples_2%'"
    with database.reading() as connection:
        return int(connection.execute(text(read)).scalar_one())


def pages(database: Database) -> int:
    """Of the samples' indexes."""
    size = "SELECT sum(pg_indexes_size(oid)) / 8192 FROM pg_class WHERE relname ~ '_samples_2[0-9]*$'"
    with database.reading() as connection:
        return int(connection.execute(text(size)).scalar_one())


def test_steps_of_rolling_up_read_their_own_time(database: Database) -> None:
    """Also the twelfth, when the server has made one plan for all. By time alone it reads half of all at each step."""
    before = pages_read(database)
    assert roll_up(database, NOON + 3600 * PER_SECOND) > 2 * STEPS
    spent = (pages_read(database) - before) / (2 * STEPS)
    assert spent < pages(database) / 3


def test_queries_are_not_compiled(database: Database) -> None:
    for connecting in (database.reading, database.writing):
        with connecting() as connection:
            assert connection.execute(text("SHOW jit")).scalar() == "off"
