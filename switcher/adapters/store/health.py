"""Whether the history can be used now: it answers, and it has room.

A full disk lets reads succeed, and now and then a small write. So once a write has failed, the history counts as
unwell until as much as a batch takes could be written again.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from switcher.adapters.store.engine import Database
from switcher.adapters.store.instants import micros
from switcher.adapters.store.slots import probes
from switcher.adapters.store.upsert import insert_into

FILLER = "0" * 1_000_000
"""About what a large batch takes; digits of a text, which PostgreSQL is told not to compress (0003_resolutions.py)."""


def ping(database: Database, now: datetime) -> None:
    """Nothing when all is well. Raises TryLaterError when the database is away, full or read-only."""
    if database.unwritable is None:
        with database.reading() as connection:
            connection.execute(text("SELECT 1"))
    else:
        _probe(database, now)


def _probe(database: Database, now: datetime) -> None:
    row = {"id": 1, "at": micros(now), "filler": FILLER}
    with database.writing() as connection:
        insert = insert_into(connection, probes).values(row)
        connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=row))
