"""What may go, table by table: never before it is rolled up, never before bills can do without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, delete, exists, func, select, update

from switcher.adapters.store import chain, partitions
from switcher.adapters.store.decisions import may_forget
from switcher.adapters.store.engine import Database
from switcher.adapters.store.erasing import erase
from switcher.adapters.store.instants import micros
from switcher.adapters.store.reach import alone, kept, reaches
from switcher.adapters.store.schema import (
    attachments,
    decisions,
    move_phases,
    moves,
    path_samples,
    paths,
    spans,
    stay_counts,
    uplink_samples,
)
from switcher.adapters.store.slots import PATH_LEVELS, STEPS, UPLINK_LEVELS, Level, path_fives, path_hours, path_parts
from switcher.keeping import Cutoffs, Resolution

AT_ONCE = 500
"""Decisions, moves or placements deleted in one transaction."""
NAMES = {60: Resolution.MINUTES, 300: Resolution.FIVES, 3600: Resolution.HOURS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A table, before when its rows may go, and whose sums must have them by then (None: nothing is coarser)."""

    table: Table
    before: datetime
    rolled_into: Table | None


def rules(cutoffs: Cutoffs) -> Iterator[Rule]:
    """For every table of samples and sums, from coarse to fine."""
    for levels in (UPLINK_LEVELS, PATH_LEVELS):
        coarser: Table | None = None
        for level in reversed(levels):
            resolution = NAMES[level.step // 1_000_000]
            yield Rule(table=level.table, before=cutoffs.series[resolution], rolled_into=coarser)
            if level.whole is not None:
                yield Rule(table=level.whole, before=cutoffs.bills[resolution], rolled_into=coarser)
            coarser = level.table
    samples = Resolution.SAMPLES
    yield Rule(table=uplink_samples, before=cutoffs.bills[samples], rolled_into=UPLINK_LEVELS[0].table)
    yield Rule(table=path_samples, before=cutoffs.series[samples], rolled_into=PATH_LEVELS[0].table)


def retain(database: Database, cutoffs: Cutoffs) -> int:
    """Delete what is older; how many rows (where PostgreSQL drops whole partitions, those do not count)."""
    deleted = sum(_apply(database, rule) for rule in rules(cutoffs))
    for levels in (UPLINK_LEVELS, PATH_LEVELS):
        deleted += _forget_parts(database, levels[-1])
    deleted += forget_paths(database)
    for forget, before in ((_decisions, cutoffs.decisions), (_moves, cutoffs.moves), (_spans, cutoffs.moves)):
        while some := _forget(database, forget, micros(before)):
            deleted += some
    return deleted


def _apply(database: Database, rule: Rule) -> int:
    """On PostgreSQL a partition goes when all of it is old: up to its span later than its rows could."""
    with database.reading() as connection:
        before = _before(connection, rule)
        there = partitions.partitions(connection, rule.table.name)
    if not there:
        return erase_before(database, rule.table, before)
    with database.writing() as connection:
        return partitions.drop_before(connection, rule.table, before)


def _before(connection: Connection, rule: Rule) -> int:
    before = micros(rule.before)
    if rule.rolled_into is None:
        return before
    return min(before, reaches(connection)[rule.rolled_into.name].rolled_until)


def erase_before(database: Database, table: Table, before: int) -> int:
    """Delete what ended by then, row by row; how many rows. What is left is first said to begin then."""
    step = STEPS.get(table.name, 1)
    before = before // step * step
    with database.writing() as connection:
        kept(connection, table.name, before)
    return erase(database, table, before if step == 1 else before - step)


def _forget_parts(database: Database, coarsest: Level) -> int:
    """Delete what is noted of slots that are in no sums any more."""
    with database.reading() as connection:
        edge = reaches(connection)[coarsest.name].kept_from
    return erase(database, coarsest.parts, edge)


def forget_paths(database: Database) -> int:
    """Delete paths of which nothing is left and whose attachment is gone; counts as no row."""
    sampled = [
        exists().where(table.c.path_id == paths.c.id) for table in (path_samples, path_fives, path_hours, path_parts)
    ]
    present = exists().where(
        attachments.c.node == paths.c.node,
        attachments.c.workload == paths.c.workload,
        attachments.c.attachment == paths.c.attachment,
    )
    with database.writing() as connection:
        alone(connection)  # who stores a sample has looked its path up
        connection.execute(delete(paths).where(~present, *(~one for one in sampled)))
    return 0


def _forget(database: Database, forget: Callable[[Connection, int], int], before: int) -> int:
    with database.writing() as connection:
        return forget(connection, before)


def _decisions(connection: Connection, before: int) -> int:
    """The oldest end of the log, in the order of recording: what a clock was wrong for goes with what came after it."""
    columns = decisions.c
    newest_old = select(func.max(columns.id)).where(columns.at < before).scalar_subquery()
    query = select(columns.id, columns.at, columns.hash).where(columns.id <= newest_old)
    old = connection.execute(query.order_by(columns.id).limit(AT_ONCE)).all()
    if old:
        ids = [row.id for row in old]
        chain.last(connection)  # nobody appends meanwhile
        may_forget(connection, max(before, *(row.at + 1 for row in old)), old[-1].hash)
        connection.execute(update(moves).where(moves.c.decision_id.in_(ids)).values(decision_id=None))
        connection.execute(delete(stay_counts).where(stay_counts.c.decision_id.in_(ids)))
        connection.execute(delete(decisions).where(columns.id.in_(ids)))
        may_forget(connection, before)
    return len(old)


def _moves(connection: Connection, before: int) -> int:
    ended = moves.c.decided_at < before, moves.c.outcome.is_not(None)
    numbers = list(connection.execute(select(moves.c.number).where(*ended).limit(AT_ONCE)).scalars())
    if numbers:
        connection.execute(delete(move_phases).where(move_phases.c.move_number.in_(numbers)))
        connection.execute(delete(moves).where(moves.c.number.in_(numbers)))
    return len(numbers)


def _spans(connection: Connection, before: int) -> int:
    ids = list(connection.execute(select(spans.c.id).where(spans.c.until < before).limit(AT_ONCE)).scalars())
    if ids:
        connection.execute(delete(spans).where(spans.c.id.in_(ids)))
    return len(ids)
