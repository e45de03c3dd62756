"""The cheapest assignment under capacity, exactly: a min-cost flow (decision.md, section 3).

Workloads send their demand through uplinks to one sink. Money per hour becomes a cost per unit of demand, so that a
price per GB and one per attachment-hour meet in one objective: the density of an attachment's price is high where
demand is small, and a full uplink therefore goes to those who save most per bit. An overflow arc above every price
keeps the flow feasible; who takes it stays where it is. The units are in decide/units.py, the arcs in
decide/whole.py.
"""

from __future__ import annotations

import numpy as np

from switcher.decide.board import Bools, Floats, Ints
from switcher.decide.market import OVERFLOW, Market, Tier
from switcher.decide.parts import Parts, parts
from switcher.decide.sift import cheapest_shares
from switcher.decide.units import in_units, least_demand

__all__ = ["OVERFLOW", "Market", "Tier", "cheapest", "cheapest_in_parts", "shadow_prices"]


def cheapest(market: Market) -> Ints:
    """M: the column of each workload, OVERFLOW where there is no room for it (it then stays at home).

    A workload whose demand the flow split goes where the largest share went; the caller checks capacity again. Parts
    that share no uplink are solved one by one (decide/parts.py): as exact, and the time grows only with their number.
    """
    return cheapest_in_parts(market, parts(market))


def cheapest_in_parts(market: Market, divided: Parts) -> Ints:
    """The same of a market that has been divided."""
    choice = np.full(len(market.demand), OVERFLOW, dtype=np.int64)
    if len(divided):
        scaled = in_units(divided)
        shares = np.concatenate([cheapest_shares(part) for part in scaled.parts])
        choice[divided.order] = _largest_share(divided.market.home, scaled.units, shares)
    return _by_name(market, choice)


def _largest_share(home: Ints, units: Ints, shares: Ints) -> Ints:
    """M: the column with the largest flow; home wins ties, then the first name. OVERFLOW where that is larger."""
    everyone = np.arange(len(home))
    best = shares.argmax(axis=1)
    best = np.where(shares[everyone, home] >= shares[everyone, best], home, best)
    overflow = units - shares.sum(axis=1)
    return np.where(overflow > shares[everyone, best], OVERFLOW, best)


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


def shadow_prices(market: Market, choice: Ints, full: Bools, longest: int) -> Floats:
    """U: what one more bit per second of room would save, in money per hour, by complementary slackness.

    A chain of moves ends on the uplink that gets the room: each step is the cheapest way in which a workload that is
    on one uplink would rather be on the next. Zero where room is left. With prices per attachment-hour the density
    differs by workload, and the figure is that of the marginal one. ``longest``: uplinks of the largest part.
    """
    start, end, step = _steps(market, choice, full)
    gain = np.zeros(len(market.room))
    for _ in range(longest):  # no chain visits an uplink twice
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
    demand = np.maximum(market.demand, least_demand(market.demand))
    rows, columns = np.nonzero(np.isfinite(market.cost) & full[market.uplink])
    density = (market.cost[rows, columns] - market.cost[rows, at[rows]]) / demand[rows]
    uplinks = max(len(market.room), 1)
    pair = market.uplink[everyone, at][rows] * uplinks + market.uplink[rows, columns]
    order = np.argsort(pair, kind="stable")
    pairs, first = np.unique(pair[order], return_index=True)
    least = np.minimum.reduceat(density[order], first) if len(pairs) else np.empty(0)
    return pairs // uplinks, pairs % uplinks, least
