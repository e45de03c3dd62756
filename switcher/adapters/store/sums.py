"""Sums over slots of time, and adding to those that are stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, Table, cast, func, select

from switcher.adapters.store.intervals import Grid, Interval, share
from switcher.adapters.store.schema import uplinks
from switcher.adapters.store.upsert import insert_into

Column: TypeAlias = ColumnElement[Any]
Query: TypeAlias = Select[*tuple[Any, ...]]


@dataclass(slots=True)
class Sums:
    """What a series carried in one slot."""

    into: int = 0
    out: int = 0
    covered: int = 0
    capacity: float = 0.0

    def add(self, into: int, out: int, covered: int, capacity: float = 0.0) -> None:
        """One more part of a sample; ``capacity`` counts at its highest."""
        self.into, self.out, self.covered = self.into + into, self.out + out, self.covered + covered
        self.capacity = max(self.capacity, capacity)

    def within(self, time: int) -> Sums:
        """The same, or its share where it covers more than ``time``."""
        if self.covered <= time:
            return self
        return Sums(self.into * time // self.covered, self.out * time // self.covered, time, self.capacity)


BySlot: TypeAlias = Mapping[tuple[Any, int], Sums]
"""Sums by series (or physical network) and slot."""


def total(column: Column) -> Column:
    """A sum that is as whole as what it adds up."""
    return cast(func.sum(column), BigInteger)


def add(connection: Connection, table: Table, sums: BySlot) -> None:
    """Add to the table's sums."""
    if not sums:
        return
    owner, _ = table.primary_key.columns
    more = "capacity_bps" in table.c
    rows = [
        {owner.name: key[0], "slot": key[1], "in_bytes": s.into, "out_bytes": s.out, "covered": s.covered}
        | ({"capacity_bps": s.capacity} if more else {})
        for key, s in sorted(sums.items())
    ]
    connection.execute(adding(connection, table), rows)


def adding(connection: Connection, table: Table) -> Any:
    """An INSERT that adds to the sums that are there."""
    insert, columns = insert_into(connection, table), table.c
    raised = {name: columns[name] + insert.excluded[name] for name in ("in_bytes", "out_bytes", "covered")}
    if "capacity_bps" in columns:
        most = func.greatest if connection.dialect.name == "postgresql" else func.max
        raised["capacity_bps"] = most(columns.capacity_bps, insert.excluded.capacity_bps)
    return insert.on_conflict_do_update(index_elements=[*table.primary_key.columns], set_=raised)


def by_network(connection: Connection, sums: BySlot) -> BySlot:
    """The sums of uplinks by physical network."""
    known = select(uplinks.c.id, uplinks.c.physical_network).where(uplinks.c.id.in_({key[0] for key in sums}))
    names = {row.id: row.physical_network for row in connection.execute(known)}
    found: defaultdict[tuple[Any, int], Sums] = defaultdict(Sums)
    for (owner, slot), one in sums.items():
        found[names[owner], slot].add(one.into, one.out, one.covered)
    return found


def divided(samples: Iterable[tuple[int, Interval, int, int, float]], grid: Grid) -> BySlot:
    """Sums by series and slot of what samples (series, time, bytes in and out, capacity) carried in the period."""
    found: defaultdict[tuple[Any, int], Sums] = defaultdict(Sums)
    for owner, taken, into, out, capacity in samples:
        for slot, piece in grid.slots(taken):
            amounts = share(into, taken, piece), share(out, taken, piece)
            found[owner, slot].add(*amounts, piece[1] - piece[0], capacity)
    return found
