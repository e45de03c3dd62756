"""How far samples and their sums reach, and locks that keep it true while they change.

Everything before a level's ``rolled_until`` is in its sums: a sample that comes later is added to them when it is
stored. So whoever stores samples holds the lock of "nothing is rolled up now" shared, whoever rolls up or deletes
holds it alone (PostgreSQL; SQLite has one writer at a time anyway).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection, func, select, update

from switcher.adapters.store.instants import moment_of
from switcher.adapters.store.slots import resolutions
from switcher.keeping import Resolution

ROLLING = 0x5357_4955
"""PostgreSQL's advisory lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Of a table of samples or sums: complete from ``kept_from`` until ``rolled_until`` (samples: until now)."""

    rolled_until: int
    kept_from: int


Reaches: TypeAlias = Mapping[str, Reach]
ALL = select(resolutions.c.name, resolutions.c.rolled_until, resolutions.c.kept_from)


def reaches(connection: Connection) -> Reaches:
    """By table."""
    return {
        name: Reach(rolled_until=rolled_until, kept_from=kept_from)
        for name, rolled_until, kept_from in connection.execute(ALL)
    }


BILLS = {
    Resolution.SAMPLES: "uplink_samples",
    Resolution.MINUTES: "network_minutes",
    Resolution.FIVES: "network_fives",
    Resolution.HOURS: "network_hours",
}
"""What bills are made from."""


def kept_from(connection: Connection, *, nodes: bool) -> Mapping[Resolution, datetime]:
    """Since when nothing was deleted of what bills are made from; ``nodes``: of each node's uplinks apart."""
    found = reaches(connection)
    tables = {
        resolution: table.replace("network_", "uplink_") if nodes else table for resolution, table in BILLS.items()
    }
    return {resolution: moment_of(found[table].kept_from) for resolution, table in tables.items()}


def alone(connection: Connection) -> None:
    """Wait until nobody stores samples, and keep others from it until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(ROLLING)))


def rolled(connection: Connection, name: str, until: int) -> None:
    """The level's sums now reach until then."""
    connection.execute(update(resolutions).where(resolutions.c.name == name).values(rolled_until=until))


def kept(connection: Connection, name: str, since: int) -> None:
    """Of the table only what is from then on is complete; never less than was said before."""
    columns = resolutions.c
    connection.execute(
        update(resolutions).where(columns.name == name, columns.kept_from < since).values(kept_from=since)
    )
