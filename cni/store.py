"""The node's one durable store: every attachment, whoever made it, with all that its DEL will need.

SQLite in WAL mode: what a method returned from has been written to the disk, and survives a loss of power. One
connection, guarded by a lock, serves all threads; a transaction of one thread never mixes with another's, but they wait
for the disk together (cni.disk), and nobody holds the lock meanwhile. The live switch keeps its journal, and the
sampler its spool, in tables of their own in the same file, by :meth:`Store.transaction`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec

from cni.disk import Disk
from cni.model import Attachment, AttachmentState

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE attachments (
    container_id TEXT NOT NULL, name TEXT NOT NULL, generation INTEGER NOT NULL, workload TEXT NOT NULL,
    netns TEXT NOT NULL, ifname TEXT NOT NULL, network TEXT NOT NULL, physical_network TEXT,
    delegate_id TEXT NOT NULL, config BLOB NOT NULL, cni_args TEXT NOT NULL, capabilities BLOB NOT NULL,
    result BLOB NOT NULL, state TEXT NOT NULL, "table" INTEGER NOT NULL, position INTEGER NOT NULL,
    created_at REAL NOT NULL, started_at REAL NOT NULL, annotations TEXT NOT NULL, labels TEXT NOT NULL,
    request TEXT NOT NULL, host_ifname TEXT, runtime_ifname TEXT NOT NULL,
    PRIMARY KEY (container_id, name, generation)
);
CREATE INDEX attachments_by_workload ON attachments (workload, name);
CREATE TABLE batches (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL);
"""
MIGRATIONS = (
    SCHEMA,
    "ALTER TABLE attachments ADD COLUMN runtime_network TEXT NOT NULL DEFAULT '';",
    "ALTER TABLE attachments ADD COLUMN pod_uid TEXT NOT NULL DEFAULT '';",
    "ALTER TABLE attachments ADD COLUMN netns_identity TEXT NOT NULL DEFAULT '';",
    # Of a few hundred rows at most: every ADD paid for a page of it, a move alone used it.
    "DROP INDEX attachments_by_workload;",
)
"""Each leads from the schema before it to the next; what is written here is never changed."""
SCHEMA_VERSION = len(MIGRATIONS)

_FIELDS = tuple(field.name for field in fields(Attachment))
_COLUMNS = ", ".join(f'"{name}"' for name in _FIELDS)
_SELECT = f"SELECT {_COLUMNS} FROM attachments"  # noqa: S608 - column names of our own dataclass
_MARKS = ", ".join("?" * len(_FIELDS))
_KEY = ("container_id", "name", "generation")
_CHANGES = ", ".join(f'"{name}" = excluded."{name}"' for name in _FIELDS if name not in _KEY)
# Not INSERT OR REPLACE: a row that stays where it is leaves the pages of the key alone.
_PUT = (
    f"INSERT INTO attachments ({_COLUMNS}) VALUES ({_MARKS})"  # noqa: S608 - the same
    f" ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {_CHANGES}"
)
_ORDER = " ORDER BY container_id, position, name, generation"


class StoreError(Exception):
    """The store cannot be used: its file is damaged, of a newer version, or the disk refuses."""


