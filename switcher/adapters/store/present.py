"""What nodes reported last, attachments and networks, and the spans that follow from attachments coming and going."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter

import msgspec
import numpy as np
from sqlalchemy import Connection, Select, and_, delete, func, or_, select, true, update

from cni.wire import AttachmentReport, Message, NetworkReport, decode, encode
from switcher.adapters.store.instants import DAY, micros, moment_of
from switcher.adapters.store.placing import Changes, Key, OpenSpan, changes
from switcher.adapters.store.schema import agents, attachments, networks, spans
from switcher.model import Placement, workload_id
from switcher.ports import KnownAttachment, KnownNetwork, PlacementSpan
from switcher.reported import Ints, Reported, ascending, joined, of_node


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
            "free_addresses": report.countable,
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


class _Report(Message, frozen=True, kw_only=True):
    """Of an AttachmentReport what decisions need. Labels stay text: few are distinct."""

    workload: str
    attachment: str
    network: str
    physical_network: str | None
    since: float
    started: float
    primary: bool = False
    do_not_move: str | None = None
    labels: msgspec.Raw = msgspec.Raw(b"{}")


class Reports:
    """What nodes reported last of their attachments, read again at every tick.

    Between two ticks few nodes report anything new: the reports of each are read as one text, and made into columns
    when that is another than before. Safe for several threads: what is kept is replaced whole.
    """

    def __init__(self) -> None:
        self._nodes: Mapping[str, tuple[bytes, Reported]] = {}
        self._whole: Reported | None = None
        self._order: tuple[Sequence[str], Ints] = ([], np.empty(0, dtype=np.int64))

    def reported(self, connection: Connection, now: datetime) -> Reported:
        """Every attachment that exists now, by id and node; the same value as before where nothing has changed."""
        columns = attachments.c
        texts = func.aggregate_strings(columns.report, ",")
        there = columns.node.not_in(_gone(now))
        found = connection.execute(select(columns.node, texts).where(there).group_by(columns.node)).all()
        before, whole = self._nodes, self._whole
        after: dict[str, tuple[bytes, Reported]] = {}
        for node, text in sorted(found):
            digest = hashlib.sha256(text.encode()).digest()
            known = before.get(node)
            after[node] = known if known is not None and known[0] == digest else (digest, _columns(node, text))
        if whole is None or after != before:
            whole = joined([columns for _, columns in after.values()], self._ascending)
            self._nodes, self._whole = after, whole
        return whole

    def _ascending(self, names: Sequence[str]) -> Ints:
        """Most often something else has changed than who is there."""
        if names != self._order[0]:
            self._order = names, ascending(names)
        return self._order[1]


def _gone(now: datetime) -> Select[tuple[str]]:
    """Nodes that have sent nothing for a day: what they had is not there any more, or nobody can move it."""
    return select(agents.c.node).group_by(agents.c.node).having(func.max(agents.c.last_seen) < micros(now) - DAY)


def _columns(node: str, reports: str) -> Reported:
    return of_node(node, msgspec.json.decode(f"[{reports}]", type=list[_Report]))


def known_attachments(connection: Connection) -> list[KnownAttachment]:
    """Every attachment that exists now, by node and name."""
    found = [
        KnownAttachment(node=node, report=decode(text.encode(), AttachmentReport))
        for node, text in connection.execute(select(attachments.c.node, attachments.c.report))
    ]
    return sorted(found, key=lambda known: (known.node, known.report.workload, known.report.attachment))


def known_networks(connection: Connection) -> list[KnownNetwork]:
    """Every network that a node reported, by node and name."""
    columns = networks.c
    query = select(columns.node, columns.network, columns.physical_network, columns.free_addresses)
    found = [
        KnownNetwork(node=node, network=network, physical_network=physical_network, free_addresses=free)
        for node, network, physical_network, free in connection.execute(query).all()
    ]
    return sorted(found, key=attrgetter("node", "network"))


def placements(connection: Connection, since: datetime, *, changed: bool = False) -> dict[str, tuple[Placement, ...]]:
    """By workload id, oldest first: the networks it was on since then; ``changed``: of those whose stay has changed.

    Of one that was on another node before, as a pod that was made again elsewhere, only what came on the last one.

    A stay that began before ``since`` and goes on is then left out: nothing else of its attachment can be later.
    """
    began = spans.c.start >= micros(since) if changed else true()
    goes_on = and_(spans.c.until.is_(None), began)
    query = (
        select(spans.c.node, spans.c.workload, spans.c.attachment, spans.c.network, spans.c.start)
        .where(or_(goes_on, and_(spans.c.until > micros(since), spans.c.until > spans.c.start)))
        .order_by(spans.c.start, spans.c.id)
    )
    found: dict[str, tuple[str, list[Placement]]] = {}
    for node, workload, attachment, network, start in connection.execute(query).all():
        name, placed = workload_id(workload, attachment), Placement(network=network, since=moment_of(start))
        if name not in found or found[name][0] != node:
            found[name] = node, []
        found[name][1].append(placed)
    return {name: tuple(found[name][1]) for name in sorted(found)}


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
