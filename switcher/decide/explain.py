"""One sum in money for every workload: what it costs here and on the best alternative, per hour, and why it is so.

Prices that an explanation shows are rounded to be read; what moves save is computed from the quotes (savings.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

import numpy as np

from switcher.decide.adding import digits, plain, shown, written
from switcher.decide.board import NOWHERE, Bools, Floats, Ints
from switcher.decide.eligibility import LACKING, Lack
from switcher.decide.tick import Tick
from switcher.model import MoveReason, StayReason

NO = Decimal(0)
GB_PER_HOUR = Decimal(3600) / 8 / 10**9
"""Of one bit per second."""
PARTS = ("price", "next tier", "penalty", "congestion", "move")
"""Of a sum, in words; those that are zero are left out, but not the first."""
WHY = {
    StayReason.BEST: "nothing else is cheaper",
    StayReason.SAVING_TOO_SMALL: "the saving over the horizon is too small for the move",
    StayReason.PAYBACK_TOO_LONG: "the saving does not pay for the move within the payback time",
    StayReason.COOLDOWN: "it moved a short time ago (cooldown)",
    StayReason.TOO_YOUNG: "it has not run for the minimum age yet",
    StayReason.DO_NOT_MOVE: "it is marked do-not-move",
    StayReason.FREEZE_WINDOW: "a freeze window of its policy is open",
    StayReason.BUDGET_SPENT: "the budget of its policy is spent for now",
    StayReason.NO_CANDIDATE: "no other network is a candidate for it",
    StayReason.NO_CAPACITY: "there is no room on any better network",
    StayReason.NO_ADDRESS: "the better network has no free address",
    StayReason.UNKNOWN_PRICE: "a price is not known, and an unknown price is never zero",
    StayReason.STALE_PRICE: "the last price list has run out",
    StayReason.STALE_SAMPLES: "the samples are missing or too old to decide on",
    StayReason.ALREADY_MOVING: "a move is in flight",
    StayReason.RECOMMEND_ONLY: "its policy only recommends",
    StayReason.POLICY_OFF: "its policy is off",
    StayReason.NO_POLICY: "no policy selects it",
    StayReason.QUARANTINED: "moves to the better network failed lately",
}
LACKS = {
    Lack.NOTHING: "worth a move",
    Lack.COMPARISON: "cannot be compared",
    Lack.SAVING: "not cheaper",
    Lack.HORIZON: "the saving over the horizon does not cover the move",
    Lack.PAYBACK: "the saving does not pay for the move within the payback time",
    Lack.WEIGHT: "the saving is too small a part of the policy's costs for its disruption",
    Lack.TIME: "cheaper later, not yet: it pays to wait",
}
"""What a saving lacks to be worth a move."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Words:
    """What all explanations of a tick need. Those of moves are made at once, that of a stay when it is asked for."""

    tick: Tick
    currency: str
    surcharge: Floats
    """By uplink: money per hour per bit per second."""

    @cached_property
    def alternative(self) -> Ints:
        """By row: the cheapest open candidate, else the cheapest candidate with a price; NOWHERE if none has one."""
        tick, priced = self.tick, np.isfinite(self.tick.prices.price)
        of_open = cheapest_column(tick.prices.cost, tick.standing.open & priced)
        of_all = cheapest_column(tick.prices.cost, tick.rules.candidates & priced)
        return np.where(of_open == NOWHERE, of_all, of_open)

    def moves(self, rows: Ints, columns: Ints, reasons: Sequence[MoveReason]) -> Iterator[str]:
        """Why each of them moves there."""
        savings = self.tick.standing.saving[rows, columns].tolist()
        sums = self._sums(rows, columns, np.zeros(len(rows)))
        for row, reason, saving, told in zip(rows.tolist(), reasons, savings, sums, strict=True):
            if reason is MoveReason.SAFETY:
                cost = f"costs {_money(-saving)}" if saving < 0 else f"saves {_money(saving)}"
                why = f"leaves {self._home(row)}, {self._congested(row)}; {cost} {self.currency}/h"
            else:
                why = f"saves {_money(saving)} {self.currency}/h, less the move"
            yield f"{why}. {told}"

    def _home(self, row: int) -> str:
        return self.tick.board.names[int(self.tick.board.here[row])]

    def _congested(self, row: int) -> str:
        projection, uplink = self.tick.projection, int(self.tick.home_uplink[row])
        if projection.poor[uplink]:
            return "whose latency or loss is above its threshold"
        return (
            "whose quota is used up or soon will be"
            if projection.used_up[uplink]
            else "which is above its shed threshold"
        )

    def stay(self, row: int, reason: StayReason, better: int, tier: float) -> str:
        """Why it stays; ``better`` is where it would go (NOWHERE: the cheapest alternative is shown).

        ``tier`` is what it would pay there beyond the quoted price, because others have taken the cheaper tier.
        """
        column = int(self.alternative[row]) if better == NOWHERE else better
        why = WHY[reason] if tier or column == NOWHERE else self._lacking(row, column, reason)
        (told,) = self._sums(np.array([row]), np.array([column]), np.array([tier]))
        return f"{why}. {told}"

    def _lacking(self, row: int, column: int, reason: StayReason) -> str:
        """What the best alternative lacks, where that is the reason and says more than its word."""
        lack = Lack(self.tick.standing.lack[row, column])
        if LACKING.get(lack) is not reason or lack is Lack.SAVING:
            return WHY[reason]
        if lack is Lack.TIME:
            return f"{self.tick.board.names[column]} will be cheaper, but is not yet: it pays to wait"
        return LACKS[lack] if lack is Lack.WEIGHT else WHY[reason]

    def _sums(self, rows: Ints, columns: Ints, tiers: Floats) -> Iterator[str]:
        """Of each of them: here against its column, NOWHERE where there is none to compare with."""
        tick, free = self.tick, np.zeros(len(rows))
        homes = tick.board.here[rows]
        here = self._sides(rows, homes, free, free)
        there = self._sides(rows, columns, tiers, tick.move_cost_per_hour[rows])
        for row, home, one, other in zip(rows.tolist(), homes.tolist(), here, there, strict=True):
            if home == NOWHERE:
                yield f"{tick.board.workloads.network[row]} is not in the snapshot"
            elif other is None:
                yield f"Here {one}; no alternative with a price"
            else:
                yield f"Here {one}; best alternative {other} ({self.currency} per hour)"

    def _sides(self, rows: Ints, columns: Ints, tiers: Floats, moves: Floats) -> Iterator[str | None]:
        """What each costs on its column; None where that is NOWHERE."""
        board, prices = self.tick.board, self.tick.prices
        if not board.names:
            return iter([None] * len(rows))
        surcharge = np.append(self.surcharge, 0.0)  # NOWHERE finds the last one
        congestion = surcharge[board.uplink[rows, columns]] * board.demand[rows]
        parts = prices.price[rows, columns], tiers, prices.penalty[rows, columns], congestion, moves
        amounts = np.stack(parts, axis=1).tolist()
        names = (None if column == NOWHERE else board.names[column] for column in columns.tolist())
        return (None if name is None else _side(name, each) for name, each in zip(names, amounts, strict=True))


