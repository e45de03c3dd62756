"""A record as arrays: who was where in each slot, what everyone carried, and what else was on the uplinks.

Shapes: W attachments, T slots. The background of an uplink is what it carried less the attachments that were on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from switcher.backtest.record import Class, Record, Span
from switcher.decide.board import Bools, Floats, Ints
from switcher.model import Uplink
from switcher.objects.naming import bare, namespace_of
from switcher.ports import AttachmentPath, PlacementSpan, SlotBytes
from switcher.simulate.world import Facts
from switcher.tariff import Stay

Key = tuple[str, str, str]
"""Node, workload, attachment."""
NOT_THERE = -1
MOST_CELLS = 100_000_000
"""Attachments x slots: four arrays of so many numbers are what a machine of 8 GB can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time without any sample of something that was there."""

    what: str
    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, eq=False)
class Past:
    """What happened, free of prices, policies and thresholds."""

    span: Span
    record: Record
    names: tuple[str, ...]
    """Network names; the columns of ``places``."""
    rides: Mapping[tuple[str, str], str]
    """The physical network of a network on a node."""
    owners: tuple[Key, ...]
    """W."""
    ids: tuple[str, ...]
    """W: ``workload:attachment``, with the node where several nodes had one of this name."""
    facts: tuple[Facts, ...]
    known_facts: Bools
    """W: whether the facts are known, or only the namespace."""
    into: Floats
    """W x T: bits per second."""
    out: Floats
    places: Ints
    """T x W: where everyone was; where it is not there, where it was before, else where it appeared."""
    present: Bools
    """W x T."""
    background: Mapping[Uplink, tuple[Floats, Floats]]
    """T each: (in, out) bits per second."""
    foreign: Mapping[Class, tuple[Floats, Floats]]
    """The same by class of destination; empty where no class is known."""
    used: frozenset[Uplink]
    """Where any attachment ever was, or carried something."""
    stays: tuple[Stay, ...]
    """On physical networks, to the microsecond."""
    gaps: tuple[Gap, ...]
    excess_percent: float
    """Of what attachments carried: what was not counted on their uplinks. The background is then taken as none."""


@dataclass(slots=True)
class _Draft:
    """What is being gathered, one series after the other."""

    span: Span
    rows: dict[Key, int]
    columns: dict[str, int]
    rides: dict[tuple[str, str], str]
    into: Floats
    out: Floats
    places: Ints
    present: Bools
    sampled: Bools
    ours: dict[Class, tuple[Floats, Floats]] = field(default_factory=dict)


def past_of(record: Record, span: Span, told: Callable[[int, int], None] = lambda _done, _of: None) -> Past:
    """The arrays of a record. Raises ValueError when they would not fit into memory, or nothing was attached.

    ``told`` hears how many attachments of how many are read.
    """
    spans = [stay for stay in record.spans if stay.start < span.end and (stay.end is None or stay.end > span.start)]
    rides = _rides(record, spans)
    spans = [stay for stay in spans if (stay.node, stay.network) in rides]
    owners = tuple(sorted({(stay.node, stay.workload, stay.attachment) for stay in spans}))
    if not owners:
        raise ValueError(f"nothing was attached to a priced network in {record.source} at that time")
    if len(owners) * span.slots > MOST_CELLS:
        raise ValueError(f"{len(owners):,} attachments in {span.slots:,} slots do not fit: choose a longer --slot")
    draft = _draft(span, owners, rides)
    _place(draft, spans)
    for number, (path, carried) in enumerate(record.attachments, 1):
        facts = _facts(record, (path.node, path.workload, path.attachment))
        _carry(draft, path, carried, facts.destination if record.classes else None)
        told(min(number, len(owners)), len(owners))
    gaps = tuple(_gaps(record, draft))
    foreign, excess = _foreign(record, draft)
    owners = _without_absent(draft, owners)
    _fill(draft.places, draft.present)
    twice = Counter(owner[1:] for owner in owners)
    return Past(
        span=span,
        record=record,
        names=tuple(draft.columns),
        rides=rides,
        owners=owners,
        ids=tuple(f"{w}:{a}" + (f"@{node}" if twice[w, a] > 1 else "") for node, w, a in owners),
        facts=tuple(_facts(record, owner) for owner in owners),
        known_facts=np.array([owner[1:] in record.facts for owner in owners]),
        into=draft.into,
        out=draft.out,
        places=draft.places,
        present=draft.present,
        background=_added(foreign),
        foreign=foreign if record.classes else {},
        used=frozenset(
            (
                *(Uplink(rides[stay.node, stay.network], stay.node) for stay in spans),
                *(place for place, _ in draft.ours),
            )
        ),
        stays=tuple(_stays(spans, rides, span)),
        gaps=gaps,
        excess_percent=excess,
    )


def _rides(record: Record, spans: Sequence[PlacementSpan]) -> dict[tuple[str, str], str]:
    """What each network of each node rode on; a network that nothing is said of, on one of its own name."""
    said = {(known.node, known.network): known.physical_network for known in record.networks}
    for stay in spans:
        if stay.physical_network is not None:
            said[stay.node, stay.network] = stay.physical_network
        elif (stay.node, stay.network) not in said and Uplink(bare(stay.network), stay.node) in record.uplinks:
            said[stay.node, stay.network] = bare(stay.network)
    return {place: name for place, name in said.items() if name is not None}


def _draft(span: Span, owners: Sequence[Key], rides: dict[tuple[str, str], str]) -> _Draft:
    shape = len(owners), span.slots
    return _Draft(
        span=span,
        rows={owner: number for number, owner in enumerate(owners)},
        columns={name: number for number, name in enumerate(sorted({network for _, network in rides}))},
        rides=rides,
        into=np.zeros(shape),
        out=np.zeros(shape),
        places=np.full((span.slots, len(owners)), NOT_THERE, dtype=np.int32),
        present=np.zeros(shape, dtype=np.bool_),
        sampled=np.zeros(shape, dtype=np.bool_),
    )


def _place(draft: _Draft, spans: Sequence[PlacementSpan]) -> None:
    """In each slot where it was for most of it: the edges of stays are rounded to the nearest slot."""
    for stay in sorted(spans, key=lambda stay: stay.start):
        row = draft.rows[stay.node, stay.workload, stay.attachment]
        first = max(round((stay.start - draft.span.start) / draft.span.slot), 0)
        end = draft.span.end if stay.end is None else stay.end
        last = min(round((end - draft.span.start) / draft.span.slot), draft.span.slots)
        draft.places[first:last, row] = draft.columns[stay.network]
        draft.present[row, first:last] = True


def _carry(draft: _Draft, path: AttachmentPath, carried: SlotBytes, destination: str | None) -> None:
    """What one attachment carried on one network: its own rate, and its part of the uplink's."""
    row = draft.rows.get((path.node, path.workload, path.attachment))
    name = draft.rides.get((path.node, path.network))
    if row is None or name is None:
        return
    slots = np.asarray(carried.slots, dtype=np.int64)
    bits = 8 / draft.span.slot.total_seconds()
    into, out = (np.asarray(column, dtype=np.float64) * bits for column in (carried.in_bytes, carried.out_bytes))
    draft.into[row, slots] += into
    draft.out[row, slots] += out
    draft.sampled[row, slots] = True
    place = Uplink(name, path.node), destination
    ours = draft.ours.setdefault(place, (np.zeros(draft.span.slots), np.zeros(draft.span.slots)))
    ours[0][slots] += into
    ours[1][slots] += out
    unplaced = slots[(into + out > 0) & ~draft.present[row, slots]]
    draft.places[unplaced, row] = draft.columns[path.network]
    draft.present[row, unplaced] = True


