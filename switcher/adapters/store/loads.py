"""The newest load of each uplink and attachment, as means over a window, computed by the database.

A sample that begins before the window counts with its share of it. Time that two paths of one attachment cover both
(a switch in flight) counts once, so that the rate is what crossed the attachment. Samples that end after ``now`` do
not count: a past ``now`` gives what was known then.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Table, and_, case, cast, func, select
from sqlalchemy.types import Float

from switcher.adapters.store.instants import MICROSECOND, PER_SECOND, micros, moment_of
from switcher.adapters.store.schema import attachments, path_samples, paths, uplink_samples, uplinks
from switcher.ports import AttachmentLoad, UplinkLoad

BITS = 8.0 * PER_SECOND
"""A byte a microsecond in bits a second."""
Sum = ColumnElement[Any]


def uplink_loads(connection: Connection, now: datetime, window: timedelta) -> list[UplinkLoad]:
    """The newest load of each uplink that has any sample, by node and name."""
    last = _last(uplink_samples, uplink_samples.c.uplink_id == uplinks.c.id, now)
    owners = select(uplinks, last.label("newest")).cte("owners")
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
    parts = _attachment_parts(now, window)
    new_time = case(
        (func.coalesce(parts.c.before, 0) <= parts.c.start, parts.c.until - parts.c.start),
        (parts.c.before < parts.c.until, parts.c.until - parts.c.before),
        else_=0,
    )
    seconds = func.sum(new_time)
    query = select(
        parts.c.workload,
        parts.c.attachment,
        _rate(func.sum(parts.c.into), seconds),
        _rate(func.sum(parts.c.out), seconds),
        parts.c.newest,
    ).group_by(parts.c.node, parts.c.workload, parts.c.attachment, parts.c.newest)
    found = [
        AttachmentLoad(workload=workload, attachment=name, in_bps=into, out_bps=out, sampled_at=moment_of(until))
        for workload, name, into, out, until in connection.execute(query)
    ]
    return sorted(found, key=lambda load: (load.workload, load.attachment, load.sampled_at))


def _attachment_parts(now: datetime, window: timedelta) -> CTE:
    """Each sample inside its attachment's window, with ``before``: how far earlier ones of it already reach."""
    owners, samples = _attachment_owners(now), path_samples
    begins = _begins(samples, owners, window)
    parts = (
        select(
            owners.c.node,
            owners.c.workload,
            owners.c.attachment,
            owners.c.newest,
            begins.label("start"),
            samples.c.until,
            _share(samples, samples.c.in_bytes, begins).label("into"),
            _share(samples, samples.c.out_bytes, begins).label("out"),
        )
        .join_from(owners, samples, and_(samples.c.path_id == owners.c.id, _within(samples, owners, window)))
        .cte("parts")
    )
    before = func.max(parts.c.until).over(
        partition_by=[parts.c.node, parts.c.workload, parts.c.attachment],
        order_by=[parts.c.start, parts.c.until],
        rows=(None, -1),
    )
    return select(parts, before.label("before")).cte("marked")


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
