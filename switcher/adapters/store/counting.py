"""How much there is, and whether it is sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, func, select, text

from switcher.adapters.store import chain
from switcher.adapters.store.engine import Database
from switcher.adapters.store.erasing import owners_of
from switcher.adapters.store.instants import PER_SECOND, moment_of
from switcher.adapters.store.partitions import partitions
from switcher.adapters.store.reach import reaches
from switcher.adapters.store.schema import agents, metadata, path_samples, uplink_samples
from switcher.adapters.store.slots import ROLLED_WITH, STEPS


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState:
    """What is held of one agent."""

    identity: str
    node: str
    last_sequence: int
    gaps: int
    missed: int
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionState:
    """A table of samples or sums. Complete from ``kept_from`` (None: nothing was ever deleted) until ``rolled_until``.

    ``rolled_until`` None: nothing is rolled up yet, or, of samples, up to now.
    """

    table: str
    slot_seconds: int | None
    """None: samples as they came."""
    rows: int
    oldest: datetime | None
    newest: datetime | None
    """When its first row begins or ends, and when its last one does (of sums: begins)."""
    kept_from: datetime | None
    rolled_until: datetime | None
    partitions: int
    size_bytes: int | None
    """None: the database does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """How much there is. ``size_bytes`` of the whole database, SQLite's write-ahead log included."""

    rows: dict[str, int]
    resolutions: tuple[ResolutionState, ...]
    free_bytes: int
    """Of SQLite's file: what the next rows use first."""
    oldest_sample: datetime | None
    newest_sample: datetime | None
    size_bytes: int
    agents: tuple[AgentState, ...]


def stats(database: Database) -> Stats:
    """Count everything; on a large history this takes a while."""
    with database.reading() as connection:
        rows = {table.name: _count(connection, table) for table in metadata.sorted_tables}
        starts = [connection.execute(select(func.min(t.c.start))).scalar() for t in (uplink_samples, path_samples)]
        ends = [connection.execute(select(func.max(t.c.until))).scalar() for t in (uplink_samples, path_samples)]
        return Stats(
            rows=dict(sorted(rows.items())),
            oldest_sample=min((moment_of(at) for at in starts if at is not None), default=None),
            newest_sample=max((moment_of(at) for at in ends if at is not None), default=None),
            resolutions=tuple(_resolutions(connection, rows)),
            free_bytes=_free(database, connection),
            size_bytes=_size(database, connection),
            agents=tuple(_agents(connection)),
        )


def _resolutions(connection: Connection, rows: Mapping[str, int]) -> Iterator[ResolutionState]:
    known = reaches(connection)
    for name, reach in sorted(known.items()):
        table, step = metadata.tables[name], STEPS.get(name)
        first, last = connection.execute(select(_edge(table, func.min), _edge(table, func.max))).one()
        rolled = known[ROLLED_WITH.get(name, name)].rolled_until
        yield ResolutionState(
            table=name,
            slot_seconds=None if step is None else step // PER_SECOND,
            rows=rows[name],
            oldest=None if first is None else moment_of(first),
            newest=None if last is None else moment_of(last),
            kept_from=moment_of(reach.kept_from) if reach.kept_from else None,
            rolled_until=moment_of(rolled) if step is not None and rolled else None,
            partitions=len(partitions(connection, name)),
            size_bytes=_table_size(connection, name),
        )


def _edge(table: Table, which: Any) -> Any:
    """The first or last instant of a table: one look into the primary key for each series."""
    owner, at = table.primary_key.columns
    owners = owners_of(table)
    own = select(which(at)).where(owner == owners).correlate(owners.table).scalar_subquery()
    found = select(own.label("edge")).select_from(owners.table).subquery()
    return select(which(found.c.edge)).scalar_subquery()


def _table_size(connection: Connection, name: str) -> int | None:
    if connection.dialect.name == "sqlite":
        return None
    query = text("SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(CAST(:name AS regclass))")
    whole = connection.execute(query, {"name": name}).scalar()
    return int(whole or connection.execute(text("SELECT pg_total_relation_size(:name)"), {"name": name}).scalar_one())


def _free(database: Database, connection: Connection) -> int:
    if database.file is None:
        return 0
    free, size = (connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("freelist_count", "page_size"))
    return int(free) * int(size)


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _size(database: Database, connection: Connection) -> int:
    file = database.file
    if file is None:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    parts = [file, file.with_name(f"{file.name}-wal")]
    return sum(part.stat().st_size for part in parts if part.exists())


def _agents(connection: Connection) -> Iterator[AgentState]:
    for row in connection.execute(select(agents).order_by(agents.c.node, agents.c.identity)):
        yield AgentState(
            identity=row.identity,
            node=row.node,
            last_sequence=row.last_sequence,
            gaps=row.gaps,
            missed=row.missed,
            last_seen=moment_of(row.last_seen),
        )


def faults(database: Database) -> list[str]:
    """What was done to the decision log; what SQLite finds wrong with its file, and rows that refer to nothing."""
    with database.reading() as connection:
        changed = list(chain.faults(connection))
    if database.file is None:
        return changed
    with database.reading() as connection:
        found = [str(line) for line in connection.exec_driver_sql("PRAGMA quick_check").scalars() if line != "ok"]
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return found + [f"a row of {row[0]} refers to a row of {row[2]} that is not there" for row in broken] + changed
