"""Many rows at once: by ``COPY`` on PostgreSQL, by the driver's own ``executemany`` on SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table

FEW = 5
"""Fewer rows go by an INSERT: COPY takes one more exchange with the server."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[int | float | None, ...]]) -> None:
    """Insert rows of numbers, in the order of the table's columns, within the caller's transaction."""
    if not rows:
        return
    names = [column.name for column in table.c]
    if connection.dialect.name == "postgresql" and len(rows) > FEW:
        _copy(connection.connection.driver_connection, f"COPY {table.name} ({', '.join(names)}) FROM STDIN", rows)
        return
    connection.exec_driver_sql(_insert(connection, table, names), list(rows))


def insert_new(connection: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows of these columns; one that is stored already changes nothing."""
    if rows:
        connection.exec_driver_sql(f"{_insert(connection, table, names)} ON CONFLICT DO NOTHING", list(rows))


def _insert(connection: Connection, table: Table, names: Sequence[str]) -> str:
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    marks = ", ".join([mark] * len(names))
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - names of our own


def _copy(connection: Any, statement: str, rows: Sequence[tuple[int | float | None, ...]]) -> None:
    """Numbers need no quoting; the shortest text of a float reads back as the same float."""
    line = "\t".join(["%s"] * len(rows[0]))
    with connection.cursor() as cursor, cursor.copy(f"{statement} WITH (NULL '{None}')") as copy:
        copy.write("\n".join([line % row for row in rows]) + "\n")
