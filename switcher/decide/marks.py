"""How far each percentile link may be loaded for free right now: to its aim, and in a burst one link beyond it.

While the links together carry less than their aims, none has a reason to be above its own, and what is left of the
aims is shared out so that the fewest are (cushion.py). More than that is a burst: it goes to one link that still has
free samples, and the others stay below their aims. When no link has any left, the level that rises for the least money
does: one more sample above it only lifts it to the next one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from enum import Enum

import numpy as np

from switcher.decide.board import Board, Floats
from switcher.decide.cushion import MOST, shared, strays
from switcher.decide.loaded import GUARD, ROUNDING, Key, Loaded, costs, loaded
from switcher.decide.projection import Projection
from switcher.model import Ledger
from switcher.objects.words import Direction
from switcher.tariff.flow import Flow, together
from switcher.tariff.ledger import Mark

RISK = Decimal("0.1")
"""What is kept free costs this part of a higher level where all is calm: a free sample may be lost."""


class _State(Enum):
    """Of a family. ``SHORT``: no capacity is enough for what is above the aims."""

    CALM = "calm"
    BURST = "burst"
    SHORT = "short"


def marks(board: Board, projection: Projection, ledgers: Mapping[Key, Ledger]) -> Mapping[Key, Mark]:
    """The mark of every percentile charge that there is a ledger of."""
    families: dict[Direction, list[Loaded]] = defaultdict(list)
    for link in loaded(board, projection, ledgers):
        families[link.ledger.direction].append(link)
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


def _spread(family: Sequence[Loaded], ledger: Ledger, state: _State) -> timedelta:
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
    return replace(mark, elsewhere=together(map(base, others))) if others else mark


def _fill(family: Sequence[Loaded]) -> _State:
    """Say how far each link may be loaded for free: all below their aims, or in a burst one of them above."""
    total = sum(link.load for link in family)
    limits = np.array([link.limit for link in family])
    astray = strays(limits, family[0].ledger.swing, total, np.array([link.size for link in family]))
    cost = costs(family)
    widths = shared(float(limits.sum()) - total, astray, cost)
    if float(widths.min()) < -total * ROUNDING:
        cost[int(widths.argmin())] = -1.0  # it is to take the burst, whatever the others cost
        return _burst(family, widths, cost)
    widest = Decimal(float(widths.max()))
    for link, width in zip(family, widths.tolist(), strict=True):
        # To use up what is kept free costs as much on each of them: a spread of a small link is soon gone.
        link.keep(width, min(RISK * widest / Decimal(width), Decimal(1)) if width else RISK)
    return _State.CALM


def _burst(family: Sequence[Loaded], widths: Floats, cost: Floats) -> _State:
    """Let one link take what is too much for the aims; where its capacity is not enough, others too."""
    total = sum(link.load for link in family)
    guarded = [link.guarded(width) for link, width in zip(family, widths.tolist(), strict=True)]
    left = total - sum(guarded)
    taken: dict[Key, float] = {}
    for number in sorted(range(len(family)), key=lambda number: (cost[number], family[number].key)):
        link = family[number]
        taken[link.key] = min(left, max(link.capacity - guarded[number], 0.0))
        left -= taken[link.key]
        if left <= total * ROUNDING:
            break
    enough = left <= total * ROUNDING
    # Room for what it will be at most, and no more: whoever came there without need would be one burst the more.
    spare = min(MOST * family[0].ledger.swing or 1.0, 1 - GUARD)
    for link, filled in zip(family, guarded, strict=True):
        link.keep(link.limit - filled if enough else 0.0, Decimal(1))
        if link.key in taken:
            width = taken[link.key] + total * spare
            if link.ledger.free > 0:
                link.free, link.raised, link.raising = link.free + width, 0.0, Decimal(0)
            elif link.ledger.raising is not None:
                link.raised, link.raising = width, link.ledger.raising
    return _State.BURST if enough else _State.SHORT
