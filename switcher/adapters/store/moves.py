"""Moves from their decision to their outcome, with the time of every phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, select, update

from cni.wire import Phase, SwitchOrder, SwitchStatus, decode, encode
from switcher.adapters.store.bulk import insert_new
from switcher.adapters.store.instants import micros, micros_of, moment_of
from switcher.adapters.store.phases import is_news, own_move, phase_times
from switcher.adapters.store.schema import move_phases
from switcher.adapters.store.schema import moves as table
from switcher.ports import RecordedMove

Values = dict[str, Any]
READ = tuple(
    table.c[name]
    for name in ("node", "order_json", "policy", "decided_at", "saving_per_hour", "explanation", "status_json")
)
"""What a move is made of."""
DECIDED = (
    "id",
    "decision_id",
    "node",
    "workload",
    "attachment",
    "source",
    "target",
    "reason",
    "policy",
    "saving_per_hour",
    "explanation",
    "order_json",
    "decided_at",
)
"""What is known of it when it is decided."""


def record(connection: Connection, move: RecordedMove, decision: int | None) -> None:
    """Store a move; one with an id that is stored already changes nothing."""
    record_all(connection, [move], decision)


def record_all(connection: Connection, moves: Sequence[RecordedMove], decision: int | None) -> None:
    """The same for many, at once."""
    insert_new(connection, table, DECIDED, [_row(move, decision) for move in moves])
    for move in moves:
        if move.status is not None:
            advance(connection, move.status, move.decided_at)


def _row(move: RecordedMove, decision: int | None) -> tuple[Any, ...]:
    """Of :data:`DECIDED`."""
    order = move.order
    return (
        order.id,
        decision,
        move.node,
        order.workload,
        order.attachment,
        order.source,
        order.target,
        order.reason.value,
        move.policy,
        move.saving_per_hour,
        move.explanation,
        encode(order).decode(),
        micros(move.decided_at),
    )


def learn(connection: Connection, status: SwitchStatus, node: str, learned: datetime) -> None:
    """A status from the node itself; a switch that is not known is one that the node made by itself, and is stored."""
    if not advance(connection, status, learned):
        record(connection, own_move(status, node, learned), None)
        advance(connection, status, learned)


def advance(connection: Connection, status: SwitchStatus, learned: datetime) -> bool:
    """Store a new status of a move; False when no such move is stored."""
    query = select(table.c.number, table.c.status_json).where(table.c.id == status.id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        return False
    if is_news(_status(row.status_json), status):
        connection.execute(update(table).where(table.c.number == row.number).values(_columns(status)))
        _store_phases(connection, row.number, status, learned)
    return True


def _columns(status: SwitchStatus) -> Values:
    return {
        "phase": status.phase.value,
        "outcome": status.outcome.value if status.outcome else None,
        "refusal": status.refusal.value if status.refusal else None,
        "shifted_at": None if status.shifted_at is None else micros_of(status.shifted_at),
        "finished_at": None if status.finished_at is None else micros_of(status.finished_at),
        "largest_gap": status.measured.largest_gap,
        "drained": status.measured.drained,
        "closed": status.measured.closed,
        "status_json": encode(status).decode(),
    }


def _store_phases(connection: Connection, number: int, status: SwitchStatus, learned: datetime) -> None:
    stored = _phases(connection, number)
    times = phase_times(stored, status, learned)
    if times != stored:
        connection.execute(delete(move_phases).where(move_phases.c.move_number == number))
        rows = [{"move_number": number, "phase": phase.value, "at": at} for phase, at in times.items()]
        connection.execute(move_phases.insert(), rows)


def _phases(connection: Connection, number: int) -> dict[Phase, int]:
    query = select(move_phases.c.phase, move_phases.c.at).where(move_phases.c.move_number == number)
    return {Phase(phase): at for phase, at in connection.execute(query)}


def phases(connection: Connection, move: str) -> Mapping[Phase, datetime]:
    """When each phase of a move began, oldest first; empty when the move is not known or has not begun."""
    number = connection.execute(select(table.c.number).where(table.c.id == move)).scalar_one_or_none()
    times = {} if number is None else _phases(connection, number)
    return {phase: moment_of(at) for phase, at in sorted(times.items(), key=lambda item: item[1])}


def still_open(connection: Connection) -> list[RecordedMove]:
    """Moves without an outcome, oldest first."""
    query = select(*READ).where(table.c.outcome.is_(None)).order_by(table.c.decided_at, table.c.number)
    return [_move(row) for row in connection.execute(query).all()]


def decided(connection: Connection, since: datetime | None, limit: int | None) -> list[RecordedMove]:
    """Moves decided since then, newest first, at most ``limit``."""
    query: Select[*tuple[Any, ...]] = (
        select(*READ).order_by(table.c.decided_at.desc(), table.c.number.desc()).limit(limit)
    )
    if since is not None:
        query = query.where(table.c.decided_at >= micros(since))
    return [_move(row) for row in connection.execute(query).all()]


def _move(row: Row[*tuple[Any, ...]]) -> RecordedMove:
    node, order, policy, decided_at, saving, explanation, status = row
    return RecordedMove(
        node=node,
        order=decode(order.encode(), SwitchOrder),
        policy=policy,
        decided_at=moment_of(decided_at),
        saving_per_hour=saving,
        explanation=explanation,
        status=_status(status),
    )


def _status(stored: str | None) -> SwitchStatus | None:
    return None if stored is None else decode(stored.encode(), SwitchStatus)
