"""The past as CSV files: one file of what attachments carried, or a directory with more about the site.

``docs/backtest.md`` has the columns. Every problem of all files is reported at once, with its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, TypeVar

from switcher.backtest.record import Class, Owner, Record, Span
from switcher.backtest.slotting import Sums, add_share, slot_bytes, slot_samples
from switcher.errors import BadInputError, Problem
from switcher.model import Uplink
from switcher.objects.naming import bare, namespace_of
from switcher.objects.rows import EPOCH, Row, byte_count, direction, instant, read_table, seconds
from switcher.objects.sample_rows import read_samples
from switcher.objects.values import rate, wrong
from switcher.ports import AttachmentPath, KnownNetwork, PlacementSpan, SlotBytes
from switcher.simulate.world import Facts
from switcher.tariff import Sample

LOADS, UPLINKS, PLACEMENTS = "attachments.csv", "uplinks.csv", "placements.csv"
NETWORKS, WORKLOADS = "networks.csv", "workloads.csv"
LOAD_COLUMNS = ("start", "seconds", "workload", "network", "direction", "bytes")
PLACEMENT_COLUMNS = ("workload", "network", "start", "end")
NETWORK_COLUMNS = ("network", "physicalNetwork")
WORKLOAD_OPTIONAL = ("attachment", "labels", "primary", "doNotMove", "destination")
WHERE = ("attachment", "node")
ANY_NODE, ANY_ATTACHMENT = "node", "net1"
"""Where the files do not tell nodes or attachments apart."""
T = TypeVar("T")
Rides = Mapping[tuple[str, str], str | None]
"""Physical networks by node and network."""


class Load(NamedTuple):
    """Bytes of an attachment on a network in one direction."""

    path: AttachmentPath
    start: datetime
    end: datetime
    direction: str
    bytes: Decimal
    file: str
    line: int


class _Offer(NamedTuple):
    network: KnownNetwork
    capacity_bps: float | None


def read_files(path: Path, span: Span) -> Record:
    """The record of a period. Raises BadInputError with every problem of all files."""
    problems: list[Problem] = []

    def kept(name: str, read: Callable[[Path], list[T]]) -> list[T]:
        try:
            return read(path / name) if (path / name).exists() else []
        except BadInputError as error:
            problems.extend(error.problems)
            return []

    try:
        loads = read_loads(path / LOADS if path.is_dir() else path)
    except BadInputError as error:
        problems.extend(error.problems)
    single = not path.is_dir()
    uplinks = [] if single else kept(UPLINKS, read_samples)
    spans = [] if single else kept(PLACEMENTS, _read_placements)
    offers = [] if single else kept(NETWORKS, _read_networks)
    facts = [] if single else kept(WORKLOADS, _read_facts)
    if problems:
        raise BadInputError(problems)
    rides = {(offer.network.node, offer.network.network): offer.network.physical_network for offer in offers}
    known = dict(facts)
    rows = uplinks or list(_of_attachments(loads, rides, known))
    slots, classes = _uplink_slots(rows, span), _class_slots(rows, span)
    return Record(
        source=str(path),
        networks=[offer.network for offer in offers],
        spans=spans or list(_inferred(loads, rides)),
        uplinks=slots,
        attachments=_attachment_slots(loads, span),
        samples=uplinks or list(slot_samples(classes, span)),
        classes=classes if {destination for _, destination in classes} != {None} else {},
        measured=bool(uplinks),
        capacity_bps={
            Uplink(offer.network.physical_network or "", offer.network.node): offer.capacity_bps
            for offer in offers
            if offer.capacity_bps is not None
        },
        facts=known,
        notes=list(_notes(loads, uplinks, span)),
    )


def _notes(loads: Sequence[Load], uplinks: Sequence[Sample], span: Span) -> Iterator[str]:
    if not uplinks:
        yield "no rows of uplinks: what the attachments carried is all that counts"
    longest = max((row.end - row.start for row in loads), default=span.slot)
    if longest > span.slot:
        yield f"rows of up to {longest} are spread evenly over slots of {span.slot}"


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


def _read_placements(path: Path) -> list[PlacementSpan]:
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


def _read_networks(path: Path) -> list[_Offer]:
    return read_table(path, NETWORK_COLUMNS, ("node", "capacity"), _offer)


def _offer(row: Row) -> _Offer:
    return _Offer(
        network=KnownNetwork(
            node=row.optional("node") or ANY_NODE,
            network=row.take("network", str, ""),
            physical_network=row.take("physicalNetwork", str, None),
            free_addresses=None,
        ),
        capacity_bps=row.take("capacity", rate, None) if row.optional("capacity") else None,
    )


def _read_facts(path: Path) -> list[tuple[Owner, Facts]]:
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


def _inferred(loads: Sequence[Load], rides: Rides) -> Iterator[PlacementSpan]:
    """Stays that the rows themselves show: on a network until the first row on another one, or the last row's end."""
    by_owner: dict[tuple[str, str, str], list[Load]] = {}
    for load in sorted(loads, key=lambda load: (load.start, load.end)):
        by_owner.setdefault((load.path.node, load.path.workload, load.path.attachment), []).append(load)
    for owner in sorted(by_owner):
        rows = by_owner[owner]
        changes = [row for before, row in zip([None, *rows], rows, strict=False)
                   if before is None or before.path != row.path]  # fmt: skip
        ends = [*(row.start for row in changes[1:]), max(row.end for row in rows)]
        for row, end in zip(changes, ends, strict=True):
            yield PlacementSpan(
                node=owner[0],
                workload=owner[1],
                attachment=owner[2],
                network=row.path.network,
                physical_network=rides.get((owner[0], row.path.network)),
                start=row.start,
                end=end,
            )


def _uplink_slots(samples: Sequence[Sample], span: Span) -> dict[Uplink, SlotBytes]:
    sums: dict[Uplink, Sums] = {}
    for row in samples:
        place = Uplink(row.network, row.node or ANY_NODE)
        add_share(sums.setdefault(place, {}), span, (row.start, row.end), row.direction, row.bytes)
    return {place: slot_bytes(sums[place]) for place in sorted(sums) if sums[place]}


def _class_slots(samples: Sequence[Sample], span: Span) -> dict[Class, SlotBytes]:
    sums: dict[Class, Sums] = {}
    for row in samples:
        place = Uplink(row.network, row.node or ANY_NODE), row.destination
        add_share(sums.setdefault(place, {}), span, (row.start, row.end), row.direction, row.bytes)
    return {place: slot_bytes(found) for place, found in sums.items() if found}


def _of_attachments(loads: Sequence[Load], rides: Rides, facts: Mapping[Owner, Facts]) -> Iterator[Sample]:
    """Without rows of uplinks: what their attachments carried, each of the class that its traffic has."""
    for row in loads:
        known = facts.get((row.path.workload, row.path.attachment))
        yield Sample(
            start=row.start,
            end=row.end,
            network=rides.get((row.path.node, row.path.network)) or bare(row.path.network),
            direction=row.direction,
            bytes=row.bytes,
            destination=None if known is None else known.destination,
            node=row.path.node,
        )


def _attachment_slots(loads: Sequence[Load], span: Span) -> Iterator[tuple[AttachmentPath, SlotBytes]]:
    by_path: dict[AttachmentPath, Sums] = {}
    for row in loads:
        add_share(by_path.setdefault(row.path, {}), span, (row.start, row.end), row.direction, row.bytes)
    for path in sorted(by_path):
        if by_path[path]:
            yield path, slot_bytes(by_path[path])
