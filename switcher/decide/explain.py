"""One sum in money for every workload: what it costs here and on the best alternative, per hour, and why it is so.

Prices that an explanation shows are rounded to be read; ``saving_per_hour`` is computed in Decimal from the quotes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np

from switcher.decide.adding import digits, shown, written
from switcher.decide.board import NOWHERE, Bools, Floats, Ints
from switcher.decide.eligibility import LACKING, Lack
from switcher.decide.penalties import named
from switcher.decide.quotes import Load, loads_of
from switcher.decide.tick import Tick
from switcher.model import MoveReason, StayReason

CENTS = Decimal("1e-10")
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Words:
    """What all explanations of a tick need; each is made when it is asked for."""

    tick: Tick
    currency: str
    surcharge: Floats
    """By uplink: money per hour per bit per second."""
    alternative: Ints
    """By row: the cheapest alternative that has a price, NOWHERE if none has."""

    def move(self, row: int, column: int, reason: MoveReason) -> str:
        """Why it moves."""
        board, home = self.tick.board, int(self.tick.board.here[row])
        saving = float(self.tick.standing.saving[row, column])
        if reason is MoveReason.SAFETY:
            cost = f"costs {_money(-saving)}" if saving < 0 else f"saves {_money(saving)}"
            why = f"leaves {board.names[home]}, {self._congested(row)}; {cost} {self.currency}/h"
        else:
            why = f"saves {_money(saving)} {self.currency}/h, less the move"
        return f"{why}. {self._sum(row, column)}"

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
        return f"{why}. {self._sum(row, column, tier)}"

    def _lacking(self, row: int, column: int, reason: StayReason) -> str:
        """What the best alternative lacks, where that is the reason and says more than its word."""
        lack = Lack(self.tick.standing.lack[row, column])
        if LACKING.get(lack) is not reason or lack is Lack.SAVING:
            return WHY[reason]
        if lack is Lack.TIME:
            return f"{self.tick.board.names[column]} will be cheaper, but is not yet: it pays to wait"
        return LACKS[lack] if lack is Lack.WEIGHT else WHY[reason]

    def _sum(self, row: int, column: int, tier: float = 0.0) -> str:
        home = int(self.tick.board.here[row])
        if home == NOWHERE:
            return f"{self.tick.board.workloads.network[row]} is not in the snapshot"
        here = self._side(row, home, 0.0, 0.0)
        if column == NOWHERE:
            return f"Here {here}; no alternative with a price"
        there = self._side(row, column, self.tick.move_cost_per_hour(row), tier)
        return f"Here {here}; best alternative {there} ({self.currency} per hour)"

    def _side(self, row: int, column: int, move: float, tier: float) -> str:
        name, price = self.tick.board.names[column], float(self.tick.prices.price[row, column])
        if math.isnan(price):
            return f"{name}: price unknown"
        penalty, congestion = float(self.tick.prices.penalty[row, column]), self._congestion(row, column)
        every = zip(PARTS, (price, tier, penalty, congestion, move), strict=True)
        amounts = {part: Decimal(repr(amount)) for part, amount in every if amount or part == PARTS[0]}
        steps = shown(list(amounts.values()), digits(amounts.values()))
        parts = [
            f"{part} {written(step)}" for part, step in zip(amounts, steps, strict=True) if step or part == PARTS[0]
        ]
        return f"{name}: {written(sum(steps, NO))} = {' + '.join(parts)}"

    def _congestion(self, row: int, column: int) -> float:
        uplink = int(self.tick.board.uplink[row, column])
        return 0.0 if uplink == NOWHERE else float(self.surcharge[uplink] * self.tick.board.demand[row])


def words(tick: Tick, surcharge: Floats, currency: str) -> Words:
    """The words of a tick; ``surcharge`` is by uplink: money per hour per bit per second."""
    return Words(tick=tick, currency=currency, surcharge=surcharge, alternative=_alternatives(tick))


def _alternatives(tick: Tick) -> Ints:
    """By row: the cheapest open candidate, else the cheapest candidate with a price."""
    priced = np.isfinite(tick.prices.price)
    of_open = cheapest_column(tick.prices.cost, tick.standing.open & priced)
    of_all = cheapest_column(tick.prices.cost, tick.rules.candidates & priced)
    return np.where(of_open == NOWHERE, of_all, of_open)


def cheapest_column(cost: Floats, among: Bools) -> Ints:
    """W: the column of the least cost among those, the first by name where several are equal; NOWHERE if none."""
    if not cost.shape[1]:
        return np.full(cost.shape[0], NOWHERE, dtype=np.int64)
    least = np.where(among, cost, np.inf).argmin(axis=1)
    return np.where(among.any(axis=1), least, NOWHERE)


class Savings:
    """What moves save by the hour, in Decimal from the quotes; quotes are subtracted once for all moves alike."""

    def __init__(self, tick: Tick) -> None:
        self._tick = tick
        self._known: dict[tuple[str, str, str | None, int], tuple[Decimal, Mapping[Load, Decimal]]] = {}

    def per_hour(self, row: int, column: int) -> Decimal:
        """Mean over the horizon of demand x (price + penalty here - there), before move cost and without surcharge."""
        board, home = self._tick.board, int(self._tick.board.here[row])
        here, there = (board.networks[board.network[row, at]].physical_network for at in (home, column))
        destination, policy = board.workloads.destination[row], int(self._tick.rules.number[row])
        saved, per_bps = self._difference(here, there, destination, policy)
        for load, rate in loads_of(board, row).items():
            saved += Decimal(str(rate)) * per_bps[load]
        return plain(saved + _penalty(self._tick, row, home) - _penalty(self._tick, row, column))

    def _difference(
        self, here: str, there: str, destination: str | None, policy: int
    ) -> tuple[Decimal, Mapping[Load, Decimal]]:
        """Of an attachment, and of one bit per second of each load."""
        key = (here, there, destination, policy)
        if key not in self._known:
            rules = self._tick.rules
            horizon = rules.policies[policy].spec.horizon if policy != NOWHERE else timedelta(hours=1)
            prices = self._tick.prices
            one = prices.quote((here, destination, horizon), at_home=True)
            other = prices.quote((there, destination, horizon), at_home=False)
            bps = {load: (one.bps or {}).get(load, NO) - (other.bps or {}).get(load, NO) for load in Load}
            self._known[key] = one.attachment - other.attachment, bps
        return self._known[key]


def surcharges(tick: Tick, surcharge: Floats) -> Mapping[str, Decimal]:
    """By network, money per GB; of several nodes the dearest. Only what is above zero."""
    found: dict[str, Decimal] = {}
    for network, uplink in zip(tick.board.networks, tick.board.uplink_of.tolist(), strict=True):
        per_gb = plain(Decimal(float(surcharge[uplink])) / GB_PER_HOUR)
        if per_gb > found.get(network.name, Decimal(0)):
            found[network.name] = per_gb
    return found


def plain(amount: Decimal) -> Decimal:
    """To ten places, without an exponent or trailing zeros when written."""
    rounded = amount.quantize(CENTS).normalize()
    return rounded.quantize(Decimal(1)) if rounded == rounded.to_integral_value() else rounded


def _penalty(tick: Tick, row: int, column: int) -> Decimal:
    workloads = tick.board.workloads
    own = workloads.penalties[row]
    if own is None and not tick.prices.penalty[row, column]:
        return NO
    if own is None:
        return Decimal(repr(float(tick.prices.penalty[row, column])))
    return Decimal(str(float(workloads.demand_bps[row]))) * GB_PER_HOUR * named(own, tick.board.names[column])


def _money(amount: float) -> str:
    """Two digits behind the point at least, more for small sums."""
    if amount == 0 or abs(amount) >= 0.1:
        return f"{amount + 0.0:.2f}"
    return f"{amount:.4f}" if abs(amount) >= 0.001 else f"{amount:.2g}"


assert set(WHY) == set(StayReason)  # noqa: S101 - a new reason without words is found at import
assert set(LACKS) == set(Lack)  # noqa: S101 - the same for what a saving may lack
