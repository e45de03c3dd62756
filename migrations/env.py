"""Alembic's entry: works on the connection that ``switcher.adapters.store.migrate`` hands over, and only on that."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import text

from switcher.adapters.store.schema import metadata
from switcher.adapters.store.slots import PARTITIONED

connection = context.config.attributes["connection"]
postgresql = connection.dialect.name == "postgresql"


def _partitions() -> frozenset[str]:
    """Tables that are parts of others: made and dropped as time goes on, no matter of migrations."""
    if not postgresql:
        return frozenset()
    query = "SELECT relname FROM pg_class WHERE relispartition AND relnamespace = current_schema()::regnamespace"
    return frozenset(connection.execute(text(query)).scalars())


partitions = _partitions()
unchecked = {partitioned.table.name for partitioned in PARTITIONED} if postgresql else set()


def _include_name(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "table" or name not in partitions


def _include_object(item: Any, _name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    """PostgreSQL does not check each sample's reference (0003_resolutions.py says why)."""
    return kind != "foreign_key_constraint" or item.table.name not in unchecked


context.configure(
    connection=connection,
    target_metadata=metadata,
    include_name=_include_name,
    include_object=_include_object,
    render_as_batch=not postgresql,  # SQLite cannot alter a table in place
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
