"""How far each percentile link may be loaded for free right now: to its aim, and in a burst one link beyond it.

While the links together carry less than their aims, none has a reason to be above its own. More than that is a burst:
it goes to one link that still has free samples, and the others stay below their aims. When no link has any left, the
level that rises for the least money does: one more sample above it only lifts it to the next one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from enum import Enum

import numpy as np

from switcher.decide.board import Board
from switcher.decide.cushion import MOST, alone, kept, least, spreads
from switcher.decide.projection import Projection
from switcher.model import Ledger
from switcher.objects.words import Direction
from switcher.tariff.flow import Flow
from switcher.tariff.ledger import Mark, directed

GUARD = 0.93
"""In a burst the other links are filled to this part of their aims at most: one burst then costs one free sample."""
EVEN = 0.05
"""So far apart the links' free samples may be used up."""
LAST = 3
"""Free samples that are kept where one too few would be dear: a workload that has just moved there may have to stay."""
ROUNDING = 1e-9

RISK = Decimal("0.1")
"""What is kept free of an aim costs this part of a higher level where all is calm: a free sample may be lost."""

Key = tuple[str, str]


class _State(Enum):
    """Of a family. ``SHORT``: no capacity is enough for what is above the aims."""

    CALM = "calm"
    BURST = "burst"
    SHORT = "short"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Carried:
    """What a physical network carries, all nodes together, and what ``fill`` is of it."""

    into: float = 0.0
    out: float = 0.0
    fill: float = 0.0
    split: bool = False


@dataclass(slots=True, kw_only=True)
class _Link:
    key: Key
    ledger: Ledger
    load: float
    capacity: float
    """What may be on it under ``fill``."""
    free: float
    """Up to here load is free."""
    raised: float = 0.0
    """So much beyond it costs ``raising`` only."""
    raising: Decimal = Decimal(0)
    """Money of the period: what lifts the level to the next sample, or what is kept free of the aim and used."""

    @property
    def bursting(self) -> bool:
        """Whether its sample will be above the aim if nothing is done, or is already."""
        ledger = self.ledger
        return ledger.begun + self.load * ledger.left > ledger.aim * (1 + ROUNDING)

    @property
    def dear(self) -> Decimal:
        """What a sample above the aim costs when none is free; without an end where it costs as much as it is above."""
        return Decimal("inf") if self.ledger.raising is None else self.ledger.raising

    @property
    def guarded(self) -> float:
        """What it is filled to while another link takes a burst, bits per second."""
        clear = max(self.limit * (1 - GUARD), MOST * float(alone(self.limit, self.ledger.swing)))
        return max(self.limit - clear, 0.0)

    def keep(self, width: float, part: Decimal) -> None:
        """Keep so much of the aim free; using it costs a part of what as much beyond the aim would."""
        width = min(width, self.limit)
        self.free, self.raised = self.limit - width, width if self.ledger.steep else 0.0
        self.raising = self.ledger.steep * Decimal(width) * part

    def order(self, most: int, cheapest: Decimal) -> tuple[object, ...]:
        """Who takes a burst first, of a family that has at most so many free samples on a link.

        Of those that have about as many: who aims low, because the others need theirs for the first moments of every
        burst, which nobody foresees; then who is above its aim already, so that a burst stays where it is. The last
        free samples of a link whose level would rise for more than the cheapest one's are kept for what is late to
        leave it.
        """
        free, raising = self.ledger.free, self.dear
        if free <= (LAST if raising > cheapest else 0):
            return True, raising, self.ledger.aim, not self.bursting, 0, self.key
        few = free < most - max(most * EVEN, 1)
        return False, few, self.ledger.aim, not self.bursting, -free, self.key

    @property
    def limit(self) -> float:
        """What the load may be for the rest of the sample, so that it comes to no more than the aim."""
        ledger = self.ledger
        if ledger.begun > ledger.aim or ledger.left <= 0:
            return ledger.aim
        return min(ledger.aim, (ledger.aim - ledger.begun) / ledger.left)


