"""How full every uplink is, and would be: the load now, without what our moves since the samples changed.

Control acts on background = total - ours. The total is as old as its samples; ours is what was on the uplink at that
time. What is on the uplink now is then added, so that a move counts as landed at once (decision.md, section 2). A
decision on old samples therefore does not repeat itself: this is what keeps workloads from moving as a herd.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

import numpy as np

from switcher.decide.board import NOWHERE, Board, Bools, Floats
from switcher.decide.caps import caps
from switcher.decide.limits import LEAST_STAY, Limits, Thresholds
from switcher.decide.settings import Settings
from switcher.model import Memory, NetworkState, Placement, Snapshot, newest_states
from switcher.objects.model import Book, ThresholdSpec

MILLISECOND = timedelta(milliseconds=1)
TOLERANCE = 1e-9
"""Share of a capacity that rounding of floats may exceed it by."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Projection:
    """By uplink. Loads are bits per second, in and out apart."""

    capacity: Floats
    fill: Floats
    """Bits per second that arrivals must fit under: what the threshold says, less what is kept free for drift."""
    remain: Floats
    """Bits per second that may remain where the excess leaves: what the threshold says arrivals fill, without what is
    kept free; but less than what makes it leave."""
    into: Floats
    out: Floats
    """What is there with every known move landed."""
    shedding: Bools
    """Congested, measured and confirmed or by our own moves: the excess over ``remain`` leaves. Where latency or loss
    are too high and the load is not, everyone may leave: ``remain`` is then nothing."""
    poor: Bools
    """Congested by latency or loss."""
    used_up: Bools
    """A quota is used up or soon will be."""
    stale: Bools
    fill_for: Callable[[timedelta], Floats]
    """``fill`` for arrivals that are to find room for so long."""

    def staying(self, stay: timedelta) -> Projection:
        """The same for arrivals that are to stay so long."""
        return replace(self, fill=self.fill_for(stay))

    @property
    def headroom(self) -> Floats:
        """What arrivals may add; below zero when the load is above ``fill``."""
        return self.fill - np.maximum(self.into, self.out)


def project(board: Board, memory: Memory, book: Book, settings: Settings) -> Projection:
    """The projection of a snapshot."""
    newest = newest_states(board.networks)
    states = [newest[uplink] for uplink in board.uplinks]
    specs = [book.threshold_for(uplink.physical_network) for uplink in board.uplinks]
    capacity = np.array([state.capacity_bps for state in states], dtype=np.float64)
    totals = [total_bps(state) for state in states]
    total_in = np.array([total[0] for total in totals], dtype=np.float64)
    total_out = np.array([total[1] for total in totals], dtype=np.float64)

    then_in, then_out = _ours_then(board, memory, [state.sampled_at for state in states])
    now_in, now_out = _ours_now(board)
    into = np.maximum(total_in - then_in, 0.0) + now_in
    out = np.maximum(total_out - then_out, 0.0) + now_out

    shed = np.array([float(spec.shed) for spec in specs], dtype=np.float64) * capacity * (1 + TOLERANCE)
    pairs = list(zip(states, specs, strict=True))
    above = [above_shed(*pair) for pair in pairs]
    measured = np.array(above, dtype=np.bool_)
    confirmed = np.array([_confirmed(memory, *one) for one in zip(states, specs, above, strict=True)], dtype=np.bool_)
    bad = np.array([poor(*pair) for pair in pairs], dtype=np.bool_)
    quota = caps(board, (into, out), memory, book)
    load, total = np.maximum(into, out), np.maximum(total_in, total_out)
    declared = np.array([float(spec.fill) for spec in specs], dtype=np.float64) * capacity
    stale = np.array([_stale(state, spec, board, settings) for state, spec in pairs], dtype=np.bool_)
    most = np.minimum(declared, quota.most)
    thresholds = Thresholds(capacity=capacity, fill=declared, shed=shed)
    limits = Limits(
        board=board,
        drifts=[memory.drift.get(uplink) for uplink in board.uplinks],
        thresholds=thresholds,
        load=load,
        spare=np.where(stale | bad, np.nan, most - load),
    )
    leave = limits.leave()
    # What has left since the sample was taken may have cured it: the next sample tells.
    left = bad & confirmed & (load >= total * (1 - TOLERANCE))

    def within(limit: Floats) -> Floats:
        upto = np.minimum(limit, most)
        return np.where(bad & (load <= upto), np.where(left, 0.0, load), upto)

    fill_for = cache(lambda stay: within(limits.arrive(stay)))
    return Projection(
        capacity=capacity,
        fill=fill_for(LEAST_STAY),
        remain=within(leave),
        into=into,
        out=out,
        shedding=((load > leave) & (~measured | confirmed)) | left | quota.above(load),
        poor=left,
        used_up=quota.leave,
        stale=stale,
        fill_for=fill_for,
    )