def _without_absent(draft: _Draft, owners: tuple[Key, ...]) -> tuple[Key, ...]:
    """Who was there for less than half a slot and carried nothing is left out; the others."""
    there = np.asarray(draft.present.any(axis=1))
    if not there.all():
        draft.into, draft.out, draft.present = draft.into[there], draft.out[there], draft.present[there]
        draft.places = draft.places[:, there]
    return tuple(owner for owner, stays in zip(owners, there.tolist(), strict=True) if stays)


def _fill(places: Ints, present: Bools) -> None:
    """Where someone is not there: where it was before, or, before it came, where it appeared."""
    for row in range(places.shape[1]):
        there = np.flatnonzero(present[row])
        last = np.maximum.accumulate(np.where(present[row], np.arange(len(present[row])), there[0]))
        places[:, row] = places[last, row]


def _foreign(record: Record, draft: _Draft) -> tuple[dict[Class, tuple[Floats, Floats]], float]:
    """By uplink and class; and what of the attachments' load is beyond their uplinks', in per cent."""
    bits, excess = 8 / draft.span.slot.total_seconds(), 0.0
    totals = record.classes or {(place, None): carried for place, carried in record.uplinks.items()}
    found: dict[Class, tuple[Floats, Floats]] = {}
    for place in sorted({*totals, *draft.ours}, key=lambda each: (each[0], each[1] or "")):
        rates = np.zeros(draft.span.slots), np.zeros(draft.span.slots)
        if (carried := totals.get(place)) is not None:
            rates[0][np.asarray(carried.slots)] = np.asarray(carried.in_bytes, dtype=np.float64) * bits
            rates[1][np.asarray(carried.slots)] = np.asarray(carried.out_bytes, dtype=np.float64) * bits
        ours = draft.ours.get(place)
        if ours is not None:
            rates = rates[0] - ours[0], rates[1] - ours[1]
        excess += sum(float(-np.minimum(rate, 0).sum()) for rate in rates)
        found[place] = np.maximum(rates[0], 0.0), np.maximum(rates[1], 0.0)
    load = float(draft.into.sum() + draft.out.sum())
    return found, 100 * excess / max(load, 1e-9)


