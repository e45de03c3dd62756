"""The moves that a tick looks back at, read again at every tick: all of a day, and few of them new.

A move that has ended never changes again. So what is asked at each tick is how many were decided at each moment, which
an index knows; read are the moves of moments where that is another number than before, and those that had not ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from sys import intern
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from cni.wire import Message, MoveReason, Outcome, decode
from switcher.adapters.store.instants import micros, moment_of
from switcher.adapters.store.schema import moves
from switcher.adapters.store.series import CHUNK
from switcher.model import PastMove, workload_id
from switcher.ports import Switched

READ = (
    *(moves.c.number, moves.c.decided_at, moves.c.id, moves.c.node, moves.c.workload, moves.c.attachment),
    *(moves.c.policy, moves.c.source, moves.c.target, moves.c.reason, moves.c.outcome, moves.c.status_json),
)


class _Times(Message, frozen=True, kw_only=True):
    """Of a SwitchStatus how long the switch took."""

    started_at: float = 0.0
    finished_at: float | None = None


class _Check(NamedTuple):
    """What tells whether moves of a moment have come or gone: numbers only ever grow."""

    moves: int
    numbers: int
    """Their sum."""


@dataclass(frozen=True, slots=True)
class _Moment:
    """The moves that were decided at one moment."""

    check: _Check
    moves: dict[int, Switched]
    """By number, the latest first."""
    open: Sequence[int]
    """The numbers of those that have not ended."""


class Lately:
    """What was read of the moves before. Safe for several threads: what is kept is replaced whole."""

    def __init__(self) -> None:
        self._kept: Mapping[int, _Moment] = {}

    def since(self, connection: Connection, since: datetime) -> list[Switched]:
        """Moves decided since then, and those in flight however old; the newest first."""
        kept, checks = self._kept, _checks(connection, micros(since))
        changed = [at for at, check in checks.items() if at not in kept or kept[at].check != check]
        left = {at: kept[at] for at in checks.keys() - set(changed)}
        again = [number for moment in left.values() for number in moment.open]
        fresh = _by_moment([*_read(connection, moves.c.decided_at, changed), *_read(connection, moves.c.number, again)])
        updated = {at: _moment(checks[at], (left[at].moves if at in left else {}) | fresh[at]) for at in fresh}
        self._kept = now = left | updated
        older = _by_moment(connection.execute(_in_flight(micros(since))).all())
        return [
            *(move for at in sorted(now, reverse=True) for move in now[at].moves.values()),
            *(move for at in sorted(older, reverse=True) for _, move in sorted(older[at].items(), reverse=True)),
        ]


def _checks(connection: Connection, since: int) -> Mapping[int, _Check]:
    """By moment since then; the index of the moments has the numbers too."""
    at, number = moves.c.decided_at, moves.c.number
    query = select(at, func.count(), func.sum(number)).where(at >= since).group_by(at)
    return {moment: _Check(count, int(total)) for moment, count, total in connection.execute(query)}


def _read(connection: Connection, column: ColumnElement[Any], values: Sequence[int]) -> Iterator[Row[*tuple[Any, ...]]]:
    for first in range(0, len(values), CHUNK):
        yield from connection.execute(select(*READ).where(column.in_(values[first : first + CHUNK])))


def _in_flight(before: int) -> Select[*tuple[Any, ...]]:
    return select(*READ).where(moves.c.outcome.is_(None), moves.c.decided_at < before)


def _by_moment(rows: Sequence[Row[*tuple[Any, ...]]]) -> dict[int, dict[int, Switched]]:
    """By moment and number."""
    found: dict[int, dict[int, Switched]] = {}
    times: dict[int, datetime] = {}
    for row in rows:
        at = row.decided_at
        if at not in times:
            times[at], found[at] = moment_of(at), {}
        found[at][row.number] = _switched(row, times[at])
    return found


def _moment(check: _Check, found: Mapping[int, Switched]) -> _Moment:
    latest = dict(sorted(found.items(), reverse=True))
    return _Moment(check, latest, [number for number, move in latest.items() if move.outcome is None])


def _switched(row: Row[*tuple[Any, ...]], at: datetime) -> Switched:
    """Few names are distinct: each is held once."""
    outcome = None if row.outcome is None else Outcome(row.outcome)
    move = PastMove(
        workload=workload_id(row.workload, row.attachment),
        policy=intern(row.policy),
        source=intern(row.source),
        target=intern(row.target),
        reason=MoveReason(row.reason),
        at=at,
    )
    seconds = _seconds(row.status_json) if outcome is Outcome.MOVED else None
    return Switched(id=row.id, node=intern(row.node), move=move, outcome=outcome, seconds=seconds)


def _seconds(status: str) -> float | None:
    times = decode(status.encode(), _Times)
    return times.finished_at - times.started_at if times.finished_at else None
