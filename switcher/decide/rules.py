"""What the policies say about each workload: where it may go, and what a move costs it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np

from switcher.decide.board import NOWHERE, Board, Bools, Floats
from switcher.decide.settings import Settings
from switcher.model import Memory, PastMove, WorkloadState
from switcher.objects.model import Book, SwitchPolicy

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rules:
    """By workload. Money is in the settlement currency, times are hours."""

    policy: tuple[SwitchPolicy | None, ...]
    candidates: Bools
    """W x C: where it may go; never where it is."""
    horizon: Floats
    payback: Floats
    move_cost: Floats
    """Of one move, made dearer by its past moves."""


def rules(board: Board, memory: Memory, book: Book, settings: Settings) -> Rules:
    """The rules of every workload of the board."""
    policies = _policies(board.workloads, book)
    past = _past_moves(memory)
    hours = [(1.0, 1.0) if policy is None else _hours(policy) for policy in policies]
    pairs = list(zip(board.workloads, policies, strict=True))
    costs = [_move_cost(state, policy, past.get(state.id, ()), board, settings) for state, policy in pairs]
    return Rules(
        policy=policies,
        candidates=_candidates(board, policies),
        horizon=np.array([horizon for horizon, _ in hours], dtype=np.float64),
        payback=np.array([payback for _, payback in hours], dtype=np.float64),
        move_cost=np.array(costs, dtype=np.float64),
    )


def policy_of(workload: WorkloadState, book: Book) -> SwitchPolicy | None:
    """The policy that a snapshot names, else the one that selects the workload."""
    if workload.policy is not None:
        return book.policy(workload.policy)
    return book.policy_for(workload.namespace, workload.labels, workload.attachment, workload.primary)


def _policies(workloads: Sequence[WorkloadState], book: Book) -> tuple[SwitchPolicy | None, ...]:
    known: dict[Hashable, SwitchPolicy | None] = {}
    found = []
    for workload in workloads:
        labels = tuple(sorted(workload.labels.items())) if workload.labels else ()
        key = (workload.policy, workload.namespace, labels, workload.attachment, workload.primary)
        if key not in known:
            known[key] = policy_of(workload, book)
        found.append(known[key])
    return tuple(found)


def _hours(policy: SwitchPolicy) -> tuple[float, float]:
    return policy.spec.horizon / HOUR, policy.payback / HOUR


def _candidates(board: Board, policies: Sequence[SwitchPolicy | None]) -> Bools:
    allowed = np.zeros(board.network.shape, dtype=np.bool_)
    masks: dict[tuple[str, ...] | None, Bools] = {}
    for row, (workload, policy) in enumerate(zip(board.workloads, policies, strict=True)):
        if policy is None:
            continue
        names = workload.candidates if workload.candidates is not None else policy.spec.candidates
        if names not in masks:
            masks[names] = _mask(board, names)
        allowed[row] = masks[names]
    allowed &= board.network >= 0
    placed = np.flatnonzero(board.here != NOWHERE)
    allowed[placed, board.here[placed]] = False
    return allowed


def _mask(board: Board, names: tuple[str, ...] | None) -> Bools:
    """None: neither the snapshot nor the policy names candidates, so every network of the snapshot is one."""
    if names is None:
        return np.ones(len(board.names), dtype=np.bool_)
    mask = np.zeros(len(board.names), dtype=np.bool_)
    for name in names:
        column = board.column(name)
        if column is not None:
            mask[column] = True
    return mask


def _past_moves(memory: Memory) -> Mapping[str, Sequence[PastMove]]:
    by_workload: dict[str, list[PastMove]] = defaultdict(list)
    for move in memory.moves:
        by_workload[move.workload].append(move)
    return by_workload


def _move_cost(
    workload: WorkloadState, policy: SwitchPolicy | None, past: Sequence[PastMove], board: Board, settings: Settings
) -> float:
    """The snapshot's cost, else the policy's, else its rate over a switch; times 1 + the flap penalty."""
    if policy is None:
        return 0.0
    spec = policy.spec
    cost = workload.move_cost if workload.move_cost is not None else spec.move_cost
    if cost is None:
        cost = spec.move_rate * Decimal(str(settings.switch_seconds))
    if spec.flap is None or not past:
        return float(cost)
    halvings = [max((board.seen.now - move.at) / spec.flap.half_life, 0.0) for move in past]
    flaps = math.fsum(math.pow(0.5, halving) for halving in halvings)
    return float(cost) * (1 + float(spec.flap.factor) * flaps)
