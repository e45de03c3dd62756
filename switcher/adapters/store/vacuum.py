"""SQLite's file: pages that deletion has freed go back to the file system, a few at a time.

New rows use free pages first, so that the file stops growing by itself once as much is deleted as comes; what is given
back is what a shorter retention, or a quieter time, leaves over.
"""

from __future__ import annotations

import logging
from contextlib import closing
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import Connection

from switcher.adapters.store.engine import Database
from switcher.errors import TryLaterError

log = logging.getLogger(__name__)
INCREMENTAL = 2
"""``PRAGMA auto_vacuum``: freed pages are listed, and given back when asked."""
AT_ONCE = 500
"""Pages in one transaction."""
LEAST = 50
"""Fewer pages than this are not worth one."""
RESERVE = 10
"""Percent of the file's pages that stay free for what comes next."""


def give_back(database: Database) -> int:
    """Give back free pages beyond the reserve; how many bytes. Nothing on another database."""
    freed = 0
    while database.file is not None:
        with database.writing() as connection:
            pages, free, size = (_number(connection, name) for name in ("page_count", "freelist_count", "page_size"))
            spare = free - pages * RESERVE // 100
            if spare < LEAST or _number(connection, "auto_vacuum") != INCREMENTAL:
                return freed
            _free(connection.connection.driver_connection, min(spare, AT_ONCE))
            freed += (free - _number(connection, "freelist_count")) * size
    return freed


def _free(connection: Any, pages: int) -> None:
    """Past SQLAlchemy, which does not expect rows without columns: each of them frees a page."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()


def make_incremental(database: Database) -> None:
    """Write the file anew, once, so that pages can be given back; one that has no room for that is left as it is."""
    if database.file is None:
        return
    try:
        with database.reading() as connection:
            if _number(connection, "auto_vacuum") == INCREMENTAL:
                return
        with database.alone() as raw:
            _rewrite(raw)
    except TryLaterError as error:
        log.warning("the history's file cannot be made smaller by deleting", extra={"cause": str(error)})


def _rewrite(connection: SqliteConnection) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
        cursor.execute("VACUUM")


def _number(connection: Connection, pragma: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one())
