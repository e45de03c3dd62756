"""Rows of some series in a period, found through the primary key: its first column is the series, its second the time.

PostgreSQL knows little of a table that grows by the minute. Left to choose, it searches for the time alone, which reads
the whole index of a partition, so that each step of rolling up takes longer than the one before. As a lateral query
with an offset, which it may not merge into the one around it, it looks up one series after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy import Connection, FromClause, Select, Table, and_, func, select, true, tuple_

from switcher.adapters.store.sums import Column

Owners: TypeAlias = Select[tuple[int]]
"""Asks for the numbers of series."""


def rows_of(connection: Connection, table: Table, owners: Owners, *when: Column) -> FromClause:
    """The table's rows of these series that meet all conditions of time."""
    owner = next(iter(table.primary_key.columns))
    if connection.dialect.name == "sqlite":  # searches for each of a list by itself
        return select(table).where(owner.in_(owners), *when).subquery()
    return _one_by_one(owners, lambda number: select(table).where(owner == number, *when).offset(0))


def beside(connection: Connection, table: FromClause, number: Any, *when: Column) -> tuple[FromClause, Column]:
    """The rows of the series with this number, a column of what is joined, and on what to join them."""
    owner = next(iter(table.primary_key))
    if connection.dialect.name == "sqlite":
        return table, and_(owner == number, *when)
    return select(table).where(owner == number, *when).offset(0).lateral(), true()


def first_after(connection: Connection, table: Table, owners: Owners, edge: int) -> FromClause:
    """The first row of each series that ends after ``edge``."""
    owner, until = table.primary_key.columns
    if connection.dialect.name == "sqlite":
        other, found = table.alias("other"), owners.subquery()
        same, next_end = other.c[owner.name] == found.c.id, func.min(other.c.until)
        ends = select(found.c.id, select(next_end).where(same, other.c.until > edge).scalar_subquery())
        return select(table).where(tuple_(owner, until).in_(ends)).subquery()
    return _one_by_one(
        owners, lambda number: select(table).where(owner == number, until > edge).order_by(until).limit(1)
    )


def _one_by_one(owners: Owners, rows: Callable[[Any], Select[tuple[Any, ...]]]) -> FromClause:
    """All rows of what ``rows`` asks for, given the number of a series, for each of them."""
    found = owners.subquery()
    its = rows(found.columns[0]).lateral()
    return select(its).select_from(found.join(its, true())).subquery()
