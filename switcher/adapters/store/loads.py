"""The newest load of each uplink and attachment, as means over a window, computed by the database.

A sample that begins before the window counts with its share of it. Time that two paths of one attachment cover both
(a switch in flight) counts once, so that the rate is what crossed the attachment. Samples that end after ``now`` do
not count: a past ``now`` gives what was known then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import CTE, BigInteger, ColumnElement, Connection, Select, Table, and_, case, cast, func, select
from sqlalchemy.types import Float

from switcher.adapters.store.instants import MICROSECOND, PER_SECOND, micros, moment_of
from switcher.adapters.store.intervals import Interval, length
from switcher.adapters.store.schema import attachments, path_samples, paths, uplink_samples, uplinks
from switcher.adapters.store.series import CHUNK
from switcher.ports import AttachmentLoad, UplinkLoad

BITS = 8.0 * PER_SECOND
"""A byte a microsecond in bits a second."""
Sum = ColumnElement[Any]


def uplink_loads(connection: Connection, now: datetime, window: timedelta) -> list[UplinkLoad]:
    """The newest load of each uplink that has any sample, by node and name."""
    last = _last(uplink_samples, uplink_samples.c.uplink_id == uplinks.c.id, now)
    # Materialised: SQLite would otherwise look the newest sample up again wherever it is named.
    owners = select(uplinks, last.label("newest")).cte("owners").prefix_with("MATERIALIZED")
    samples = uplink_samples
    begins = _begins(samples, owners, window)
    seconds = func.sum(samples.c.until - begins)
    query = (
        select(
            owners.c.physical_network,
            owners.c.node,
            func.max(case((samples.c.until == owners.c.newest, samples.c.capacity_bps))),
            _rate(func.sum(_share(samples, samples.c.in_bytes, begins)), seconds),
            _rate(func.sum(_share(samples, samples.c.out_bytes, begins)), seconds),
            owners.c.newest,
            func.avg(samples.c.latency_ms),
            func.avg(samples.c.loss),
        )
        .join_from(owners, samples, and_(samples.c.uplink_id == owners.c.id, _within(samples, owners, window)))
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
        for name, node, capacity, into, out, until, latency, loss in connection.execute(query)
    ]
    return sorted(found, key=lambda load: (load.node, load.physical_network))


def attachment_loads(connection: Connection, now: datetime, window: timedelta) -> list[AttachmentLoad]:
    """The same for attachments that exist now, over all networks that each was on within the window.

    Nearly all have been on one network all the time, and are done with the database's sums. Those with samples of
    several paths in the window, switches just made or in flight, are summed again over their common window.
    """
    rows = list(map(_PathLoad._make, connection.execute(_path_loads(now, window, None)).all()))
    alone, mixed = _apart(rows, window // MICROSECOND)
    moments: dict[int, datetime] = {path.newest: moment_of(path.newest) for path in alone}
    loads = [
        AttachmentLoad(
            workload=path.workload,
            attachment=path.attachment,
            in_bps=path.into * BITS / path.time,
            out_bps=path.out * BITS / path.time,
            sampled_at=moments[path.newest],
        )
        for path in alone
    ]
    loads += _mixed_loads(connection, mixed, now, window)
    return sorted(loads, key=attrgetter("sampled_at"))


class _PathLoad(NamedTuple):
    id: int
    node: str
    workload: str
    attachment: str
    newest: int
    """Where the samples end that were summed: the path's, or of whichever path of its attachment."""
    into: float
    out: float
    time: int
    """Microseconds that the path's samples in the window cover."""


def _apart(rows: Sequence[_PathLoad], window: int) -> tuple[list[_PathLoad], list[int]]:
    """Paths that alone carried their attachment in its window, and the numbers of those that did not."""
    newest: dict[tuple[str, str, str], _PathLoad] = {}
    others: list[_PathLoad] = []
    for path in rows:
        owner = path[1:4]
        before = newest.setdefault(owner, path)
        if before is not path:
            older, newest[owner] = sorted((before, path), key=attrgetter("newest"))
            others.append(older)
    mixed = {path[1:4] for path in others if path.newest > newest[path[1:4]].newest - window}
    alone = [path for owner, path in newest.items() if owner not in mixed] if mixed else list(newest.values())
    return alone, [path.id for path in rows if mixed and path[1:4] in mixed]


