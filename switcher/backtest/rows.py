"""The rows of each CSV file of a past. ``docs/backtest.md`` has the columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from switcher.backtest.record import Owner
from switcher.errors import BadInputError, Problem
from switcher.objects.naming import namespace_of
from switcher.objects.rows import EPOCH, Row, byte_count, direction, instant, read_table, seconds
from switcher.objects.values import rate, wrong
from switcher.ports import AttachmentPath, KnownNetwork, PlacementSpan
from switcher.simulate.world import Facts

LOAD_COLUMNS = ("start", "seconds", "workload", "network", "direction", "bytes")
PLACEMENT_COLUMNS = ("workload", "network", "start", "end")
NETWORK_COLUMNS = ("network", "physicalNetwork")
WORKLOAD_OPTIONAL = ("attachment", "labels", "primary", "doNotMove", "destination")
WHERE = ("attachment", "node")
ANY_NODE, ANY_ATTACHMENT = "node", "net1"
"""Where the files do not tell nodes or attachments apart."""


class Load(NamedTuple):
    """Bytes of an attachment on a network in one direction."""

    path: AttachmentPath
    start: datetime
    end: datetime
    direction: str
    bytes: Decimal
    file: str
    line: int


class Offer(NamedTuple):
    """A network that a node has, and the capacity of what it rides on, where a file says one."""

    network: KnownNetwork
    capacity_bps: float | None


def read_loads(path: Path) -> list[Load]:
    """Rows of attachments. Raises BadInputError with every problem, rows that overlap too."""
    rows = read_table(path, LOAD_COLUMNS, WHERE, _load)
    problems = list(_overlaps(rows))
    if problems:
        raise BadInputError(problems)
    return rows


def _load(row: Row) -> Load:
    start, length = row.take("start", instant, EPOCH), row.take("seconds", seconds, None)
    return Load(
        path=AttachmentPath(*_where(row), row.take("network", str, "")),
        start=start,
        end=start if length is None else start + length,
        direction=row.take("direction", direction, ""),
        bytes=row.take("bytes", byte_count, Decimal(0)),
        file=row.file,
        line=row.line,
    )


def _where(row: Row) -> tuple[str, str, str]:
    """Node, workload, attachment."""
    workload = row.take("workload", str, "")
    return row.optional("node") or ANY_NODE, workload, row.optional("attachment") or ANY_ATTACHMENT


def _overlaps(rows: Sequence[Load]) -> Iterator[Problem]:
    latest: dict[tuple[AttachmentPath, str], Load] = {}
    for row in sorted(rows, key=lambda row: (row.start, row.end)):
        key = row.path, row.direction
        before = latest.get(key)
        if before is not None and row.start < before.end:
            text = f"{row.start.isoformat()} overlaps line {before.line}, which ends at {before.end.isoformat()}"
            yield Problem(row.file, row.line, "start", f"{text} ({row.path.workload!r}, direction {row.direction})")
        if before is None or row.end > before.end:
            latest[key] = row


def read_placements(path: Path) -> list[PlacementSpan]:
    """Rows of stays. Raises BadInputError with every problem."""
    return read_table(path, PLACEMENT_COLUMNS, (*WHERE, "physicalNetwork"), _placement)


def _placement(row: Row) -> PlacementSpan:
    node, workload, attachment = _where(row)
    start = row.take("start", instant, EPOCH)
    end = row.take("end", instant, None) if row.optional("end") else None
    if end is not None and end <= start and not row.problems:
        row.problems.append(Problem(row.file, row.line, "end", f"{row.cells['end']!r} must be after start"))
    network = row.take("network", str, "")
    return PlacementSpan(
        node=node,
        workload=workload,
        attachment=attachment,
        network=network,
        physical_network=row.optional("physicalNetwork"),
        start=start,
        end=end,
    )


def read_networks(path: Path) -> list[Offer]:
    """Rows of networks. Raises BadInputError with every problem."""
    return read_table(path, NETWORK_COLUMNS, ("node", "capacity"), _offer)


def _offer(row: Row) -> Offer:
    return Offer(
        network=KnownNetwork(
            node=row.optional("node") or ANY_NODE,
            network=row.take("network", str, ""),
            physical_network=row.take("physicalNetwork", str, None),
            free_addresses=None,
        ),
        capacity_bps=row.take("capacity", rate, None) if row.optional("capacity") else None,
    )


def read_facts(path: Path) -> list[tuple[Owner, Facts]]:
    """Rows of workloads. Raises BadInputError with every problem."""
    return read_table(path, ("workload",), WORKLOAD_OPTIONAL, _facts)


def _facts(row: Row) -> tuple[Owner, Facts]:
    workload, attachment = row.take("workload", str, ""), row.optional("attachment") or ANY_ATTACHMENT
    found = Facts(
        namespace=namespace_of(workload),
        labels=row.take("labels", _labels, {}) if row.optional("labels") else {},
        attachment=attachment,
        primary=row.optional("primary") is not None and row.take("primary", _flag, False),
        do_not_move=row.optional("doNotMove") is not None and row.take("doNotMove", _flag, False),
        destination=row.optional("destination"),
    )
    return (workload, attachment), found


def _labels(text: str) -> Mapping[str, str]:
    """``app=web;tier=front``."""
    pairs = [pair.partition("=") for pair in text.split(";")]
    if not all(key and equals for key, equals, _ in pairs):
        raise wrong("labels", "must be like app=web;tier=front")
    return {key: value for key, _, value in pairs}


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise wrong("flag", "must be true or false")
    return text == "true"
