"""A history in memory that behaves: it passes the same contract suite as the one in SQL (tests/contract)."""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from cni.wire import AttachmentReport, Batch, Phase, Ranking, SwitchStatus
from switcher.adapters.store.carried import Slots, slot_bytes
from switcher.adapters.store.instants import DAY, MICROSECOND, PER_SECOND, micros, micros_of, moment_of
from switcher.adapters.store.intervals import share
from switcher.adapters.store.objects import as_text
from switcher.adapters.store.placing import OpenSpan, changes
from switcher.model import Decision, Placement, Uplink
from switcher.ports import (
    AttachmentPath,
    KnownAttachment,
    KnownNetwork,
    ObjectVersion,
    PlacementSpan,
    RecordedDecision,
    RecordedMove,
    SlotBytes,
    StoredObject,
    Switched,
    UplinkLoad,
    UsageRow,
)
from switcher.reported import Attached, ascending, joined, of_node
from switcher.terms import Terms
from tests.support.memory_moves import MemoryMoves, switched
from tests.support.memory_pieces import Piece, in_slots, mean, new_pieces, rates, seen

Path = tuple[str, str, str, str]
"""Node, workload, attachment, network."""


@dataclass(slots=True)
class _Agent:
    last_sequence: int = 0
    gaps: int = 0
    missed: int = 0
    node: str = ""
    last_seen: float = 0.0


@dataclass(slots=True)
class _Contents:
    agents: dict[str, _Agent] = field(default_factory=dict)
    uplinks: defaultdict[tuple[str, str], list[Piece]] = field(default_factory=lambda: defaultdict(list))
    carried: defaultdict[tuple[str, str], list[Piece]] = field(default_factory=lambda: defaultdict(list))
    """The uplinks' samples, pruned ones too: what the hourly totals are in SQL."""
    paths: defaultdict[Path, list[Piece]] = field(default_factory=lambda: defaultdict(list))
    attachments: dict[str, tuple[AttachmentReport, ...]] = field(default_factory=dict)
    networks: dict[str, list[KnownNetwork]] = field(default_factory=dict)
    spans: list[PlacementSpan] = field(default_factory=list)
    objects: list[ObjectVersion] = field(default_factory=list)
    decisions: list[RecordedDecision] = field(default_factory=list)
    rankings: dict[str, Ranking] = field(default_factory=dict)


