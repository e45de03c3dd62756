"""A workload's answer with all that explains it."""

from __future__ import annotations

from dataclasses import dataclass

from switcher.decide.account import Account, account
from switcher.decide.constraints import constraints
from switcher.decide.ranking import Afterwards
from switcher.model import Memory, Move, Stay


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was decided of a workload, its sum against every alternative, and what binds it."""

    answer: Move | Stay
    account: Account
    constraints: tuple[str, ...]
    currency: str


def tell(after: Afterwards, memory: Memory, currency: str, answer: Move | Stay, row: int) -> Told:
    """All that explains the answer of the workload in this row of a tick that has been decided."""
    summed = account(after.tick, after.chosen, after.surcharge.tolist(), row)
    reason = answer.reason if isinstance(answer, Stay) else None
    binding = constraints(after.tick, memory, after.budgets, (row, summed), reason)
    return Told(answer=answer, account=summed, constraints=tuple(binding), currency=currency)
