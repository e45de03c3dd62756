"""Users' objects, bitemporal: every version stays, with when it was learned; tariffs also by when they are valid.

A version without a document says that the object was removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select

from switcher.adapters.store.instants import micros, moment_of
from switcher.adapters.store.schema import objects as table
from switcher.ports import ObjectVersion, RemovedObject, StoredObject


def store(connection: Connection, versions: Sequence[ObjectVersion]) -> None:
    """Keep these versions.

    One that says what is known at its own ``recorded_at`` already changes nothing: storing the same files again, or
    removing what is not there, never adds rows.
    """
    for version in versions:
        text = as_text(version.document) if isinstance(version, StoredObject) else None
        if text != _document_then(connection, version):
            connection.execute(table.insert().values(_row(version, text)))


def as_text(document: Mapping[str, Any]) -> str:
    """The document as JSON with its keys in order, so that equal documents are equal texts."""
    return msgspec.json.encode(document, order="sorted").decode()


def _document_then(connection: Connection, version: ObjectVersion) -> str | None:
    """None: the object was not there."""
    query = (
        select(table.c.document)
        .where(table.c.kind == version.kind, table.c.name == version.name)
        .where(table.c.recorded_at <= micros(version.recorded_at))
        .order_by(table.c.recorded_at.desc(), table.c.id.desc())
        .limit(1)
    )
    found: str | None = connection.execute(query).scalar_one_or_none()
    return found


def _row(version: ObjectVersion, text: str | None) -> dict[str, Any]:
    spec = (msgspec.json.decode(text).get("spec") if text else None) or {}
    return {
        "kind": version.kind,
        "name": version.name,
        "document": text,
        "recorded_at": micros(version.recorded_at),
        "valid_from": _validity(spec, "validFrom"),
        "valid_until": _validity(spec, "validTo"),
    }


def _validity(spec: Mapping[str, Any], key: str) -> int | None:
    text = spec.get(key)
    return None if text is None else micros(msgspec.convert(text, datetime))


def known(connection: Connection, known_at: datetime | None) -> list[StoredObject]:
    """The newest version of each object that was there then, by kind and name; None: now."""
    place = func.row_number().over(
        partition_by=[table.c.kind, table.c.name], order_by=[table.c.recorded_at.desc(), table.c.id.desc()]
    )
    ranked = select(table.c.id, place.label("place"))
    if known_at is not None:
        ranked = ranked.where(table.c.recorded_at <= micros(known_at))
    newest = ranked.subquery()
    query = select(table).join(newest, newest.c.id == table.c.id)
    rows = connection.execute(query.where(newest.c.place == 1, table.c.document.is_not(None)))
    # Sorted here because databases differ in how they order text.
    return sorted(map(_stored, rows), key=lambda stored: (stored.kind, stored.name))


def versions(connection: Connection, after: datetime, until: datetime | None) -> list[ObjectVersion]:
    """What became known in ``(after, until]``, in that order; of one moment in the order in which it was stored."""
    query = select(table).where(table.c.recorded_at > micros(after)).order_by(table.c.recorded_at, table.c.id)
    if until is not None:
        query = query.where(table.c.recorded_at <= micros(until))
    return [_removed(row) if row.document is None else _stored(row) for row in connection.execute(query)]


def _stored(row: Row[*tuple[Any, ...]]) -> StoredObject:
    return StoredObject(
        kind=row.kind,
        name=row.name,
        document=msgspec.json.decode(row.document),
        recorded_at=moment_of(row.recorded_at),
    )


def _removed(row: Row[*tuple[Any, ...]]) -> RemovedObject:
    return RemovedObject(kind=row.kind, name=row.name, recorded_at=moment_of(row.recorded_at))
