"""A market in the whole numbers that the solver takes: units of demand, and of money per unit of demand.

Rounding: demands are whole units of at most a millionth of the largest uplink's room or demand in play, and money is
scaled as far as 64 bits go, so that the sum of all rounding is far below a cent per hour. Equal demands are one unit
each, and the answer is then exact for whole workloads too.

Each part has a scale of its own; those of all are worked out at once: there are a thousand, of a hundred workloads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from switcher.decide.board import Floats, Ints
from switcher.decide.parts import Parts
from switcher.decide.whole import NEVER, Whole

UNITS = 20_000_000
"""Sum of all demands in units."""
LARGEST = 2**60
"""Bound of scaled cost x nodes inside the solver."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaled:
    """Parts in whole numbers. Shapes: M workloads, C columns, U uplinks, P parts; workloads as the parts have them."""

    divided: Parts
    units: Ints
    """M: demand in units, at least 1."""
    cost: Ints
    """M x C: per unit, beyond what the workload costs at home; NEVER where it may not be."""
    place: Ints
    """M x C: as :class:`~switcher.decide.whole.Whole` has it."""
    room: Ints
    tolerated: Ints
    """U."""
    overflow: Ints
    unit_bps: Floats
    money: Floats
    """P: money per hour and bit per second times ``unit_bps`` and ``money`` is a cost per unit."""
    total: Ints
    """P: all units."""

    @property
    def parts(self) -> Iterator[Whole]:
        """Each part for the solver."""
        edges = zip(pairwise(self.divided.rows.tolist()), pairwise(self.divided.uplinks.tolist()), strict=True)
        for part, ((first, last), (begin, end)) in enumerate(edges):
            group, tiers = self.divided.groups(part)
            width = np.array([tier.width for tier in tiers], dtype=np.float64)
            extra = np.array([tier.extra for tier in tiers], dtype=np.float64)
            yield Whole(
                units=self.units[first:last],
                cost=self.cost[first:last],
                place=self.place[first:last],
                room=self.room[begin:end],
                tolerated=self.tolerated[begin:end],
                group=group,
                level_of=np.array([tier.group for tier in tiers], dtype=np.int64),
                width=_whole(width, self.unit_bps[part], self.total[part], up=False),
                extra=np.rint(extra * self.unit_bps[part] * self.money[part]).astype(np.int64),
                overflow=int(self.overflow[part]),
                settled=np.zeros(2 * (end - begin), dtype=np.int64),
            )


def in_units(divided: Parts) -> Scaled:
    """At least one part in whole numbers."""
    market, part, first = divided.market, divided.part_of, divided.rows[:-1]
    everyone = np.arange(len(market.home))
    least = np.array([least_demand(market.demand[start:end]) for start, end in pairwise(divided.rows.tolist())])
    extras = [[abs(tier.extra) for tier in divided.groups(number)[1]] for number in range(len(divided))]
    overflow = _overflow_cost(divided, least, extras)
    unit_bps, units = _units(divided, least)
    # Only differences matter, and they use the digits best.
    gain = market.cost - market.cost[everyone, market.home][:, None]
    may = np.isfinite(gain)
    density = np.where(may, gain, 0.0) / units[:, None]
    largest = 2 * np.maximum.reduceat(np.abs(density).max(axis=1), first)
    largest += (2 * overflow + [max(steps, default=0.0) for steps in extras]) * unit_bps
    nodes = np.diff(divided.rows) + 2 * np.diff(divided.uplinks) + list(map(len, extras)) + 2
    money = LARGEST / (nodes + 1) / np.maximum(largest, 1e-12)
    # Ties break by name: one unit of money per rank is far below a rounding of the cost itself.
    scaled = np.rint(density * money[part][:, None]).astype(np.int64)
    cost = np.where(may, scaled + np.arange(1, may.shape[1] + 1), NEVER)
    cost[everyone, market.home] = 0
    place = market.uplink.copy()
    place[everyone, market.home] += np.diff(divided.uplinks)[part]
    total, of_uplink = np.add.reduceat(units, first), divided.part_of_uplink
    return Scaled(
        divided=divided,
        units=units,
        cost=cost,
        place=place,
        room=_whole(market.room, unit_bps[of_uplink], total[of_uplink], up=False),
        tolerated=_whole(market.tolerated, unit_bps[of_uplink], total[of_uplink], up=True),
        overflow=(overflow * unit_bps * money).astype(np.int64) + 1,
        unit_bps=unit_bps,
        money=money,
        total=total,
    )


def least_demand(demand: Floats) -> float:
    """The smallest demand that a density is computed with."""
    return max(float(demand.sum()) / UNITS, 1e-9)


def _overflow_cost(divided: Parts, least: Floats, extras: Sequence[Sequence[float]]) -> Floats:
    """P: a surcharge in money per hour per bit per second above every difference of prices.

    ``extras``: by part, what each of its tiers costs beyond the workloads' own cost.
    """
    market = divided.market
    spread = np.where(np.isfinite(market.cost), market.cost, -np.inf).max(axis=1) - market.cost.min(axis=1)
    per_bps = np.maximum.reduceat(spread / np.maximum(market.demand, least[divided.part_of]), divided.rows[:-1])
    return 2.0 * (per_bps + list(map(sum, extras))) + 1e-12


def _units(divided: Parts, least: Floats) -> tuple[Floats, Ints]:
    """(P: bits per second of a unit, M: each demand in units)."""
    demand, part, first = divided.market.demand, divided.part_of, divided.rows[:-1]
    most, smallest = np.maximum.reduceat(demand, first), np.minimum.reduceat(demand, first)
    alike = (most > 0) & (most - smallest <= 1e-9 * most)
    unit_bps = np.where(alike, demand[first], least)
    units = np.maximum(np.rint(demand / unit_bps[part]).astype(np.int64), 1)
    return unit_bps, np.where(alike[part], 1, units)


def _whole(rates: Floats, unit_bps: Floats, total: Ints, *, up: bool) -> Ints:
    """Room in whole units: never more than there is, except where what is there already must be let stay."""
    units = np.maximum(rates, 0.0) / unit_bps
    whole = np.ceil(units - 1e-6) if up else np.floor(units + 1e-6)
    return np.minimum(whole, total.astype(np.float64)).astype(np.int64)
