"""The decision log: every tick's inputs, terms and answer, a chain of records that are never changed."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, select

from switcher import answers
from switcher.adapters.store import chain, schema
from switcher.adapters.store import moves as stored_moves
from switcher.adapters.store.chain import hash_of
from switcher.adapters.store.instants import micros, moment_of
from switcher.adapters.store.schema import decision_objects, decisions, log_retention
from switcher.adapters.store.upsert import insert_into
from switcher.decide import Settings
from switcher.errors import TamperedError
from switcher.model import Decision, stay_counts
from switcher.ports import RecordedDecision, RecordedMove
from switcher.terms import Terms, document_text

QUICK = 1
"""zlib's level: a tenth larger than its best, in a fifth of the time."""


class _StoredTerms(msgspec.Struct, frozen=True):
    settings: Settings
    versions: Mapping[str, str]
    book: str
    """The hash of the list of the objects' hashes."""


def record(
    connection: Connection, decision: Decision, inputs: bytes, moves: Sequence[RecordedMove], terms: Terms | None
) -> None:
    """Store the decision, its inputs, its terms and its moves."""
    answer = answers.to_json(decision)
    plain = None if terms is None else _stored(connection, terms)
    previous = chain.last(connection)
    hash_ = chain.record_hash(micros(decision.now), (inputs, answer, plain), previous)
    row = {
        "at": micros(decision.now),
        "inputs": zlib.compress(inputs, QUICK),
        "inputs_hash": hash_of(inputs),
        "answer": zlib.compress(answer, QUICK),
        "terms": None if plain is None else zlib.compress(plain, QUICK),
        "hash": hash_,
        "previous": previous,
    }
    chain.append(connection, hash_)
    made = connection.execute(decisions.insert().values(row)).inserted_primary_key
    number = None if made is None else made[0]
    counts = sorted(stay_counts(decision.stays).items())
    if counts:
        rows = [{"decision_id": number, "reason": reason.value, "count": count} for reason, count in counts]
        connection.execute(schema.stay_counts.insert(), rows)
    stored_moves.record_all(connection, moves, number)


def taken(connection: Connection, at: datetime | None) -> RecordedDecision | None:
    """The last decision taken at or before ``at``; None: the one recorded last, whatever the clock said before it.

    Raises TamperedError when it is not what was stored.
    """
    last = decisions.c.id.desc()
    query = select(decisions).order_by(last).limit(1)
    if at is not None:
        query = select(decisions).where(decisions.c.at <= micros(at)).order_by(decisions.c.at.desc(), last).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else _read(connection, row)


def may_forget(connection: Connection, before: int, cut: str | None = None) -> None:
    """Say that records from before then may be deleted, as retention does first; microseconds.

    ``cut``: the hash of the last one that goes; None: as it was.
    """
    was = connection.execute(select(log_retention.c.cut)).scalar()
    connection.execute(delete(log_retention))
    connection.execute(log_retention.insert().values(id=1, before=before, cut=cut or was))


def _read(connection: Connection, row: Row[Any]) -> RecordedDecision:
    moment = moment_of(row.at)
    parts = chain.unpacked(row)
    if parts is None:
        raise _tampered(moment, "the record")
    if not chain.linked(connection, row):
        raise TamperedError(f"beside the decision of {moment.isoformat()} a record was removed, added or changed")
    inputs, answer, terms = parts
    return RecordedDecision(
        at=moment,
        inputs=inputs,
        inputs_hash=row.inputs_hash,
        decision=answers.from_json(answer),
        terms=None if terms is None else _terms(connection, terms, moment),
        hash=row.hash,
    )


def _tampered(moment: datetime, what: str) -> TamperedError:
    return TamperedError(f"{what} of the decision of {moment.isoformat()} were changed after it was recorded")


def _stored(connection: Connection, terms: Terms) -> bytes:
    """The terms as JSON, with the objects stored once each."""
    texts = {hash_of(text.encode()): text for text in map(document_text, terms.documents)}
    book = msgspec.json.encode(list(texts)).decode()
    name = hash_of(book.encode())
    known = select(decision_objects.c.hash).where(decision_objects.c.hash == name)
    if connection.execute(known).first() is None:
        rows = [{"hash": key, "document": text} for key, text in {**texts, name: book}.items()]
        connection.execute(insert_into(connection, decision_objects).on_conflict_do_nothing(), rows)
    stored = _StoredTerms(settings=terms.settings, versions=terms.versions, book=name)
    return msgspec.json.encode(stored, order="deterministic")


def _terms(connection: Connection, plain: bytes, moment: datetime) -> Terms:
    stored = msgspec.json.decode(plain, type=_StoredTerms)
    hashes = msgspec.json.decode(_document(connection, stored.book, moment), type=list[str])
    return Terms(
        settings=stored.settings,
        versions=stored.versions,
        documents=tuple(msgspec.json.decode(_document(connection, name, moment)) for name in hashes),
    )


def _document(connection: Connection, name: str, moment: datetime) -> str:
    found = connection.execute(select(decision_objects.c.document).where(decision_objects.c.hash == name)).scalar()
    if found is None or hash_of(found.encode()) != name:
        raise _tampered(moment, "the objects")
    return str(found)
