"""Prices that rise with the load: each tier takes only as much as is left of it.

A quote is the price at the margin of what is there already. Where a price list has tiers, the bill is followed up to
all that might come, and every stretch of one slope becomes a level: a width, and what it costs beyond the quote. The
flow fills the cheap level first, and no one is sent to a dearer one who would not pay its price. Slopes that fall with
the load are left at the quote; what a crowd would earn together is asked in crowd.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from switcher.decide.board import NOWHERE, Board, Ints
from switcher.decide.merit import Stretch, sharpened
from switcher.decide.prices import Prices
from switcher.decide.quotes import mixture
from switcher.decide.rules import Rules
from switcher.objects.charges import Charge
from switcher.objects.model import Book
from switcher.tariff.flow import Flow

HALVINGS = 12
"""A tier's edge is found to the 4096th part of the load that may come."""
SAME_SLOPE = 1e-6


@dataclass(frozen=True, slots=True)
class Level:
    """``width``: bits per second of those who take part; ``extra``: money per hour of each beyond the quote."""

    width: float
    extra: float


Levels = Mapping[str, Sequence[Level]]
"""By physical network, cheapest first; the last has no end. A network with one price is not in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """How far a physical network may be filled before the price that its quote promises ends."""

    left: dict[str, float] = field(default_factory=dict)
    """By physical network: bits per second that may still come at the level that the flow reached."""
    beyond: dict[str, float] = field(default_factory=dict)
    """By physical network: money per hour of one more bit per second after that, beyond the quote."""
    above: dict[str, float] = field(default_factory=dict)
    """By physical network: bits per second that may leave, from what is there now, until the price is lower."""


def levels(board: Board, rules: Rules, priced: Prices, rows: Ints) -> Levels:
    """The levels of every physical network to which a price list with tiers applies, for these workloads."""
    found: dict[str, Sequence[Level]] = {}
    tiered = _tiered(priced.lists.book) - priced.foreseen
    if not len(rows) or not tiered:
        return found
    leader = int(rows[np.argmax(board.demand[rows])])
    present, most, mixed = _present(board, rows), float(board.demand[rows].sum()), mixture(board, rows)
    if most <= 0:  # nothing flows: there is no load whose price could depend on how much it is
        return found
    for name in sorted({uplink.physical_network for uplink in board.uplinks} & tiered):
        there = present.get(name, 0.0)
        bill = _bill(board, rules, priced, name, (leader, mixed, there))
        if bill is None:
            continue
        crowd = priced.lists.crowds.get(name)
        quote = _slope(bill, there, there + (crowd.bps if crowd else priced.probe))
        steps = [Level(each.end - each.start, each.slope - quote) for each in _stretches(bill, most)]
        rising = all(step.extra <= after.extra for step, after in pairwise(steps))
        if len(steps) > 1 and rising:
            found[name] = (*steps[:-1], Level(np.inf, steps[-1].extra))
    return found


def ceiling(levels: Levels, board: Board, rows: Ints, choice: Ints) -> Ceiling:
    """What is left of the level that the flow reached on each network, counted from what is there now."""
    after = _load_by_network(board, rows, np.where(choice == NOWHERE, board.here[rows], choice))
    present = _present(board, rows)
    found = Ceiling()
    for name, steps in levels.items():
        filled = 0.0
        for number, step in enumerate(steps):
            filled += step.width
            if after.get(name, 0.0) <= filled * (1 + 1e-9):
                beyond = steps[number + 1] if number + 1 < len(steps) else step
                # In a level above the quote nothing is left at it: rounding may have brought the load there.
                reached = after.get(name, 0.0) if step.extra > 0 else max(filled, after.get(name, 0.0))
                found.left[name] = reached - present.get(name, 0.0)
                found.beyond[name] = beyond.extra
                break
        found.above[name] = _above(steps, present.get(name, 0.0))
    return found


def _above(steps: Sequence[Level], load: float) -> float:
    """How much of a load is in the dearest level that it reaches."""
    below = 0.0
    for step in steps:
        if load <= (below + step.width) * (1 + 1e-9):
            break
        below += step.width
    return load - below


def _tiered(book: Book) -> set[str]:
    """Physical networks with a percentile, a minimum or maximum, or a charge of more than one tier."""
    return {
        name
        for tariff in book.tariffs
        if tariff.spec.minimum is not None or tariff.spec.maximum is not None or any(map(_stepped, tariff.spec.charges))
        for name in tariff.spec.physical_networks
    }


def _stepped(charge: Charge) -> bool:
    volume = charge.volume
    if volume is not None:
        return len(volume.tiers) > 1 or volume.minimum is not None or volume.maximum is not None
    return charge.fixed is None


def _present(board: Board, rows: Ints) -> Mapping[str, float]:
    return _load_by_network(board, rows, board.here[rows])


def _load_by_network(board: Board, rows: Ints, columns: Ints) -> Mapping[str, float]:
    uplink = board.uplink[rows, columns]
    loads = np.bincount(uplink, weights=board.demand[rows], minlength=len(board.uplinks))
    total: dict[str, float] = {}
    for place, load in zip(board.uplinks, loads.tolist(), strict=True):
        total[place.physical_network] = total.get(place.physical_network, 0.0) + load
    return total


def _bill(
    board: Board, rules: Rules, priced: Prices, name: str, crowd: tuple[int, Flow, float]
) -> Callable[[float], float] | None:
    """Money per hour of so many bits per second of the crowd, of which ``there`` is in the base load already.

    The crowd has the mixture of directions of all of it, and the class of destination and horizon of its largest.
    """
    leader, mixed, there = crowd
    policy = rules.policy[leader]
    if policy is None:
        return None
    horizon, destination = policy.spec.horizon, board.workloads.destination[leader]
    base = priced.lists.base(name, destination)
    one = replace(mixed, destination=destination)
    without = base.without(one.times(there))

    def bill(load: float) -> float:
        answer = priced.lists.per_hour(name, horizon, without, one.times(load))
        return float("nan") if answer is None else float(answer)

    return None if np.isnan(bill(1.0)) else bill


def _slope(bill: Callable[[float], float], start: float, end: float) -> float:
    return (bill(end) - bill(start)) / (end - start)


def _stretches(bill: Callable[[float], float], most: float) -> Sequence[Stretch]:
    """[0, most] in stretches of one slope."""
    points = _points(bill, (0.0, bill(0.0)), (most, bill(most)), HALVINGS)
    found: list[Stretch] = []
    for (start, low), (end, high) in pairwise(points):
        slope = (high - low) / (end - start)
        if found and abs(found[-1].slope - slope) <= SAME_SLOPE * max(abs(slope), abs(found[-1].slope)):
            found[-1] = replace(found[-1], end=end)
        else:
            found.append(Stretch(slope, start, end))
    return sharpened(found, most / 2**HALVINGS)


Point = tuple[float, float]


def _points(bill: Callable[[float], float], start: Point, end: Point, halvings: int) -> list[Point]:
    """The points between which the bill is straight."""
    middle = (start[0] + end[0]) / 2, bill((start[0] + end[0]) / 2)
    straight = abs(middle[1] - (start[1] + end[1]) / 2) <= SAME_SLOPE * max(abs(end[1]), 1e-12)
    if halvings == 0 or (straight and halvings < HALVINGS - 2):
        return [start, end]
    return [
        *_points(bill, start, middle, halvings - 1)[:-1],
        *_points(bill, middle, end, halvings - 1),
    ]
