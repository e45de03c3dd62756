"""The wanted assignment: everyone who may move at all, in one market, solved by the flow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from switcher.decide.board import NOWHERE, Bools, Floats, Ints
from switcher.decide.budgets import Budgets
from switcher.decide.flow import OVERFLOW, Market, Tier, cheapest_in_parts, shadow_prices
from switcher.decide.levels import Ceiling, Levels, ceiling, levels
from switcher.decide.parts import parts
from switcher.decide.tick import Tick
from switcher.model import MoveReason
from switcher.objects.model import PolicyMode

PASSES = 4
"""How often the flow is solved again while a network has fewer addresses than the flow sent workloads."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wanted:
    """What the flow wants."""

    rows: Ints
    """The workloads that took part."""
    column: Ints
    """Where each is to be; OVERFLOW: it must leave, but there is no room."""
    surcharge: Floats
    """By uplink: money per hour of one more bit per second of room."""
    ceiling: Ceiling

    @property
    def moves(self) -> dict[int, int]:
        """Row -> column as the flow has it; those that stay are in it too."""
        return dict(zip(self.rows.tolist(), self.column.tolist(), strict=True))


def assign(tick: Tick, budgets: Budgets) -> Wanted:
    """Solve the market of this tick."""
    saving = may_save(tick, budgets)
    rows = np.flatnonzero(_takes_part(tick, saving))
    stepped = levels(tick.board, tick.rules, tick.prices, rows)
    market = _tiered(_market(tick, rows, saving, stepped), tick, stepped)
    divided = parts(market)
    choice = cheapest_in_parts(market, divided)
    for _ in range(PASSES):
        narrower = _within_addresses(tick, rows, market, choice)
        if narrower is None:
            break
        market, divided = narrower, parts(narrower)
        choice = cheapest_in_parts(market, divided)
    return Wanted(
        rows=rows,
        column=choice,
        surcharge=shadow_prices(market, choice, _full(market, choice), divided.longest),
        ceiling=ceiling(stepped, tick.board, rows, choice),
    )


def _tiered(market: Market, tick: Tick, stepped: Levels) -> Market:
    """The market with the levels of prices that rise with the load."""
    if not stepped:
        return market
    number = {name: index for index, name in enumerate(stepped)}
    group = [number.get(uplink.physical_network, NOWHERE) for uplink in tick.board.uplinks]
    tiers = tuple(Tier(number[name], step.width, step.extra) for name, steps in stepped.items() for step in steps)
    return replace(market, group=np.array(group, dtype=np.int64), tiers=tiers)


def automatic(tick: Tick) -> Bools:
    """W: not held, and under a policy that makes moves."""
    return tick.standing.free & tick.rules.flags(lambda policy: policy.spec.mode is PolicyMode.AUTO)


def may_save(tick: Tick, budgets: Budgets) -> Bools:
    """W: no gate and no spent budget keeps it from a move that saves money."""
    left = tick.rules.flags(lambda policy: budgets.why_not(policy, MoveReason.SAVINGS) is None)
    may: Bools = left & (tick.standing.gate == 0)
    return may


def _takes_part(tick: Tick, saving: Bools) -> Bools:
    worth = (tick.standing.worth & tick.standing.open).any(axis=1)
    must = tick.shedding & tick.standing.open.any(axis=1)
    return automatic(tick) & ((saving & worth) | must)


def _market(tick: Tick, rows: Ints, saving: Bools, stepped: Levels) -> Market:
    board, standing = tick.board, tick.standing
    count, uplinks = len(rows), len(board.uplinks)
    uplink, home = board.uplink[rows], board.here[rows]
    home_uplink = tick.home_uplink[rows]
    everyone = np.arange(count)

    for_money = standing.worth[rows] & standing.open[rows] & saving[rows][:, None]
    elsewhere = uplink != home_uplink[:, None]
    calm = ~tick.projection.shedding[np.maximum(uplink, 0)] if uplinks else np.zeros(uplink.shape, dtype=np.bool_)
    for_safety = standing.open[rows] & tick.shedding[rows][:, None] & elsewhere & calm
    move = tick.move_cost_per_hour[rows][:, None]
    cost = np.where(for_money | for_safety, tick.prices.cost[rows] + move, np.inf)
    cost[everyone, home] = tick.prices.cost[rows, home]
    # Where there are levels the flow counts them for all, from the price of one who comes.
    levelled = np.array([place.physical_network in stepped for place in board.uplinks], dtype=np.bool_)
    arriving = tick.prices.arriving[rows] + tick.prices.penalty[rows, home]
    cost[everyone, home] = np.where(levelled[home_uplink], arriving, cost[everyone, home])

    demand = board.demand[rows]
    residents = np.bincount(home_uplink, weights=demand, minlength=uplinks).astype(np.float64)
    room = tick.projection.headroom + residents
    excess = np.maximum(residents - np.maximum(room, 0.0), 0.0)
    remaining = np.maximum(tick.projection.remain - np.maximum(tick.projection.fill, 0.0), 0.0)
    return Market(
        demand=demand,
        cost=cost,
        home=home,
        uplink=np.where(uplink == NOWHERE, 0, uplink),
        room=np.maximum(room, 0.0),
        tolerated=np.where(tick.projection.shedding, np.minimum(excess, remaining), excess),
    )


def _within_addresses(tick: Tick, rows: Ints, market: Market, choice: Ints) -> Market | None:
    """The market without what networks that ran out of addresses cannot take; None when all have enough.

    Those who save most by being there keep their place, and the flow finds another for the rest.
    """
    everyone = np.arange(len(rows))
    leaving = (choice != OVERFLOW) & (choice != market.home)
    network = np.where(leaving, tick.board.network[rows, np.maximum(choice, 0)], NOWHERE)
    gain = market.cost[everyone, market.home] - market.cost[everyone, np.maximum(choice, 0)]
    cost = market.cost.copy()
    arrivals = np.bincount(network[leaving], minlength=len(tick.board.networks))
    for number in np.flatnonzero(arrivals).tolist():
        free = tick.board.networks[number].free_addresses
        if free is None or arrivals[number] <= free:
            continue
        there = np.flatnonzero(network == number)
        ranked = there[np.argsort(-gain[there], kind="stable")]
        columns = tick.board.network[rows] == number
        others = np.ones(len(rows), dtype=np.bool_)
        others[ranked[: max(free, 0)]] = False
        cost[columns & others[:, None]] = np.inf
        cost[everyone, market.home] = market.cost[everyone, market.home]
    return None if np.array_equal(cost, market.cost) else replace(market, cost=cost)


def _full(market: Market, choice: Ints) -> Bools:
    """U: someone would rather be there, and there is no room for the smallest who would."""
    uplinks = len(market.room)
    everyone = np.arange(len(market.home))
    at = np.where(choice == OVERFLOW, market.home, choice)
    present = market.uplink[everyone, at]
    load = np.bincount(present, weights=market.demand, minlength=uplinks).astype(np.float64)
    smallest = np.full(uplinks, np.inf)
    rows, columns = np.nonzero(np.isfinite(market.cost))
    rather = market.cost[rows, columns] < market.cost[rows, at[rows]]
    rather &= market.uplink[rows, columns] != present[rows]
    np.minimum.at(smallest, market.uplink[rows[rather], columns[rather]], market.demand[rows[rather]])
    full: Bools = np.isfinite(smallest) & (market.room - load < smallest)
    return full
