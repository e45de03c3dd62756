"""The decision log as a chain: a record that was changed, removed or added is found, whatever else was made to fit."""

from __future__ import annotations

import hashlib
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from switcher.adapters.store import chain
from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.instants import micros
from switcher.adapters.store.migrate import alembic_config, upgrade
from switcher.adapters.store.retention import retain
from switcher.commands.db import check
from switcher.errors import SwitcherError, TamperedError
from switcher.keeping import Keep, cutoffs
from tests.contract.history.test_decision_log import INPUTS, count, decision, execute, on_terms, unguard
from tests.support.batches import at

TICKS = (10, 20, 30, 40)


def recorded(database: Database, *ticks: float) -> SqlHistory:
    history = SqlHistory(database)
    for taken in ticks or TICKS:
        history.record_decision(decision(taken), INPUTS, [], on_terms())
    return history


def forge(database: Database, taken: float, inputs: bytes) -> None:
    """Change a record, and make its own hashes fit."""
    unguard(database, "decisions_unchanged", "decisions")
    with database.writing() as connection:
        where = {"at": micros(at(taken))}
        row = connection.execute(text("SELECT * FROM decisions WHERE at = :at"), where).one()
        parts = inputs, zlib.decompress(row.answer), zlib.decompress(row.terms)
        new = {"inputs": zlib.compress(inputs), "inputs_hash": chain.hash_of(inputs)}
        new["hash"] = chain.record_hash(row.at, parts, row.previous)
        sets = ", ".join(f"{name} = :{name}" for name in new)
        connection.execute(text(f"UPDATE decisions SET {sets} WHERE at = :at"), {**new, **where})  # noqa: S608


def remove(database: Database, taken: float) -> None:
    unguard(database, "decisions_retained", "decisions")
    execute(database, "DELETE FROM stay_counts")
    execute(database, "DELETE FROM decisions WHERE at = :at", at=micros(at(taken)))


def test_a_whole_log_has_no_faults(database: Database) -> None:
    history = recorded(database)
    assert history.faults() == []
    for taken in TICKS:
        found = history.decision(at(taken))
        assert found is not None
        assert found.at == at(taken)


def test_an_empty_log_has_no_faults(database: Database) -> None:
    assert SqlHistory(database).faults() == []


def test_a_record_whose_hash_was_made_to_fit_is_found(database: Database) -> None:
    history = recorded(database)
    forge(database, 20, b'{"format":2, "more": 1}')
    (fault,) = history.faults()
    assert fault == f"between the decision of {at(20).isoformat()} and the decision of {at(30).isoformat()} {ODD}"
    for taken in (20, 30):
        with pytest.raises(TamperedError, match=f"beside the decision of {at(taken):%Y-%m-%dT%H:%M:%S}.*{ODD}"):
            history.decision(at(taken))
    assert history.decision(at(40)) is not None


ODD = "a record was removed, added or changed"


@pytest.mark.parametrize(
    ("taken", "said", "neighbours"),
    [
        pytest.param(10, f"between the beginning and the decision of {at(20).isoformat()} {ODD}", (20,), id="first"),
        pytest.param(20, f"of {at(10).isoformat()} and the decision of {at(30).isoformat()} {ODD}", (10, 30), id="one"),
        pytest.param(40, f"after the decision of {at(30).isoformat()} a record was removed", (30,), id="last"),
    ],
)
def test_a_record_that_was_removed_is_missed(
    database: Database, taken: float, said: str, neighbours: tuple[float, ...]
) -> None:
    history = recorded(database)
    remove(database, taken)
    (fault,) = history.faults()
    assert fault.endswith(said)
    for beside in neighbours:
        with pytest.raises(TamperedError, match=ODD):
            history.decision(at(beside))
    with pytest.raises(SwitcherError, match=ODD if taken != 40 else "a record was removed"):
        check(url=database.url.render_as_string(hide_password=False))


def test_a_log_that_was_emptied_is_missed(database: Database) -> None:
    history = recorded(database, 10)
    remove(database, 10)
    assert history.faults() == ["after the beginning a record was removed"]


