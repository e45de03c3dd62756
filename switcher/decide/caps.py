"""What quotas that throttle or stop leave of a network: nothing is to run into them, and who did must leave.

While something is left of a quota, it is to last to the end of the billing period: arrivals are let in only up to the
rate at which it does. Where the present rate would use it up within :data:`AHEAD`, what is above that rate leaves too,
before the network stops. Beyond the quota the capacity is what the contract still carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from switcher.decide.board import Board, Bools, Floats
from switcher.model import Memory, Usage
from switcher.objects.book import Book
from switcher.tariff.allowance import Allowance, allowances
from switcher.tariff.flow import Flow

AHEAD = timedelta(hours=1)
"""So long before a quota is used up workloads begin to leave: safety budgets let them go a part at a time."""

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Caps:
    """By uplink."""

    most: Floats
    """Bits per second that quotas leave for it; infinite where there are none."""
    leave: Bools
    """What is above that must leave."""

    def above(self, load: Floats) -> Bools:
        """Where something must leave now, bits per second of rounding apart."""
        above: Bools = self.leave & (load > self.most * (1 + ROUNDING))
        return above


def caps(board: Board, loads: tuple[Floats, Floats], memory: Memory, book: Book) -> Caps:
    """The caps of a tick; ``loads`` are in and out by uplink with every known move landed."""
    most, leave = np.full(len(board.uplinks), np.inf), np.zeros(len(board.uplinks), dtype=np.bool_)
    for allowance in allowances(book, board.seen.now):
        mine = np.array([place.physical_network in allowance.physical_networks for place in board.uplinks], dtype=bool)
        if not mine.any():
            continue
        load, rate = np.maximum(*loads)[mine], _rate(allowance, board, loads, mine)
        limit, pressing = _limit(allowance, rate, memory, board)
        total = float(load.sum())
        limit *= total / rate if rate > 0 else 1.0  # from the direction that the quota counts to the fuller one
        share = load * min(limit / total, 1.0) if total > 0 else load
        most[mine] = np.minimum(most[mine], share + max(limit - total, 0.0) / len(load))
        leave[mine] |= pressing
    return Caps(most=most, leave=leave)


def _rate(allowance: Allowance, board: Board, loads: tuple[Floats, Floats], mine: Bools) -> float:
    """Bits per second that the quota counts now; of loads without directions each counts once."""
    split, (into, out) = board.split[mine], (side[mine] for side in loads)
    total = Flow(in_bps=float(into.sum()), out_bps=float(out.sum()), both_bps=float(into[~split].sum()))
    return total.counted(allowance.direction)


def _limit(allowance: Allowance, rate: float, memory: Memory, board: Board) -> tuple[float, bool]:
    """Bits per second that the quota bears, and whether what is above must leave now."""
    usage = memory.usage.get((allowance.physical_networks[0], allowance.contract), Usage())
    left = 8 * allowance.left_bytes(usage)
    if left <= 0:
        return allowance.beyond_bps, True
    rest = max((allowance.end - board.seen.now).total_seconds(), 1.0)
    lasting = max(left / rest, allowance.beyond_bps)
    soon = min(AHEAD.total_seconds(), rest)
    return lasting, rate * soon > left
