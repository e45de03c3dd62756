"""The newest load of each uplink and attachment, as means over a window, computed by the database.

A sample that begins before the window counts with its share of it. Time that two paths of one attachment cover both
(a switch in flight) counts once, so that the rate is what crossed the attachment. Samples that end after ``now`` do
not count: a past ``now`` gives what was known then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
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
    """The same for attachments that exist now, over all networks that each was on within the window."""
    whole: defaultdict[tuple[str, str, str], list[_PathLoad]] = defaultdict(list)
    for row in connection.execute(_path_loads(now, window)):
        path = _PathLoad(*row)
        whole[path.node, path.workload, path.attachment].append(path)
    several = [path for paths in whole.values() if len(paths) > 1 for path in paths]
    taken = _sample_times(connection, several, window // MICROSECOND)
    loads = [_attachment_load(paths, taken, window // MICROSECOND) for paths in whole.values()]
    return sorted(loads, key=lambda load: (load.workload, load.attachment, load.sampled_at))


class _PathLoad(NamedTuple):
    id: int
    node: str
    workload: str
    attachment: str
    newest: int
    """Where the attachment's samples end, whichever path they are of."""
    into: float
    out: float
    time: int
    """Microseconds that the path's samples in the window cover."""


def _attachment_load(paths: list[_PathLoad], taken: Mapping[int, list[Interval]], window: int) -> AttachmentLoad:
    one, time = paths[0], paths[0].time
    if len(paths) > 1:
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


def _path_loads(now: datetime, window: timedelta) -> Select[*tuple[Any, ...]]:
    """Sums over the window of each path of an attachment that exists; grouped by number, which is in key order."""
    owners, samples = _attachment_owners(now), path_samples
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


def _attachment_owners(now: datetime) -> CTE:
    """The paths of attachments that exist, each with the newest sample's end of its whole attachment."""
    same = and_(
        paths.c.node == attachments.c.node,
        paths.c.workload == attachments.c.workload,
        paths.c.attachment == attachments.c.attachment,
    )
    last = _last(path_samples, path_samples.c.path_id == paths.c.id, now)
    found = (
        select(paths.c.id, paths.c.node, paths.c.workload, paths.c.attachment, last.label("last"))
        .join_from(attachments, paths, same)
        .cte("found")
    )
    newest = func.max(found.c.last).over(partition_by=[found.c.node, found.c.workload, found.c.attachment])
    return select(found, newest.label("newest")).cte("owners")


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
