"""The decision log as a chain: each record's hash covers the hash of the record before it.

Whoever changes, removes or adds a record breaks a link, and ``log_head`` holds the hash of the last one. Retention cuts
the chain at its old end, and notes the hash at which it did. A forger who makes all hashes anew is found out by one
hash that was noted elsewhere (``switcher replay`` shows it): it is no longer in the log.

Writers take turns on the row of the head, so that the chain never forks, also where two controllers overlap for a
moment while one takes over from the other.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, select, update

from switcher.adapters.store.instants import moment_of
from switcher.adapters.store.schema import decisions, log_head, log_retention

START = "0" * 64
"""What the first record of all follows."""
AT_ONCE = 50
"""Records in memory at once: of many workloads each has megabytes."""


def hash_of(content: bytes) -> str:
    """SHA-256, as hexadecimal text."""
    return hashlib.sha256(content).hexdigest()


def record_hash(at: int, parts: tuple[bytes, bytes, bytes | None], previous: str | None) -> str:
    """SHA-256 over the time in microseconds, the hashes of all parts (inputs, answer, terms) and the one before.

    ``previous`` None: of a record from before the chain.
    """
    hashes = ["-" if part is None else hash_of(part) for part in parts]
    return hash_of("\n".join([str(at), *hashes, *([] if previous is None else [previous])]).encode())


def last(connection: Connection) -> str:
    """The hash of the last record; no other writer appends until the transaction ends."""
    return str(connection.execute(select(log_head.c.hash).with_for_update()).scalar_one())


def append(connection: Connection, hash_: str) -> None:
    """The last record is now the one with this hash."""
    connection.execute(update(log_head).values(hash=hash_))


def unpacked(row: Row[Any]) -> tuple[bytes, bytes, bytes | None] | None:
    """A record's inputs, answer and terms; None: they are not what was stored."""
    try:
        parts = zlib.decompress(row.inputs), zlib.decompress(row.answer)
        terms = None if row.terms is None else zlib.decompress(row.terms)
    except zlib.error:
        return None
    if hash_of(parts[0]) != row.inputs_hash:
        return None
    from_before_the_log = row.terms is None and row.hash is None and row.previous is None
    if not from_before_the_log and record_hash(row.at, (*parts, terms), row.previous) != row.hash:
        return None
    return *parts, terms


def linked(connection: Connection, row: Row[Any]) -> bool:
    """Whether the record follows the one before it in the log, and the one after it follows this one."""
    ids, links = decisions.c.id, (decisions.c.hash, decisions.c.previous)
    before = connection.execute(select(*links).where(ids < row.id).order_by(ids.desc()).limit(1)).first()
    after = connection.execute(select(*links).where(ids > row.id).order_by(ids).limit(1)).first()
    hash_, chained = row.hash or START, row.previous is not None
    if chained and row.previous != (_cut(connection) if before is None else before.hash or START):
        return False
    if after is None:
        return not chained or hash_ == connection.execute(select(log_head.c.hash)).scalar()
    return after.previous == hash_ or (not chained and after.previous is None)


def faults(connection: Connection) -> Iterator[str]:
    """Every record that was changed, and every place where one was removed or added; reads the whole log."""
    expected, chained, number = _cut(connection), False, -1
    when = "the beginning"
    while rows := _next(connection, number):
        for row in rows:
            moment = f"the decision of {moment_of(row.at).isoformat()}"
            if unpacked(row) is None:
                yield f"{moment} was changed after it was recorded"
            if row.previous != expected and (chained or row.previous is not None):
                yield f"between {when} and {moment} a record was removed, added or changed"
            expected, chained, when = row.hash or START, chained or row.previous is not None, moment
            number = row.id
    if connection.execute(select(log_head.c.hash)).scalar() != expected and (chained or number < 0):
        yield f"after {when} a record was removed"


def _next(connection: Connection, number: int) -> list[Row[Any]]:
    query = select(decisions).where(decisions.c.id > number).order_by(decisions.c.id).limit(AT_ONCE)
    return list(connection.execute(query))


def _cut(connection: Connection) -> str:
    """What the oldest record follows: the last one that retention deleted."""
    return connection.execute(select(log_retention.c.cut)).scalar() or START
