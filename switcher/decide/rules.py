"""What the policies say about each workload: where it may go, and what a move costs it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np

from switcher.columns import Column
from switcher.decide.board import NOWHERE, Board, Bools, Floats, Ints
from switcher.decide.settings import Settings
from switcher.model import Memory, PastMove, WorkloadState
from switcher.objects.model import Book, PolicySpec, SwitchPolicy
from switcher.workloads import Workloads

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rules:
    """By workload. Money is in the settlement currency, times are hours."""

    policy: tuple[SwitchPolicy | None, ...]
    policies: tuple[SwitchPolicy, ...]
    """Those that apply to anyone, by name."""
    number: Ints
    """W: index into ``policies``, NOWHERE where none applies."""
    candidates: Bools
    """W x C: where it may go; never where it is."""
    horizon: Floats
    payback: Floats
    move_cost: Floats
    """Of one move, made dearer by its past moves."""

    def sizes(self) -> Sequence[int]:
        """How many workloads each of ``policies`` has."""
        counts: list[int] = np.bincount(self.number[self.number != NOWHERE], minlength=len(self.policies)).tolist()
        return counts

    def flags(self, of: Callable[[SwitchPolicy], bool]) -> Bools:
        """W: what each policy says; no policy says no."""
        said: Bools = np.array([*map(of, self.policies), False], dtype=np.bool_)[self.number]
        return said

    def figures(self, of: Callable[[SwitchPolicy], float], otherwise: float) -> Floats:
        """W: a figure of each policy; ``otherwise`` where none applies."""
        return _spread(self.policies, self.number, of, otherwise)


def rules(board: Board, memory: Memory, book: Book, settings: Settings) -> Rules:
    """The rules of every workload of the board."""
    policies, number = applied(board.workloads, book)
    return Rules(
        policy=tuple(map([*policies, None].__getitem__, number.tolist())),
        policies=policies,
        number=number,
        candidates=_candidates(board, policies, number),
        horizon=_spread(policies, number, lambda policy: policy.spec.horizon / HOUR, 1.0),
        payback=_spread(policies, number, lambda policy: policy.payback / HOUR, 1.0),
        move_cost=_move_costs(board, memory, (policies, number), settings),
    )


def _spread(
    policies: Sequence[SwitchPolicy], number: Ints, of: Callable[[SwitchPolicy], float], otherwise: float
) -> Floats:
    """W: a figure of each workload's policy. NOWHERE is -1, and so finds the last one, ``otherwise``."""
    figures: Floats = np.array([*map(of, policies), otherwise], dtype=np.float64)[number]
    return figures


def policy_of(workload: WorkloadState, book: Book) -> SwitchPolicy | None:
    """The policy that a snapshot names, else the one that selects the workload."""
    if workload.policy is not None:
        return book.policy(workload.policy)
    return book.policy_for(workload.namespace, workload.labels, workload.attachment, workload.primary)


def applied(workloads: Workloads, book: Book) -> tuple[tuple[SwitchPolicy, ...], Ints]:
    """The policies that apply to anyone, by name, and each workload's index into them; NOWHERE: none applies.

    Asked once for all workloads that are alike.
    """
    first, alike = _alike(workloads, book)
    found = [policy_of(workloads[row], book) for row in first]
    named = {policy.name: policy for policy in found if policy is not None}
    policies = tuple(named[name] for name in sorted(named))
    index = {policy.name: number for number, policy in enumerate(policies)}
    numbers = [NOWHERE if policy is None else index[policy.name] for policy in found]
    return policies, np.array(numbers, dtype=np.int64)[alike]


def _alike(workloads: Workloads, book: Book) -> tuple[Sequence[int], Ints]:
    """(the first workload of each kind, each workload's kind), by all that a policy's selection can depend on.

    Of its labels those that some selector asks for.
    """
    asked = sorted(set(_asked_labels(book)))
    labels = Column.of([tuple(map(each.get, asked)) for each in workloads.labels.values])
    kind = labels.at[workloads.labels.at].astype(np.int64)
    for column in (workloads.policy, workloads.namespace, workloads.attachment, workloads.primary):
        if len(column.values) > 1:
            kind = np.unique(kind * len(column.values) + column.at, return_inverse=True)[1]
    _, first, kind = np.unique(kind, return_index=True, return_inverse=True)
    return first.tolist(), kind


def _asked_labels(book: Book) -> Iterator[str]:
    for policy in book.policies:
        selector = policy.spec.pod_selector
        yield from selector.match_labels
        yield from (expression.key for expression in selector.match_expressions)


def _candidates(board: Board, policies: Sequence[SwitchPolicy], number: Ints) -> Bools:
    candidates = board.workloads.candidates
    named_own = np.flatnonzero(candidates.each(lambda names: names is not None, np.bool_)).tolist()
    own = {row: candidates[row] for row in named_own}
    named = [*(policy.spec.candidates for policy in policies), ()]
    masks = {names: _mask(board, names) for names in {*named, *own.values()}}
    allowed = np.stack([masks[names] for names in named])[number]
    for row, names in own.items():
        if number[row] != NOWHERE:
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


def _move_costs(
    board: Board, memory: Memory, applied: tuple[Sequence[SwitchPolicy], Ints], settings: Settings
) -> Floats:
    """W: the snapshot's cost, else the policy's, else its rate over a switch; times 1 + the flap penalty."""
    policies, number = applied
    costs = _spread(policies, number, lambda policy: float(plain_cost(policy.spec, settings)), 0.0)
    past = _past_moves(memory)
    own = board.workloads.move_cost.each(lambda cost: math.nan if cost is None else float(cost), np.float64)
    costs = np.where(np.isnan(own) | (number == NOWHERE), costs, own)
    for name, moves in past.items():
        row = board.workloads.row_of.get(name)
        if row is not None and number[row] != NOWHERE:
            costs[row] *= 1 + _flap(policies[number[row]], moves, board)
    return costs


def plain_cost(spec: PolicySpec, settings: Settings) -> Decimal:
    """Money of a move by its policy: without flap penalty, and whatever a snapshot says."""
    return spec.move_cost if spec.move_cost is not None else spec.move_rate * Decimal(str(settings.switch_seconds))


def _flap(policy: SwitchPolicy, past: Sequence[PastMove], board: Board) -> float:
    """By how much past moves make the next dearer: each counts for less the longer it is ago."""
    flap = policy.spec.flap
    if flap is None or not past:
        return 0.0
    halvings = [max((board.seen.now - move.at) / flap.half_life, 0.0) for move in past]
    return float(flap.factor) * math.fsum(math.pow(0.5, halving) for halving in halvings)
