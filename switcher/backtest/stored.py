"""The past as the controller's history has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from switcher.backtest.record import Owner, Record, Span
from switcher.backtest.slotting import samples_of, slot_samples
from switcher.model import Uplink
from switcher.objects.naming import namespace_of
from switcher.ports import History, KnownAttachment, SlotBytes, UsageRow
from switcher.simulate.world import Facts
from switcher.tariff import Sample

HOUR = timedelta(hours=1)
MOST_ROWS = 200_000
"""Rows of uplinks that a bill is computed from as they are; more are billed by their sums per slot."""


def read_history(history: History, span: Span, most_rows: int = MOST_ROWS) -> Record:
    """The record of a period. Raises TryLaterError when the database is away."""
    uplinks = dict(history.uplink_slots(span.start, span.end, span.slot))
    loads = history.uplink_loads(span.end, span.end - span.start)
    samples, notes = _samples(history, span, uplinks, most_rows)
    notes += _coarse(history.resolution(span.start), span)
    return Record(
        source="the history",
        networks=history.networks(),
        spans=history.placement_spans(span.start, span.end),
        uplinks=uplinks,
        attachments=history.path_slots(span.start, span.end, span.slot),
        samples=samples,
        capacity_bps={place: carried.capacity_bps for place, carried in uplinks.items()},
        latency_ms={
            Uplink(load.physical_network, load.node): load.latency_ms for load in loads if load.latency_ms is not None
        },
        facts=_facts(history.attachments()),
        notes=notes,
    )


def _coarse(resolution: timedelta, span: Span) -> list[str]:
    if resolution <= span.slot:
        return []
    text = (
        f"the history has this period by sums over {resolution} only: they are spread evenly over slots of {span.slot}"
    )
    return [text]


def _facts(known: Sequence[KnownAttachment]) -> Mapping[Owner, Facts]:
    """Of attachments that exist now, each where it started last: labels of what is gone are not kept."""
    found = {}
    for report in sorted((one.report for one in known), key=lambda report: report.started):
        found[report.workload, report.attachment] = Facts(
            namespace=namespace_of(report.workload),
            labels=report.labels,
            attachment=report.attachment,
            primary=report.primary,
            do_not_move=report.do_not_move == "true",
        )
    return found


def _samples(
    history: History, span: Span, uplinks: Mapping[Uplink, SlotBytes], most_rows: int
) -> tuple[list[Sample], list[str]]:
    """The rows of the bill as they were sampled, or, of a long or an old period, their sums per slot."""
    first = min(span.end, span.start + HOUR)
    expected = len(history.usage(span.start, first)) * ((span.end - span.start) / (first - span.start))
    if expected <= most_rows:
        rows = history.usage(span.start, span.end)
        if _whole(rows, uplinks):
            return [sample for row in rows for sample in samples_of(row)], []
    note = f"what was paid is computed from sums over {span.slot}: a price that changes inside one is spread over it"
    return list(slot_samples({(place, None): carried for place, carried in uplinks.items()}, span)), [note]


def _whole(rows: Sequence[UsageRow], uplinks: Mapping[Uplink, SlotBytes]) -> bool:
    """Whether the rows carry all that the sums do: old ones may be kept as sums only."""
    inside = sum(row.in_bytes + row.out_bytes for row in rows)
    return inside >= sum(sum(carried.in_bytes) + sum(carried.out_bytes) for carried in uplinks.values())
