"""Ticks as they were decided: inputs byte for byte with their hash, every move and every stay with its explanation."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from switcher.adapters.store import moves as stored_moves
from switcher.adapters.store import schema
from switcher.adapters.store.instants import micros, moment_of
from switcher.adapters.store.schema import decisions
from switcher.errors import SwitcherError
from switcher.model import Decision, stay_counts
from switcher.ports import RecordedDecision, RecordedMove


def record(connection: Connection, decision: Decision, inputs: bytes, moves: Sequence[RecordedMove]) -> None:
    """Store the decision, its inputs and its moves."""
    row = {
        "at": micros(decision.now),
        "inputs": zlib.compress(inputs),
        "inputs_hash": hashlib.sha256(inputs).hexdigest(),
        "answer": zlib.compress(_plain(decision)),
    }
    made = connection.execute(decisions.insert().values(row)).inserted_primary_key
    number = None if made is None else made[0]
    counts = sorted(stay_counts(decision.stays).items())
    if counts:
        rows = [{"decision_id": number, "reason": reason.value, "count": count} for reason, count in counts]
        connection.execute(schema.stay_counts.insert(), rows)
    for move in moves:
        stored_moves.record(connection, move, number)


def taken(connection: Connection, at: datetime | None) -> RecordedDecision | None:
    """The last decision taken at or before ``at``. Raises SwitcherError when its inputs are not what was stored."""
    query = select(decisions).order_by(decisions.c.at.desc(), decisions.c.id.desc()).limit(1)
    if at is not None:
        query = query.where(decisions.c.at <= micros(at))
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    inputs = zlib.decompress(row.inputs)
    moment = moment_of(row.at)
    if hashlib.sha256(inputs).hexdigest() != row.inputs_hash:
        raise SwitcherError(f"the inputs of the decision of {moment.isoformat()} were changed after it was recorded")
    answer = msgspec.json.decode(zlib.decompress(row.answer), type=Decision)
    return RecordedDecision(
        at=moment,
        inputs=inputs,
        inputs_hash=row.inputs_hash,
        decision=replace(answer, stays=tuple(answer.stays)),
    )


def _plain(decision: Decision) -> bytes:
    return msgspec.json.encode(replace(decision, stays=tuple(decision.stays)), order="deterministic")
