"""Deleting what is old without keeping others waiting: by slices that take a fraction of a second each.

On PostgreSQL whole partitions go instead (``partitions.py``); rows are deleted only where asked to the moment.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select

from switcher.adapters.store.engine import Database
from switcher.adapters.store.instants import MINUTE
from switcher.adapters.store.schema import paths, uplinks

SERIES_AT_ONCE = 200
LONG, SHORT = 0.2, 0.05
"""Seconds: a slice that took longer is halved for the next one, one that took less is doubled."""
FIRST = 5 * MINUTE


def erase(database: Database, table: Table, last: int) -> int:
    """Delete samples that ended by ``last``, or slots that began by then; how many.

    Safe to interrupt and to do again.
    """
    owners = owners_of(table)
    with database.reading() as connection:
        ids = list(connection.execute(select(owners).distinct().order_by(owners)).scalars())
    return sum(_erase(database, table, some, last) for some in _some(ids))


def owners_of(table: Table) -> Any:
    """The column that lists whose rows the table has."""
    owner = next(iter(table.primary_key.columns)).name
    return {"uplink_id": uplinks.c.id, "path_id": paths.c.id}.get(owner, uplinks.c.physical_network)


def _some(ids: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(ids), SERIES_AT_ONCE):
        yield ids[first : first + SERIES_AT_ONCE]


def _erase(database: Database, table: Table, some: Sequence[Any], last: int) -> int:
    owner, at = table.primary_key.columns
    deleted, slice_ = 0, FIRST
    while True:
        with database.writing() as connection:
            oldest = _oldest(connection, table, some)
            if oldest is None or oldest > last:
                return deleted
            began = time.monotonic()
            old = delete(table).where(owner.in_(some), at <= min(last, oldest + slice_))
            deleted += connection.execute(old).rowcount
        taken = time.monotonic() - began
        slice_ = slice_ // 2 if taken > LONG else slice_ * 2 if taken < SHORT else slice_


def _oldest(connection: Connection, table: Table, some: Sequence[Any]) -> int | None:
    """Of some series the oldest row's time: one look into the primary key for each."""
    owner, at = table.primary_key.columns
    owners = owners_of(table)
    first = select(func.min(at)).where(owner == owners).correlate(owners.table).scalar_subquery()
    found = select(first.label("first")).where(owners.in_(some)).subquery()
    oldest: int | None = connection.execute(select(func.min(found.c.first))).scalar()
    return oldest
