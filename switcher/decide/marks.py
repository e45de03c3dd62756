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

from switcher.decide.board import Board
from switcher.decide.projection import Projection
from switcher.model import Ledger
from switcher.objects.words import Direction
from switcher.tariff.flow import Flow
from switcher.tariff.ledger import Mark, directed

GUARD = 0.93
"""In a burst the other links are filled to this part of their aims: one burst then costs one free sample."""
EVEN = 0.05
"""So far apart the links' free samples may be used up."""
ROUNDING = 1e-9

Key = tuple[str, str]


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
    """So much beyond it costs no more than what lifts the level to the next sample."""

    @property
    def bursting(self) -> bool:
        """Whether its sample will be above the aim if nothing is done, or is already."""
        ledger = self.ledger
        return ledger.begun + self.load * ledger.left > ledger.aim * (1 + ROUNDING)

    def order(self, most: int) -> tuple[object, ...]:
        """Who takes a burst first, of a family that has at most so many free samples on a link.

        Of those that have about as many: who aims low, because the others need theirs for the first moments of every
        burst, which nobody foresees; then who is above its aim already, so that a burst stays where it is.
        """
        free, raising = self.ledger.free, self.ledger.raising
        if free <= 0:
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
        enough = _burst(family)
        for link in family:
            useful = Decimal(link.ledger.useful // timedelta(seconds=1))
            found[link.key] = Mark(
                free_bps=link.free,
                raise_bps=link.raised,
                raise_money=link.ledger.raising,
                raise_seconds=useful,
                useful_seconds=Decimal(_spread(family, link.ledger, enough=enough) // timedelta(seconds=1)),
            )
    return found


def _spread(family: Sequence[_Link], ledger: Ledger, *, enough: bool) -> timedelta:
    """The time that the price of a higher level is spread over.

    Where every link is within its aim, more load would be there to stay, and uses the level to the period's end. Where
    one is above and another has room, or free samples, the level need not rise at all: its price is due at once.
    """
    if not enough:
        return ledger.useful
    calm = all(link.load <= link.limit * (1 + ROUNDING) for link in family)
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


def _burst(family: Sequence[_Link]) -> bool:
    """Let one link take what is too much for the aims; where its capacity is not enough, others too. Whether it is."""
    total = sum(link.load for link in family)
    if total <= sum(link.limit for link in family) * (1 + ROUNDING):
        for link in family:
            link.free = link.limit
        return True
    left = total - sum(link.limit * GUARD for link in family)
    taken: dict[Key, float] = {}
    most = max(link.ledger.free for link in family)
    for link in sorted(family, key=lambda link: link.order(most)):
        taken[link.key] = min(left, max(link.capacity - link.limit * GUARD, 0.0))
        left -= taken[link.key]
        if left <= total * ROUNDING:
            break
    enough = left <= total * ROUNDING
    for link in family:
        link.free = link.limit * (GUARD if enough else 1.0)
        if link.key in taken:
            width = taken[link.key] + total * (1 - GUARD)
            link.free, link.raised = (link.free + width, 0.0) if link.ledger.free > 0 else (link.free, width)
    return enough


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