def _mixed_loads(connection: Connection, ids: Sequence[int], now: datetime, window: timedelta) -> list[AttachmentLoad]:
    whole: defaultdict[tuple[str, str, str], list[_PathLoad]] = defaultdict(list)
    for first in range(0, len(ids), CHUNK):
        for row in connection.execute(_path_loads(now, window, ids[first : first + CHUNK])):
            path = _PathLoad(*row)
            whole[path.node, path.workload, path.attachment].append(path)
    taken = _sample_times(connection, [path for paths in whole.values() for path in paths], window // MICROSECOND)
    return [_attachment_load(paths, taken, window // MICROSECOND) for paths in whole.values()]


def _attachment_load(paths: list[_PathLoad], taken: Mapping[int, list[Interval]], window: int) -> AttachmentLoad:
    one = paths[0]
    edge = one.newest - window
    pieces = [(max(start, edge), until) for path in paths for start, until in taken[path.id]]
    time = length(piece for piece in pieces if edge < piece[1] <= one.newest)
    return AttachmentLoad(
        workload=one.workload,
        attachment=one.attachment,
        in_bps=sum(path.into for path in paths) * BITS / time,
        out_bps=sum(path.out for path in paths) * BITS / time,
        sampled_at=moment_of(one.newest),
    )


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


def _path_loads(now: datetime, window: timedelta, ids: Sequence[int] | None) -> Select[*tuple[Any, ...]]:
    """Sums over the window of each path of an attachment that exists.

    The window ends with the path's newest sample; where ``ids`` are given, of these paths alone, with the newest of
    their whole attachment.
    """
    owners, samples = _attachment_owners(now, ids), path_samples
    begins = _begins(samples, owners, window)
    return (
        select(
            owners.c.id,
            func.min(owners.c.node),
            func.min(owners.c.workload),
            func.min(owners.c.attachment),
            owners.c.newest,
            func.sum(_share(samples, samples.c.in_bytes, begins)),
            func.sum(_share(samples, samples.c.out_bytes, begins)),
            cast(func.sum(samples.c.until - begins), BigInteger),
        )
        .join_from(owners, samples, and_(samples.c.path_id == owners.c.id, _within(samples, owners, window)))
        .group_by(owners.c.id, owners.c.newest)
    )


def _attachment_owners(now: datetime, ids: Sequence[int] | None) -> CTE:
    """The paths of attachments that exist, each with the end of the newest sample that counts."""
    same = and_(
        paths.c.node == attachments.c.node,
        paths.c.workload == attachments.c.workload,
        paths.c.attachment == attachments.c.attachment,
    )
    last = _last(path_samples, path_samples.c.path_id == paths.c.id, now)
    name = "newest" if ids is None else "last"
    found = select(paths.c.id, paths.c.node, paths.c.workload, paths.c.attachment, last.label(name))
    found = found.join_from(attachments, paths, same)
    if ids is None:
        # Materialised: SQLite would otherwise look the newest sample up again wherever it is named.
        return found.cte("owners").prefix_with("MATERIALIZED")
    some = found.where(paths.c.id.in_(ids)).cte("found")
    newest = func.max(some.c.last).over(partition_by=[some.c.node, some.c.workload, some.c.attachment])
    return select(some, newest.label("newest")).cte("owners")


def _last(samples: Table, owned: ColumnElement[bool], now: datetime) -> Sum:
    """The end of the owner's newest sample that ended by ``now``: one look into the primary key."""
    return select(func.max(samples.c.until)).where(owned, samples.c.until <= micros(now)).scalar_subquery()


def _within(samples: Table, owners: CTE, window: timedelta) -> ColumnElement[bool]:
    return and_(samples.c.until > owners.c.newest - window // MICROSECOND, samples.c.until <= owners.c.newest)


def _begins(samples: Table, owners: CTE, window: timedelta) -> Sum:
    edge = owners.c.newest - window // MICROSECOND
    return case((samples.c.start < edge, edge), else_=samples.c.start)


def _share(samples: Table, amount: Sum, begins: Sum) -> Sum:
    """Of a sample's bytes, what falls after ``begins``."""
    inside = cast(samples.c.until - begins, Float(53)) / cast(samples.c.until - samples.c.start, Float(53))
    return cast(amount, Float(53)) * inside


def _rate(amount: Sum, time: Sum) -> Sum:
    return amount * BITS / cast(time, Float(53))
