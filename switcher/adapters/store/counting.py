"""How much there is, and whether it is sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, func, select, text

from switcher.adapters.store.engine import Database
from switcher.adapters.store.instants import moment_of
from switcher.adapters.store.schema import agents, metadata, path_samples, uplink_samples


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
class Stats:
    """How much there is. ``size_bytes`` of the whole database, SQLite's write-ahead log included."""

    rows: dict[str, int]
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
            size_bytes=_size(database, connection),
            agents=tuple(_agents(connection)),
        )


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
    """What SQLite finds wrong with its file, and rows that refer to nothing; none on another database."""
    if database.file is None:
        return []
    with database.reading() as connection:
        found = [str(line) for line in connection.exec_driver_sql("PRAGMA quick_check").scalars() if line != "ok"]
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return found + [f"a row of {row[0]} refers to a row of {row[2]} that is not there" for row in broken]
