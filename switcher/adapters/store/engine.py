"""A connection to the history's database: SQLite's pragmas, transactions, and errors in our words.

SQLite runs in WAL mode, so that readers (CLI, live view) never wait for the writer, and with ``synchronous=FULL``:
an agent deletes a batch from its spool when we acknowledge it, and an order is given once it is recorded, so what
is committed must survive a power cut, not only a kill (``NORMAL`` may lose the last commits then). The price is one
fsync for each batch. Writers take the lock at their start (``BEGIN IMMEDIATE``): a transaction that reads first and
writes later could otherwise fail with "database is locked" whatever the timeout.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from sqlite3 import SQLITE_CORRUPT, SQLITE_NOTADB
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from switcher.errors import BadInputError, Problem, TryLaterError

PATIENCE = timedelta(seconds=15)
"""How long to wait for what another one holds: SQLite's file, PostgreSQL's locks."""
LARGEST_LOG = 64 * 1024 * 1024
"""Bytes that SQLite's log beside the file keeps after a large transaction or a slow reader."""
DAMAGED = (SQLITE_CORRUPT, SQLITE_NOTADB)
PRIMARY_CODE = 0xFF
"""The bits of SQLite's extended result codes that say what kind of error it is."""
OURS = (IntegrityError, ProgrammingError, DataError, NotSupportedError)
"""Errors of the database that are faults of this program: never to be hidden behind "try later"."""


class Database:
    """Transactions on one database. Safe for any number of threads."""

    def __init__(self, url: str, patience: timedelta = PATIENCE) -> None:
        """Nothing is opened yet. Raises BadInputError when the URL is malformed or names an unknown driver."""
        self.url = _parsed(url)
        self._engine = _engine(self.url, patience)
        self._reader = (
            self._engine if self.file is not None else self._engine.execution_options(isolation_level="REPEATABLE READ")
        )
        self._writer = self._engine.execution_options(writes=True)
        self._opened: tuple[int, int] | None = None
        self._damaged: str | None = None
        if self.file is not None:
            event.listen(self._engine, "connect", self._remember_file)
        self.unwritable: str | None = None
        """Why the last write failed, until one succeeds: a database that answers may still be full."""

    @property
    def name(self) -> str:
        """The URL without its password, for messages."""
        return self.url.render_as_string(hide_password=True)

    @property
    def file(self) -> Path | None:
        """SQLite's file; None: another database."""
        return Path(self.url.database or "") if self.url.get_backend_name() == "sqlite" else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state. Raises TryLaterError when the database is away."""
        with self._translated(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is kept whole or not at all. Raises TryLaterError when the database cannot take it."""
        try:
            with self._translated(), self._writer.begin() as connection:
                yield connection
        except TryLaterError as error:
            self.unwritable = str(error)
            raise
        self.unwritable = None

    @contextmanager
    def alone(self) -> Iterator[Any]:
        """A driver's connection outside of any transaction, for what SQLite does in none."""
        with self._translated(), self._engine.connect() as connection:
            yield connection.connection.driver_connection

    def close(self) -> None:
        """Close every connection; the database can be used again afterwards."""
        self._engine.dispose()
        self._opened = self._damaged = None

    def _remember_file(self, _connection: object, _record: object) -> None:
        if self._opened is None and self.file is not None:
            self._opened = _identity(self.file)

    def _require_sound(self) -> None:
        """Raises TryLaterError unless what is written now will be found again. Damage does not heal by itself.

        SQLite goes on writing into a file that was removed, and what was acknowledged then ends with the process; into
        one that is damaged as long as it meets sound pages.
        """
        if self._damaged is not None:
            raise TryLaterError(self._damaged)
        if self._opened is not None and self.file is not None and _identity(self.file) != self._opened:
            text = f"the history's file {self.file} was removed or replaced"
            raise TryLaterError(f"{text}: put it back, or start again with what is there")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        self._require_sound()
        driver = self._engine.dialect.loaded_dbapi
        try:
            yield
        except (*OURS, driver.IntegrityError, driver.ProgrammingError, driver.DataError, driver.NotSupportedError):
            raise
        except (DBAPIError, driver.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            text = f"the history at {self.name} does not answer: {cause}{self._hint()}"
            if getattr(cause, "sqlite_errorcode", 0) & PRIMARY_CODE in DAMAGED:
                self._damaged = text
            raise TryLaterError(text) from error
        except PoolTimeoutError as error:
            raise TryLaterError(f"the history at {self.name} is too busy: {error}") from error

    def _hint(self) -> str:
        file = self.file
        if file is not None and not file.parent.is_dir():
            return f" (there is no directory {file.parent})"
        # Reading makes files beside it that writers heed: who may not write cannot read safely.
        if file is not None and file.exists() and not all(os.access(path, os.W_OK) for path in (file, file.parent)):
            return f" (whoever reads it must be allowed to write {file} and its directory too)"
        return ""


def _identity(file: Path) -> tuple[int, int] | None:
    """Which file is at that path; None: there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _bad(url, "not a database URL such as sqlite:////var/lib/switcher/history.db") from error
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise _bad(url, "the history needs a file, such as sqlite:////var/lib/switcher/history.db")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise _bad(parsed.render_as_string(), "the history can be SQLite or PostgreSQL")
    return parsed


def _bad(url: str, text: str) -> BadInputError:
    return BadInputError([Problem("database", 0, "", f"{url!r}: {text}")])


def _engine(url: URL, patience: timedelta) -> Engine:
    try:
        engine = create_engine(url, pool_pre_ping=url.get_backend_name() != "sqlite")
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise _bad(url.render_as_string(), f"its driver is not installed ({error})") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", partial(_prepare_sqlite, patience))
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", partial(_prepare_postgresql, patience))
    return engine


def _prepare_sqlite(patience: timedelta, connection: SqliteConnection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where _begin_sqlite says, not at the driver's guess
    connection.execute(f"PRAGMA busy_timeout = {patience // timedelta(milliseconds=1)}")
    if connection.execute("PRAGMA page_count").fetchone() == (0,):  # a new file; vacuum.py brings old ones there
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA journal_size_limit = {LARGEST_LOG}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _prepare_postgresql(patience: timedelta, connection: Any, _record: object) -> None:
    """Nothing is compiled: over many partitions that took a second, for queries that then ran for two milliseconds."""
    connection.execute("SET jit = off")
    connection.execute(f"SET lock_timeout = {patience // timedelta(milliseconds=1)}")
    connection.commit()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
