"""A market in parts that have no uplink in common. The cheapest assignment of the whole is that of its parts.

Uplinks belong to one node, and so do workloads: a site of a thousand nodes is a thousand small markets, unless a price
that rises with the load of a network ties its uplinks together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from switcher.decide.board import NOWHERE, Ints
from switcher.decide.market import Market, Tier


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """A market part by part, in the order of their first uplinks. Shapes: M workloads, U uplinks, P parts."""

    market: Market
    """Its workloads and uplinks in the order of the parts; workloads name uplinks by their number within the part."""
    order: Ints
    """M: the row of each workload in the market as it was."""
    rows: Ints
    """P + 1: where the workloads of each part begin, and the last end."""
    uplinks: Ints
    """P + 1: the same of uplinks."""
    longest: int
    """How many uplinks the largest part has, whether anybody is on it or not."""

    def __len__(self) -> int:
        return len(self.rows) - 1

    @property
    def part_of(self) -> Ints:
        """M: the part of each workload."""
        return np.repeat(np.arange(len(self)), np.diff(self.rows))

    @property
    def part_of_uplink(self) -> Ints:
        """U."""
        return np.repeat(np.arange(len(self)), np.diff(self.uplinks))

    def groups(self, part: int) -> tuple[Ints, Sequence[Tier]]:
        """The groups of a part's uplinks, numbered anew, and the tiers of these."""
        uplinks = slice(self.uplinks[part], self.uplinks[part + 1])
        if self.market.group is None:
            return np.full(uplinks.stop - uplinks.start, NOWHERE, dtype=np.int64), ()
        mine = self.market.group[uplinks]
        number = {old: new for new, old in enumerate(np.unique(mine[mine != NOWHERE]).tolist())}
        group = np.array([number.get(old, NOWHERE) for old in mine.tolist()], dtype=np.int64)
        return group, tuple(
            replace(tier, group=number[tier.group]) for tier in self.market.tiers if tier.group in number
        )


def undivided(market: Market) -> Parts:
    """All in one part; nobody makes none."""
    count = len(market.demand)
    edges = [[0, each] if count else [0] for each in (count, len(market.room))]
    rows, uplinks = (np.array(each, dtype=np.int64) for each in edges)
    longest = int(np.bincount(labels(market)).max(initial=0))
    return Parts(market=market, order=np.arange(count), rows=rows, uplinks=uplinks, longest=longest)


def parts(market: Market) -> Parts:
    """Those that somebody is on."""
    label = labels(market)
    home = label[_home_uplink(market)]
    present, count = np.unique(home, return_counts=True)
    if len(present) <= 1:
        return undivided(market)
    order, ranked = np.argsort(home, kind="stable"), np.argsort(label, kind="stable")
    number, ordered = np.zeros(len(label), dtype=np.int64), label[ranked]
    number[ranked] = np.arange(len(label)) - np.searchsorted(ordered, ordered)
    used = ranked[np.isin(ordered, present)]
    return Parts(
        market=_in_order(market, order, used, number),
        order=order,
        rows=np.append(0, np.cumsum(count)),
        uplinks=np.append(np.searchsorted(label[used], present), len(used)),
        longest=int(np.bincount(label).max()),
    )


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


def _in_order(market: Market, rows: Ints, uplinks: Ints, number: Ints) -> Market:
    """These rows and uplinks; ``number``: of each uplink within its part."""
    return replace(
        market,
        demand=market.demand[rows],
        cost=market.cost[rows],
        home=market.home[rows],
        uplink=number[market.uplink[rows]],
        room=market.room[uplinks],
        tolerated=market.tolerated[uplinks],
        group=None if market.group is None else market.group[uplinks],
    )
