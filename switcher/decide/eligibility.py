"""Who may move, where to, and what stands against it: the reasons that do not depend on what others do.

Everything here is an answer of its own: a hold keeps a workload whatever it would save; a block keeps it off one
network; a gate keeps it from saving money now, but not from leaving an uplink that is too full.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from functools import partial

import numpy as np

from switcher.columns import Column
from switcher.decide.board import NOWHERE, Board, Bools, Codes, Floats, Ints
from switcher.decide.prices import GAPS, Prices
from switcher.decide.projection import Projection
from switcher.decide.rules import Rules
from switcher.model import Memory, NetworkState, StayReason
from switcher.objects.model import PolicyMode, SwitchPolicy
from switcher.tariff.marginal import PriceGap

NOTHING_GAINED = 1e-9
"""Money per hour below which a saving is rounding, as a share of the price."""
GAP_REASON = {PriceGap.UNKNOWN: StayReason.UNKNOWN_PRICE, PriceGap.STALE: StayReason.STALE_PRICE}
BLOCKS = (
    None,
    StayReason.STALE_SAMPLES,
    StayReason.UNKNOWN_PRICE,
    StayReason.STALE_PRICE,
    StayReason.QUARANTINED,
    StayReason.NO_ADDRESS,
)
"""What may stand against a network, most pressing first; 0 is nothing."""
REASONS = (None, *StayReason)
"""Reasons in columns are indexes into this; 0 is none."""


class Lack(IntEnum):
    """What keeps a saving from being worth a move, most pressing first. Its number is what columns hold."""

    NOTHING = 0
    COMPARISON = 1
    """There is no price, here or there."""
    SAVING = 2
    HORIZON = 3
    """Over the horizon it does not cover the move."""
    PAYBACK = 4
    """Within the payback time it does not pay for the move."""
    WEIGHT = 5
    """Too small a part of the policy's costs for its disruption (``disruptionThreshold``)."""
    TIME = 6
    """It does not begin yet."""


