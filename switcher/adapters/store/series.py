"""Series of samples: an uplink's, or an attachment's on one network. New samples never overlap stored ones.

An agent that restarts, or a second one that ran on the same node for a while during its replacement, may report time
that is already stored. The bytes are the same ones, so only the uncovered part of such a sample is kept, with its
share of the bytes: what was stored first counts, also when it is deleted by now and only its sums are left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from operator import attrgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, Connection, Select, Table, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from cni.wire import AttachmentSample, UplinkSample
from switcher.adapters.store.covering import counted
from switcher.adapters.store.intervals import Interval, uncovered
from switcher.adapters.store.reach import Reaches
from switcher.adapters.store.schema import path_samples, paths, uplink_samples, uplinks
from switcher.adapters.store.slots import PATH_LEVELS, UPLINK_LEVELS, Level
from switcher.adapters.store.upsert import insert_into

CHUNK = 500
"""Values in one look-up: far below SQLite's limit for parameters."""
S = TypeVar("S", UplinkSample, AttachmentSample)
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[S]):
    """One of the two kinds of series: its tables, and what names a series on a node."""

    table: Table
    samples: Table
    levels: tuple[Level, ...]
    names: tuple[str, ...]
    narrow: str
    """The name that a look-up selects by."""
    key: Callable[[S], Key]

    @property
    def owner(self) -> Column[int]:
        """The column of a sample that says whose it is."""
        return next(iter(self.samples.primary_key.columns))


UPLINKS: Kind[UplinkSample] = Kind(
    table=uplinks,
    samples=uplink_samples,
    levels=UPLINK_LEVELS,
    names=("physical_network",),
    narrow="physical_network",
    key=lambda sample: (sample.physical_network,),
)
PATHS: Kind[AttachmentSample] = Kind(
    table=paths,
    samples=path_samples,
    levels=PATH_LEVELS,
    names=("workload", "attachment", "network"),
    narrow="workload",
    key=attrgetter("workload", "attachment", "network"),
)


@dataclass(slots=True)
class _Series:
    id: int
    newest: int
    """From when on nothing is stored: where the stored samples end, or those that are deleted."""
    covered: list[Interval] = field(default_factory=list)
    """Intervals that are stored, or counted, and that new samples may overlap."""
    told: bool = False
    """Whether what is counted of deleted samples is among them."""


Timed = tuple[S, Interval]
"""A sample and when it was taken."""
Piece = tuple[int, S, Interval, Interval]
"""A series' id, a sample, when it was taken, and the part of that time that is new."""


def new_pieces(
    connection: Connection, kind: Kind[S], node: str, samples: Sequence[Timed[S]], reach: Reaches
) -> list[Piece[S]]:
    """What of ``samples`` is not stored yet; creates the series that are new."""
    if not samples:
        return []
    keys = [kind.key(sample) for sample, _ in samples]
    wanted = _wanted(node, [whole for _, whole in samples], reach[kind.samples.name].kept_from)
    known = _known(connection, kind, wanted, set(keys))
    pieces: list[Piece[S]] = []
    for key, (sample, whole) in zip(keys, samples, strict=True):
        series = known[key]
        if whole[0] >= series.newest:  # time goes on: as good as always
            series.newest = whole[1]
            series.covered.append(whole)
            pieces.append((series.id, sample, whole, whole))
            continue
        pieces += [(series.id, sample, whole, part) for part in _new_parts(connection, kind, series, whole, wanted)]
    return pieces


def _new_parts(connection: Connection, kind: Kind[S], series: _Series, whole: Interval, of: _Wanted) -> list[Interval]:
    if whole[0] < of.kept_from and not series.told:
        series.covered += counted(connection, kind.levels, series.id, (of.since, of.last))
        series.told = True
    parts = uncovered(whole, sorted(_stored(connection, kind, series, whole) + series.covered))
    series.covered.extend(parts)
    series.newest = max(series.newest, whole[1])
    return parts


def _stored(connection: Connection, kind: Kind[S], series: _Series, whole: Interval) -> list[Interval]:
    table = kind.samples
    query = select(table.c.start, table.c.until).where(
        kind.owner == series.id, table.c.until > whole[0], table.c.start < whole[1]
    )
    return [(start, until) for start, until in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Series of a node, and since when it matters what is stored of them."""

    node: str
    since: int
    kept_from: int
    """Before it samples are deleted."""
    last: int
    """Where the last sample ends that begins before that."""


def _wanted(node: str, intervals: Sequence[Interval], kept_from: int) -> _Wanted:
    last = max((until for start, until in intervals if start < kept_from), default=0)
    return _Wanted(node, min(start for start, _ in intervals), kept_from, last)


def _known(connection: Connection, kind: Kind[S], of: _Wanted, keys: set[Key]) -> dict[Key, _Series]:
    known = _look_up(connection, kind, of, keys)
    if missing := sorted(keys - known.keys()):
        rows = [{"node": of.node, **dict(zip(kind.names, key, strict=True))} for key in missing]
        connection.execute(insert_into(connection, kind.table).on_conflict_do_nothing(), rows)
        known |= _look_up(connection, kind, of, set(missing))
    return known


def _look_up(connection: Connection, kind: Kind[S], of: _Wanted, keys: set[Key]) -> dict[Key, _Series]:
    found: dict[Key, _Series] = {}
    column = kind.names.index(kind.narrow)
    query = _look_up_query(kind, connection.dialect.name)
    for values in _chunks(sorted({key[column] for key in keys})):
        parameters = {"its_node": of.node, "its_names": values, "since": of.since}
        for number, newest, *names in connection.execute(query, parameters):
            if (key := tuple(names)) in keys:
                found[key] = _Series(id=number, newest=max(newest or 0, of.kept_from))
    return found


@cache
def _look_up_query(kind: Kind[S], dialect: str) -> Select[*tuple[Any, ...]]:
    """Made once: to build a query takes longer than to run it. PostgreSQL plans it once too: names are one array."""
    table, samples = kind.table, kind.samples
    stored = samples.c.until > bindparam("since")
    newest = select(func.max(samples.c.until)).where(kind.owner == table.c.id, stored).scalar_subquery()
    named = (
        table.c[kind.narrow].in_(bindparam("its_names", expanding=True))
        if dialect == "sqlite"
        else table.c[kind.narrow] == any_(bindparam("its_names", type_=ARRAY(table.c[kind.narrow].type)))
    )
    query = select(table.c.id, newest, *(table.c[name] for name in kind.names))
    return query.where(table.c.node == bindparam("its_node"), named)


def _chunks(values: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(values)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