def fillable(seen: Snapshot, book: Book) -> dict[str, float]:
    """What each physical network may be filled with, bits per second, all nodes together."""
    found: dict[str, float] = {}
    for uplink in sorted(seen.newest, key=lambda uplink: (uplink.physical_network, uplink.node or "")):
        name, state = uplink.physical_network, seen.newest[uplink]
        found[name] = found.get(name, 0.0) + float(book.threshold_for(name).fill) * state.capacity_bps
    return found


def total_bps(state: NetworkState) -> tuple[float, float]:
    """(in, out) of all that is on the uplink; without directions all of it counts both ways."""
    if state.in_bps is not None and state.out_bps is not None:
        return state.in_bps, state.out_bps
    return state.used_bps, state.used_bps


def above_shed(state: NetworkState, spec: ThresholdSpec) -> bool:
    """Whether a sample is congested: above ``shed`` (the larger direction where both are known), or of bad quality."""
    full = max(total_bps(state)) > float(spec.shed) * state.capacity_bps * (1 + TOLERANCE)
    return state.capacity_bps > 0 and (full or poor(state, spec))


def poor(state: NetworkState, spec: ThresholdSpec) -> bool:
    """Whether latency or loss is above the threshold; what is not measured is not."""
    late = spec.latency is not None and state.latency_ms is not None and state.latency_ms > spec.latency / MILLISECOND
    lossy = spec.loss is not None and state.loss is not None and state.loss > float(spec.loss)
    return late or lossy


def _stale(state: NetworkState, spec: ThresholdSpec, board: Board, settings: Settings) -> bool:
    """Missing data means hold: no capacity is no sample either."""
    limit = spec.stale_after if "stale_after" in spec.model_fields_set else settings.stale_after
    return state.capacity_bps <= 0 or board.seen.now - state.sampled_at > limit


def _confirmed(memory: Memory, state: NetworkState, spec: ThresholdSpec, above: bool) -> bool:
    past = memory.over_shed.get(state.uplink, ())
    samples = [was_above for at, was_above in past if at < state.sampled_at]
    return sum([*samples, above][-spec.confirm.of :]) >= spec.confirm.at_least


def _ours_now(board: Board) -> tuple[Floats, Floats]:
    placed = np.flatnonzero(board.here != NOWHERE)
    uplink = board.uplink[placed, board.here[placed]]
    split = board.split[uplink]
    count = len(board.uplinks)
    into = np.where(split, board.into[placed], board.demand[placed])
    out = np.where(split, board.out[placed], board.demand[placed])
    return (
        np.bincount(uplink, weights=into, minlength=count).astype(np.float64),
        np.bincount(uplink, weights=out, minlength=count).astype(np.float64),
    )


def _ours_then(board: Board, memory: Memory, sampled_at: Sequence[datetime]) -> tuple[Floats, Floats]:
    """The same at the time of each uplink's samples. Only who moved lately differs from now."""
    into, out = _ours_now(board)
    oldest = min(sampled_at, default=board.seen.now)
    for workload, past in _placed(board, memory):
        network = board.workloads.network[workload]
        if past[-1].network == network and past[-1].since < oldest:
            continue
        now = _uplink_at(board, workload, network)
        for uplink, factor in _changes(board, workload, past, sampled_at, now):
            load_in, load_out = board.load(workload, uplink)
            into[uplink] += factor * load_in
            out[uplink] += factor * load_out
    return into, out


def _placed(board: Board, memory: Memory) -> Sequence[tuple[int, Sequence[Placement]]]:
    """The workloads of which it is known where they were, in the order of their names."""
    known = [(board.workloads.row_of.get(name), past) for name, past in memory.placements.items() if past]
    return sorted((row, past) for row, past in known if row is not None)


def _changes(
    board: Board, workload: int, past: Sequence[Placement], sampled_at: Sequence[datetime], now: int
) -> list[tuple[int, int]]:
    """(uplink, +1 or -1): where the workload was at the samples' time but is not now, and the other way round."""
    uplinks = {_uplink_at(board, workload, placement.network) for placement in past} | {now}
    changes = []
    for uplink in sorted(uplinks - {NOWHERE}):
        then = _uplink_at(board, workload, _network_at(past, sampled_at[uplink]))
        if (then == uplink) != (now == uplink):
            changes.append((uplink, 1 if then == uplink else -1))
    return changes


def _network_at(past: Sequence[Placement], at: datetime) -> str | None:
    """Where it was in the interval that ended at ``at``; None: nowhere yet."""
    before = [placement.network for placement in past if placement.since < at]
    return before[-1] if before else None


def _uplink_at(board: Board, workload: int, name: str | None) -> int:
    column = None if name is None else board.column(name)
    network = NOWHERE if column is None else board.rows_of_networks[workload][column]
    return NOWHERE if network == NOWHERE else board.uplinks_of_networks[network]
