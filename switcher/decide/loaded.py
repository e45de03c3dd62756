"""Percentile links as they are loaded now: what each carries, how far it may be filled, and what one more burst costs.

A link here is one percentile charge, with all physical networks that it counts together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from switcher.decide.board import NOWHERE, Board, Floats
from switcher.decide.present import loads, physical_networks
from switcher.decide.projection import Projection
from switcher.model import Ledger
from switcher.tariff.flow import Flow, together

GUARD = 0.93
"""Where nobody knows how much loads swing, the other links are filled to this part of their aims in a burst."""
EVEN = 0.05
"""So far apart the links' free samples may be used up; of links that have about as many, those of the one that aims
highest are worth so much more: it needs them for the first moments of every burst, which nobody foresees."""
STEADY = 0.0025
"""So much less a burst costs on a link that is above its aim already: it then stays where it is."""
LAST = 3
"""Free samples that are kept where one too few would be dear: a workload that has just moved there may have to stay."""
LEAST = Decimal("1e-9")
"""Money of the period: no level that rises costs less."""
DEAREST = 1e6
"""So many times what the cheapest level costs, no level is taken to cost more."""
ROUNDING = 1e-9

Key = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class Loaded:
    """A link, and how far it may be filled."""

    key: Key
    ledger: Ledger
    load: float
    capacity: float
    """What may be on it under ``fill``."""
    free: float
    """Up to here load is free."""
    size: float = 1.0
    """Of its workloads, as a part of what they are on all networks."""
    raised: float = 0.0
    """So much beyond it costs ``raising`` only."""
    raising: Decimal = Decimal(0)
    """Money of the period: what lifts the level to the next sample, or what is kept free of the aim and used."""

    @property
    def bursting(self) -> bool:
        """Whether its sample will be above the aim if nothing is done, or is already."""
        ledger = self.ledger
        return ledger.begun + self.load * self.grows * ledger.left > ledger.aim * (1 + ROUNDING)

    @property
    def grows(self) -> float:
        """What the daily wave makes of the load in the rest of the sample, as a part of what it is now."""
        return 1 + self.ledger.trend * self.ledger.left

    @property
    def limit(self) -> float:
        """What the load may be now, so that the sample comes to no more than the aim."""
        ledger = self.ledger
        if ledger.begun > ledger.aim or ledger.left <= 0:
            return ledger.aim
        return min(ledger.aim, (ledger.aim - ledger.begun) / ledger.left) / self.grows

    def keep(self, width: float, part: Decimal) -> None:
        """Keep so much of the aim free; using it costs a part of what as much beyond the aim would."""
        width = min(width, self.limit)
        self.free, self.raised = self.limit - width, width if self.ledger.steep else 0.0
        self.raising = self.ledger.steep * Decimal(width) * part

    def guarded(self, width: float) -> float:
        """What it is filled to while another link takes a burst, bits per second; so much of it is kept free."""
        least = 0.0 if self.ledger.swing else self.limit * (1 - GUARD)
        return max(self.limit - max(width, least), 0.0)

    @property
    def dear(self) -> Decimal:
        """What a sample above the aim costs when none is free; without an end where it costs as much as it is above."""
        return Decimal("inf") if self.ledger.raising is None else self.ledger.raising

    def cost(self, most: int, cheapest: Decimal, aims: float) -> float:
        """What a sample above its aim costs, in samples of who has most of them free, of a family that aims so high.

        Nothing where the running one is above it already. The last free samples of a link whose level would rise for
        more than the cheapest one's are kept for what is late to leave it.
        """
        free = self.ledger.free
        if self.ledger.begun > self.ledger.aim:
            return 0.0
        if free <= (LAST if self.dear > cheapest else 0):
            times = float(self.dear / max(cheapest, LEAST)) if self.dear > cheapest else 1.0
            cost = (most + 1) * min(times, DEAREST)
        else:
            cost = most / free if free < most - max(most * EVEN, 1) else 1.0
        return cost * (1 + EVEN * self.ledger.aim / max(aims, 1.0)) * (1 - STEADY * self.bursting)


def costs(family: Sequence[Loaded]) -> Floats:
    """What a sample above each link's aim costs."""
    most, cheapest = max(link.ledger.free for link in family), min(link.dear for link in family)
    aims = sum(link.ledger.aim for link in family)
    return np.array([link.cost(most, cheapest, aims) for link in family])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Carried:
    """What a physical network carries, all nodes together, and what ``fill`` is of it."""

    load: Flow
    fill: float


def loaded(board: Board, projection: Projection, ledgers: Mapping[Key, Ledger]) -> Sequence[Loaded]:
    """All links, by key."""
    if not ledgers:
        return []
    carried, sizes, usual = _carried(board, projection), _sizes(board), _mean(board.demand)
    found = [_link(key, ledger, carried) for key, ledger in sorted(ledgers.items())]
    for link in found:
        mine = [sizes[name] for name in link.ledger.networks if name in sizes]
        link.size = (_mean(_staying(np.sort(np.concatenate(mine)), link)) / usual if mine and usual else 0.0) or 1.0
    return found


def _carried(board: Board, projection: Projection) -> Mapping[str, _Carried]:
    names, physical = physical_networks(board)
    fill, carries = np.bincount(physical, weights=projection.fill, minlength=len(names)), loads(board, projection)
    return {name: _Carried(load=carries[name], fill=part) for name, part in zip(names, fill.tolist(), strict=True)}


def _link(key: Key, ledger: Ledger, carried: Mapping[str, _Carried]) -> Loaded:
    parts = [carried[name] for name in ledger.networks if name in carried]
    return Loaded(
        key=key,
        ledger=ledger,
        load=together(part.load for part in parts).counted(ledger.direction),
        capacity=sum(part.fill for part in parts),
        free=ledger.aim,
    )


def _sizes(board: Board) -> Mapping[str, Floats]:
    """What the workloads of each physical network need, bits per second."""
    names, number = physical_networks(board)
    placed = np.flatnonzero(board.home_uplink != NOWHERE)
    if not len(placed):
        return {}
    at = number[board.home_uplink[placed]]
    order = placed[np.argsort(at, kind="stable")]
    parts = np.split(board.demand[order], np.searchsorted(np.sort(at), np.arange(1, len(names))))
    return dict(zip(names, parts, strict=True))


def _staying(sizes: Floats, link: Loaded) -> Floats:
    """Of what is on a link, smallest first, that which is left at its limit when the largest have gone."""
    part = min(link.limit / link.load, 1.0) if link.load > 0 else 1.0
    staying: Floats = sizes[np.cumsum(sizes) <= part * sizes.sum() * (1 + ROUNDING)]
    return staying


def _mean(sizes: Floats) -> float:
    """The mean size, each counted by what it carries; foreign load is taken to be made of workloads as large."""
    total = float(sizes.sum())
    return float((sizes**2).sum()) / total if total > 0 else 0.0