def marks(board: Board, projection: Projection, ledgers: Mapping[Key, Ledger]) -> Mapping[Key, Mark]:
    """The mark of every percentile charge that there is a ledger of."""
    carried = _carried(board, projection)
    families: dict[Direction, list[_Link]] = defaultdict(list)
    for key, ledger in sorted(ledgers.items()):
        families[ledger.direction].append(_link(key, ledger, carried))
    found: dict[Key, Mark] = {}
    for family in families.values():
        state = _fill(family)
        for link in family:
            spread = Decimal(_spread(family, link.ledger, state) // timedelta(seconds=1))
            scarce = link.ledger.useful // timedelta(seconds=1)
            found[link.key] = Mark(
                free_bps=link.free,
                raise_bps=link.raised,
                raise_money=link.raising,
                raise_seconds=Decimal(scarce) if state is _State.SHORT or link.ledger.free <= 0 else spread,
                useful_seconds=spread,
                expected_bps=link.ledger.aim,
            )
    return found


def _spread(family: Sequence[_Link], ledger: Ledger, state: _State) -> timedelta:
    """The time that the price of a higher level is spread over.

    Where every link is within its aim, more load would be there to stay, and uses the level to the period's end. Where
    one is above and another has room, or free samples, the level need not rise at all: its price is due at once.
    """
    if state is _State.SHORT:
        return ledger.useful
    calm = state is _State.CALM and all(link.load <= link.limit * (1 + ROUNDING) for link in family)
    return ledger.rest if calm else timedelta(0)


def at_network(
    found: Mapping[Key, Mark], ledgers: Mapping[Key, Ledger], name: str, base: Callable[[str], Flow]
) -> Mapping[Key, Mark]:
    """The marks as one physical network has them: what the rest of its pool carries is elsewhere."""
    return {
        key: _pooled(mark, [other for other in ledgers[key].networks if other != name], base)
        for key, mark in found.items()
    }


def _pooled(mark: Mark, others: Sequence[str], base: Callable[[str], Flow]) -> Mark:
    flows = [base(other) for other in others]
    elsewhere = Flow(in_bps=sum(flow.in_bps for flow in flows), out_bps=sum(flow.out_bps for flow in flows))
    return replace(mark, elsewhere=elsewhere) if others else mark


def _fill(family: Sequence[_Link]) -> _State:
    """Say how far each link may be loaded for free: all below their aims, or in a burst one of them above."""
    total = sum(link.load for link in family)
    limits = np.array([link.limit for link in family])
    slack, swing = float(limits.sum()) - total, family[0].ledger.swing
    spare = any(link.ledger.free > 0 for link in family)
    if slack < -total * ROUNDING or (spare and slack < least(spreads(limits, swing))):
        return _burst(family, total)
    for link, width in zip(family, kept(max(slack, 0.0), alone(limits, swing)).tolist(), strict=True):
        link.keep(width, RISK)
    return _State.CALM


def _burst(family: Sequence[_Link], total: float) -> _State:
    """Let one link take what is too much for the aims; where its capacity is not enough, others too."""
    left = total - sum(link.guarded for link in family)
    taken: dict[Key, float] = {}
    most, cheapest = max(link.ledger.free for link in family), min(link.dear for link in family)
    for link in sorted(family, key=lambda link: link.order(most, cheapest)):
        taken[link.key] = min(left, max(link.capacity - link.guarded, 0.0))
        left -= taken[link.key]
        if left <= total * ROUNDING:
            break
    enough = left <= total * ROUNDING
    for link in family:
        link.keep(link.limit - link.guarded if enough else 0.0, Decimal(1))
        if link.key in taken:
            width = taken[link.key] + total * (1 - GUARD)
            if link.ledger.free > 0:
                link.free, link.raised, link.raising = link.free + width, 0.0, Decimal(0)
            elif link.ledger.raising is not None:
                link.raised, link.raising = width, link.ledger.raising
    return _State.BURST if enough else _State.SHORT


def _carried(board: Board, projection: Projection) -> Mapping[str, _Carried]:
    found: dict[str, _Carried] = {}
    for number, uplink in enumerate(board.uplinks):
        before = found.get(uplink.physical_network, _Carried())
        found[uplink.physical_network] = _Carried(
            into=before.into + float(projection.into[number]),
            out=before.out + float(projection.out[number]),
            fill=before.fill + float(projection.fill[number]),
            split=before.split or bool(board.split[number]),
        )
    return found


def _link(key: Key, ledger: Ledger, carried: Mapping[str, _Carried]) -> _Link:
    parts = [carried[name] for name in ledger.networks if name in carried]
    once = ledger.direction is Direction.SUM and not any(part.split for part in parts)
    direction = Direction.MAX if once else ledger.direction
    return _Link(
        key=key,
        ledger=ledger,
        load=directed(direction, sum(part.into for part in parts), sum(part.out for part in parts)),
        capacity=sum(part.fill for part in parts),
        free=ledger.aim,
    )
