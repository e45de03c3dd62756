"""The newest load of each uplink and attachment, as means over a window, computed by the database.

A sample that begins before the window counts with its share of it. Time that two paths of one attachment cover both
(a switch in flight) counts once, so that the rate is what crossed the attachment. Samples that end after ``now`` do
not count: a past ``now`` gives what was known then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    and_,
    case,
    cast,
    func,
    select,
)
from sqlalchemy.types import Float

from switcher.adapters.store.instants import MICROSECOND, PER_SECOND, micros, moment_of
from switcher.adapters.store.intervals import Interval, length
from switcher.adapters.store.schema import attachments, path_samples, paths, uplink_samples, uplinks
from switcher.adapters.store.searching import beside
from switcher.adapters.store.series import CHUNK
from switcher.ports import UplinkLoad
from switcher.reported import Attached, Floats, Ints, Reported

BITS = 8.0 * PER_SECOND
"""A byte a microsecond in bits a second."""
Sum = ColumnElement[Any]
KEY = (paths.c.node + "\n" + paths.c.workload + ":" + paths.c.attachment).label("key")
"""As in switcher.reported."""
EXISTS = and_(
    paths.c.node == attachments.c.node,
    paths.c.workload == attachments.c.workload,
    paths.c.attachment == attachments.c.attachment,
)
"""The path's attachment is there now."""


def uplink_loads(connection: Connection, now: datetime, window: timedelta) -> list[UplinkLoad]:
    """The newest load of each uplink that has any sample, by node and name."""
    last = _last(uplink_samples, uplink_samples.c.uplink_id == uplinks.c.id, now)
    # Materialised: SQLite would otherwise look the newest sample up again wherever it is named.
    owners = select(uplinks, last.label("newest")).cte("owners").prefix_with("MATERIALIZED")
    samples, on = beside(connection, uplink_samples, owners.c.id, _within(uplink_samples, owners.c.newest, window))
    into, out, time = _sums(samples, owners.c.newest, window)
    query = (
        select(
            owners.c.physical_network,
            owners.c.node,
            func.max(case((samples.c.until == owners.c.newest, samples.c.capacity_bps))),
            _rate(into, time),
            _rate(out, time),
            owners.c.newest,
            func.avg(samples.c.latency_ms),
            func.avg(samples.c.loss),
        )
        .join_from(owners, samples, on)
        .group_by(owners.c.physical_network, owners.c.node, owners.c.newest)
    )
    found = [
        UplinkLoad(
            physical_network=name,
            node=node,
            capacity_bps=capacity,
            in_bps=into,
            out_bps=out,
            sampled_at=moment_of(until),
            latency_ms=latency,
            loss=loss,
        )
        for name, node, capacity, into, out, until, latency, loss in connection.execute(query).all()
    ]
    return sorted(found, key=lambda load: (load.node, load.physical_network))