class MemoryHistory:
    """All that is remembered, until the process ends. For any number of threads."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._held = _Contents()
        self._moves = MemoryMoves()
        self._lock = threading.RLock()

    def ingest(self, batch: Batch) -> int:
        with self._lock:
            agent = self._held.agents.setdefault(batch.agent, _Agent())
            if batch.sequence <= agent.last_sequence:
                return agent.last_sequence
            missed = batch.sequence - agent.last_sequence - 1 if agent.last_sequence else 0
            agent.gaps, agent.missed = agent.gaps + bool(missed), agent.missed + missed
            agent.last_sequence, agent.node, agent.last_seen = batch.sequence, batch.node, batch.sent_at
            for uplink in batch.uplinks:
                key = (batch.node, uplink.physical_network)
                pieces = new_pieces(uplink, self._held.uplinks[key])
                self._held.uplinks[key].extend(pieces)
                self._held.carried[key].extend(pieces)
            for sample in batch.traffic:
                path = self._held.paths[batch.node, sample.workload, sample.attachment, sample.network]
                path.extend(new_pieces(sample, path))
            self._report(batch)
            return batch.sequence

    def gaps(self, agent: str) -> tuple[int, int]:
        """How often an agent skipped numbers, and how many."""
        state = self._held.agents[agent]
        return state.gaps, state.missed

    def _report(self, batch: Batch) -> None:
        if batch.attachments is not None:
            self._place(batch.node, batch.attachments, micros_of(batch.sent_at))
            latest = {(report.workload, report.attachment): report for report in batch.attachments}
            self._held.attachments[batch.node] = tuple(latest[key] for key in sorted(latest))
        if batch.networks is not None:
            self._held.networks[batch.node] = [
                KnownNetwork(
                    node=batch.node,
                    network=report.network,
                    physical_network=report.physical_network,
                    free_addresses=report.countable,
                )
                for report in batch.networks
            ]
        learned = moment_of(micros_of(batch.sent_at))
        for status in batch.switches:
            self._moves.learn(status, batch.node, learned)

    def _place(self, node: str, reports: Sequence[AttachmentReport], sent_at: int) -> None:
        spans = self._held.spans
        still = {(s.workload, s.attachment): n for n, s in enumerate(spans) if s.node == node and s.end is None}
        found = {
            key: OpenSpan(
                network=spans[n].network, physical_network=spans[n].physical_network, start=micros(spans[n].start)
            )
            for key, n in still.items()
        }
        change = changes(found, reports, sent_at)
        for key, until in change.closed.items():
            spans[still[key]] = replace(spans[still[key]], end=moment_of(until))
        for (workload, attachment), span in change.opened.items():
            spans.append(
                PlacementSpan(
                    node=node,
                    workload=workload,
                    attachment=attachment,
                    network=span.network,
                    physical_network=span.physical_network,
                    start=moment_of(span.start),
                    end=None,
                )
            )

    def uplink_loads(self, now: datetime, window: timedelta) -> Sequence[UplinkLoad]:
        loads = []
        for (node, name), pieces in sorted(self._held.uplinks.items()):
            if (latest := seen(pieces, now, window)) is None:
                continue
            newest, inside = latest
            into, out = rates(inside, newest, window)
            loads.append(
                UplinkLoad(
                    physical_network=name,
                    node=node,
                    capacity_bps=next(piece.capacity_bps for piece in inside if piece.until == newest),
                    in_bps=into,
                    out_bps=out,
                    sampled_at=moment_of(newest),
                    latency_ms=mean(piece.latency_ms for piece in inside),
                    loss=mean(piece.loss for piece in inside),
                )
            )
        return loads

    def attached(self, now: datetime, window: timedelta) -> Attached:
        since = (now - timedelta(days=1)).timestamp()
        heard = {agent.node for agent in self._held.agents.values() if agent.last_seen >= since}
        nodes = [of_node(node, reports) for node, reports in sorted(self._held.attachments.items()) if node in heard]
        reported = joined(nodes, ascending)
        into, out = np.full((2, len(reported.id)), np.nan)
        for key, *load in self._loads(now, window):
            if (row := reported.row_of.get(key)) is not None:
                into[row], out[row] = load
        return Attached(reported=reported, in_bps=into, out_bps=out)

    def _loads(self, now: datetime, window: timedelta) -> Iterator[tuple[str, float, float]]:
        """Of each attachment that was sampled: its key, bits per second in and out."""
        for known in self.attachments():
            report = known.report
            pieces = [
                piece
                for (node, workload, attachment, _), pieces in self._held.paths.items()
                if (node, workload, attachment) == (known.node, report.workload, report.attachment)
                for piece in pieces
            ]
            if (latest := seen(pieces, now, window)) is None:
                continue
            into, out = rates(latest[1], latest[0], window)
            yield f"{known.node}\n{report.workload}:{report.attachment}", into, out

    def attachments(self) -> Sequence[KnownAttachment]:
        with self._lock:
            return [
                KnownAttachment(node=node, report=report)
                for node, reports in sorted(self._held.attachments.items())
                for report in reports
            ]

    def networks(self) -> Sequence[KnownNetwork]:
        known = [network for networks in self._held.networks.values() for network in networks]
        return sorted(known, key=lambda network: (network.node, network.network))

    def placements(self, since: datetime) -> Mapping[str, tuple[Placement, ...]]:
        return {
            name: tuple(Placement(network=span.network, since=span.start) for span in stays)
            for name, stays in self._stays(since).items()
        }

    def changes(self, since: datetime) -> Mapping[str, tuple[Placement, ...]]:
        every, stays = self.placements(since), self._stays(since)
        lasting = {name for name, found in stays.items() if found[0].end is None and found[0].start < since}
        return {name: found for name, found in every.items() if len(found) > 1 or name not in lasting}

    def _stays(self, since: datetime) -> Mapping[str, list[PlacementSpan]]:
        """By workload id, on the node where it came last."""
        found: dict[str, list[PlacementSpan]] = {}
        for span in sorted(self._held.spans, key=lambda span: span.start):
            if span.end is None or (span.end > since and span.end > span.start):
                stays = found.setdefault(f"{span.workload}:{span.attachment}", [])
                stays[:] = [*(stay for stay in stays if stay.node == span.node), span]
        return {name: found[name] for name in sorted(found)}

    def placement_spans(self, start: datetime, end: datetime) -> Sequence[PlacementSpan]:
        found = [
            span
            for span in self._held.spans
            if span.start < end and (span.end is None or (span.end > start and span.end > span.start))
        ]
        return sorted(found, key=lambda span: span.start)

    def usage(self, start: datetime, end: datetime) -> Sequence[UsageRow]:
        rows = [
            UsageRow(
                start=moment_of(piece.start),
                seconds=(piece.until - piece.start) / PER_SECOND,
                physical_network=name,
                node=node,
                in_bytes=piece.into,
                out_bytes=piece.out,
            )
            for (node, name), pieces in self._held.uplinks.items()
            for piece in pieces
            if piece.start < micros(end) and piece.until > micros(start)
        ]
        return sorted(rows, key=lambda row: (row.start, row.node, row.physical_network))

    def usage_totals(self, start: datetime, end: datetime) -> Mapping[str, tuple[int, int]]:
        totals: dict[str, tuple[int, int]] = {}
        period = (micros(start), micros(end))
        for (_, name), pieces in sorted(self._held.carried.items(), key=lambda item: item[0][1]):
            for piece in pieces:
                whole = (piece.start, piece.until)
                if piece.start < period[1] and piece.until > period[0]:
                    into, out = totals.get(name, (0, 0))
                    totals[name] = (into + share(piece.into, whole, period), out + share(piece.out, whole, period))
        return totals

    def slot_totals(self, start: datetime, end: datetime, slot: timedelta) -> Mapping[str, SlotBytes]:
        if slot <= timedelta():
            raise ValueError(f"a slot of {slot} has no length")
        low, high, step = micros(start), micros(end), slot // MICROSECOND
        names: defaultdict[str, defaultdict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
        for (_, name), pieces in self._held.carried.items():
            for piece in pieces:
                first, last = max(piece.start, low), min(piece.until, high)
                for number in range((first - low) // step, -(-(last - low) // step)):
                    begins = low + number * step
                    part = (max(first, begins), min(last, begins + step))
                    for side, amount in enumerate((piece.into, piece.out)):
                        names[name][number][side] += share(amount, (piece.start, piece.until), part)
        return {name: slot_bytes(names[name]) for name in sorted(names)}

    def uplink_slots(self, start: datetime, end: datetime, slot: timedelta) -> Iterator[tuple[Uplink, SlotBytes]]:
        slots = Slots(start, end, slot)
        for (node, name), pieces in sorted(self._held.uplinks.items()):
            if (carried := in_slots(pieces, slots)).slots:
                inside = [piece for piece in pieces if piece.start < slots.period[1]]
                newest = max(inside, key=lambda piece: piece.until)
                yield Uplink(name, node), replace(carried, capacity_bps=newest.capacity_bps)

    def path_slots(self, start: datetime, end: datetime, slot: timedelta) -> Iterator[tuple[AttachmentPath, SlotBytes]]:
        slots = Slots(start, end, slot)
        for path, pieces in sorted(self._held.paths.items()):
            if (carried := in_slots(pieces, slots)).slots:
                yield AttachmentPath(*path), carried

    def resolution(self, start: datetime) -> timedelta:  # noqa: ARG002 - nothing is rolled up here
        return timedelta(0)

    def store_objects(self, versions: Sequence[ObjectVersion]) -> None:
        with self._lock:
            for version in versions:
                then = self._newest(version.recorded_at).get((version.kind, version.name))
                if _text(version) != _text(then):
                    self._held.objects.append(_as_stored(version))

    def objects(self, known_at: datetime | None = None) -> Sequence[StoredObject]:
        newest = self._newest(known_at)
        found = [newest[key] for key in sorted(newest)]
        return [version for version in found if isinstance(version, StoredObject)]

    def object_versions(self, after: datetime, until: datetime | None = None) -> Sequence[ObjectVersion]:
        ordered = sorted(self._held.objects, key=lambda version: version.recorded_at)
        return [one for one in ordered if after < one.recorded_at and (until is None or one.recorded_at <= until)]

    def _newest(self, known_at: datetime | None) -> dict[tuple[str, str], ObjectVersion]:
        known = [version for version in self._held.objects if known_at is None or version.recorded_at <= known_at]
        return {(version.kind, version.name): version for version in sorted(known, key=lambda one: one.recorded_at)}

    def record_decision(
        self, decision: Decision, inputs: bytes, moves: Sequence[RecordedMove], terms: Terms | None = None
    ) -> None:
        with self._lock:
            hashed = hashlib.sha256(inputs).hexdigest()
            recorded = RecordedDecision(
                at=decision.now, inputs=inputs, inputs_hash=hashed, decision=decision, terms=terms
            )
            self._held.decisions.append(recorded)
            for move in moves:
                self.record_move(move)

    def decision(self, at: datetime | None = None) -> RecordedDecision | None:
        if at is None:
            return self._held.decisions[-1] if self._held.decisions else None
        taken = [recorded for recorded in self._held.decisions if recorded.at <= at]
        return sorted(taken, key=lambda recorded: recorded.at)[-1] if taken else None

    def record_rankings(self, found: Sequence[Ranking]) -> None:
        with self._lock:
            held = self._held.rankings
            for ranking in found:
                before = held[ranking.node].computed_at if ranking.node in held else ranking.computed_at
                if before <= ranking.computed_at or before > self._clock().timestamp():
                    held[ranking.node] = ranking
            newest = max((ranking.computed_at for ranking in found), default=0.0)
            for node in [node for node, ranking in held.items() if ranking.computed_at < newest - DAY / PER_SECOND]:
                del held[node]

    def ranking(self, node: str) -> Ranking | None:
        return self._held.rankings.get(node)

    def record_move(self, move: RecordedMove) -> None:
        self._moves.record(move)

    def advance_move(self, status: SwitchStatus) -> None:
        self._moves.advance(status, self._clock())

    def phases(self, move: str) -> Mapping[Phase, datetime]:
        return self._moves.phases(move)

    def open_moves(self) -> Sequence[RecordedMove]:
        return [move for move in self._moves.decided() if move.open]

    def moves(self, since: datetime | None = None, limit: int | None = None) -> Sequence[RecordedMove]:
        found = reversed(self._moves.decided())
        return [move for move in found if since is None or move.decided_at >= since][:limit]

    def lately(self, since: datetime) -> Sequence[Switched]:
        return [switched(move) for move in reversed(self._moves.decided()) if move.open or move.decided_at >= since]

    def prune(self, before: datetime) -> int:
        """Delete samples that ended by then; how many."""
        deleted = 0
        with self._lock:
            for series in (*self._held.uplinks.values(), *self._held.paths.values()):
                kept = [piece for piece in series if piece.until > micros(before)]
                deleted += len(series) - len(kept)
                series[:] = kept
        return deleted


def _text(version: ObjectVersion | None) -> str | None:
    """None: the object is not there."""
    return as_text(version.document) if isinstance(version, StoredObject) else None


def _as_stored(version: ObjectVersion) -> ObjectVersion:
    """As what comes back from JSON: it shares nothing with what the caller has."""
    text = _text(version)
    return version if text is None else replace(version, document=msgspec.json.decode(text))
