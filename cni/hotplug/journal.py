"""The hot adds that have begun and not ended, kept in the agent's store: what a crash left is undone by them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cni.switch.journal import Transactions

SCHEMA = "CREATE TABLE IF NOT EXISTS hot_adds (container_id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One hot add, written before anything is touched. A container has at most one."""

    container_id: str
    netns: str
    name: str
    """Of the attachment and of its interface."""
    former: tuple[str, ...]
    """Main's routes before, of all address families, in hexadecimal."""
    gateways: tuple[str, ...] | None = None
    """By which it was asked to carry the default route; empty: the workload shall have none; None: nothing was said."""


class Journal:
    """The entries. Safe for several threads."""

    def __init__(self, store: Transactions) -> None:
        self._store = store
        with store.transaction() as connection:
            connection.execute(SCHEMA)

    def write(self, entry: Entry) -> None:
        """It begins."""
        row = (entry.container_id, msgspec.json.encode(entry))
        with self._store.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO hot_adds VALUES (?, ?)", row)

    def forget(self, entry: Entry) -> None:
        """It ended, one way or the other."""
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM hot_adds WHERE container_id = ?", (entry.container_id,))

    def read(self, container_id: str) -> Entry | None:
        """The container's entry."""
        return next((entry for entry in self.all() if entry.container_id == container_id), None)

    def all(self) -> Sequence[Entry]:
        """Every entry."""
        with self._store.transaction() as connection:
            rows = connection.execute("SELECT body FROM hot_adds ORDER BY container_id").fetchall()
        return [msgspec.json.decode(body, type=Entry) for (body,) in rows]
