"""Prices that fall with the load: what a crowd would pay together, where one alone would not go.

A quote is the price of one workload on top of what is there. Where a price falls with the load (allUnits, falling
tiers, a block that many share) or with their number (the nth attachment), the market is solved again with the mean
price of all who might come, then with that of those who came; of these answers the one with the least exact bill
counts. So a discount is only bet on when enough of them are there to earn it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np

from switcher.decide.assign import Wanted, assign, automatic
from switcher.decide.board import Board, Ints
from switcher.decide.budgets import Budgets
from switcher.decide.flow import OVERFLOW
from switcher.decide.present import flows
from switcher.decide.quotes import Crowd
from switcher.decide.tick import Tick
from switcher.objects.book import Book
from switcher.objects.charges import Charge
from switcher.objects.prices import Tiers
from switcher.objects.words import Each, Mode
from switcher.tariff.flow import NOTHING

PASSES = 3
SAME = 0.9
"""Of the load that a mean price was asked for: who came is as many as that, and it need not be asked again."""
GAIN = 1e-6
"""Of the bill's change: less is rounding."""

Look = Callable[[Mapping[str, Crowd]], Tick]
"""The tick as it is when these physical networks are quoted for so many at once."""


def best(look: Look, book: Book, budgets: Budgets) -> tuple[Tick, Wanted]:
    """The tick and its assignment; of several linearisations the one with the least exact bill."""
    tick = look({})
    wanted = assign(tick, budgets)
    crowds = _crowds(tick, falling(book) - tick.prices.foreseen)
    if not crowds:
        return tick, wanted
    least = _change(tick, wanted)
    found = tick, wanted
    for _ in range(PASSES):
        together = look(crowds)
        answer = assign(together, budgets)
        change = _change(together, answer)
        if change < least - GAIN * abs(least) - 1e-12:
            least, found = change, (together, answer)
        came = _arrivals(together, answer)
        fewer = {name: came[name] for name, crowd in crowds.items() if name in came and _fewer(came[name], crowd)}
        if not fewer:
            break
        crowds = fewer
    return found


def _fewer(came: Crowd, asked: Crowd) -> bool:
    return came.bps < SAME * asked.bps or came.heads < SAME * asked.heads


def falling(book: Book) -> frozenset[str]:
    """The physical networks of which some price falls with the load."""
    return frozenset(
        name
        for tariff in book.tariffs
        if tariff.spec.maximum is not None or any(map(_falls, tariff.spec.charges))
        for name in tariff.spec.physical_networks
    )


def _falls(charge: Charge) -> bool:
    if charge.quota is not None:
        return charge.quota.beyond.block is not None
    if charge.fixed is not None:
        fixed = charge.fixed
        return fixed.each is Each.ATTACHMENT and any(step.multiply < 1 for step in fixed.nth)
    tiered = charge.volume or charge.percentile
    if tiered is None:
        return False
    return (charge.volume is not None and charge.volume.maximum is not None) or _discounts(tiered.mode, tiered.tiers)


def _discounts(mode: Mode, tiers: Tiers) -> bool:
    return len(tiers) > 1 and (mode is not Mode.GRADUATED or any(b.price < a.price for a, b in pairwise(tiers)))


def _crowds(tick: Tick, names: frozenset[str]) -> Mapping[str, Crowd]:
    """What might come to each of these networks: all who may go there, as far as there is room."""
    board, open_ = tick.board, tick.standing.open & automatic(tick)[:, None]
    found: dict[str, Crowd] = {}
    for name in sorted(names & {place.physical_network for place in board.uplinks}):
        mine = np.array([place.physical_network == name for place in board.uplinks], dtype=np.bool_)
        there = np.append(mine, False)[board.uplink]
        may_come = (open_ & there).any(axis=1) & ~np.append(mine, False)[board.home_uplink]
        room = float(np.maximum(tick.projection.headroom[mine], 0.0).sum())
        load, heads = float(board.demand[may_come].sum()), int(np.count_nonzero(may_come))
        if load > room:
            load, heads = room, int(heads * room / load)
        if load > tick.prices.probe or heads > 1:
            found[name] = Crowd(max(load, tick.prices.probe), max(heads, 1))
    return found


def _arrivals(tick: Tick, wanted: Wanted) -> Mapping[str, Crowd]:
    """Whom the assignment brings to each physical network; a price per bit per second is asked of idle ones too."""
    board = tick.board
    rows, columns = _moves(board, wanted)
    found: dict[str, Crowd] = {}
    for uplink, load in zip(board.uplink[rows, columns].tolist(), board.demand[rows].tolist(), strict=True):
        name = board.uplinks[uplink].physical_network
        before = found.get(name, Crowd(0.0, 0))
        found[name] = Crowd(before.bps + load, before.heads + 1)
    return {name: Crowd(max(crowd.bps, tick.prices.probe), crowd.heads) for name, crowd in found.items()}


def _moves(board: Board, wanted: Wanted) -> tuple[Ints, Ints]:
    """Rows and columns of those that the assignment moves to another uplink."""
    home = board.here[wanted.rows]
    moving = (wanted.column != OVERFLOW) & (wanted.column != home)
    return wanted.rows[moving], wanted.column[moving]


def _change(tick: Tick, wanted: Wanted) -> float:
    """What the assignment changes by the hour: bills as they are with it, penalties and moves. Unknown: infinite."""
    board, rules = tick.board, tick.rules
    rows, columns = _moves(board, wanted)
    if not len(rows):
        return 0.0
    penalty = tick.prices.penalty
    total = float((penalty[rows, columns] - penalty[rows, board.here[rows]]).sum())
    total += float((rules.move_cost[rows] / rules.horizon[rows]).sum())
    leader = rules.policy[int(rows[np.argmax(board.demand[rows])])]
    if leader is None:
        return np.inf
    leaving = flows(board, rows, board.here[rows])
    coming = flows(board, rows, columns)
    for name, destination in sorted(leaving.keys() | coming.keys(), key=str):
        less, more = leaving.get((name, destination), NOTHING), coming.get((name, destination), NOTHING)
        left = tick.prices.lists.base(name, destination).without(less)
        for sign, flow in ((-1, less), (1, more)):
            price = tick.prices.lists.per_hour(name, leader.spec.horizon, left, flow)
            if price is None:
                return np.inf
            total += sign * float(price)
    return total
