"""How a node's reports become spans "this attachment was on that network": pure, shared by every history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cni.wire import AttachmentReport
from switcher.adapters.store.instants import micros_of

Key = tuple[str, str]
"""Workload and attachment, on one node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSpan:
    """A stay that had not ended when last reported; ``start`` in microseconds."""

    network: str
    physical_network: str | None
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a report changes: ``closed`` maps to the microsecond of the end; ``opened`` follow them."""

    closed: Mapping[Key, int]
    opened: Mapping[Key, OpenSpan]


def changes(open_spans: Mapping[Key, OpenSpan], reports: Sequence[AttachmentReport], sent_at: int) -> Changes:
    """The node's present set against the spans that are open on it.

    An attachment that is gone ends at ``sent_at``; one that is on another network, or on the same one anew, ends
    where the new stay begins (``report.since``), and never before it began.
    """
    found = {(report.workload, report.attachment): report for report in reports}
    closed = {key: max(span.start, sent_at) for key, span in open_spans.items() if key not in found}
    opened: dict[Key, OpenSpan] = {}
    for key, report in found.items():
        span, since = open_spans.get(key), micros_of(report.since)
        if span is not None and since > span.start:
            closed[key] = since
        elif span is not None and _differs(span, report):
            since = closed[key] = max(span.start, sent_at)  # its network changed under it: known only from now on
        elif span is not None:
            continue
        opened[key] = OpenSpan(network=report.network, physical_network=report.physical_network, start=since)
    return Changes(closed=closed, opened=opened)


def _differs(span: OpenSpan, report: AttachmentReport) -> bool:
    return (span.network, span.physical_network) != (report.network, report.physical_network)
