"""The past as CSV files: one file of what attachments carried, or a directory with more about the site.

``docs/backtest.md`` has the columns. Every problem of all files is reported at once, with its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

from switcher.backtest.record import Owner, Record, Span
from switcher.backtest.rows import ANY_NODE, Load, read_facts, read_loads, read_networks, read_placements
from switcher.backtest.slotting import Sums, add_share, slot_bytes, slot_samples
from switcher.errors import BadInputError, Problem
from switcher.model import Uplink
from switcher.objects.naming import bare
from switcher.objects.sample_rows import read_samples
from switcher.ports import AttachmentPath, PlacementSpan, SlotBytes
from switcher.simulate.world import Facts
from switcher.tariff import Sample

LOADS, UPLINKS, PLACEMENTS = "attachments.csv", "uplinks.csv", "placements.csv"
NETWORKS, WORKLOADS = "networks.csv", "workloads.csv"
T = TypeVar("T")
R = TypeVar("R", Sample, Load)
K = TypeVar("K")
Ordered = TypeVar("Ordered", Uplink, AttachmentPath)
Rides = Mapping[tuple[str, str], str | None]
"""Physical networks by node and network."""


def read_files(path: Path, span: Span) -> Record:
    """The record of a period. Raises BadInputError with every problem of all files."""
    problems: list[Problem] = []

    def read(rows_of: Callable[[Path], list[T]], file: Path) -> list[T]:
        try:
            return rows_of(file)
        except BadInputError as error:
            problems.extend(error.problems)
            return []

    def beside(rows_of: Callable[[Path], list[T]], name: str) -> list[T]:
        return read(rows_of, path / name) if (path / name).exists() else []

    loads = read(read_loads, path / LOADS if path.is_dir() else path)
    uplinks = beside(read_samples, UPLINKS)
    spans = beside(read_placements, PLACEMENTS)
    offers = beside(read_networks, NETWORKS)
    facts = beside(read_facts, WORKLOADS)
    if problems:
        raise BadInputError(problems)
    rides = {(offer.network.node, offer.network.network): offer.network.physical_network for offer in offers}
    known = dict(facts)
    rows = uplinks or list(_of_attachments(loads, rides, known))
    classes = _summed(rows, span, lambda row: (_place(row), row.destination))
    return Record(
        source=str(path),
        networks=[offer.network for offer in offers],
        spans=spans or list(_inferred(loads, rides)),
        uplinks=_in_order(_summed(rows, span, _place)),
        attachments=_in_order(_summed(loads, span, lambda row: row.path)).items(),
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


def _inferred(loads: Sequence[Load], rides: Rides) -> Iterator[PlacementSpan]:
    """Stays that the rows themselves show: on a network until the first row on another one, or the last row's end."""
    by_owner: dict[tuple[str, str, str], list[Load]] = {}
    for load in sorted(loads, key=lambda load: (load.start, load.end)):
        by_owner.setdefault((load.path.node, load.path.workload, load.path.attachment), []).append(load)
    for (node, workload, attachment), rows in sorted(by_owner.items()):
        starts = [(path, next(group).start) for path, group in groupby(rows, key=attrgetter("path"))]
        ends = [*(start for _, start in starts[1:]), max(row.end for row in rows)]
        for (path, start), end in zip(starts, ends, strict=True):
            yield PlacementSpan(
                node=node,
                workload=workload,
                attachment=attachment,
                network=path.network,
                physical_network=rides.get((node, path.network)),
                start=start,
                end=end,
            )


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


def _place(row: Sample) -> Uplink:
    return Uplink(row.network, row.node or ANY_NODE)


def _summed(rows: Iterable[R], span: Span, key: Callable[[R], K]) -> dict[K, SlotBytes]:
    """What the rows of each key carried in the slots; keys that carried nothing in the period are left out."""
    sums: dict[K, Sums] = {}
    for row in rows:
        add_share(sums.setdefault(key(row), {}), span, (row.start, row.end), row.direction, row.bytes)
    return {each: slot_bytes(found) for each, found in sums.items() if found}


def _in_order(found: Mapping[Ordered, SlotBytes]) -> dict[Ordered, SlotBytes]:
    return {each: found[each] for each in sorted(found)}
