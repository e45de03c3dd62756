"""What a decision sees and says: values only. Money is Decimal, times are aware UTC, rates bits per second.

What a tick makes ten thousands of, or looks up as often, is a struct: made, compared and hashed in a tenth of the time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import overload

import msgspec

from cni.wire import MoveReason
from switcher.columns import Column
from switcher.objects.words import Direction

__all__ = [
    "Carried",
    "Decision",
    "Drift",
    "Ledger",
    "Memory",
    "Move",
    "MoveReason",
    "NetworkState",
    "PastMove",
    "Placement",
    "Snapshot",
    "Stay",
    "StayReason",
    "Stays",
    "Uplink",
    "Usage",
    "WorkloadState",
    "newest_states",
    "usage_by_network",
]


class StayReason(StrEnum):
    """Why a workload stays; also the metric's label and the word that ``explain`` prints."""

    BEST = "Best"
    SAVING_TOO_SMALL = "SavingTooSmall"
    PAYBACK_TOO_LONG = "PaybackTooLong"
    COOLDOWN = "Cooldown"
    TOO_YOUNG = "TooYoung"
    DO_NOT_MOVE = "DoNotMove"
    FREEZE_WINDOW = "FreezeWindow"
    BUDGET_SPENT = "BudgetSpent"
    NO_CANDIDATE = "NoCandidate"
    NO_CAPACITY = "NoCapacity"
    NO_ADDRESS = "NoAddress"
    UNKNOWN_PRICE = "UnknownPrice"
    STALE_PRICE = "StalePrice"
    STALE_SAMPLES = "StaleSamples"
    ALREADY_MOVING = "AlreadyMoving"
    RECOMMEND_ONLY = "RecommendOnly"
    POLICY_OFF = "PolicyOff"
    NO_POLICY = "NoPolicy"
    QUARANTINED = "Quarantined"


class Uplink(msgspec.Struct, frozen=True, order=True, gc=False):
    """A physical network on one node (None: the same everywhere, as when a snapshot names no node)."""

    physical_network: str
    node: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkState:
    """A network on a node, with the load of its uplink as last sampled."""

    name: str
    physical_network: str
    node: str | None = None
    capacity_bps: float
    used_bps: float
    in_bps: float | None = None
    out_bps: float | None = None
    free_addresses: int | None = None
    latency_ms: float | None = None
    loss: float | None = None
    sampled_at: datetime
    quarantined: bool = False
    """Switches to it failed lately: nothing new goes there."""

    @property
    def uplink(self) -> Uplink:
        """Where capacity binds."""
        return Uplink(self.physical_network, self.node)

    @property
    def split(self) -> bool:
        """Whether the load is known by direction."""
        return self.in_bps is not None and self.out_bps is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadState:
    """One attachment of a workload. ``id`` is ``workload:attachment``; a bare id is not a primary interface."""

    id: str
    node: str | None = None
    network: str
    demand_bps: float
    in_bps: float | None = None
    out_bps: float | None = None
    destination: str | None = None
    candidates: tuple[str, ...] | None = None
    policy: str | None = None
    since: datetime | None = None
    """When it came to be (minimumAge counts from here)."""
    do_not_move: bool = False
    move_cost: Decimal | None = None
    penalties: Mapping[str, Decimal] | None = None
    """Money per GB, by network; replaces the policy's."""
    moving: bool = False
    """A switch is in flight; ``network`` is then where it will land."""
    namespace: str = "default"
    labels: Mapping[str, str] = field(default_factory=dict)
    attachment: str | None = None
    primary: bool = False


def workload_id(workload: str, attachment: str) -> str:
    """The id of an attachment in decisions."""
    return f"{workload}:{attachment}"


def newest_states(networks: Sequence[NetworkState]) -> dict[Uplink, NetworkState]:
    """The state that speaks for each uplink: of several networks on it the newest, ties by load."""
    ordered = sorted(networks, key=lambda state: (state.sampled_at, state.used_bps, state.name))
    return {state.uplink: state for state in ordered}


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All that one tick sees."""

    now: datetime
    networks: tuple[NetworkState, ...]
    workloads: Sequence[WorkloadState]
    """As columns (switcher.workloads) where they come from a history."""

    @cached_property
    def newest(self) -> Mapping[Uplink, NetworkState]:
        """The state that speaks for each uplink."""
        return newest_states(self.networks)


class Placement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A workload was on ``network`` from ``since`` on."""

    network: str
    since: datetime