LACKING = {
    Lack.COMPARISON: StayReason.UNKNOWN_PRICE,
    Lack.SAVING: StayReason.BEST,
    Lack.HORIZON: StayReason.SAVING_TOO_SMALL,
    Lack.PAYBACK: StayReason.PAYBACK_TOO_LONG,
    Lack.WEIGHT: StayReason.SAVING_TOO_SMALL,
    Lack.TIME: StayReason.BEST,
}
"""Why a workload stays whose best saving lacks it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """Shapes: W workloads, C network names."""

    hold: Ints
    """W: index into :data:`REASONS`: stays whatever happens."""
    gate: Ints
    """W: index into :data:`REASONS`: does not move for money now."""
    block: Codes
    """W x C: index into :data:`BLOCKS` for candidates."""
    open: Bools
    """W x C: candidates that nothing stands against."""
    saving: Floats
    """W x C: money per hour, before move cost; not a number where there is no price."""
    lack: Codes
    """W x C: :class:`Lack`, of candidates and others alike."""
    worth: Bools
    """W x C: candidates whose saving lacks nothing."""

    @property
    def free(self) -> Bools:
        """W: not held."""
        nothing: Bools = self.hold == 0
        return nothing


def standing(board: Board, rules: Rules, projection: Projection, priced: Prices, memory: Memory) -> Standing:
    """The standing of every workload."""
    block = _blocks(board, rules, projection, priced)
    saving, begun = _savings(board, priced)
    lack = _lacks(rules, saving, _slight(board, rules, priced, saving), begun)
    return Standing(
        hold=_holds(board, rules, projection, priced),
        gate=_gates(board, rules, memory),
        block=block,
        open=rules.candidates & (block == 0),
        saving=saving,
        lack=lack,
        worth=rules.candidates & (lack == Lack.NOTHING),
    )


def code(reason: StayReason) -> int:
    """The index of a reason in :data:`REASONS`."""
    return REASONS.index(reason)


def natural_reasons(standing: Standing, rules: Rules) -> Ints:
    """W: why a workload stays that neither capacity nor a gate or a budget keeps; index into :data:`REASONS`."""
    candidates = rules.candidates
    if not candidates.shape[1]:
        return np.full(len(candidates), code(StayReason.NO_CANDIDATE), dtype=np.int64)
    blocked = candidates & (standing.block > 0)
    better = blocked & standing.worth
    has_better, any_open, none = _any(better), _any(standing.open), ~_any(candidates)
    pressing = np.full(len(candidates), len(BLOCKS))
    if blocked.any():
        pressing = np.where(np.where(has_better[:, None], better, blocked), standing.block, len(BLOCKS)).min(axis=1)
    best = np.where(standing.open, standing.saving, -np.inf).argmax(axis=1)
    lack = standing.lack[np.arange(len(best)), best]
    return _first_of(
        (none, StayReason.NO_CANDIDATE),
        *((~(any_open & ~has_better) & (pressing == number), reason) for number, reason in enumerate(BLOCKS) if reason),
        *((lack == number, reason) for number, reason in LACKING.items()),
        (lack == Lack.NOTHING, StayReason.BEST),  # others say why it stays
    )


def _any(flags: Bools) -> Bools:
    """W: whether any column of the row is true."""
    return np.logical_or.reduce(flags, axis=1)  # type: ignore[no-any-return] # numpy's stubs do not know the shape


def _first_of(*cases: tuple[Bools, StayReason]) -> Ints:
    """W: the reason of the first case that applies, 0 where none does."""
    applies = np.stack([case for case, _ in cases])
    codes = np.array([code(reason) for _, reason in cases], dtype=np.int64)
    return np.where(applies.any(axis=0), codes[applies.argmax(axis=0)], 0)


def _holds(board: Board, rules: Rules, projection: Projection, priced: Prices) -> Ints:
    states, home = board.workloads, board.home_uplink
    stale = np.append(projection.stale, True)[home]
    rows = np.arange(len(states))
    gap = priced.gap[rows, board.here] if len(board.names) else np.zeros(len(states), dtype=np.int64)
    return _first_of(
        (states.moving.each(bool, np.bool_), StayReason.ALREADY_MOVING),
        (rules.number == NOWHERE, StayReason.NO_POLICY),
        (rules.flags(lambda policy: policy.spec.mode is PolicyMode.OFF), StayReason.POLICY_OFF),
        (states.do_not_move.each(bool, np.bool_), StayReason.DO_NOT_MOVE),
        (stale, StayReason.STALE_SAMPLES),
        *((gap == GAPS.index(reason), GAP_REASON[reason]) for reason in GAP_REASON),
    )


def _gates(board: Board, rules: Rules, memory: Memory) -> Ints:
    ids, since, last = board.workloads.id, board.workloads.since, dict[int, datetime]()
    for move in memory.moves:
        if (row := board.workloads.row_of.get(move.workload)) is not None:
            last[row] = max(move.at, last.get(row, move.at))
    never: Column[datetime | None] = Column.same(None, len(ids))
    moved = never.patched(last)
    if memory.first_seen and None in since.values:
        since = Column.of([born or memory.first_seen.get(name) for name, born in zip(ids, since, strict=True)])
    return _first_of(
        (_later(moved, board, rules, lambda policy: policy.spec.cooldown), StayReason.COOLDOWN),
        (_later(since, board, rules, lambda policy: policy.spec.minimum_age), StayReason.TOO_YOUNG),
    )


def _later(
    times: Column[datetime | None], board: Board, rules: Rules, span: Callable[[SwitchPolicy], timedelta]
) -> Bools:
    """W: the time is known, and less than the policy's span ago; no where no policy applies."""
    later = np.zeros(len(times), dtype=np.bool_)
    for number, policy in enumerate(rules.policies):
        recent = partial(_after, board.seen.now - span(policy))
        later |= (rules.number == number) & times.each(recent, np.bool_)
    return later


