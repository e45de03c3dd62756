"""The decision log on both databases: kept whole, never changed, and what was changed all the same is noticed."""

from __future__ import annotations

import json
import zlib
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from switcher.adapters.store import chain, decisions
from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.instants import micros
from switcher.decide import Settings
from switcher.errors import TamperedError
from switcher.model import Decision, StayReason, Stays
from switcher.terms import Terms, terms
from tests.contract.history.conftest import AnyHistory
from tests.support.batches import at
from tests.support.scenes import book, per_gb, policy

INPUTS = b'{"format":2}'
OBJECTS = book(per_gb("dear", "0.09"), per_gb("cheap", "0.01"), policy())


def decision(taken: float = 0.0) -> Decision:
    stays = Stays(["lab/w01:net1", "lab/w02:net1"], ["cni:a", "cni:a"], [StayReason.BEST, StayReason.COOLDOWN], str)
    return Decision(now=at(taken), moves=(), stays=stays, surcharge={})


def on_terms(seconds: float = 7.5) -> Terms:
    return terms(Settings(switch_seconds=seconds, stale_after=timedelta(minutes=3)), OBJECTS)


def execute(database: Database, statement: str, **values: object) -> None:
    with database.writing() as connection:
        connection.execute(text(statement), values)


def unguard(database: Database, trigger: str, table: str) -> None:
    """What someone with the database's password can do."""
    execute(database, f"DROP TRIGGER {trigger}" if database.file else f"DROP TRIGGER {trigger} ON {table}")


def count(database: Database, table: str) -> int:
    with database.reading() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - a table of ours


def test_terms_come_back_whole(history: AnyHistory) -> None:
    history.record_decision(decision(), INPUTS, [], on_terms())
    recorded = history.decision()
    assert recorded is not None
    assert recorded.terms == on_terms()
    assert set(recorded.terms.versions) == {"genie-switcher", "ortools", "numpy", "python"}
    assert recorded.terms.book().documents == OBJECTS.documents


def test_stays_come_back_with_their_reasons_in_words(history: AnyHistory) -> None:
    history.record_decision(decision(), INPUTS, [], on_terms())
    recorded = history.decision()
    assert recorded is not None
    found = [(stay.workload, stay.network, stay.reason) for stay in recorded.decision.stays]
    assert found == [
        ("lab/w01:net1", "cni:a", StayReason.BEST),
        ("lab/w02:net1", "cni:a", StayReason.COOLDOWN),
    ]


def test_objects_are_stored_once_however_many_ticks_use_them(database: Database) -> None:
    history = SqlHistory(database)
    for taken in (1, 2, 3):
        history.record_decision(decision(taken), INPUTS, [], on_terms())
    assert count(database, "decision_objects") == len(OBJECTS.documents) + 1  # and the list of them


@pytest.mark.parametrize("column", ["inputs", "answer", "terms", "hash", "inputs_hash"])
def test_a_record_cannot_be_changed(database: Database, column: str) -> None:
    SqlHistory(database).record_decision(decision(), INPUTS, [], on_terms())
    with pytest.raises(IntegrityError, match="never changed"):
        execute(database, f"UPDATE decisions SET {column} = NULL")  # noqa: S608 - a column of ours
    with pytest.raises(IntegrityError, match="never changed"):
        execute(database, "UPDATE decision_objects SET document = ''")


def test_a_record_goes_only_when_retention_has_said_so(database: Database) -> None:
    history = SqlHistory(database)
    for taken in (10, 20):
        history.record_decision(Decision(now=at(taken), moves=(), stays=(), surcharge={}), INPUTS, [], on_terms())
    with pytest.raises(IntegrityError, match="the decision log is kept"):
        execute(database, "DELETE FROM decisions")
    with database.writing() as connection:
        decisions.may_forget(connection, micros(at(20)))
    with pytest.raises(IntegrityError, match="the decision log is kept"):
        execute(database, "DELETE FROM decisions")
    execute(database, "DELETE FROM decisions WHERE at < :before", before=micros(at(20)))
    assert count(database, "decisions") == 1
    with pytest.raises(IntegrityError, match="never changed"):
        execute(database, "DELETE FROM decision_objects")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        pytest.param("inputs", zlib.compress(b'{"format":2, "more": 1}'), id="other inputs"),
        pytest.param("inputs", b"no zlib", id="broken inputs"),
        pytest.param("answer", zlib.compress(b'{"now":"2026-11-20T12:00:00Z","moves":[],"surcharge":{}}'), id="answer"),
        pytest.param("terms", zlib.compress(b"{}"), id="terms"),
        pytest.param("terms", None, id="no terms"),
        pytest.param("hash", None, id="no hash"),
        pytest.param("hash", "0" * 64, id="another hash"),
        pytest.param("at", 5, id="time"),
    ],
)
def test_a_record_that_was_changed_is_noticed(database: Database, column: str, value: object) -> None:
    history = SqlHistory(database)
    history.record_decision(decision(), INPUTS, [], on_terms())
    unguard(database, "decisions_unchanged", "decisions")
    execute(database, f"UPDATE decisions SET {column} = :value", value=value)  # noqa: S608 - a column of ours
    with pytest.raises(TamperedError, match="changed after it was recorded"):
        history.decision()


def test_an_object_that_was_changed_is_noticed(database: Database) -> None:
    history = SqlHistory(database)
    history.record_decision(decision(), INPUTS, [], on_terms())
    unguard(database, "decision_objects_unchanged", "decision_objects")
    execute(database, "UPDATE decision_objects SET document = replace(document, '0.09', '0.05')")
    with pytest.raises(TamperedError, match="the objects of the decision"):
        history.decision()


def test_a_record_from_before_the_log_is_still_read(database: Database) -> None:
    stay = {"workload": "lab/w01:net1", "network": "cni:a", "reason": "Best", "explanation": "3.47 <= 6.90"}
    old = {"now": at(0).isoformat(), "moves": [], "stays": [stay], "surcharge": {}}
    history = SqlHistory(database)
    execute(
        database,
        "INSERT INTO decisions (at, inputs, inputs_hash, answer) VALUES (:at, :inputs, :hash, :answer)",
        at=micros(at(0)),
        inputs=zlib.compress(INPUTS),
        hash=chain.hash_of(INPUTS),
        answer=zlib.compress(json.dumps(old).encode()),
    )
    recorded = history.decision()
    assert recorded is not None
    assert recorded.terms is None
    assert [stay.explanation for stay in recorded.decision.stays] == ["3.47 <= 6.90"]
