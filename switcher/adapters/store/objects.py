"""Users' objects, bitemporal: every version stays, with when it was learned; tariffs also by when they are valid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, func, or_, select

from switcher.adapters.store.instants import micros, moment_of
from switcher.adapters.store.schema import objects as table
from switcher.ports import StoredObject


def store(connection: Connection, objects: Sequence[StoredObject]) -> None:
    """Keep these objects.

    One that equals the version known at its own ``recorded_at`` changes nothing: storing the same files again never
    adds rows.
    """
    for stored in objects:
        text = as_text(stored.document)
        if text != _version_then(connection, stored):
            connection.execute(table.insert().values(_row(stored, text)))


def as_text(document: Mapping[str, Any]) -> str:
    """The document as JSON with its keys in order, so that equal documents are equal texts."""
    return msgspec.json.encode(document, order="sorted").decode()


def _version_then(connection: Connection, stored: StoredObject) -> str | None:
    query = (
        select(table.c.document)
        .where(table.c.kind == stored.kind, table.c.name == stored.name)
        .where(table.c.recorded_at <= micros(stored.recorded_at))
        .order_by(table.c.recorded_at.desc(), table.c.id.desc())
        .limit(1)
    )
    found: str | None = connection.execute(query).scalar_one_or_none()
    return found


def _row(stored: StoredObject, text: str) -> dict[str, Any]:
    spec = msgspec.json.decode(text).get("spec") or {}
    return {
        "kind": stored.kind,
        "name": stored.name,
        "document": text,
        "recorded_at": micros(stored.recorded_at),
        "valid_from": _validity(spec, "validFrom"),
        "valid_until": _validity(spec, "validTo"),
    }


def _validity(spec: Mapping[str, Any], key: str) -> int | None:
    text = spec.get(key)
    return None if text is None else micros(msgspec.convert(text, datetime))


def known(connection: Connection, known_at: datetime | None) -> list[StoredObject]:
    """The newest version of each object known then, by kind and name; None: now."""
    return _in_order(connection.execute(_newest(known_at)))


def tariffs(connection: Connection, start: datetime, end: datetime, known_at: datetime | None) -> list[StoredObject]:
    """The newest known version of each tariff, of those valid at any moment of ``[start, end)``."""
    newest = _newest(known_at).where(table.c.kind == "Tariff").subquery()
    query = select(newest).where(
        newest.c.valid_from < micros(end),
        or_(newest.c.valid_until.is_(None), newest.c.valid_until > micros(start)),
    )
    return _in_order(connection.execute(query))


def _newest(known_at: datetime | None) -> Select[*tuple[Any, ...]]:
    place = func.row_number().over(
        partition_by=[table.c.kind, table.c.name], order_by=[table.c.recorded_at.desc(), table.c.id.desc()]
    )
    ranked = select(table.c.id, place.label("place"))
    if known_at is not None:
        ranked = ranked.where(table.c.recorded_at <= micros(known_at))
    found = ranked.subquery()
    return select(table).join(found, found.c.id == table.c.id).where(found.c.place == 1)


def _in_order(rows: Iterable[Row[*tuple[Any, ...]]]) -> list[StoredObject]:
    """By kind and name; sorted here because databases differ in how they order text."""
    return sorted((_stored(row) for row in rows), key=lambda stored: (stored.kind, stored.name))


def _stored(row: Row[*tuple[Any, ...]]) -> StoredObject:
    return StoredObject(
        kind=row.kind,
        name=row.name,
        document=msgspec.json.decode(row.document),
        recorded_at=moment_of(row.recorded_at),
    )