class PastMove(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A move that was made, for cooldown, budgets and the flap penalty."""

    workload: str
    policy: str
    source: str
    target: str
    reason: MoveReason
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Bytes that a physical network carried since the start of its billing period."""

    in_bytes: Decimal = Decimal(0)
    out_bytes: Decimal = Decimal(0)
    both_bytes: Decimal = Decimal(0)
    """So many of them are in both, because nobody knows their direction."""


def usage_by_network(usage: Mapping[tuple[str, str], Usage]) -> Mapping[str, Mapping[str, Usage]]:
    """What each contract of a physical network has counted, by network, of counters by (network, contract)."""
    found: dict[str, dict[str, Usage]] = {}
    for (network, contract), counted in usage.items():
        found.setdefault(network, {})[contract] = counted
    return found


class Drift(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How an uplink's load changes beside our moves, as learned so far (switcher.decide.drift)."""

    sampled_at: datetime
    load: float
    """Bits per second, the larger direction, of the newest sample."""
    every: float = 0.0
    """Seconds between the last two samples."""
    trend: float = 0.0
    """Bits per second and second."""
    spread: float = 0.0
    """Variance that a second adds to the load, per bit per second of load: of many workloads it grows with them."""
    count: int = 0
    """Changes that were seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Where a percentile charge stands in its billing period (decide/ledger.py). Levels are bits per second."""

    networks: tuple[str, ...]
    """The physical networks that it counts together."""
    direction: Direction
    level: float
    """Billed whatever comes."""
    aim: float
    """Up to here more load is free; at least the level."""
    free: int
    """How many samples may yet be above the aim without being billed."""
    raising: Decimal | None
    """Money of the period that one more sample above the aim costs when none is free, however far above.

    None: no sample of the period is dropped, so that it costs as much as it is above.
    """
    begun: float
    """Bits per second that the running sample comes to already."""
    left: float
    """The part of it that is still to come, 0 to 1."""
    useful: timedelta
    """How long a level that a burst has raised would be used in the rest of the period."""
    rest: timedelta
    """Of the period: how long one that a lasting load has raised would be."""
    swing: float = 0.0
    """How much what all such links carry changes from sample to sample, as a part of it: a standard deviation."""
    trend: float = 0.0
    """How much their daily wave changes it from this sample to the next one, as a part of it."""
    steep: Decimal = Decimal(0)
    """Money of the period per bit per second beyond the aim."""
    heading: float = 0.0
    """What is billed if the rest of the period is like what has been so far; at least the level."""
    dropped: int = 0
    """How many samples of the period are not billed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What an uplink carried in a billing period, slot by slot (decide/carried.py); only without a history."""

    start: datetime
    end: datetime
    """Of the billing period."""
    into: bytes = b""
    out: bytes = b""
    """Means of the slots that are over, bits per second, as float64; not a number where there was no sample."""
    open_in: float = 0.0
    open_out: float = 0.0
    """Bits in the slot that is not over."""
    sampled: bool = False
    """Whether that slot has any sample."""
    split: bool = True
    """Whether directions are known; if not, both are the whole load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the controller's history knows and a snapshot does not say."""

    moves: tuple[PastMove, ...] = ()
    placements: Mapping[str, tuple[Placement, ...]] = field(default_factory=dict)
    """By workload id, oldest first: where it was when the samples were taken."""
    over_shed: Mapping[Uplink, tuple[tuple[datetime, bool], ...]] = field(default_factory=dict)
    """By uplink, oldest first: (sampled_at, above shed), for ``confirm``."""
    drift: Mapping[Uplink, Drift] = field(default_factory=dict)
    """How the load of each uplink changes beside our moves."""
    usage: Mapping[tuple[str, str], Usage] = field(default_factory=dict)
    """By (physical network, contract): the volume counters of the present billing period."""
    ledgers: Mapping[tuple[str, str], Ledger] = field(default_factory=dict)
    """By (contract, charge): where its percentiles stand."""
    carried: Mapping[tuple[Uplink, timedelta, datetime], Carried] = field(default_factory=dict)
    """By uplink, length of a slot and start of the billing period: what the ledgers are made of."""
    first_seen: Mapping[str, datetime] = field(default_factory=dict)


class Move(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A workload shall change its network."""

    workload: str
    source: str
    target: str
    reason: MoveReason
    saving_per_hour: Decimal
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A workload stays, for ``reason``; ``explanation`` is the sum that says why."""

    workload: str
    network: str
    reason: StayReason
    explanation: str


class Stays(Sequence[Stay]):
    """The stays of a tick as columns, in the order of the workloads' names; equal to any sequence of the same stays.

    An explanation is made when its stay is read: of a hundred thousand hardly one ever is. Who only counts reasons
    takes ``reasons``.
    """

    __slots__ = ("_tell", "networks", "reasons", "workloads")

    def __init__(
        self,
        workloads: Sequence[str],
        networks: Sequence[str],
        reasons: Sequence[StayReason],
        tell: Callable[[int], str],
    ) -> None:
        """``tell``: the explanation of the stay with this index."""
        self.workloads = workloads
        self.networks = networks
        self.reasons = reasons
        self._tell = tell

    def __len__(self) -> int:
        return len(self.workloads)

    @overload
    def __getitem__(self, index: int) -> Stay: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Stay]: ...

    def __getitem__(self, index: int | slice) -> Stay | Sequence[Stay]:
        if isinstance(index, slice):
            return tuple(self[number] for number in range(*index.indices(len(self))))
        number = range(len(self))[index]
        return Stay(
            workload=self.workloads[number],
            network=self.networks[number],
            reason=self.reasons[number],
            explanation=self._tell(number),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(Stay.__eq__, self, other))

    __hash__ = None  # type: ignore[assignment] # compared by what they say, like lists

    def __repr__(self) -> str:
        return f"Stays({list(self)!r})"


def stay_counts(stays: Sequence[Stay]) -> Counter[StayReason]:
    """How many stay for each reason; no explanation is made for it."""
    if not isinstance(stays, Stays):
        return Counter(stay.reason for stay in stays)
    reasons = stays.reasons if isinstance(stays.reasons, Column) else Column.of(stays.reasons)
    return Counter({reason: count for reason, count in zip(reasons.values, reasons.counts, strict=True) if count})


def picked(stays: Sequence[Stay], wanted: Callable[[str], bool]) -> Sequence[Stay]:
    """The stays of these workloads; no other explanation is made for it."""
    if isinstance(stays, Stays):
        return [stays[number] for number, name in enumerate(stays.workloads) if wanted(name)]
    return [stay for stay in stays if wanted(stay.workload)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One tick's answer: a move or a stay for every workload."""

    now: datetime
    moves: tuple[Move, ...]
    stays: Sequence[Stay]
    """:class:`Stays` when just decided."""
    surcharge: Mapping[str, Decimal]
    """Congestion's shadow price by network, money per GB; only what is above zero."""
