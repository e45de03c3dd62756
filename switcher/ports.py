"""What the cycle needs of the outside world. Each port is small and speaks our language; adapters implement them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from cni.wire import AttachmentReport, Batch, Outcome, Ranking, SwitchOrder, SwitchStatus
from switcher.model import Decision, PastMove, Placement, Uplink
from switcher.reported import Attached
from switcher.terms import Terms


class UplinkLoad(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The latest load of an uplink: means over the window that ends at ``sampled_at``."""

    physical_network: str
    node: str
    capacity_bps: float
    in_bps: float
    out_bps: float
    sampled_at: datetime
    latency_ms: float | None = None
    loss: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAttachment:
    """An attachment as its node last reported it."""

    node: str
    report: AttachmentReport


class KnownNetwork(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A network that a node can attach to, as it last reported it."""

    node: str
    network: str
    physical_network: str | None
    free_addresses: int | None


class RecordedMove(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A move from its decision to its outcome. ``order`` is what the node was or will be told."""

    node: str
    order: SwitchOrder
    policy: str
    decided_at: datetime
    saving_per_hour: str
    explanation: str
    status: SwitchStatus | None = None
    """None: not yet known to the node."""

    @property
    def open(self) -> bool:
        """Whether it may still be in flight."""
        return self.status is None or self.status.outcome is None


class Switched(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Of a recorded move what a tick looks back at: there may be a hundred thousand in a day."""

    id: str
    node: str
    move: PastMove
    outcome: Outcome | None
    """None: it may still be in flight."""
    seconds: float | None
    """How long it took from its start to its end; None: it has not moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """A user's object as stored: ``document`` is the validated document, ``recorded_at`` when it was learned."""

    kind: str
    name: str
    document: Mapping[str, Any]
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedObject:
    """That a user took an object away; ``recorded_at``: when this was learned."""

    kind: str
    name: str
    recorded_at: datetime


ObjectVersion = StoredObject | RemovedObject


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDecision:
    """A past tick: its inputs as JSON with their hash, and its answer."""

    at: datetime
    inputs: bytes
    inputs_hash: str
    decision: Decision
    terms: Terms | None = None
    """None: recorded without; it can be read, but not decided again."""
    hash: str | None = None
    """Of the whole record: inputs, terms, answer and time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """Bytes that an uplink or an attachment carried in one stored interval; the rows of a bill."""

    start: datetime
    seconds: float
    physical_network: str
    node: str
    in_bytes: int
    out_bytes: int


@dataclass(frozen=True, slots=True, order=True)
class AttachmentPath:
    """An attachment on one of the networks that it has been on; ``network`` as its node names it."""

    node: str
    workload: str
    attachment: str
    network: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotBytes:
    """Bytes in equal slots of a period, three columns of one length; slots without a sample are left out.

    A sample that straddles an edge counts in proportion, and none of its bytes is lost or doubled.
    """

    slots: Sequence[int]
    """Rising; 0 is the period's first."""
    in_bytes: Sequence[int]
    out_bytes: Sequence[int]
    capacity_bps: float = 0.0
    """Of an uplink, as last reported in the period; 0: not known any more, or no uplink."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPoint:
    """Mean load of one step of a chart, which begins at ``start``."""

    start: datetime
    in_bps: float
    out_bps: float
    capacity_bps: float | None
    """The highest of the step; None: of a whole physical network, or not known any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSeries:
    """A chart's line: steps of equal length, in order of time; a step without any sample is left out."""

    step: timedelta
    points: tuple[LoadPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementSpan:
    """An attachment was on a network from ``start`` to ``end`` (None: still is)."""

    node: str
    workload: str
    attachment: str
    network: str
    physical_network: str | None
    start: datetime
    end: datetime | None


class Ledger(Protocol):
    """Where agents' batches end up."""

    def ingest(self, batch: Batch) -> int:
        """Store the batch exactly once and return the highest sequence number held for its agent.

        A batch seen before is a success that changes nothing; a batch that skips numbers is stored all the same
        (its agent lost its spool) and the gap is counted. Raises TryLaterError when the database cannot take it:
        nothing of it is then stored.
        """


class History(Ledger, Protocol):
    """All that is remembered. Every method raises TryLaterError when the database is away."""

    def uplink_loads(self, now: datetime, window: timedelta) -> Sequence[UplinkLoad]:
        """The newest load of each uplink: means over the samples of the last ``window`` before its newest one."""

    def attached(self, now: datetime, window: timedelta) -> Attached:
        """What exists now as columns, with the same loads of each, whatever network it was on.

        Only what rides on a physical network, of nodes that have sent something within a day before then.
        """

    def attachments(self) -> Sequence[KnownAttachment]:
        """Every attachment that exists now."""

    def networks(self) -> Sequence[KnownNetwork]:
        """Every network that a node reported."""

    def placements(self, since: datetime) -> Mapping[str, tuple[Placement, ...]]:
        """By workload id (``workload:attachment``), oldest first: its networks since then, on its last node."""

    def changes(self, since: datetime) -> Mapping[str, tuple[Placement, ...]]:
        """The same for those alone that came, went or changed their network since then: few of very many."""

    def placement_spans(self, start: datetime, end: datetime) -> Sequence[PlacementSpan]:
        """Every stay of an attachment on a network that touches ``[start, end)``, for bills and charts."""

    def usage(self, start: datetime, end: datetime) -> Sequence[UsageRow]:
        """Uplink samples whose interval touches ``[start, end)``, oldest first."""

    def usage_totals(self, start: datetime, end: datetime) -> Mapping[str, tuple[int, int]]:
        """Bytes (in, out) of each physical network in ``[start, end)``, all nodes together, summed by the database.

        A sample that straddles an edge counts in proportion.
        """

    def slot_totals(self, start: datetime, end: datetime, slot: timedelta) -> Mapping[str, SlotBytes]:
        """Bytes of each physical network, all nodes together, in slots from ``start`` on; ``end`` may cut the last.

        Cheap over months where ``start`` lies on UTC's grid of minutes: a tick may call it. Slots without a sample are
        left out. Raises ValueError when ``slot`` is not longer than zero.
        """

    def uplink_slots(self, start: datetime, end: datetime, slot: timedelta) -> Iterator[tuple[Uplink, SlotBytes]]:
        """What each uplink carried in each slot of ``[start, end)``, by node and name; one after the other."""

    def path_slots(self, start: datetime, end: datetime, slot: timedelta) -> Iterator[tuple[AttachmentPath, SlotBytes]]:
        """The same of each attachment on each network, for backtests: one after the other, for they may be many."""

    def resolution(self, start: datetime) -> timedelta:
        """How fine it is known from ``start`` on what attachments carried; zero: as it was sampled."""

    def store_objects(self, versions: Sequence[ObjectVersion]) -> None:
        """Keep these versions; one that changes nothing about what is known at its time is left out.

        Objects are never overwritten: what was known at a past moment stays readable, removals too.
        """

    def objects(self, known_at: datetime | None = None) -> Sequence[StoredObject]:
        """The newest version then of each object that was known and not removed, by kind and name; None: now."""

    def object_versions(self, after: datetime, until: datetime | None = None) -> Sequence[ObjectVersion]:
        """What became known later than ``after``, and not later than ``until``, oldest first; None: all of it."""

    def record_decision(
        self, decision: Decision, inputs: bytes, moves: Sequence[RecordedMove], terms: Terms | None = None
    ) -> None:
        """Store a tick's decision with its inputs and terms, and its moves as decided, in one transaction."""

    def decision(self, at: datetime | None = None) -> RecordedDecision | None:
        """The last decision taken at or before ``at``; None: the one that was recorded last.

        Those differ after a clock was set back. Raises TamperedError when the record is not what was stored.
        """

    def record_rankings(self, found: Sequence[Ranking]) -> None:
        """Keep each as its node's last, unless a newer one is there that the clock has reached.

        A node without one keeps its last for a day.
        """

    def ranking(self, node: str) -> Ranking | None:
        """The node's last ranking, as it was recorded."""

    def record_move(self, move: RecordedMove) -> None:
        """Store a move that no tick decided (by hand)."""

    def advance_move(self, status: SwitchStatus) -> None:
        """Store a new status of a move; the time of each phase is kept. A status older than the stored is ignored."""

    def open_moves(self) -> Sequence[RecordedMove]:
        """Moves that may still be in flight, oldest first."""

    def moves(self, since: datetime | None = None, limit: int | None = None) -> Sequence[RecordedMove]:
        """Moves decided since then, newest first."""

    def lately(self, since: datetime) -> Sequence[Switched]:
        """Moves decided since then, newest first, and those in flight however old. For every tick."""


class NodeHands(Protocol):
    """Orders to a node's agent."""

    def order(self, node: str, order: SwitchOrder) -> None:
        """Start a switch on a node; asked twice with the same id it is started once.

        Raises TryLaterError when the agent cannot be reached, RefusedError when the node refuses.
        """

    def switches(self, node: str) -> Sequence[SwitchStatus]:
        """All switches in the node's journal. Raises TryLaterError when the agent cannot be reached."""
