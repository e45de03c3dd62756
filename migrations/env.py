"""Alembic's entry: works on the connection that ``switcher.adapters.store.migrate`` hands over, and only on that."""

from __future__ import annotations

from alembic import context

from switcher.adapters.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",  # SQLite cannot alter a table in place
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
