"""Keeping the history small, quick and sound: everything that is done to it now and then, while it is in use.

Every step is a transaction of a fraction of a second, so that neither ingestion nor a tick waits longer; all may be
interrupted and done again, also by several controllers at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from switcher.adapters.store.engine import Database
from switcher.adapters.store.instants import MICROSECOND, micros
from switcher.adapters.store.partitions import make_ahead
from switcher.adapters.store.retention import erase_before, forget_paths, retain
from switcher.adapters.store.rolling import roll_up
from switcher.adapters.store.schema import agents, path_samples, uplink_samples
from switcher.adapters.store.slots import FIVE
from switcher.adapters.store.vacuum import give_back
from switcher.errors import TryLaterError
from switcher.keeping import Cutoffs

LAG = timedelta(minutes=2)
"""Time is rolled up when it is this long ago; what comes later still counts, but costs more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkept:
    """What one round did."""

    partitions: int
    """Made ahead."""
    steps: int
    """Of rolling up."""
    deleted: int
    """Rows."""
    freed_bytes: int
    """Given back to the file system by SQLite."""


def look_after(database: Database, now: datetime, cutoffs: Cutoffs) -> Upkept:
    """One round. Raises TryLaterError when the database is away or a part had to wait too long; the rest is done."""
    later: list[TryLaterError] = []
    partitions = steps = deleted = freed = 0
    try:
        with database.writing() as connection:
            partitions = make_ahead(connection, micros(now))
    except TryLaterError as error:
        later.append(error)
    steps = roll_up(database, _due(database, now))
    try:
        deleted = retain(database, cutoffs)
        freed = give_back(database)
    except TryLaterError as error:
        later.append(error)
    if later:
        raise later[0]
    return Upkept(partitions=partitions, steps=steps, deleted=deleted, freed_bytes=freed)


def _due(database: Database, now: datetime) -> int:
    """Up to when to roll up: not past what agents have sent, or all that they spooled meanwhile would come late."""
    with database.reading() as connection:
        newest = connection.execute(select(func.max(agents.c.last_seen))).scalar() or 0
    return (min(micros(now), int(newest)) - LAG // MICROSECOND) // FIVE * FIVE


def prune(database: Database, before: datetime) -> int:
    """Delete samples that ended by then, to the moment; how many. Their sums, and all else, stay."""
    roll_up(database, micros(before))
    deleted = sum(erase_before(database, table, micros(before)) for table in (uplink_samples, path_samples))
    return deleted + forget_paths(database)