class Store:
    """The attachments of a node, small notes (``meta``), and transactions for others' tables. Safe for threads."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. Raises StoreError when it is not ours or was written by a newer version."""
        self.path = path
        self._lock = threading.RLock()
        self._everything: tuple[Attachment, ...] | None = None
        self._disk = Disk(self.sync)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
            self._connection.execute("PRAGMA journal_mode=WAL")
            # FULL would add one thing, a sync of the log after each commit (sqlite.org/pragma.html#pragma_synchronous):
            # that is done here, for several commits at once.
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._migrate()
            self._log = os.open(f"{path}-wal", os.O_RDONLY | os.O_CLOEXEC)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"the store {path} cannot be opened: {error}") from error

    def close(self) -> None:
        """Close the file; the store cannot be used any more."""
        with self._lock:
            self._disk.close()
            self._connection.close()
            os.close(self._log)

    def sync(self) -> None:
        """Until the disk has the log as it is now. Raises OSError when it refuses."""
        os.fdatasync(self._log)

    def check(self) -> None:
        """Raises StoreError when what it holds cannot be read."""
        try:
            self.note("identity")
            self._select("")
        except sqlite3.Error as error:
            raise StoreError(f"the store {self.path} cannot be read: {error}") from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: committed at the end, undone when an exception passes. An inner one joins the outer one.

        Raises OSError when the disk refuses what was committed.
        """
        with self._lock:
            outermost = not self._connection.in_transaction
            with self._committed() as connection:
                yield connection
            number = self._disk.written() if outermost else None
        if number is not None:
            self._disk.wait(number)

    @contextmanager
    def _committed(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is not waited for until it is on the disk. The lock is held."""
        if self._connection.in_transaction:
            yield self._connection
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """For a look into others' tables, which never waits for the disk: it may show what is not yet there."""
        with self._lock:
            yield self._connection

    def put(self, attachment: Attachment) -> None:
        """Store it, in place of the one with the same container, name and generation. Raises OSError."""
        with self.transaction() as connection:
            self._everything = None
            connection.execute(_PUT, _row(attachment))

    def put_early(self, attachment: Attachment) -> Callable[[], None]:
        """Store it, and have it on the disk when what is returned returns: there is time for something meanwhile.

        That raises OSError. Not within a transaction.
        """
        with self._lock:
            with self._committed() as connection:
                self._everything = None
                connection.execute(_PUT, _row(attachment))
            number = self._disk.written()
        self._disk.begin(number)
        return lambda: self._disk.wait(number)

    def delete(self, container_id: str, name: str, generation: int) -> None:
        """Forget it; unknown is done already.

        Not waited for: its DEL is done. Should the power fail now, the record comes back as it was, and its DEL is done
        once more.
        """
        with self._lock, self._committed() as connection:
            self._everything = None
            connection.execute(
                "DELETE FROM attachments WHERE container_id = ? AND name = ? AND generation = ?",
                (container_id, name, generation),
            )

    def get(self, container_id: str, name: str, generation: int) -> Attachment | None:
        """That generation, or None."""
        rows = self._select(" WHERE container_id = ? AND name = ? AND generation = ?", container_id, name, generation)
        return rows[0] if rows else None

    def of_container(self, container_id: str) -> list[Attachment]:
        """All generations of all its attachments, by position, name and generation."""
        return self._select(" WHERE container_id = ?", container_id)

    def of_workload(self, workload: str, name: str) -> list[Attachment]:
        """One attachment by its workload's name, all generations; several containers while a sandbox is replaced."""
        return self._select(" WHERE workload = ? AND name = ?", workload, name)

    def all(self) -> list[Attachment]:
        """Every attachment of the node, containers together; the same objects until something changes."""
        with self._lock:
            if self._everything is not None:
                return list(self._everything)
            everything = self._select("")
            if not self._connection.in_transaction:  # what is read there may never come to be
                self._everything = tuple(everything)
            return everything

    def tables(self, container_id: str, netns: str) -> set[int]:
        """The routing tables taken in a workload's namespace."""
        with self._lock:
            rows = self._connection.execute(
                'SELECT "table" FROM attachments WHERE container_id = ? OR netns = ?', (container_id, netns)
            ).fetchall()
        return {int(table) for (table,) in rows}

    def started_since(self, at: float) -> list[tuple[str, str, float]]:
        """Container, physical network and start of what came since then (epoch seconds) and is there, or is coming."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT container_id, physical_network, created_at FROM attachments"
                " WHERE created_at > ? AND state != 'deleting' AND physical_network IS NOT NULL",
                (at,),
            ).fetchall()
        return [(str(container), str(name), float(since)) for container, name, since in rows]

    def note(self, key: str) -> str | None:
        """The value kept under ``key`` in ``meta``."""
        with self._lock:
            row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def keep_note(self, key: str, value: str) -> None:
        """Keep ``value`` under ``key`` in ``meta``."""
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def identity(self, node: str) -> str:
        """``node/uuid``: who this agent is for as long as this file lives."""
        with self.transaction():
            own = self.note("identity")
            if own is None:
                own = str(uuid.uuid4())
                self.keep_note("identity", own)
        return f"{node}/{own}"

    def _select(self, where: str, *values: object) -> list[Attachment]:
        with self._lock:
            rows = self._connection.execute(_SELECT + where + _ORDER, values).fetchall()
        return [_attachment(row) for row in rows]

    def _migrate(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"the store {self.path} has schema {version}, written by a newer agent; this one knows up to"
                f" {SCHEMA_VERSION}: start the newer agent"
            )
        for number, step in enumerate(MIGRATIONS[version:], start=version + 1):
            self._connection.executescript(f"BEGIN; {step} PRAGMA user_version = {number}; COMMIT;")


def _row(attachment: Attachment) -> tuple[Any, ...]:
    values = {name: getattr(attachment, name) for name in _FIELDS}
    values["state"] = attachment.state.value
    values["annotations"] = msgspec.json.encode(attachment.annotations).decode()
    values["labels"] = msgspec.json.encode(attachment.labels).decode()
    return tuple(values[name] for name in _FIELDS)


def _attachment(row: tuple[Any, ...]) -> Attachment:
    values = dict(zip(_FIELDS, row, strict=True))
    values["state"] = AttachmentState(values["state"])
    values["annotations"] = msgspec.json.decode(values["annotations"], type=dict[str, str])
    values["labels"] = msgspec.json.decode(values["labels"], type=dict[str, str])
    return Attachment(**values)
