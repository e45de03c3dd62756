"""Who may move, where to, and what stands against it: the reasons that do not depend on what others do.

Everything here is an answer of its own: a hold keeps a workload whatever it would save; a block keeps it off one
network; a gate keeps it from saving money now, but not from leaving an uplink that is too full.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from switcher.decide.board import NOWHERE, Board, Bools, Floats, Ints
from switcher.decide.prices import GAPS, Prices
from switcher.decide.projection import Projection
from switcher.decide.rules import Rules
from switcher.model import Memory, StayReason, WorkloadState
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """Shapes: W workloads, C network names."""

    hold: tuple[StayReason | None, ...]
    """W: stays whatever happens."""
    gate: tuple[StayReason | None, ...]
    """W: does not move for money now."""
    block: Ints
    """W x C: index into :data:`BLOCKS` for candidates."""
    open: Bools
    """W x C: candidates that nothing stands against."""
    saving: Floats
    """W x C: money per hour, before move cost; not a number where there is no price."""
    worth: Bools
    """W x C: candidates whose saving covers the move in the payback time and in the horizon, and begins at once."""

    @property
    def free(self) -> Bools:
        """W: not held."""
        return np.array([hold is None for hold in self.hold], dtype=np.bool_)


def standing(board: Board, rules: Rules, projection: Projection, priced: Prices, memory: Memory) -> Standing:
    """The standing of every workload."""
    block = _blocks(board, rules, projection, priced)
    saving, worth = _savings(board, rules, priced)
    return Standing(
        hold=tuple(_hold(board, rules, projection, priced, row) for row in range(len(board.workloads))),
        gate=_gates(board, rules, memory),
        block=block,
        open=rules.candidates & (block == 0),
        saving=saving,
        worth=worth & rules.candidates,
    )


def natural_reason(standing: Standing, rules: Rules, row: int) -> StayReason:
    """Why a workload stays that neither capacity nor a gate or a budget keeps."""
    candidates = rules.candidates[row]
    if not candidates.any():
        return StayReason.NO_CANDIDATE
    blocked = candidates & (standing.block[row] > 0)
    better = blocked & standing.worth[row]
    if better.any() or not standing.open[row].any():
        reason = BLOCKS[int(standing.block[row][better if better.any() else blocked].min())]
        assert reason is not None  # noqa: S101 - 0 was left out above; this tells the type checker
        return reason
    saving = float(np.max(standing.saving[row][standing.open[row]]))
    if saving <= 0:
        return StayReason.BEST
    if saving * rules.horizon[row] <= rules.move_cost[row]:
        return StayReason.SAVING_TOO_SMALL
    if saving * rules.payback[row] < rules.move_cost[row]:
        return StayReason.PAYBACK_TOO_LONG
    return StayReason.BEST  # cheaper over the horizon, but not yet: it pays to wait


def _hold(board: Board, rules: Rules, projection: Projection, priced: Prices, row: int) -> StayReason | None:
    state, policy = board.workloads[row], rules.policy[row]
    if state.moving:
        return StayReason.ALREADY_MOVING
    if policy is None:
        return StayReason.NO_POLICY
    if policy.spec.mode is PolicyMode.OFF:
        return StayReason.POLICY_OFF
    if state.do_not_move:
        return StayReason.DO_NOT_MOVE
    column = board.here[row]
    if column == NOWHERE or projection.stale[board.uplink_of[board.network[row, column]]]:
        return StayReason.STALE_SAMPLES
    gap = GAPS[priced.gap[row, column]]
    return None if gap is None else GAP_REASON[gap]


def _gates(board: Board, rules: Rules, memory: Memory) -> tuple[StayReason | None, ...]:
    last: dict[str, datetime] = {}
    for move in memory.moves:
        last[move.workload] = max(move.at, last.get(move.workload, move.at))
    return tuple(
        None if policy is None else _gate(state, policy, board.seen.now, last.get(state.id), memory)
        for state, policy in zip(board.workloads, rules.policy, strict=True)
    )


def _gate(
    state: WorkloadState, policy: SwitchPolicy, now: datetime, moved: datetime | None, memory: Memory
) -> StayReason | None:
    if moved is not None and now - moved < policy.spec.cooldown:
        return StayReason.COOLDOWN
    born = state.since or memory.first_seen.get(state.id)
    if born is not None and now - born < policy.spec.minimum_age:
        return StayReason.TOO_YOUNG
    return None


def _blocks(board: Board, rules: Rules, projection: Projection, priced: Prices) -> Ints:
    """W x C: the most pressing thing that stands against each candidate."""
    rows = np.maximum(board.network, 0)
    stale = projection.stale[board.uplink_of] if len(board.networks) else np.zeros(0, dtype=bool)
    quarantined = np.array([network.quarantined for network in board.networks], dtype=bool)
    full = np.array([network.free_addresses is not None and network.free_addresses <= 0 for network in board.networks])
    block = np.zeros(board.network.shape, dtype=np.int64)
    if not len(board.networks):
        return block
    for code, against in (
        (BLOCKS.index(StayReason.NO_ADDRESS), full[rows]),
        (BLOCKS.index(StayReason.QUARANTINED), quarantined[rows]),
        (BLOCKS.index(StayReason.STALE_PRICE), priced.gap == GAPS.index(PriceGap.STALE)),
        (BLOCKS.index(StayReason.UNKNOWN_PRICE), priced.gap == GAPS.index(PriceGap.UNKNOWN)),
        (BLOCKS.index(StayReason.STALE_SAMPLES), stale[rows]),
    ):
        block[against & rules.candidates] = code
    return block


def _savings(board: Board, rules: Rules, priced: Prices) -> tuple[Floats, Bools]:
    """(saving per hour, worth a move). A saving that only begins later waits until it begins."""
    rows = np.arange(len(board.workloads))
    present = np.maximum(board.here, 0)
    if not len(board.names):
        return np.zeros(board.network.shape), np.zeros(board.network.shape, dtype=np.bool_)
    cost, now = priced.cost, priced.now + priced.penalty
    here, here_now = cost[rows, present][:, None], now[rows, present][:, None]
    rounding = NOTHING_GAINED * np.maximum(np.abs(here), np.abs(cost))
    saving = here - cost
    saving = np.where(np.abs(saving) <= rounding, 0.0, saving)
    worth = (
        (saving > 0)
        & (saving * rules.horizon[:, None] > rules.move_cost[:, None])
        & (saving * rules.payback[:, None] >= rules.move_cost[:, None])
        & (here_now - now > rounding)
    )
    return saving, worth & (board.here != NOWHERE)[:, None]
