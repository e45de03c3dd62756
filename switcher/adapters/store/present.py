"""What nodes reported last, attachments and networks, and the spans that follow from attachments coming and going."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, delete, or_, select, true, update

from cni.wire import AttachmentReport, NetworkReport, decode, encode
from switcher.adapters.store.instants import micros, moment_of
from switcher.adapters.store.placing import Changes, Key, OpenSpan, changes
from switcher.adapters.store.schema import attachments, networks, spans
from switcher.model import Placement
from switcher.ports import KnownAttachment, KnownNetwork, PlacementSpan


def replace_attachments(connection: Connection, node: str, reports: Sequence[AttachmentReport], sent_at: int) -> None:
    """Make ``reports`` the node's present set; spans open and close where it differs from the former one."""
    _apply(connection, node, changes(_open_spans(connection, node), reports, sent_at))
    connection.execute(delete(attachments).where(attachments.c.node == node))
    rows = {
        (report.workload, report.attachment): {
            "node": node,
            "workload": report.workload,
            "attachment": report.attachment,
            "report": encode(report).decode(),
        }
        for report in reports
    }
    if rows:
        connection.execute(attachments.insert(), list(rows.values()))


def replace_networks(connection: Connection, node: str, reports: Sequence[NetworkReport]) -> None:
    """Make ``reports`` the networks that the node can attach to."""
    connection.execute(delete(networks).where(networks.c.node == node))
    rows = {
        report.network: {
            "node": node,
            "network": report.network,
            "physical_network": report.physical_network,
            "free_addresses": report.free_addresses,
        }
        for report in reports
    }
    if rows:
        connection.execute(networks.insert(), list(rows.values()))


def _open_spans(connection: Connection, node: str) -> dict[Key, OpenSpan]:
    query = select(spans).where(spans.c.node == node, spans.c.until.is_(None))
    return {
        (row.workload, row.attachment): OpenSpan(
            network=row.network, physical_network=row.physical_network, start=row.start
        )
        for row in connection.execute(query)
    }


def _apply(connection: Connection, node: str, change: Changes) -> None:
    for (workload, attachment), until in change.closed.items():
        connection.execute(
            update(spans)
            .where(
                spans.c.node == node,
                spans.c.workload == workload,
                spans.c.attachment == attachment,
                spans.c.until.is_(None),
            )
            .values(until=until)
        )
    rows = [
        {
            "node": node,
            "workload": workload,
            "attachment": attachment,
            "network": span.network,
            "physical_network": span.physical_network,
            "start": span.start,
        }
        for (workload, attachment), span in change.opened.items()
    ]
    if rows:
        connection.execute(spans.insert(), rows)


class Reports:
    """What nodes reported last of their attachments, read again and again.

    Between two ticks hardly a report changes, so each is decoded once and known by its text from then on.
    """

    def __init__(self) -> None:
        self._known: Mapping[tuple[str, str], KnownAttachment] = {}

    def known(self, connection: Connection) -> list[KnownAttachment]:
        """Every attachment that exists now, by node and name."""
        columns = attachments.c
        order = (columns.node, columns.workload, columns.attachment)
        before: Mapping[tuple[str, str], KnownAttachment] = self._known
        now: dict[tuple[str, str], KnownAttachment] = {}
        for node, text in connection.execute(select(columns.node, columns.report).order_by(*order)).all():
            key = (node, text)
            now[key] = before.get(key) or KnownAttachment(node=node, report=decode(text.encode(), AttachmentReport))
        self._known = now  # replaced whole: other threads may read meanwhile
        found = list(now.values())
        if connection.dialect.name != "sqlite":  # whose order is that of the bytes already
            found.sort(key=lambda known: (known.node, known.report.workload, known.report.attachment))
        return found


def known_networks(connection: Connection) -> list[KnownNetwork]:
    """Every network that a node reported, by node and name."""
    found = [KnownNetwork(**row) for row in connection.execute(select(networks)).mappings()]
    return sorted(found, key=lambda known: (known.node, known.network))


def placements(connection: Connection, since: datetime, *, changed: bool = False) -> dict[str, tuple[Placement, ...]]:
    """By workload id, oldest first: the networks it was on since then; ``changed``: of those whose stay has changed.

    A stay that began before ``since`` and goes on is then left out: nothing else of its attachment can be later.
    """
    began = spans.c.start >= micros(since) if changed else true()
    goes_on = and_(spans.c.until.is_(None), began)
    query = (
        select(spans)
        .where(or_(goes_on, and_(spans.c.until > micros(since), spans.c.until > spans.c.start)))
        .order_by(spans.c.start, spans.c.id)
    )
    found: dict[str, list[Placement]] = {}
    for row in connection.execute(query):
        placed = Placement(network=row.network, since=moment_of(row.start))
        found.setdefault(f"{row.workload}:{row.attachment}", []).append(placed)
    return {name: tuple(found[name]) for name in sorted(found)}


def placement_spans(connection: Connection, start: datetime, end: datetime) -> list[PlacementSpan]:
    """Every stay that touches ``[start, end)``, oldest first."""
    query = (
        select(spans)
        .where(
            spans.c.start < micros(end),
            or_(spans.c.until.is_(None), and_(spans.c.until > micros(start), spans.c.until > spans.c.start)),
        )
        .order_by(spans.c.start, spans.c.id)
    )
    return [
        PlacementSpan(
            node=row.node,
            workload=row.workload,
            attachment=row.attachment,
            network=row.network,
            physical_network=row.physical_network,
            start=moment_of(row.start),
            end=None if row.until is None else moment_of(row.until),
        )
        for row in connection.execute(query)
    ]
