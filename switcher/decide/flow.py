"""The cheapest assignment under capacity, exactly: a min-cost flow (decision.md, section 3).

Workloads send their demand through uplinks to one sink. Money per hour becomes a cost per unit of demand, so that a
price per GB and one per attachment-hour meet in one objective: the density of an attachment's price is high where
demand is small, and a full uplink therefore goes to those who save most per bit. An overflow arc above every price
keeps the flow feasible; who takes it stays where it is. The arcs are in decide/whole.py.

Rounding: demands are whole units of at most a millionth of the largest uplink's room or demand in play, and money is
scaled as far as 64 bits go, so that the sum of all rounding is far below a cent per hour. Equal demands are one unit
each, and the answer is then exact for whole workloads too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from switcher.decide.board import NOWHERE, Bools, Floats, Ints
from switcher.decide.market import OVERFLOW, Market, Tier
from switcher.decide.parts import labels, parts
from switcher.decide.sift import cheapest_shares
from switcher.decide.whole import NEVER, Whole

__all__ = ["OVERFLOW", "Market", "Tier", "cheapest", "shadow_prices"]

UNITS = 20_000_000
"""Sum of all demands in units."""
LARGEST = 2**60
"""Bound of scaled cost x nodes inside the solver."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """Whole numbers for the solver: units of demand, units of money per unit of demand."""

    units: Ints
    """M: demand in units, at least 1."""
    unit_bps: float
    money: float
    gain: Floats
    """M x C: money per hour beyond what the workload costs at home; infinite where it may not be.

    Only differences matter, and they use the digits best.
    """


def cheapest(market: Market) -> Ints:
    """M: the column of each workload, OVERFLOW where there is no room for it (it then stays at home).

    A workload whose demand the flow split goes where the largest share went; the caller checks capacity again. Parts
    that share no uplink are solved one by one (decide/parts.py): as exact, and the time grows only with their number.
    """
    choice = np.full(len(market.demand), OVERFLOW, dtype=np.int64)
    for rows, part in parts(market):
        choice[rows] = _cheapest(part)
    return choice


def _cheapest(market: Market) -> Ints:
    overflow = _overflow_cost(market)
    scale = _scale(market, overflow)
    shares = cheapest_shares(_in_units(market, scale, overflow))
    return _by_name(market, _largest_share(market, scale, shares))


def _overflow_cost(market: Market) -> float:
    """A surcharge in money per hour per bit per second above every difference of prices."""
    spread = np.where(np.isfinite(market.cost), market.cost, -np.inf).max(axis=1) - market.cost.min(axis=1)
    per_bps = spread / np.maximum(market.demand, _least(market))
    return 2.0 * (float(per_bps.max()) + sum(abs(tier.extra) for tier in market.tiers)) + 1e-12


def _least(market: Market) -> float:
    """The smallest demand that a density is computed with."""
    return max(float(market.demand.sum()) / UNITS, 1e-9)


def _scale(market: Market, overflow: float) -> _Scale:
    demand = market.demand
    if demand.max() > 0 and float(np.ptp(demand)) <= 1e-9 * float(demand.max()):
        unit_bps, units = float(demand[0]), np.ones(len(demand), dtype=np.int64)
    else:
        unit_bps = _least(market)
        units = np.maximum(np.rint(demand / unit_bps).astype(np.int64), 1)
    gain = market.cost - market.cost[np.arange(len(market.home)), market.home][:, None]
    density = np.abs(gain) / units[:, None]
    extra = max((abs(tier.extra) for tier in market.tiers), default=0.0)
    largest = 2 * float(density[np.isfinite(density)].max()) + (2 * overflow + extra) * unit_bps
    nodes = len(demand) + 2 * len(market.room) + len(market.tiers) + 2
    return _Scale(units, unit_bps, LARGEST / (nodes + 1) / max(largest, 1e-12), gain)


def _in_units(market: Market, scale: _Scale, overflow: float) -> Whole:
    uplinks, everyone = len(market.room), np.arange(len(market.home))
    may = np.isfinite(scale.gain)
    money = np.where(may, scale.gain, 0.0) / scale.units[:, None] * scale.money
    # Ties break by name: one unit of money per rank is far below a rounding of the cost itself.
    cost = np.where(may, np.rint(money).astype(np.int64) + np.arange(1, may.shape[1] + 1), NEVER)
    cost[everyone, market.home] = 0
    place = market.uplink.copy()
    place[everyone, market.home] += uplinks
    tiers = market.tiers
    extra = np.array([tier.extra for tier in tiers], dtype=np.float64) * scale.unit_bps * scale.money
    return Whole(
        units=scale.units,
        cost=cost,
        place=place,
        room=_whole(market.room, scale, up=False),
        tolerated=_whole(market.tolerated, scale, up=True),
        group=np.full(uplinks, NOWHERE, dtype=np.int64) if market.group is None else market.group,
        level_of=np.array([tier.group for tier in tiers], dtype=np.int64),
        width=_whole(np.array([tier.width for tier in tiers], dtype=np.float64), scale, up=False),
        extra=np.rint(extra).astype(np.int64),
        overflow=int(overflow * scale.unit_bps * scale.money) + 1,
        settled=np.zeros(2 * uplinks, dtype=np.int64),
    )


def _whole(rates: Floats, scale: _Scale, *, up: bool) -> Ints:
    """Room in whole units: never more than there is, except where what is there already must be let stay."""
    units = np.maximum(rates, 0.0) / scale.unit_bps
    whole = np.ceil(units - 1e-6) if up else np.floor(units + 1e-6)
    return np.minimum(whole, float(scale.units.sum())).astype(np.int64)


def _largest_share(market: Market, scale: _Scale, table: Ints) -> Ints:
    """M: the column with the largest flow; home wins ties, then the first name. OVERFLOW where that is larger."""
    everyone = np.arange(len(market.home))
    best = table.argmax(axis=1)
    best = np.where(table[everyone, market.home] >= table[everyone, best], market.home, best)
    overflow = scale.units - table.sum(axis=1)
    return np.where(overflow > table[everyone, best], OVERFLOW, best)


def _by_name(market: Market, choice: Ints) -> Ints:
    """Among workloads that are alike, the first by name get the best places, whatever order the solver had."""
    ordered = np.sort(market.demand)
    if not (ordered[1:] == ordered[:-1]).any():
        return choice
    alike: dict[tuple[int, float, bytes, bytes], list[int]] = {}
    _, which, count = np.unique(market.demand, return_inverse=True, return_counts=True)
    for row in np.flatnonzero(count[which] > 1).tolist():
        key = int(market.home[row]), float(market.demand[row]), market.cost[row].tobytes(), market.uplink[row].tobytes()
        alike.setdefault(key, []).append(row)
    sorted_choice = choice.copy()
    for rows in alike.values():
        if len(rows) > 1:
            cost = market.cost[rows[0]]
            best = sorted(choice[rows].tolist(), key=lambda at: (at == OVERFLOW, cost[at], at))
            sorted_choice[rows] = best
    return sorted_choice


def shadow_prices(market: Market, choice: Ints, full: Bools) -> Floats:
    """U: what one more bit per second of room would save, in money per hour, by complementary slackness.

    A chain of moves ends on the uplink that gets the room: each step is the cheapest way in which a workload that is
    on one uplink would rather be on the next. Zero where room is left. With prices per attachment-hour the density
    differs by workload, and the figure is that of the marginal one.
    """
    start, end, step = _steps(market, choice, full)
    gain = np.zeros(len(market.room))
    for _ in range(int(np.bincount(labels(market)).max(initial=0))):  # no chain visits an uplink twice
        better = gain.copy()
        np.minimum.at(better, end, gain[start] + step)
        better = np.where(full, better, 0.0)
        if np.allclose(better, gain, rtol=1e-9, atol=0.0):
            break
        gain = better
    return -gain


def _steps(market: Market, choice: Ints, full: Bools) -> tuple[Ints, Ints, Floats]:
    """Pairs of uplinks and the least that it costs, per bit per second, to have someone of the first on the second.

    To full ones only: nobody gains by more room on another.
    """
    everyone = np.arange(len(market.home))
    at = np.where(choice == OVERFLOW, market.home, choice)
    demand = np.maximum(market.demand, _least(market))
    rows, columns = np.nonzero(np.isfinite(market.cost) & full[market.uplink])
    density = (market.cost[rows, columns] - market.cost[rows, at[rows]]) / demand[rows]
    uplinks = max(len(market.room), 1)
    pair = market.uplink[everyone, at][rows] * uplinks + market.uplink[rows, columns]
    order = np.argsort(pair, kind="stable")
    pairs, first = np.unique(pair[order], return_index=True)
    least = np.minimum.reduceat(density[order], first) if len(pairs) else np.empty(0)
    return pairs // uplinks, pairs % uplinks, least
