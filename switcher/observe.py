"""What a tick sees: the history's newest loads, attachments and moves, as one snapshot and its memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median

import numpy as np

from cni.wire import MoveReason, Outcome
from switcher.columns import Column
from switcher.decide.board import Bools, same_network
from switcher.decide.projection import above_shed
from switcher.ledgers import SlotReader
from switcher.model import Memory, NetworkState, PastMove, Placement, Snapshot, Uplink, Usage, WorkloadState
from switcher.objects.model import Book
from switcher.objects.values import duration
from switcher.plan import policy_of
from switcher.ports import History, KnownNetwork, RecordedMove, UplinkLoad
from switcher.reported import Attached, Reported
from switcher.tariff import metered_periods
from switcher.workloads import Workloads

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""``sampled_at`` of an uplink that was never sampled: stale by any measure."""
LOOK_BACK = timedelta(days=1)
"""How far back moves and placements matter (budgets, cooldown, flap penalty)."""
FAILURES = 2
QUARANTINE = timedelta(minutes=10)
"""A network to which this many switches failed on a node within this time gets nothing new there."""
RETRY_REFUSED = timedelta(minutes=15)
"""A target that the node refused for an attachment is offered again after this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How the history is read: loads are means over ``window``."""

    window: timedelta
    slots: SlotReader = field(default_factory=SlotReader, compare=False)


def observe(
    history: History, book: Book, now: datetime, sight: Sight, moves: Sequence[RecordedMove] | None = None
) -> tuple[Snapshot, Memory]:
    """The snapshot of ``now`` and what the history remembers. Raises TryLaterError when the database is away.

    ``moves``: those of the last ``LOOK_BACK``, newest first, where the caller has read them already.
    """
    moves = history.moves(since=now - LOOK_BACK) if moves is None else moves
    attached = history.attached(now, sight.window).once()
    networks = _networks(history.networks(), history.uplink_loads(now, sight.window), moves, now)
    workloads = _workloads(attached, moves, now)
    refused = _refused(attached.reported, moves, now)
    snapshot = Snapshot(now=now, networks=networks, workloads=_without(workloads, refused, networks, book))
    memory = _memory(history, book, moves, attached.reported, now)
    return snapshot, replace(
        memory,
        over_shed=_confirmations(history, snapshot, book, sight.window),
        ledgers=sight.slots.ledgers(history, book, snapshot),
    )


def workload_id(workload: str, attachment: str) -> str:
    """The id of an attachment in decisions."""
    return f"{workload}:{attachment}"


def _networks(
    known: Sequence[KnownNetwork], loads: Sequence[UplinkLoad], moves: Sequence[RecordedMove], now: datetime
) -> tuple[NetworkState, ...]:
    by_uplink = {Uplink(load.physical_network, load.node): load for load in loads}
    failures = Counter(
        (move.node, move.order.target)
        for move in moves
        if move.status is not None
        and move.status.outcome in (Outcome.UNDONE, Outcome.FAILED, Outcome.RETURNED)
        and now - move.decided_at <= QUARANTINE
    )
    states = []
    for network in known:
        if network.physical_network is None:
            continue
        load = by_uplink.get(Uplink(network.physical_network, network.node))
        quarantined = failures[network.node, network.network] >= FAILURES
        states.append(_network(network, network.physical_network, load, quarantined))
    return tuple(sorted(states, key=lambda state: (state.name, state.node or "")))


def _network(network: KnownNetwork, physical_network: str, load: UplinkLoad | None, quarantined: bool) -> NetworkState:
    return NetworkState(
        name=network.network,
        physical_network=physical_network,
        node=network.node,
        capacity_bps=load.capacity_bps if load else 0.0,
        used_bps=max(load.in_bps, load.out_bps) if load else 0.0,
        in_bps=load.in_bps if load else None,
        out_bps=load.out_bps if load else None,
        free_addresses=network.free_addresses,
        latency_ms=load.latency_ms if load else None,
        loss=load.loss if load else None,
        sampled_at=load.sampled_at if load else NEVER,
        quarantined=quarantined,
    )


def _workloads(attached: Attached, moves: Sequence[RecordedMove], now: datetime) -> Workloads:
    known, count = attached.reported, len(attached.reported.id)
    landing = {row: move.order.target for move in moves if move.open for row in _rows(known, move)}
    return Workloads(
        id=known.id,
        node=known.node,
        network=known.network.patched(landing),
        demand_bps=np.nan_to_num(np.maximum(attached.in_bps, attached.out_bps)),
        in_bps=attached.in_bps,
        out_bps=attached.out_bps,
        destination=Column.same(None, count),
        candidates=Column.same(None, count),
        policy=Column.same(None, count),
        since=known.born,
        do_not_move=_held(known, now),
        move_cost=Column.same(None, count),
        penalties=Column.same(None, count),
        moving=Column.same(False, count).patched(dict.fromkeys(landing, True)),
        namespace=known.namespace,
        labels=known.labels,
        attachment=known.attachment,
        primary=known.primary,
    )


def _rows(known: Reported, move: RecordedMove) -> Iterable[int]:
    """The row of what moves; none once another node has it: what a node that is gone was told is no order to others."""
    return (row for row in known.rows_of(_name(move)) if known.node[row] == move.node)


def _held(known: Reported, now: datetime) -> Column[bool]:
    """``do-not-move``: ``true``, or a duration since the start; what cannot be read holds, as the safe side."""
    annotation = known.do_not_move
    held = np.zeros(len(annotation), dtype=np.int32)
    for code, text in enumerate(annotation.values):
        if text is not None and text != "false":
            held[(annotation.at == code) & _holds(text, known, now)] = 1
    return Column((False, True), held)


