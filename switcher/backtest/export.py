"""A record as the CSV files that a backtest reads: for another machine, or for a report of a fault."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from switcher.backtest.files import LOADS, NETWORKS, PLACEMENTS, UPLINKS, WORKLOADS
from switcher.backtest.record import Record, Span
from switcher.errors import BadInputError, Problem
from switcher.model import Uplink

Cells = Sequence[object]
HEADERS = {
    LOADS: ("start", "seconds", "workload", "attachment", "node", "network", "direction", "bytes"),
    UPLINKS: ("start", "seconds", "network", "node", "direction", "bytes", "destination"),
    PLACEMENTS: ("workload", "attachment", "node", "network", "physicalNetwork", "start", "end"),
    NETWORKS: ("node", "network", "physicalNetwork", "capacity"),
    WORKLOADS: ("workload", "attachment", "labels", "primary", "doNotMove", "destination"),
}


def export(record: Record, span: Span, directory: Path) -> dict[str, int]:
    """Write the files and say how many rows each has. Raises BadInputError when the directory holds any of them."""
    directory.mkdir(parents=True, exist_ok=True)
    there = [str(directory / name) for name in HEADERS if (directory / name).exists()]
    if there:
        raise BadInputError(
            [Problem(name, 0, "", "is there already: export into an empty directory") for name in there]
        )
    rows = {
        LOADS: _loads(record, span),
        UPLINKS: _uplinks(record),
        PLACEMENTS: _placements(record),
        NETWORKS: _networks(record),
        WORKLOADS: _workloads(record),
    }
    return {name: _write(directory / name, HEADERS[name], lines) for name, lines in rows.items()}


def _write(path: Path, header: Cells, rows: Iterable[Cells]) -> int:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer, count = csv.writer(file, lineterminator="\n"), 0
        writer.writerow(header)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def _loads(record: Record, span: Span) -> Iterator[Cells]:
    length = f"{span.slot.total_seconds():.6f}".rstrip("0").rstrip(".")
    for path, carried in record.attachments:
        where = path.workload, path.attachment, path.node, path.network
        for number, into, out in zip(carried.slots, carried.in_bytes, carried.out_bytes, strict=True):
            start = _time(span.start + number * span.slot)
            yield start, length, *where, "in", into
            yield start, length, *where, "out", out


def _uplinks(record: Record) -> Iterator[Cells]:
    for row in record.samples:
        length = f"{(row.end - row.start).total_seconds():.6f}".rstrip("0").rstrip(".")
        yield (
            _time(row.start),
            length,
            row.network,
            row.node or "",
            row.direction,
            f"{row.bytes:f}",
            row.destination or "",
        )


def _placements(record: Record) -> Iterator[Cells]:
    for stay in record.spans:
        end = "" if stay.end is None else _time(stay.end)
        where = stay.workload, stay.attachment, stay.node, stay.network, stay.physical_network or ""
        yield *where, _time(stay.start), end


def _networks(record: Record) -> Iterator[Cells]:
    for known in record.networks:
        if known.physical_network is not None:
            capacity = record.capacity_bps.get(Uplink(known.physical_network, known.node))
            yield known.node, known.network, known.physical_network, f"{capacity:.0f}bps" if capacity else ""


def _workloads(record: Record) -> Iterator[Cells]:
    for (workload, attachment), facts in sorted(record.facts.items()):
        labels = ";".join(f"{key}={value}" for key, value in sorted(facts.labels.items()))
        flags = _flag(facts.primary), _flag(facts.do_not_move)
        yield workload, attachment, labels, *flags, facts.destination or ""


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
