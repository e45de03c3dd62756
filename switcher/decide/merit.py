"""How a load is best divided among bills that bend with how much each carries: the cheapest stretches come first.

A bill that falls with the load, or jumps with a block, is replaced by the straight lines below it (its lower convex
hull): a block costs the same for each unit of it, and a discount counts from the first unit of those that earn it.
Then the cheapest division takes stretch after stretch in the order of their slopes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from switcher.decide.board import Floats

ROUNDING = 1e-9
"""Of the load that is divided, and of slopes."""


@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """Loads in bits per second between which each bit costs the same: ``slope``, money per hour."""

    slope: float
    start: float
    end: float


Offers = Mapping[str, Sequence[Stretch]]
"""What each may carry, from nothing on; slopes rise."""


def hull(loads: Floats, money: Floats) -> Sequence[Stretch]:
    """The straight lines below a bill; ``loads`` rise from zero in equal steps."""
    corners: list[tuple[float, float]] = []
    for load, amount in zip(loads.tolist(), money.tolist(), strict=True):
        while len(corners) > 1 and not _bends(corners[-2], corners[-1], (load, amount)):
            corners.pop()
        corners.append((load, amount))
    found = [Stretch(_slope(one, other), one[0], other[0]) for one, other in pairwise(corners)]
    return sharpened(found, float(loads[1] - loads[0]))


def sharpened(stretches: Sequence[Stretch], step: float) -> Sequence[Stretch]:
    """Without those of one step that only hold a corner of the bill: it is where the lines of both sides meet."""
    sharp = list(stretches[:1])
    for stretch, after in pairwise([*stretches[1:], *stretches[-1:]]):
        before, width = sharp[-1], stretch.end - stretch.start
        if width < step * 1.01 and before.slope < stretch.slope < after.slope:
            beyond = width * (after.slope - stretch.slope) / (after.slope - before.slope)
            sharp[-1] = replace(before, end=stretch.start + beyond)
        else:
            sharp.append(replace(stretch, start=before.end))
    return sharp


def _bends(one: tuple[float, float], other: tuple[float, float], last: tuple[float, float]) -> bool:
    """Whether the bill rises faster after the middle one of three than before it, rounding apart."""
    before, after = _slope(one, other), _slope(other, last)
    return after - before > ROUNDING * max(abs(before), abs(after))


def _slope(one: tuple[float, float], other: tuple[float, float]) -> float:
    return (other[1] - one[1]) / (other[0] - one[0])


def margins(offers: Offers, load: float) -> Mapping[str, Sequence[tuple[float, Stretch]]]:
    """For each the stretches in which its next bit lies when the load is divided, with weights that sum to one.

    Where one is filled to a corner, say to what is included in a quota, a bit there is worth what it saves elsewhere;
    and it would cost the stretch above if more came than was thought. The price is half-way between the two.
    """
    filled, marginal = _divided(offers, load)
    near = ROUNDING * load
    return {name: list(_at(stretches, filled[name], marginal, near)) for name, stretches in offers.items() if stretches}


def _divided(offers: Offers, load: float) -> tuple[Mapping[str, float], float]:
    """(what each carries, the slope of the last bit)."""
    filled, left, marginal = dict.fromkeys(offers, 0.0), load, 0.0
    for stretch, name in sorted((stretch, name) for name, stretches in offers.items() for stretch in stretches):
        marginal = stretch.slope
        if left <= stretch.end - stretch.start:
            filled[name] = stretch.start + left
            break
        filled[name] = stretch.end
        left -= stretch.end - stretch.start
    return filled, marginal


def _at(stretches: Sequence[Stretch], filled: float, marginal: float, near: float) -> Iterator[tuple[float, Stretch]]:
    below = [stretch for stretch in stretches if stretch.start < filled - near]
    above = [stretch for stretch in stretches if stretch.end > filled + near]
    if not below or not above or below[-1] == above[0]:
        yield 1.0, above[0] if above else stretches[-1]
        return
    low, high = below[-1], above[0]
    worth = min(max(marginal, low.slope), high.slope)
    upper = (1.0 + (worth - low.slope) / (high.slope - low.slope)) / 2 if high.slope > low.slope else 1.0
    yield 1.0 - upper, low
    yield upper, high
