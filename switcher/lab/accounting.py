"""From the traffic processes' counts to one row a stream: sent, received, lost, and lost while moving.

A lost packet counts as lost while moving when it was sent while its workload had a switch in flight and no shaper
dropped it for want of capacity. The shapers count the workloads' drops by uplink and direction; each of these drops
explains one lost packet that could have met it, in time and place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from switcher.lab.blueprint import Blueprint
from switcher.lab.shaper import UplinkPoint

GRACE_SECONDS = 1.0
"""After a switch finished: what it broke still counts as its doing."""
DROP_SECONDS = 2.0
"""How long after its sending a packet's drop may show in a shaper's counters: the queue and the sampling."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Packets of one stream that never arrived, sent within ``[start, end]`` (seconds since the epoch)."""

    count: int
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTotals:
    """One stream, both ends together."""

    workload: str
    protocol: str
    sent: int
    received: int
    duplicated: int
    resets: tuple[tuple[float, str], ...]
    """When each connection broke, and why."""
    largest_gap: float
    losses: tuple[Loss, ...]
    gaps: Mapping[int, float] = field(default_factory=dict)
    """Largest gap by second since the epoch."""

    @property
    def lost(self) -> int:
        """Packets, or requests, that never arrived or were never answered."""
        return sum(loss.count for loss in self.losses)

    def gap_within(self, start: float, end: float) -> float:
        """The largest gap in an interval, in seconds."""
        return max((gap for second, gap in self.gaps.items() if start - 1 < second <= end), default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A workload had a switch in flight between these physical networks."""

    workload: str
    start: float
    end: float


def read_documents(directory: Path) -> list[Mapping[str, Any]]:
    """Every stream that any process saved. A file that is half a run old counts as it is."""
    return [stream for path in sorted(directory.glob("*.json")) for stream in json.loads(path.read_text())["streams"]]


def join(documents: Iterable[Mapping[str, Any]], end: float) -> list[StreamTotals]:
    """Both ends of each stream together: what the one sent and the other received. ``end``: when sending ended."""
    ends: dict[str, list[Mapping[str, Any]]] = {}
    for document in documents:
        ends.setdefault(document["name"], []).append(document)
    return [_total(name, parts, end) for name, parts in sorted(ends.items())]


def _total(name: str, parts: Sequence[Mapping[str, Any]], end: float) -> StreamTotals:
    workload, protocol = name.split("/")
    sent = max(part["sent"] for part in parts)
    receiver = max(parts, key=lambda part: (part["highest"] is not None, part["received"]))
    losses = [Loss(1, at, at) for part in parts for at in part["lost_at"]]
    losses += [Loss(last - first + 1, before, after) for first, last, before, after in receiver["missing"]]
    if receiver["highest"] is not None and sent > receiver["highest"] + 1:
        losses.append(Loss(sent - receiver["highest"] - 1, receiver["last_sent"] or 0.0, end))
    return StreamTotals(
        workload=workload,
        protocol=protocol,
        sent=sent,
        received=receiver["received"],
        duplicated=receiver["duplicated"],
        resets=tuple((at, why) for part in parts for at, why in part["resets"]),
        largest_gap=receiver["largest_gap"],
        losses=tuple(losses),
        gaps={int(second): bin_[3] for second, bin_ in receiver["bins"].items()},
    )


class DropBudget:
    """The shapers' drops of workloads' packets, each of which explains one loss."""

    def __init__(self, points: Iterable[UplinkPoint]) -> None:
        self._drops: dict[str, list[list[float]]] = {}
        for point in points:
            drops = point.out.drops + point.into.drops
            if drops > 0:
                self._drops.setdefault(point.node, []).append([point.at - point.seconds, point.at, drops])

    def explain(self, node: str, loss: Loss) -> int:
        """How many of the loss the node's shapers explain; these drops explain nothing else any more."""
        wanted = loss.count
        for entry in self._drops.get(node, []):
            start, end, left = entry
            if wanted and left and start <= loss.end + DROP_SECONDS and end >= loss.start:
                taken = min(wanted, int(left))
                entry[2] -= taken
                wanted -= taken
        return loss.count - wanted


def lost_while_moving(
    streams: Sequence[StreamTotals], windows: Sequence[Window], budget: DropBudget, blueprint: Blueprint
) -> dict[tuple[str, str], int]:
    """By (workload, protocol): packets that a switch lost, and no shaper."""
    nodes = {workload.name: workload.node for workload in blueprint.workloads}
    losses = sorted(
        ((loss, stream) for stream in streams for loss in stream.losses), key=lambda pair: (pair[0].start, pair[0].end)
    )
    lost: dict[tuple[str, str], int] = {}
    for loss, stream in losses:
        unexplained = loss.count - budget.explain(nodes[stream.workload], loss)
        if unexplained and _moving(stream.workload, loss, windows):
            key = stream.workload, stream.protocol
            lost[key] = lost.get(key, 0) + unexplained
    return lost


def _moving(workload: str, loss: Loss, windows: Sequence[Window]) -> bool:
    return any(
        window.workload == workload and loss.start <= window.end + GRACE_SECONDS and loss.end >= window.start
        for window in windows
    )


def overload_percent(points: Sequence[UplinkPoint], capacity: Mapping[str, float], shed: float) -> float:
    """Share of the workloads' bytes that crossed an uplink while it was above ``shed``, in percent."""
    total = above = 0
    for point in points:
        ours = point.out.ours + point.into.ours
        total += ours
        if point.load_bps > shed * capacity[point.physical_network]:
            above += ours
    return 100 * above / total if total else 0.0
