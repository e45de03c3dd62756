"""How the load of each uplink changes by itself, learned from sample to sample.

Between two samples a load changes by our moves, which are known, and by the rest. The rest has a trend and a spread.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache

import numpy as np
from msgspec.structs import replace

from switcher.decide.board import same_network
from switcher.decide.projection import total_bps
from switcher.decide.reserve import WARM
from switcher.model import Drift, NetworkState, PastMove, Snapshot, Uplink
from switcher.workloads import Workloads

TREND = timedelta(minutes=45)
SPREAD = timedelta(hours=3)
"""Time constants of what is learned."""
OUTLIER = 3.0
"""Sigmas: what strays farther counts as so far. A jump is no spread; it is met by what ``shed`` says."""
LEAST_OUTLIER = 0.02
"""Of the load: so much is never too far, or what never changed could never begin to."""


def learn(before: Mapping[Uplink, Drift], seen: Snapshot, moves: Sequence[PastMove]) -> Mapping[Uplink, Drift]:
    """What is known once the samples of ``seen`` are; ``moves``: oldest first, as the memory of ``seen`` has them."""
    newest = seen.newest
    known = [before[uplink].sampled_at for uplink, state in newest.items() if _is_news(before.get(uplink), state)]
    since = min(known, default=seen.now)
    workloads = Workloads.of(seen.workloads)
    moving = {workloads.id[row] for row in np.flatnonzero(workloads.moving.each(bool, np.bool_)).tolist()}
    changes = _changes(seen, [move for move in moves if move.at >= since or move.workload in moving])
    busy = {uplink for uplink, ours in changes.items() if any(move.workload in moving for move, _ in ours)}
    return {
        uplink: _passed(before.get(uplink), state)
        if uplink in busy
        else _learned(before.get(uplink), state, changes.get(uplink, ()))
        for uplink, state in newest.items()
    }


Change = tuple[PastMove, float]
"""A move, and how much more an uplink carries by it."""


def _changes(seen: Snapshot, moves: Sequence[PastMove]) -> Mapping[Uplink, Sequence[Change]]:
    """What these moves changed on each uplink, at today's demands."""
    changes: dict[Uplink, list[Change]] = defaultdict(list)
    if not moves:
        return changes
    workloads = Workloads.of(seen.workloads)
    placed: dict[tuple[str, str | None], list[Uplink]] = defaultdict(list)
    for network in seen.networks:
        placed[network.name, network.node].append(network.uplink)
    names = {network.name for network in seen.networks}
    meant = {name: [known for known in names if same_network(known, name)] for name in _named(moves)}

    @cache
    def changed(name: str, node: str | None) -> Sequence[list[Change]]:
        return [changes[uplink] for known in meant[name] for uplink in _found(placed, known, node)]

    for move in moves:
        row = workloads.row_of.get(move.workload)
        if row is None:
            continue
        node, demand = workloads.node[row], float(workloads.demand_bps[row])
        for name, sign in ((move.source, -1.0), (move.target, 1.0)):
            for ours in changed(name, node):
                ours.append((move, sign * demand))
    return changes


def _named(moves: Sequence[PastMove]) -> set[str]:
    return {name for move in moves for name in (move.source, move.target)}


def _found(placed: Mapping[tuple[str, str | None], Sequence[Uplink]], name: str, node: str | None) -> Sequence[Uplink]:
    """The uplinks of a network on this node, and of the one that is the same everywhere."""
    everywhere = placed.get((name, None), ())
    return everywhere if node is None else [*placed.get((name, node), ()), *everywhere]


def _is_news(before: Drift | None, state: NetworkState) -> bool:
    """Whether a sample is newer than one that is known. Of a node that is gone none ever is."""
    return before is not None and before.sampled_at < state.sampled_at


def _passed(before: Drift | None, state: NetworkState) -> Drift:
    """Nothing is learned while a switch is in flight: at which moment its traffic changes over is not known."""
    load = max(total_bps(state))
    if before is None:
        return Drift(sampled_at=state.sampled_at, load=load)
    return replace(before, sampled_at=max(state.sampled_at, before.sampled_at), load=load)


def _learned(before: Drift | None, state: NetworkState, changes: Sequence[Change]) -> Drift:
    load = max(total_bps(state))
    if before is None:
        return Drift(sampled_at=state.sampled_at, load=load)
    seconds = (state.sampled_at - before.sampled_at).total_seconds()
    if seconds <= 0:
        return before
    if before.load <= 0:  # nothing was there that could have changed; what is known of other times stays so
        return replace(before, sampled_at=state.sampled_at, load=load, every=seconds)
    ours = sum(more for move, more in changes if before.sampled_at <= move.at < state.sampled_at)
    change = load - before.load - ours
    return replace(_updated(before, change, seconds), sampled_at=state.sampled_at, load=load, every=seconds)


def _updated(drift: Drift, change: float, seconds: float) -> Drift:
    """The trend and the spread with one more change. The first ones are plain means (Welford's)."""
    stray = change - drift.trend * seconds
    if drift.count >= WARM:
        most = max(OUTLIER * math.sqrt(drift.spread * drift.load * seconds), LEAST_OUTLIER * drift.load)
        stray = min(max(stray, -most), most)
    first = 1 / (drift.count + 1)
    quick = max(1 - math.exp(-seconds / TREND.total_seconds()), first)
    slow = max(1 - math.exp(-seconds / SPREAD.total_seconds()), first)
    return replace(
        drift,
        count=min(drift.count + 1, 10**6),
        trend=drift.trend + quick * stray / seconds,
        spread=drift.spread + slow * (stray * stray * (1 - quick) / seconds / drift.load - drift.spread),
    )
