"""The whole sum for one workload: here against each alternative, in money, and what stands against each of them.

Made for who asks, from a tick that has been decided; every figure is the decision's own. Money is per hour, in the
settlement currency, averaged over the policy's horizon.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np

from switcher.decide.adding import plain
from switcher.decide.board import NOWHERE
from switcher.decide.choose import Chosen
from switcher.decide.eligibility import BLOCKS, Lack
from switcher.decide.explain import LACKS
from switcher.decide.stays import dear
from switcher.decide.tick import Tick
from switcher.model import StayReason

VERDICTS = {
    StayReason.STALE_SAMPLES: "its samples are missing or too old",
    StayReason.UNKNOWN_PRICE: "its price is not known",
    StayReason.STALE_PRICE: "its last price list has run out",
    StayReason.QUARANTINED: "moves to it failed lately",
    StayReason.NO_ADDRESS: "it has no free address",
}
TAKEN = "others have taken the cheaper tier, and the next does not pay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One network, as it stood for the workload. Rates are bits per second."""

    network: str
    physical_network: str
    here: bool
    target: bool
    """Where the decision moves it."""
    price: Decimal | None
    """None: unknown, which is never zero."""
    next_tier: Decimal
    """Beyond the quoted price, where others have taken the cheaper tier."""
    penalty: Decimal
    congestion: Decimal
    """What the room that it takes is worth to others."""
    move: Decimal
    """A move's cost over the horizon."""
    total: Decimal | None
    saving: Decimal | None
    """Total here less total there; below zero it costs more."""
    load_bps: Decimal
    """On the uplink once known moves have landed, those of this decision included."""
    limit_bps: Decimal
    """Under which arrivals must fit."""
    capacity_bps: Decimal
    free_addresses: int | None
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The sum of one workload."""

    workload: str
    node: str | None
    policy: str | None
    horizon: timedelta
    demand_bps: Decimal
    sides: tuple[Side, ...]
    """Here first, then by total; without a price last."""


def account(tick: Tick, chosen: Chosen, surcharge: Sequence[float], row: int) -> Account:
    """The account of the workload in this row; ``surcharge`` is by uplink: money per hour per bit per second."""
    board, policy = tick.board, tick.rules.policy[row]
    state = board.workloads[row]
    columns = np.flatnonzero(board.network[row] >= 0).tolist()
    sums = {column: _sum(tick, chosen, surcharge, row, column) for column in columns}
    home = int(board.here[row])
    here = sums[home].total() if home != NOWHERE else None
    sides = [_side(tick, chosen, (row, column), sums[column], here) for column in columns]
    return Account(
        workload=state.id,
        node=state.node,
        policy=None if policy is None else policy.name,
        horizon=timedelta(hours=float(tick.rules.horizon[row])),
        demand_bps=number(state.demand_bps),
        sides=tuple(sorted(sides, key=lambda side: (not side.here, side.total is None, side.total or 0, side.network))),
    )


@dataclass(frozen=True, slots=True)
class _Sum:
    """To ten places each; the total is their sum, so that what is told adds up to the last digit."""

    price: Decimal | None
    tier: Decimal
    penalty: Decimal
    congestion: Decimal
    move: Decimal

    def total(self) -> Decimal | None:
        """None: the price is unknown."""
        return None if self.price is None else self.price + self.tier + self.penalty + self.congestion + self.move


def _sum(tick: Tick, chosen: Chosen, surcharge: Sequence[float], row: int, column: int) -> _Sum:
    board = tick.board
    away = column != board.here[row]
    uplink = int(board.uplink[row, column])
    price = float(tick.prices.price[row, column])
    return _Sum(
        price=None if math.isnan(price) else number(price),
        tier=number(float(chosen.rooms.next_tier()[row, column]) if away else 0.0),
        penalty=number(float(tick.prices.penalty[row, column])),
        congestion=number(max(float(surcharge[uplink]) * float(board.demand[row]), 0.0)),
        move=number(float(tick.move_cost_per_hour[row]) if away else 0.0),
    )


def _side(tick: Tick, chosen: Chosen, place: tuple[int, int], parts: _Sum, here: Decimal | None) -> Side:
    (row, column), board, rooms = place, tick.board, chosen.rooms
    state = board.networks[int(board.network[row, column])]
    uplink = int(board.uplink[row, column])
    total = parts.total()
    return Side(
        network=state.name,
        physical_network=state.physical_network,
        here=column == int(board.here[row]),
        target=rooms.moved.get(row) == column,
        price=parts.price,
        next_tier=parts.tier,
        penalty=parts.penalty,
        congestion=parts.congestion,
        move=parts.move,
        total=None if total is None else plain(total),
        saving=None if total is None or here is None else plain(here - total),
        load_bps=number(rooms.load(uplink)),
        limit_bps=number(float(tick.projection.fill[uplink])),
        capacity_bps=number(float(tick.projection.capacity[uplink])),
        free_addresses=rooms.addresses(int(board.network[row, column])),
        verdict="; ".join(_verdicts(tick, chosen, row, column)),
    )


def _verdicts(tick: Tick, chosen: Chosen, row: int, column: int) -> Iterator[str]:
    """What stands for or against the network, most pressing first."""
    rules, standing, rooms = tick.rules, tick.standing, chosen.rooms
    if column == tick.board.here[row]:
        uplink = int(tick.board.uplink[row, column])
        yield "here" + (", above its shed threshold" if tick.projection.shedding[uplink] else "")
        return
    if rooms.moved.get(row) == column:
        yield "chosen"
        return
    if not rules.candidates[row, column]:
        yield "no candidate of its policy"
        return
    block = BLOCKS[int(standing.block[row, column])]
    if block is not None:
        yield VERDICTS[block]
    elif not rooms.fits(row, column):
        yield "no room" if rooms.has_address(row, column) else VERDICTS[StayReason.NO_ADDRESS]
    taken = standing.worth[row, column] and dear(tick, rooms.next_tier())[row, column]
    yield TAKEN if taken else LACKS[Lack(standing.lack[row, column])]


def number(value: float) -> Decimal:
    """As written: ten places at most, no exponent."""
    return plain(Decimal(repr(value + 0.0)))  # which makes -0.0 a plain zero