def _after(limit: datetime, at: datetime | None) -> bool:
    return at is not None and at > limit


def _blocks(board: Board, rules: Rules, projection: Projection, priced: Prices) -> Codes:
    """W x C: the most pressing thing that stands against each candidate."""
    block = board.under_names(np.array([_block(network) for network in board.networks], dtype=np.int8), 0)
    if priced.gap.any():
        for gap, reason in GAP_REASON.items():
            block[priced.gap == GAPS.index(gap)] = BLOCKS.index(reason)
    if projection.stale.any():
        block[board.under_names(projection.stale[board.uplink_of], False)] = BLOCKS.index(StayReason.STALE_SAMPLES)
    return np.where(rules.candidates, block, 0)


def _block(network: NetworkState) -> int:
    if network.quarantined:
        return BLOCKS.index(StayReason.QUARANTINED)
    full = network.free_addresses is not None and network.free_addresses <= 0
    return BLOCKS.index(StayReason.NO_ADDRESS) if full else 0


def _slight(board: Board, rules: Rules, priced: Prices, saving: Floats) -> Bools:
    """W x C: (saving / total cost) / (disruption / total disruption) < 1 / k, totals over the policy's attachments."""
    threshold = rules.figures(lambda policy: float(policy.spec.disruption_threshold or 0), 0.0)
    asked = rules.flags(lambda policy: policy.spec.disruption_threshold is not None)
    if not asked.any() or not len(board.names):
        return np.zeros(saving.shape, dtype=np.bool_)
    here = np.where(board.here == NOWHERE, 0.0, np.nan_to_num(priced.cost[np.arange(len(saving)), board.here]))
    cost, disruption = (
        np.bincount(rules.number + 1, weights=each)[rules.number + 1] for each in (here, rules.move_cost)
    )
    with np.errstate(invalid="ignore"):
        enough = saving * (disruption * threshold)[:, None] >= (rules.move_cost * cost)[:, None]
    return asked[:, None] & (saving > 0) & ~enough


def _savings(board: Board, priced: Prices) -> tuple[Floats, Bools]:
    """(saving per hour, whether it begins at once). Not a number where a price is unknown, here or there."""
    rows = np.arange(len(board.workloads))
    present = np.maximum(board.here, 0)
    if not len(board.names):
        return np.zeros(board.network.shape), np.zeros(board.network.shape, dtype=np.bool_)
    cost, now = priced.cost, priced.cost_now
    here, here_now = cost[rows, present][:, None], now[rows, present][:, None]
    rounding = NOTHING_GAINED * np.maximum(np.abs(here), np.abs(cost))
    saving = here - cost
    saving[np.abs(saving) <= rounding] = 0.0
    saving[board.here == NOWHERE] = np.nan
    return saving, here_now - now > rounding


def _lacks(rules: Rules, saving: Floats, slight: Bools, begun: Bools) -> Codes:
    """W x C: the most pressing thing that each saving lacks to be worth a move."""
    lack = np.full(saving.shape, Lack.SAVING, dtype=np.int8)
    lack[np.isnan(saving)] = Lack.COMPARISON
    some = np.flatnonzero(saving > 0)
    rows, gain = some // max(saving.shape[1], 1), saving.ravel()[some]
    cost, found = rules.move_cost[rows], np.full(len(some), Lack.NOTHING, dtype=np.int8)
    for kind, lacking in (  # the last one that is said counts
        (Lack.TIME, ~begun.ravel()[some]),
        (Lack.WEIGHT, slight.ravel()[some]),
        (Lack.PAYBACK, gain * rules.payback[rows] < cost),
        (Lack.HORIZON, gain * rules.horizon[rows] <= cost),
    ):
        found[lacking] = kind
    np.put(lack, some, found)
    return lack
