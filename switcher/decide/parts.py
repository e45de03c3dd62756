"""A market in parts that have no uplink in common. The cheapest assignment of the whole is that of its parts.

Uplinks belong to one node, and so do workloads: a site of a thousand nodes is a thousand small markets, unless a price
that rises with the load of a network ties its uplinks together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from switcher.decide.board import NOWHERE, Ints
from switcher.decide.market import Market, Tier


def parts(market: Market) -> Iterator[tuple[Ints, Market]]:
    """(rows, their market) of each part, in the order of its first uplink."""
    if not len(market.demand):
        return
    label = labels(market)
    home = label[_home_uplink(market)]
    if (home == home[0]).all():
        yield np.arange(len(home)), market
        return
    order, ranked = np.argsort(home, kind="stable"), np.argsort(label, kind="stable")
    begins, ends = (np.searchsorted(label[ranked], np.arange(len(label)), side) for side in ("left", "right"))
    number = np.zeros(len(label), dtype=np.int64)
    number[ranked] = np.arange(len(label)) - begins[label[ranked]]
    together = _in_order(market, order, number)
    edges = [0, *(np.flatnonzero(np.diff(home[order])) + 1).tolist(), len(order)]
    for first, last in pairwise(edges):
        one = home[order[first]]
        yield order[first:last], _part(together, slice(first, last), ranked[begins[one] : ends[one]])


def labels(market: Market) -> Ints:
    """U: a number for each uplink, the same for all of one part."""
    one, other = _ways(market)
    uplinks = len(market.room)
    label = np.arange(uplinks)
    if market.group is not None:
        grouped = np.flatnonzero(market.group != NOWHERE)
        first = np.full(uplinks, uplinks)
        np.minimum.at(first, market.group[grouped], grouped)
        one, other = np.append(one, grouped), np.append(other, first[market.group[grouped]])
    while True:
        least = np.minimum(label[one], label[other])
        nearer = label.copy()
        np.minimum.at(nearer, one, least)
        np.minimum.at(nearer, other, least)
        nearer = nearer[nearer]  # a label is an uplink of the part too: follow it, and halve the way
        if np.array_equal(nearer, label):
            return label
        label = nearer


def _ways(market: Market) -> tuple[Ints, Ints]:
    """Every pair of uplinks (from, to) that a workload leads from and to; hardly any twice.

    Who is on one uplink most often finds the same one in a column, so one for each column is noted; the others follow.
    """
    rows, columns = np.nonzero(np.isfinite(market.cost))
    count = market.cost.shape[1]
    home, found = _home_uplink(market)[rows], market.uplink[rows, columns]
    noted = np.full(len(market.room) * count, NOWHERE, dtype=np.int64)
    noted[home * count + columns] = found
    known = np.flatnonzero(noted != NOWHERE)
    rest = np.flatnonzero(noted[home * count + columns] != found)
    return np.append(known // count, home[rest]), np.append(noted[known], found[rest])


def _home_uplink(market: Market) -> Ints:
    found: Ints = market.uplink[np.arange(len(market.home)), market.home]
    return found


def _in_order(market: Market, order: Ints, number: Ints) -> Market:
    """The workloads part by part; ``number``: of each uplink within its part."""
    return replace(
        market,
        demand=market.demand[order],
        cost=market.cost[order],
        home=market.home[order],
        uplink=number[market.uplink[order]],
    )


def _part(market: Market, rows: slice, uplinks: Ints) -> Market:
    """These rows, whose uplinks have the part's numbers already."""
    group, tiers = _groups(market, uplinks)
    return Market(
        demand=market.demand[rows],
        cost=market.cost[rows],
        home=market.home[rows],
        uplink=market.uplink[rows],
        room=market.room[uplinks],
        tolerated=market.tolerated[uplinks],
        group=group,
        tiers=tiers,
    )


def _groups(market: Market, uplinks: Ints) -> tuple[Ints | None, Sequence[Tier]]:
    """The groups that these uplinks belong to, numbered anew, and their tiers."""
    if market.group is None:
        return None, ()
    present = np.unique(market.group[uplinks])
    number = {old: new for new, old in enumerate(present[present != NOWHERE].tolist())}
    group = np.array([number.get(old, NOWHERE) for old in market.group[uplinks].tolist()], dtype=np.int64)
    return group, tuple(replace(tier, group=number[tier.group]) for tier in market.tiers if tier.group in number)