def _holds(text: str, known: Reported, now: datetime) -> Bools:
    """By row: whether it would be held, were it annotated so."""
    try:
        span = duration(text)
    except ValueError:
        return np.ones(len(known.id), dtype=np.bool_)
    holds: Bools = known.born.each(lambda started: now < started + span, np.bool_)
    return holds


def _refused(known: Reported, moves: Sequence[RecordedMove], now: datetime) -> Mapping[int, frozenset[str]]:
    """By row: the targets that its node refused lately."""
    targets: dict[int, frozenset[str]] = {}
    for move in moves:
        refused = move.status is not None and move.status.outcome is Outcome.REFUSED
        if refused and now - move.decided_at <= RETRY_REFUSED:
            for row in _rows(known, move):
                targets[row] = targets.get(row, frozenset()) | {move.order.target}
    return targets


def _without(
    workloads: Workloads, refused: Mapping[int, frozenset[str]], networks: Sequence[NetworkState], book: Book
) -> Workloads:
    """The workloads with candidates that their nodes did not refuse lately."""
    if not refused:
        return workloads
    names = tuple(sorted({network.name for network in networks}))
    left = {row: _left(workloads[row], targets, names, book) for row, targets in refused.items()}
    return replace(workloads, candidates=workloads.candidates.patched(left))


def _left(state: WorkloadState, refused: frozenset[str], names: Sequence[str], book: Book) -> tuple[str, ...]:
    """The candidates of a workload, by default all ``names``, without the refused."""
    policy = policy_of(state, book)
    listed = None if policy is None else policy.spec.candidates
    candidates = names if listed is None else listed
    return tuple(name for name in candidates if not any(same_network(name, target) for target in refused))


def _memory(
    history: History,
    book: Book,
    moves: Sequence[RecordedMove],
    known: Reported,
    now: datetime,
) -> Memory:
    """When each workload was first seen is its ``since`` here: nodes report it."""
    return Memory(
        moves=tuple(_past(move) for move in reversed(moves)),
        placements=_placements(history.changes(now - LOOK_BACK), moves, known),
        usage=running_usage(history, book, now),
    )


def _placements(
    changes: Mapping[str, tuple[Placement, ...]], moves: Sequence[RecordedMove], known: Reported
) -> Mapping[str, tuple[Placement, ...]]:
    """Where those were who came or moved lately, or are about to land: everyone else was where it is."""
    landing = {_name(move) for move in moves if move.open}
    placed = dict(changes)
    for name in sorted(landing - placed.keys()):
        for row in known.rows_of(name):
            since = datetime.fromtimestamp(known.since[row], UTC)
            placed[name] = (Placement(network=known.network[row], since=since),)
    return placed


def _name(move: RecordedMove) -> str:
    return workload_id(move.order.workload, move.order.attachment)


def _past(move: RecordedMove) -> PastMove:
    order = move.order
    return PastMove(
        workload=_name(move),
        policy=move.policy,
        source=order.source,
        target=order.target,
        reason=MoveReason(order.reason),
        at=move.decided_at,
    )


def running_usage(history: History, book: Book, now: datetime) -> Mapping[tuple[str, str], Usage]:
    """The volume counters of each contract's running billing period; contracts without volume need none.

    A contract has one counter for all its networks (a pool): each of them is told the sum.
    """
    usage: dict[tuple[str, str], Usage] = {}
    totals: dict[datetime, Mapping[str, tuple[int, int]]] = {}
    for running in metered_periods(book, now):
        if running.start not in totals:
            totals[running.start] = history.usage_totals(running.start, now)
        counted = [totals[running.start].get(name, (0, 0)) for name in running.physical_networks]
        pool = Usage(
            in_bytes=Decimal(sum(into for into, _ in counted)), out_bytes=Decimal(sum(out for _, out in counted))
        )
        usage |= {(name, running.contract): pool for name in running.physical_networks}
    return usage


def median_switch_seconds(moves: Sequence[RecordedMove]) -> float | None:
    """How long a switch takes from its start to its end; None: none has moved yet."""
    ended = [move.status for move in moves if move.status is not None and move.status.outcome is Outcome.MOVED]
    return median(status.finished_at - status.started_at for status in ended if status.finished_at) if ended else None


def _confirmations(
    history: History, seen: Snapshot, book: Book, window: timedelta
) -> Mapping[Uplink, tuple[tuple[datetime, bool], ...]]:
    """Whether each uplink was congested in the last windows, for ``confirm``; newest last.

    Read from the history, so that a controller that has just started knows as much as one that has run for long.
    """
    newest = {uplink: state for uplink, state in seen.newest.items() if state.capacity_bps > 0}
    spec = {uplink: book.threshold_for(uplink.physical_network) for uplink in newest}
    found = {uplink: [(state.sampled_at, above_shed(state, spec[uplink]))] for uplink, state in newest.items()}
    for step in range(1, max((each.confirm.of for each in spec.values()), default=1)):
        for load in history.uplink_loads(seen.now - step * window, window):
            uplink = Uplink(load.physical_network, load.node)
            if uplink in found and step < spec[uplink].confirm.of and load.sampled_at < found[uplink][0][0]:
                past = replace(
                    newest[uplink],
                    capacity_bps=load.capacity_bps,
                    in_bps=load.in_bps,
                    out_bps=load.out_bps,
                    latency_ms=load.latency_ms,
                    loss=load.loss,
                )
                found[uplink].insert(0, (load.sampled_at, above_shed(past, spec[uplink])))
    return {uplink: tuple(samples) for uplink, samples in found.items()}