def test_a_record_that_was_added_is_found(database: Database) -> None:
    history = recorded(database)
    execute(
        database,
        "INSERT INTO decisions (at, inputs, inputs_hash, answer)"
        " SELECT at + 1, inputs, inputs_hash, answer FROM decisions WHERE at = :at",
        at=micros(at(40)),
    )
    found = history.faults()
    assert [ODD in fault for fault in found[:1]] == [True]
    with pytest.raises(TamperedError):
        history.decision(at(40))


def retained(database: Database, now: float) -> int:
    return retain(database, cutoffs(Keep(decisions=timedelta(seconds=15)), (), at(now)))


def test_what_retention_deletes_leaves_no_fault(database: Database) -> None:
    history = recorded(database)
    assert retained(database, 40) == 2
    assert history.faults() == []
    for taken in (30, 40):
        assert history.decision(at(taken)) is not None
    history.record_decision(decision(50), INPUTS, [], on_terms())
    assert retained(database, 1000) == 3
    assert history.faults() == []
    history.record_decision(decision(1000), INPUTS, [], on_terms())
    assert history.faults() == []
    remove(database, 1000)
    assert history.faults() == ["after the beginning a record was removed"]


def test_a_record_of_a_clock_that_was_wrong_goes_with_those_after_it(database: Database) -> None:
    history = recorded(database, 10, 1e9, 20, 5, 30)
    assert retained(database, 40) == 4
    assert history.faults() == []
    assert count(database, "decisions") == 1
    with pytest.raises(IntegrityError, match="the decision log is kept"):
        execute(database, "DELETE FROM decisions")


def test_writers_at_once_append_to_one_chain(url: str) -> None:
    upgrade(url)

    def writer(number: int) -> None:
        database = Database(url)
        recorded(database, *range(100 * number, 100 * number + 10))
        database.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(writer, range(4)))
    database = Database(url)
    assert SqlHistory(database).faults() == []
    assert count(database, "decisions") == 40
    database.close()


@pytest.mark.parametrize("table", ["decisions", "decision_objects"])
def test_the_log_cannot_be_emptied_at_once(database: Database, table: str) -> None:
    """PostgreSQL's TRUNCATE and SQLite's INSERT OR REPLACE delete rows for which no trigger of DELETE runs."""
    recorded(database)
    replaced = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"  # noqa: S608 - a table of ours
    if table == "decision_objects":
        replaced = "INSERT OR REPLACE INTO decision_objects SELECT hash, 'else' FROM decision_objects"
    with pytest.raises(IntegrityError, match="never changed"):
        execute(database, replaced if database.file else f"TRUNCATE {table} CASCADE")
    assert count(database, "decisions") == len(TICKS)


def before_the_chain(database: Database, taken: float, *, hashed: bool) -> None:
    """A record as an older version stored it."""
    inputs, answer = INPUTS, b'{"now":"2026-11-20T12:00:00Z","moves":[],"stays":[],"surcharge":{}}'
    parts = [str(micros(at(taken))), *(hashlib.sha256(part).hexdigest() for part in (inputs, answer))]
    hash_ = hashlib.sha256("\n".join([*parts, "-"]).encode()).hexdigest()
    execute(
        database,
        "INSERT INTO decisions (at, inputs, inputs_hash, answer, hash) VALUES (:at, :inputs, :ihash, :answer, :hash)",
        at=micros(at(taken)),
        inputs=zlib.compress(inputs),
        ihash=hashlib.sha256(inputs).hexdigest(),
        answer=zlib.compress(answer),
        hash=hash_ if hashed else None,
    )


@pytest.mark.parametrize("hashed", [True, False])
def test_records_from_before_the_chain_stay_readable_and_the_first_new_one_follows_them(
    url: str, *, hashed: bool
) -> None:
    database = Database(url)
    with database.writing() as connection:
        command.upgrade(alembic_config(connection), "0004")
    for taken in (1, 2):
        before_the_chain(database, taken, hashed=hashed)
    upgrade(url)
    history = recorded(database)
    assert history.faults() == []
    for taken in (1, 2, *TICKS):
        found = history.decision(at(taken))
        assert found is not None
        assert found.at == at(taken)
    if hashed:
        remove(database, 2)
        assert len(history.faults()) == 1
        with pytest.raises(TamperedError, match=ODD):
            history.decision(at(10))
    database.close()
