"""Batches on their way to the controller: durable, numbered without gaps across restarts, bounded."""

from __future__ import annotations

from collections.abc import Callable

from cni.store import Store

LIMIT = 10_000
"""Batches kept at most: at one a second until STRETCH_AT and one a minute from then on, six days."""
STRETCH_AT = 1_000
"""From this many waiting batches on samples are taken rarely: counters go on counting, only detail is lost."""

SEQUENCE = "sequence"


class Spool:
    """Batches in the store, oldest first. Safe for threads."""

    def __init__(self, store: Store, limit: int = LIMIT) -> None:
        self._store = store
        self._limit = limit
        self.dropped = 0
        """Batches lost because the spool was full, since start."""

    def append(self, build: Callable[[int], bytes], notes: dict[str, str]) -> int:
        """Number a batch, keep it and ``notes`` beside it in one transaction; its number.

        When the spool is full the oldest batch goes.
        """
        with self._store.transaction() as connection:
            sequence = self.last() + 1
            connection.execute("INSERT INTO batches VALUES (?, ?)", (sequence, build(sequence)))
            self._store.keep_note(SEQUENCE, str(sequence))
            for key, value in notes.items():
                self._store.keep_note(key, value)
            over = connection.execute("DELETE FROM batches WHERE sequence <= ?", (sequence - self._limit,)).rowcount
        self.dropped += over
        return sequence

    def last(self) -> int:
        """The highest number ever given."""
        return int(self._store.note(SEQUENCE) or 0)

    def skip_to(self, sequence: int) -> None:
        """The next batch is numbered above ``sequence``: the controller holds that many, our store was set back."""
        with self._store.transaction():
            if sequence > self.last():
                self._store.keep_note(SEQUENCE, str(sequence))

    def oldest(self) -> tuple[int, bytes] | None:
        """The batch to be sent next."""
        with self._store.transaction() as connection:
            row = connection.execute("SELECT sequence, body FROM batches ORDER BY sequence LIMIT 1").fetchone()
        return None if row is None else (int(row[0]), bytes(row[1]))

    def acknowledge(self, sequence: int) -> None:
        """The controller holds everything up to this number."""
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM batches WHERE sequence <= ?", (sequence,))

    def depth(self) -> int:
        """Batches waiting."""
        with self._store.transaction() as connection:
            (count,) = connection.execute("SELECT count(*) FROM batches").fetchone()
        return int(count)
