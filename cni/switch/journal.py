"""What each switch is about to do, kept in the agent's store: enough to go on, or back, after any crash."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from sqlite3 import Connection
from typing import Protocol

import msgspec

from cni.wire import Measured, Outcome, Phase, RefusalReason, SwitchOrder, SwitchStatus, status_of

SCHEMA = """
CREATE TABLE IF NOT EXISTS switches (
    id TEXT PRIMARY KEY, container_id TEXT NOT NULL, done INTEGER NOT NULL, changed_at REAL NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID
"""
KEPT = 1000
"""Ended switches that are remembered, so that an order that comes again is not carried out again."""


class Transactions(Protocol):
    """The agent's store, as far as the journal needs it."""

    def transaction(self) -> AbstractContextManager[Connection]:
        """All or nothing, and on the disk when it returns."""

    def reading(self) -> AbstractContextManager[Connection]:
        """For a look, which waits for no disk."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An address of a link, as it was when the switch began."""

    address: str
    prefix: int
    scope: int
    broadcast: str | None


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One generation of the attachment, as the switch uses it."""

    generation: int
    link: int
    """The link's number."""
    table: int
    addresses: tuple[Held, ...]
    gateway: str | None

    @property
    def address(self) -> str:
        """Its first IPv4 address."""
        return self.addresses[0].address


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One switch. A new value is written before what it announces is done."""

    order: SwitchOrder
    container_id: str
    netns: str
    ifname: str
    """The name that applications know; ``aside`` is the old link's meanwhile."""
    aside: str
    phase: Phase
    started_at: float
    changed_at: float
    old: Side
    new: Side | None = None
    new_generation: int
    former_main: tuple[str, ...]
    """Main's routes before the switch, in hexadecimal."""
    new_main: tuple[str, ...] = ()
    """The routes by the new link that main gets, in hexadecimal."""
    sysctls: dict[str, str] = {}
    """Former values of what is changed for the switch, by key."""
    inherited: dict[str, str] = {}
    """Former values of what only the new link's birth needs, by key."""
    shifted_at: float | None = None
    finished_at: float | None = None
    outcome: Outcome | None = None
    refusal: RefusalReason | None = None
    message: str = ""
    largest_gap: float | None = None
    drained: int = 0
    closed: int = 0

    @property
    def same_address(self) -> bool:
        """Whether the new network gave the address that the workload has already."""
        return self.new is not None and self.new.address == self.old.address

    def status(self) -> SwitchStatus:
        """As the controller is told."""
        return msgspec.structs.replace(
            status_of(self.order, self.phase, self.started_at),
            outcome=self.outcome,
            refusal=self.refusal,
            message=self.message,
            shifted_at=self.shifted_at,
            finished_at=self.finished_at,
            measured=Measured(largest_gap=self.largest_gap, drained=self.drained, closed=self.closed),
        )


class Journal:
    """The entries of all switches, newest knowledge only. Safe for several threads."""

    def __init__(self, store: Transactions) -> None:
        self._store = store
        with store.transaction() as connection:
            connection.execute(SCHEMA)

    def write(self, entry: Entry) -> None:
        """Keeps the entry, in place of its former self, and forgets the oldest ended ones."""
        row = (entry.order.id, entry.container_id, entry.phase is Phase.DONE, entry.changed_at)
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO switches VALUES (?, ?, ?, ?, ?)", (*row, msgspec.json.encode(entry))
            )
            connection.execute(
                "DELETE FROM switches WHERE done AND id NOT IN"
                " (SELECT id FROM switches ORDER BY done, changed_at DESC LIMIT ?)",
                (KEPT,),
            )

    def read(self, order_id: str) -> Entry | None:
        """The entry of one order, or None."""
        return next(self._select("WHERE id = ?", order_id), None)

    def all(self) -> list[Entry]:
        """Every entry, oldest change first."""
        return list(self._select(""))

    def open(self) -> list[Entry]:
        """Those that have not ended."""
        return list(self._select("WHERE NOT done"))

    def open_of(self, container_id: str) -> list[Entry]:
        """Those of a container that have not ended."""
        return list(self._select("WHERE NOT done AND container_id = ?", container_id))

    def _select(self, where: str, *values: str) -> Iterator[Entry]:
        query = f"SELECT body FROM switches {where} ORDER BY changed_at"  # noqa: S608 - our own constant text
        # Who is told where a switch stands must not hear of it late because the disk is slow: he moves on by it.
        with self._store.reading() as connection:
            rows = connection.execute(query, values).fetchall()
        return (msgspec.json.decode(body, type=Entry) for (body,) in rows)