def _side(name: str, amounts: Sequence[float]) -> str:
    """The sum of a network, of the amounts of :data:`PARTS`."""
    if math.isnan(amounts[0]):
        return f"{name}: price unknown"
    exact = {
        part: Decimal(repr(amount)) for part, amount in zip(PARTS, amounts, strict=True) if amount or part == PARTS[0]
    }
    steps = shown(list(exact.values()), digits(exact.values()))
    parts = [f"{part} {written(step)}" for part, step in zip(exact, steps, strict=True) if step or part == PARTS[0]]
    return f"{name}: {written(sum(steps, NO))} = {' + '.join(parts)}"


def words(tick: Tick, surcharge: Floats, currency: str) -> Words:
    """The words of a tick; ``surcharge`` is by uplink: money per hour per bit per second."""
    return Words(tick=tick, currency=currency, surcharge=surcharge)


def cheapest_column(cost: Floats, among: Bools) -> Ints:
    """W: the column of the least cost among those, the first by name where several are equal; NOWHERE if none."""
    if not cost.shape[1]:
        return np.full(cost.shape[0], NOWHERE, dtype=np.int64)
    least = np.where(among, cost, np.inf).argmin(axis=1)
    return np.where(among.any(axis=1), least, NOWHERE)


def surcharges(tick: Tick, surcharge: Floats) -> Mapping[str, Decimal]:
    """By network, money per GB; of several nodes the dearest. Only what is above zero."""
    dearest: dict[str, float] = {}
    for network, each in zip(tick.board.networks, surcharge[tick.board.uplink_of].tolist(), strict=True):
        if each > dearest.get(network.name, 0.0):
            dearest[network.name] = each
    per_gb = {name: plain(Decimal(each) / GB_PER_HOUR) for name, each in dearest.items()}
    return {name: price for name, price in per_gb.items() if price}


def _money(amount: float) -> str:
    """Two digits behind the point at least, more for small sums."""
    if amount == 0 or abs(amount) >= 0.1:
        return f"{amount + 0.0:.2f}"
    return f"{amount:.4f}" if abs(amount) >= 0.001 else f"{amount:.2g}"


assert set(WHY) == set(StayReason)  # noqa: S101 - a new reason without words is found at import
assert set(LACKS) == set(Lack)  # noqa: S101 - the same for what a saving may lack
