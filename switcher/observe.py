"""What a tick sees: the history's newest loads, attachments and moves, as one snapshot and its memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np

from switcher.columns import Column
from switcher.decide.board import Bools, same_network
from switcher.decide.memory import LOOK_BACK, look_back, reach
from switcher.decide.projection import above_shed
from switcher.decide.rules import policy_of
from switcher.ledgers import SlotReader
from switcher.model import Memory, NetworkState, Placement, Snapshot, Uplink, Usage, WorkloadState
from switcher.objects.model import Book
from switcher.objects.values import duration
from switcher.past import by_clock, failures, in_flight, refused, remembered, rows_of
from switcher.ports import History, KnownNetwork, Switched, UplinkLoad
from switcher.reported import Attached, Reported
from switcher.tariff import metered_periods
from switcher.tariff.periods import Span
from switcher.workloads import Workloads

MICROSECOND = timedelta(microseconds=1)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""``sampled_at`` of an uplink that was never sampled: stale by any measure."""
FAILURES = 2
"""A network to which this many switches failed lately on a node gets nothing new there."""
OLD = timedelta(hours=1)
"""Where workloads were when older samples were taken matters only where such samples still count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How the history is read: loads are means over ``window``."""

    window: timedelta
    stale_after: timedelta = OLD
    """How old a sample may be and still count, where no threshold says otherwise."""
    slots: SlotReader = field(default_factory=SlotReader, compare=False)


def observe(
    history: History, book: Book, now: datetime, sight: Sight, moves: Sequence[Switched] | None = None
) -> tuple[Snapshot, Memory]:
    """The snapshot of ``now`` and what the history remembers. Raises TryLaterError when the database is away.

    ``moves``: what :func:`looked_back` gives, where the caller has read it already.
    """
    moves = looked_back(history, book, now) if moves is None else moves
    attached = history.attached(now, sight.window).once()
    known, loads = attached.reported, history.uplink_loads(now, sight.window)
    flying = in_flight(moves, {load.node for load in loads if load.sampled_at > now - LOOK_BACK}, now)
    networks = _networks(history.networks(), loads, failures(moves, now))
    workloads = _without(_workloads(attached, flying, now), refused(moves, known, now), networks, book)
    snapshot = Snapshot(now=now, networks=networks, workloads=workloads)
    return snapshot, Memory(
        moves=remembered(moves, flying, now - reach(book)),
        placements=_placements(history.changes(_oldest(loads, book, sight, now)), flying, known),
        usage=running_usage(history, book, now),
        over_shed=_confirmations(history, snapshot, book, sight.window),
        ledgers=sight.slots.ledgers(history, book, snapshot),
    )


def looked_back(history: History, book: Book, now: datetime) -> Sequence[Switched]:
    """The moves that anything looks back at, newest first."""
    return by_clock(history.lately(now - look_back(book)), now)


def _networks(
    known: Sequence[KnownNetwork], loads: Sequence[UplinkLoad], failed: Mapping[tuple[str, str], int]
) -> tuple[NetworkState, ...]:
    by_uplink = {Uplink(load.physical_network, load.node): load for load in loads}
    states = []
    for network in known:
        if network.physical_network is None:
            continue
        load = by_uplink.get(Uplink(network.physical_network, network.node))
        quarantined = failed.get((network.node, network.network), 0) >= FAILURES
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


def _workloads(attached: Attached, flying: Sequence[Switched], now: datetime) -> Workloads:
    known, count = attached.reported, len(attached.reported.id)
    # Of several that are open the one that was ordered last counts.
    landing = {row: one.move.target for one in reversed(flying) for row in rows_of(known, one)}
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


def _without(
    workloads: Workloads, targets: Mapping[int, frozenset[str]], networks: Sequence[NetworkState], book: Book
) -> Workloads:
    """The workloads with candidates that their nodes did not refuse lately."""
    if not targets:
        return workloads
    names = tuple(sorted({network.name for network in networks}))
    left = {row: _left(workloads[row], each, names, book) for row, each in targets.items()}
    return replace(workloads, candidates=workloads.candidates.patched(left))


def _left(state: WorkloadState, targets: frozenset[str], names: Sequence[str], book: Book) -> tuple[str, ...]:
    """The candidates of a workload, by default all ``names``, without these targets."""
    policy = policy_of(state, book)
    listed = None if policy is None else policy.spec.candidates
    candidates = names if listed is None else listed
    return tuple(name for name in candidates if not any(same_network(name, target) for target in targets))


def _oldest(loads: Sequence[UplinkLoad], book: Book, sight: Sight, now: datetime) -> datetime:
    """When the oldest sample was taken that still counts: it matters where workloads were then, and since."""
    counts = max(OLD, sight.stale_after, *(threshold.spec.stale_after for threshold in book.thresholds))
    oldest = min((load.sampled_at for load in loads), default=now)
    return max(oldest, now - min(counts, LOOK_BACK)) - MICROSECOND  # where it was before a stay that begins just then


def _placements(
    changes: Mapping[str, tuple[Placement, ...]], flying: Sequence[Switched], known: Reported
) -> Mapping[str, tuple[Placement, ...]]:
    """Where those were who came or moved lately, or are about to land: everyone else was where it is."""
    landing = {one.move.workload for one in flying}
    placed = dict(changes)
    for name in sorted(landing - placed.keys()):
        for row in known.rows_of(name):
            since = datetime.fromtimestamp(known.since[row], UTC)
            placed[name] = (Placement(network=known.network[row], since=since),)
    return placed


def running_usage(history: History, book: Book, now: datetime) -> Mapping[tuple[str, str], Usage]:
    """The volume counters of each contract's running billing period; contracts without volume need none.

    A contract has one counter for all its networks (a pool): each of them is told the sum.
    """
    usage: dict[tuple[str, str], Usage] = {}
    totals: dict[Span, Mapping[str, tuple[int, int]]] = {}
    for running in metered_periods(book, now):
        spans = [((start, end), names) for start, end, names in running.counted]
        totals |= {span: history.usage_totals(*span) for span, _ in spans if span not in totals}
        counted = [totals[span].get(name, (0, 0)) for span, names in spans for name in names]
        pool = Usage(
            in_bytes=Decimal(sum(into for into, _ in counted)), out_bytes=Decimal(sum(out for _, out in counted))
        )
        usage |= {(name, running.contract): pool for name in running.physical_networks}
    return usage


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
