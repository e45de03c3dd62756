"""How many more moves each policy may make now: in flight plus finished within ``per``, the most restrictive budget."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from switcher.decide.board import Board
from switcher.decide.rules import Rules
from switcher.model import Memory, MoveReason, PastMove, StayReason
from switcher.objects.model import Budget, SwitchPolicy


class Budgets:
    """What is left of each budget that applies now. Mutable: ``take`` and ``give_back`` follow the choice of moves."""

    def __init__(self, board: Board, rules: Rules, memory: Memory) -> None:
        flying: dict[str, list[str]] = defaultdict(list)
        for row in np.flatnonzero(board.workloads.moving.each(bool, np.bool_)).tolist():
            if (policy := rules.policy[row]) is not None:
                flying[policy.name].append(board.workloads.id[row])
        moves: dict[str, list[PastMove]] = defaultdict(list)
        for move in memory.moves:
            moves[move.policy].append(move)
        now = board.seen.now
        self._left: dict[str, list[tuple[Budget, int]]] = {}
        for policy, size in zip(rules.policies, rules.sizes(), strict=True):
            name = policy.name
            self._left[name] = [
                (budget, budget.limit(size) - _used(budget, moves[name], flying[name], board))
                for budget in policy.budgets
                if budget.active(now)
            ]

    def why_not(self, policy: SwitchPolicy, reason: MoveReason) -> StayReason | None:
        """Why no move for this reason may be made; None: one may."""
        spent = self.spent(policy, reason)
        if not spent:
            return None
        return StayReason.FREEZE_WINDOW if any(budget.freezes for budget in spent) else StayReason.BUDGET_SPENT

    def spent(self, policy: SwitchPolicy, reason: MoveReason) -> Sequence[Budget]:
        """Budgets that allow no more moves for this reason."""
        return [budget for budget, left in self._left[policy.name] if budget.names(reason) and left <= 0]

    def take(self, policy: SwitchPolicy, reason: MoveReason) -> StayReason | None:
        """Count one move, or say why it may not be made."""
        refusal = self.why_not(policy, reason)
        if refusal is None:
            self._count(policy, reason, -1)
        return refusal

    def grant(self, policy: SwitchPolicy, reason: MoveReason, wanted: int) -> tuple[int, StayReason | None]:
        """Count as many of the wanted moves as may be made: how many, and why no more; None: all may."""
        lefts = [left for budget, left in self._left[policy.name] if budget.names(reason)]
        granted = min([wanted, *(max(left, 0) for left in lefts)])
        self._count(policy, reason, -granted)
        return granted, None if granted == wanted else self.why_not(policy, reason)

    def give_back(self, policy: SwitchPolicy, reason: MoveReason) -> None:
        """A move that was counted is not made after all."""
        self._count(policy, reason, 1)

    def _count(self, policy: SwitchPolicy, reason: MoveReason, change: int) -> None:
        self._left[policy.name] = [
            (budget, left + change if budget.names(reason) else left) for budget, left in self._left[policy.name]
        ]


def _used(budget: Budget, moves: Sequence[PastMove], flying: Sequence[str], board: Board) -> int:
    recent = [move for move in moves if budget.names(move.reason) and board.seen.now - move.at < budget.per]
    counted = {move.workload for move in recent}
    last: Mapping[str, PastMove] = {move.workload: move for move in sorted(moves, key=lambda move: move.at)}
    others = [name for name in flying if name not in counted]
    return len(recent) + sum(name not in last or budget.names(last[name].reason) for name in others)
