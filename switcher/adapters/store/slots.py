"""The tables of sums: what a series carried in equal slots of time, at three resolutions, and how far each reaches.

A slot of a resolution begins at a whole multiple of its ``step`` since 1970 UTC, and a coarser slot is made of whole
finer ones, so that sums of sums lose nothing. ``covered`` is the time in the slot that samples cover (of a whole
physical network: over all nodes together).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Table, Text

from switcher.adapters.store.instants import DAY, HOUR, MINUTE
from switcher.adapters.store.schema import Number, metadata, path_samples, uplink_samples

FIVE = 5 * MINUTE


def _table(name: str, *columns: Column[Any], partitioned: bool = False) -> Table:
    owner, *rest = columns
    return Table(
        name,
        metadata,
        owner,
        Column("slot", BigInteger, primary_key=True, autoincrement=False),
        Column("in_bytes", BigInteger, nullable=False),
        Column("out_bytes", BigInteger, nullable=False),
        Column("covered", BigInteger, nullable=False),
        *rest,
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (slot)" if partitioned else None,
    )


def _of_uplinks(name: str, *, partitioned: bool = False) -> Table:
    owner = Column("uplink_id", Number, ForeignKey("uplinks.id"), primary_key=True, autoincrement=False)
    return _table(name, owner, Column("capacity_bps", Float(53), nullable=False), partitioned=partitioned)


def _of_networks(name: str) -> Table:
    return _table(name, Column("physical_network", Text, primary_key=True))


def _of_paths(name: str, *, partitioned: bool = False) -> Table:
    owner = Column("path_id", Number, ForeignKey("paths.id"), primary_key=True, autoincrement=False)
    return _table(name, owner, partitioned=partitioned)


uplink_minutes = _of_uplinks("uplink_minutes", partitioned=True)
uplink_fives = _of_uplinks("uplink_fives", partitioned=True)
uplink_hours = _of_uplinks("uplink_hours")
"""``capacity_bps``: the highest of the slot."""
network_minutes = _of_networks("network_minutes")
network_fives = _of_networks("network_fives")
network_hours = _of_networks("network_hours")
"""A physical network on all nodes together: small whatever the number of nodes, and all that bills need."""
path_fives = _of_paths("path_fives", partitioned=True)
path_hours = _of_paths("path_hours")


def _parts(name: str, owner: str, owners: str) -> Table:
    return Table(
        name,
        metadata,
        Column(owner, Number, ForeignKey(f"{owners}.id"), primary_key=True, autoincrement=False),
        Column("until", BigInteger, primary_key=True, autoincrement=False),
        Column("start", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


uplink_parts = _parts("uplink_parts", "uplink_id", "uplinks")
path_parts = _parts("path_parts", "path_id", "paths")
"""Time that is covered in slots that are not covered whole (``covering.py``)."""

resolutions = Table(
    "resolutions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("rolled_until", BigInteger, nullable=False),
    Column("kept_from", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""By table of samples or sums: up to when it has the sums of what is finer (0 where it is the finest), and from when
on nothing was deleted."""

probes = Table(
    "probes",
    metadata,
    Column("id", Number, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("filler", Text, nullable=False),
)
"""One row, rewritten to learn whether there is room again after a write has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Sums at one resolution: of each series, and where bills need it of each physical network too."""

    table: Table
    source: Table
    """What it is summed from: samples, or a finer level's table."""
    step: int
    """Microseconds."""
    parts: Table
    """What is covered of slots that are not covered whole, of all levels of a kind together."""
    whole: Table | None = None
    """The sums of physical networks, always rolled up together with ``table``."""

    @property
    def name(self) -> str:
        """Its row in ``resolutions``."""
        return self.table.name


UPLINK_LEVELS = (
    Level(table=uplink_minutes, source=uplink_samples, step=MINUTE, parts=uplink_parts, whole=network_minutes),
    Level(table=uplink_fives, source=uplink_minutes, step=FIVE, parts=uplink_parts, whole=network_fives),
    Level(table=uplink_hours, source=uplink_fives, step=HOUR, parts=uplink_parts, whole=network_hours),
)
PATH_LEVELS = (
    Level(table=path_fives, source=path_samples, step=FIVE, parts=path_parts),
    Level(table=path_hours, source=path_fives, step=HOUR, parts=path_parts),
)
"""Both from fine to coarse."""
STEPS = {
    table.name: level.step
    for level in (*UPLINK_LEVELS, *PATH_LEVELS)
    for table in (level.table, level.whole)
    if table is not None
}
"""By table of sums: the microseconds of a slot."""
ROLLED_WITH = {level.whole.name: level.name for level in UPLINK_LEVELS if level.whole is not None}
"""Sums of physical networks have no reach of their own: they are made together with those of their uplinks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitioned:
    """A table that PostgreSQL keeps in partitions of ``span`` microseconds of ``column``."""

    table: Table
    column: str
    span: int


PARTITIONED = (
    Partitioned(table=uplink_samples, column="until", span=DAY),
    Partitioned(table=path_samples, column="until", span=DAY),
    Partitioned(table=uplink_minutes, column="slot", span=7 * DAY),
    Partitioned(table=uplink_fives, column="slot", span=28 * DAY),
    Partitioned(table=path_fives, column="slot", span=7 * DAY),
)