def attached(connection: Connection, reported: Reported, now: datetime, window: timedelta) -> Attached:
    """What exists with its newest loads, over all networks that each was on.

    Nearly all have been on one network all the time, and are done with the database's sums. Those with samples of
    several paths in the window, switches just made or in flight, are summed again over their common window.
    """
    paths = _Paths.of(connection.execute(_path_loads(connection, now, window)).all(), reported.row_of)
    alone, mixed = _apart(paths, window // MICROSECOND)
    into, out = np.full((2, len(reported.id)), np.nan)
    row, time = paths.row[alone], paths.time[alone]
    into[row], out[row] = paths.into[alone] * BITS / time, paths.out[alone] * BITS / time
    for found, taken in _mixed(connection, paths.id[mixed].tolist(), now, window):
        one = reported.row_of[found[0].key]
        into[one], out[one] = _again(found, taken, window // MICROSECOND)
    return Attached(reported=reported, in_bps=into, out_bps=out)


class _PathLoad(NamedTuple):
    id: int
    key: str
    newest: int
    """Where the samples end that were summed: the path's, or of whichever path of its attachment."""
    into: float
    out: float
    time: int
    """Microseconds that the path's samples in the window cover."""


class _Paths(NamedTuple):
    """The same as columns, of attachments that are reported."""

    id: Ints
    row: Ints
    """Of the attachment."""
    newest: Ints
    into: Floats
    out: Floats
    time: Ints

    @classmethod
    def of(cls, rows: Sequence[Any], row_of: Mapping[str, int]) -> _Paths:
        ids, keys, newest, into, out, time = zip(*rows, strict=True) if rows else ((),) * 6
        row = np.fromiter(map(row_of.get, keys, repeat(-1)), dtype=np.int64, count=len(keys))
        there = np.flatnonzero(row >= 0)
        whole, number = np.int64, np.float64
        return cls(
            np.array(ids, whole)[there],
            row[there],
            np.array(newest, whole)[there],
            np.array(into, number)[there],
            np.array(out, number)[there],
            np.array(time, whole)[there],
        )


def _apart(paths: _Paths, window: int) -> tuple[Ints, Ints]:
    """The paths that alone carried their attachment in its window, and all paths of attachments with several."""
    newest = np.zeros(int(paths.row.max(initial=0)) + 1, dtype=np.int64)
    np.maximum.at(newest, paths.row, paths.newest)
    newest = newest[paths.row]
    carried = np.bincount(paths.row[paths.newest > newest - window])
    mixed = carried[paths.row] > 1
    return np.flatnonzero(~mixed & (paths.newest == newest)), np.flatnonzero(mixed)


def _mixed(
    connection: Connection, ids: Sequence[int], now: datetime, window: timedelta
) -> Iterator[tuple[list[_PathLoad], Mapping[int, list[Interval]]]]:
    """The paths of each attachment that was on several, with the times of all their samples."""
    whole: defaultdict[str, list[_PathLoad]] = defaultdict(list)
    for first in range(0, len(ids), CHUNK):
        for row in connection.execute(_loads_together(connection, now, window, ids[first : first + CHUNK])):
            path = _PathLoad(*row)
            whole[path.key].append(path)
    taken = _sample_times(connection, [path for paths in whole.values() for path in paths], window // MICROSECOND)
    yield from ((paths, taken) for paths in whole.values())


def _again(paths: list[_PathLoad], taken: Mapping[int, list[Interval]], window: int) -> tuple[float, float]:
    """(in, out) of an attachment that was on several networks."""
    newest = paths[0].newest
    edge = newest - window
    pieces = [(max(start, edge), until) for path in paths for start, until in taken[path.id]]
    time = length(piece for piece in pieces if edge < piece[1] <= newest)
    into, out = (sum(amounts) * BITS / time for amounts in ([p.into for p in paths], [p.out for p in paths]))
    return into, out


def _sample_times(connection: Connection, paths: list[_PathLoad], window: int) -> Mapping[int, list[Interval]]:
    """When the samples of these paths were taken, in every window of theirs: few, switches just made or in flight."""
    taken: defaultdict[int, list[Interval]] = defaultdict(list)
    oldest = min((path.newest for path in paths), default=0) - window
    for first in range(0, len(paths), CHUNK):
        ids = [path.id for path in paths[first : first + CHUNK]]
        columns = path_samples.c
        query = select(columns.path_id, columns.start, columns.until).where(
            columns.path_id.in_(ids), columns.until > oldest
        )
        for owner, start, until in connection.execute(query):
            taken[owner].append((start, until))
    return taken


def _path_loads(connection: Connection, now: datetime, window: timedelta) -> Select[*tuple[Any, ...]]:
    """Sums over the window of each path of an attachment that exists; the window ends with the path's newest sample.

    That sample is joined, not only asked for its end: SQLite would look it up again wherever the end is named. And one
    path comes after the other, so that nothing is sorted to add up each path's samples.
    """
    last = path_samples.alias("last")
    newest, is_newest = beside(connection, last, paths.c.id, last.c.until == _last_of_path(now))
    samples, on = beside(connection, path_samples, paths.c.id, _within(path_samples, newest.c.until, window))
    return (
        select(paths.c.id, KEY, func.max(samples.c.until), *_sums(samples, newest.c.until, window))
        .join_from(paths, attachments, EXISTS)
        .join(newest, is_newest)
        .join(samples, on)
        .group_by(paths.c.id)
    )


def _loads_together(
    connection: Connection, now: datetime, window: timedelta, ids: Sequence[int]
) -> Select[*tuple[Any, ...]]:
    """The same of these paths alone; the window ends with the newest sample of their whole attachment."""
    found = select(paths.c.id, KEY, _last_of_path(now).label("last")).join_from(paths, attachments, EXISTS)
    some = found.where(paths.c.id.in_(ids)).cte("found")
    newest = func.max(some.c.last).over(partition_by=some.c.key)
    owners = select(some, newest.label("newest")).cte("owners")
    samples, on = beside(connection, path_samples, owners.c.id, _within(path_samples, owners.c.newest, window))
    return (
        select(owners.c.id, owners.c.key, owners.c.newest, *_sums(samples, owners.c.newest, window))
        .join_from(owners, samples, on)
        .group_by(owners.c.id, owners.c.key, owners.c.newest)
    )


def _sums(samples: FromClause, newest: Sum, window: timedelta) -> tuple[Sum, Sum, Sum]:
    """(bytes in, bytes out, microseconds) of the samples of a window that ends with the newest."""
    edge = newest - window // MICROSECOND
    return (
        func.sum(_share(samples, samples.c.in_bytes, edge)),
        func.sum(_share(samples, samples.c.out_bytes, edge)),
        cast(func.sum(samples.c.until - _begins(samples, edge)), BigInteger),
    )


def _last_of_path(now: datetime) -> Sum:
    return _last(path_samples, path_samples.c.path_id == paths.c.id, now)


def _last(samples: Table, owned: ColumnElement[bool], now: datetime) -> Sum:
    """The end of the owner's newest sample that ended by ``now``: one look into the primary key."""
    newest = select(func.max(samples.c.until)).where(owned, samples.c.until <= micros(now))
    return newest.correlate_except(samples).scalar_subquery()


def _within(samples: Table, newest: Sum, window: timedelta) -> ColumnElement[bool]:
    return and_(samples.c.until > newest - window // MICROSECOND, samples.c.until <= newest)


def _begins(samples: FromClause, edge: Sum) -> Sum:
    return case((samples.c.start < edge, edge), else_=samples.c.start)


def _share(samples: FromClause, amount: Sum, edge: Sum) -> Sum:
    """Of a sample's bytes, what falls after the window's edge: of nearly all samples all."""
    inside = cast(samples.c.until - edge, Float(53)) / cast(samples.c.until - samples.c.start, Float(53))
    whole = cast(amount, Float(53))
    return case((samples.c.start < edge, whole * inside), else_=whole)


def _rate(amount: Sum, time: Sum) -> Sum:
    return amount * BITS / cast(time, Float(53))