def _added(foreign: Mapping[Class, tuple[Floats, Floats]]) -> dict[Uplink, tuple[Floats, Floats]]:
    """All classes of an uplink together."""
    found: dict[Uplink, tuple[Floats, Floats]] = {}
    for (place, _), (into, out) in foreign.items():
        before = found.get(place)
        found[place] = (into, out) if before is None else (before[0] + into, before[1] + out)
    return found


def _facts(record: Record, owner: Key) -> Facts:
    _, workload, attachment = owner
    unknown = Facts(namespace=namespace_of(workload), attachment=attachment)
    return record.facts.get((workload, attachment), unknown)


def _stays(spans: Sequence[PlacementSpan], rides: Mapping[tuple[str, str], str], span: Span) -> Iterator[Stay]:
    for stay in spans:
        start, end = max(stay.start, span.start), min(stay.end or span.end, span.end)
        if start < end:
            name = f"{stay.workload}:{stay.attachment}@{stay.node}"
            yield Stay(attachment=name, network=rides[stay.node, stay.network], start=start, end=end)


def _gaps(record: Record, draft: _Draft) -> Iterator[Gap]:
    """Uplinks without samples, then attachments that were there without."""
    for place in sorted(record.uplinks) if record.measured else ():
        sampled = np.zeros(draft.span.slots, dtype=np.bool_)
        sampled[np.asarray(record.uplinks[place].slots)] = True
        for start, end in draft.span.stretches(~sampled):
            yield Gap(what=f"uplink {place.physical_network} of {place.node}", start=start, end=end)
    for (_, workload, attachment), row in draft.rows.items():
        for start, end in draft.span.stretches(draft.present[row] & ~draft.sampled[row]):
            yield Gap(what=f"{workload}:{attachment}", start=start, end=end)
