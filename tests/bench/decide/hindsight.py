"""Where the money of percentile links goes, and what is left of it when the best aims are known beforehand.

``python -m tests.bench.decide.hindsight SIZE SCENARIO SEED`` prints the levels of ours, and of :class:`Hindsight` with
several sums of aims above the closed form's: one JSON object a line. It needs one price on all links, and takes some
minutes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from switcher.decide.board import Floats, Ints
from switcher.objects.charges import Percentile
from switcher.simulate import World, account, run
from switcher.simulate.account import foreign_bill
from switcher.simulate.bounds import percentile_bound
from switcher.simulate.ours import Ours
from switcher.simulate.run import Trail
from switcher.simulate.sight import Sight
from tests.bench.decide.scenarios import SIZES, Scenario, scenarios
from tests.bench.decide.traffic import Shape

ABOVE = (5.0, 7.0, 9.0)
"""Mbps by which the aims together are above the closed form's levels."""
DEPTHS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
"""Spreads to which links are kept below their aims."""
SAFE = 3.0
"""Spreads of the largest link where another one takes a burst."""
NOT_FREE = 20.0
"""What a sample above the aim counts where no free one is left, in free ones."""


@dataclass(frozen=True, kw_only=True)
class Levels:
    """What links billed by one percentile came to; bits per second."""

    commit: float
    """Of each link."""
    least: float
    """The sum of levels of the closed form."""
    level: Floats
    """By link: what is billed, if it is more than the commit."""
    slots: int
    """In which all traffic was above all levels together."""
    strayed: int
    """Samples above a link's level though in their slot all traffic was below all levels together."""


def levels(world: World, places: Ints) -> Levels:
    """The levels of a trail's places, T x W, by outgoing traffic in samples of one slot."""
    loads = np.stack([world.total(place, slot)[1] for slot, place in enumerate(places)], axis=1)
    charge, dropped = _charge(world), world.slots * 5 // 100
    commit = float(charge.commit * charge.unit.bps)
    level = np.sort(loads, axis=1)[:, ::-1][:, dropped]
    billed, total = np.maximum(level, commit), loads.sum(axis=0)
    above = loads > billed[:, None] * (1 + 1e-9)
    over = total > billed.sum()
    least = np.sort(total)[::-1][min(len(loads) * dropped, len(total) - 1)]
    return Levels(
        commit=commit,
        least=float(least),
        level=level,
        slots=int(over.sum()),
        strayed=int(above[:, ~over].sum()),
    )


def _charge(world: World) -> Percentile:
    found = world.site.book.tariffs[0].spec.charges[0].percentile
    if found is None or found.q != 95:
        raise ValueError("only for links that are billed by the 95th percentile")
    return found


class Hindsight:
    """Knows the best aims, and how workloads change; of what comes only the last sample, as everyone.

    In every slot that one of some placements of which the fewest samples above the aims are to be expected: the small
    links filled with the smallest workloads, to so many spreads below their commits, and the rest on the large one; or
    a burst on a small one, with the largest workloads.
    """

    name = "hindsight"

    def __init__(self, world: World, aims: Floats, change: float) -> None:
        """``aims``: bits per second by link, the largest first; ``change``: of the logarithm of a workload's rate."""
        self._aims, self._change = aims, change
        self._slots, self._dropped = world.slots, world.slots * 5 // 100
        self._free = np.full(len(aims), float(self._dropped))

    def place(self, sight: Sight) -> Ints:
        """The best of its options."""
        if sight.number:
            self._free -= sight.total_out > self._aims * (1 + 1e-9)
        even = self._dropped * (1 - sight.number / self._slots)
        worth = np.where(self._free > 0, np.sqrt(np.clip(even / np.maximum(self._free, 1), 1 / 3, 3)), NOT_FREE)
        return min(self._options(sight.out), key=lambda place: self._expected(sight.out, place, worth))

    def _expected(self, rates: Floats, place: Ints, worth: Floats) -> float:
        spare = (self._aims - self._loads(rates, place)) / np.maximum(self._strays(rates, place), 1e-9)
        chances = [NormalDist().cdf(-depth) for depth in spare.tolist()]
        return float(worth @ np.array(chances))

    def _options(self, rates: Floats) -> Iterator[Ints]:
        for depth in DEPTHS:
            place = self._below(rates, depth)
            yield place
            for link in range(1, len(self._aims)):
                yield self._burst(rates, place, link)

    def _below(self, rates: Floats, depth: float) -> Ints:
        """The small links so far below their aims, of the smallest workloads."""
        place, order = np.zeros(len(rates), dtype=np.int64), np.argsort(rates, kind="stable").tolist()
        for link in range(1, len(self._aims)):
            load = variance = 0.0
            for row in [row for row in order if not place[row]]:
                grown = variance + (self._change * rates[row]) ** 2
                if load + rates[row] <= self._aims[link] - depth * grown**0.5:
                    load, variance, place[row] = load + rates[row], grown, link
        return place

    def _burst(self, rates: Floats, before: Ints, link: int) -> Ints:
        """The same with the largest workloads on another link, until the large one is safe."""
        place = before.copy()
        for row in [row for row in np.argsort(-rates, kind="stable").tolist() if not place[row]]:
            if self._loads(rates, place)[0] <= self._aims[0] - SAFE * self._strays(rates, place)[0]:
                break
            place[row] = link
        return place

    def _loads(self, rates: Floats, place: Ints) -> Floats:
        return np.bincount(place, weights=rates, minlength=len(self._aims)).astype(np.float64)

    def _strays(self, rates: Floats, place: Ints) -> Floats:
        spread: Floats = self._change * np.sqrt(np.bincount(place, weights=rates**2, minlength=len(self._aims)))
        return spread


def told(size: str, name: str, seed: int) -> Iterator[dict[str, Any]]:
    """The levels and the money of ours, then with hindsight; money as a part of the closed form's."""
    scenario = next(each for each in scenarios(SIZES[size]) if each.name == name)
    world = scenario.made(seed)
    places, first = run(world, Ours(world.site, world.start), time.process_time).places, _learned(scenario, world)
    reported = world.between(first, world.slots, places[first - 1])
    yield {"policy": "ours", **_figures(reported, places[first:])}
    charge, change, links = _charge(world), _change(scenario, world), len(world.site.uplinks)
    commit, least = float(charge.commit * charge.unit.bps), levels(reported, places[first:]).least
    for above in ABOVE:
        aims = np.array([least + above * 1e6 - (links - 1) * commit, *[commit] * (links - 1)])
        trail = run(reported, Hindsight(reported, aims, change), time.process_time)
        yield {"policy": f"hindsight, {above:g} Mbps above", **_figures(reported, trail.places)}


def _learned(scenario: Scenario, world: World) -> int:
    return int(scenario.learning // world.slot)


def _change(scenario: Scenario, world: World) -> float:
    """How much the logarithm of a workload's rate changes from slot to slot."""
    shape: Shape = scenario.recipe.shape
    keep = float(np.exp(-(world.slot / shape.memory)))
    return float(shape.noise * np.sqrt(2 * (1 - keep)))


def _figures(world: World, places: Ints) -> dict[str, Any]:
    trail = Trail(policy="", places=places, seconds=np.zeros(world.slots))
    found, foreign = levels(world, places), foreign_bill(world)
    return {
        "ratio": float(account(world, trail, foreign).bill / (percentile_bound(world) - foreign)),
        "levels_mbps": (found.level / 1e6).round(2).tolist(),
        "commit_mbps": found.commit / 1e6,
        "sum_mbps": float(np.maximum(found.level, found.commit).sum() / 1e6),
        "closed_form_mbps": found.least / 1e6,
        "slots_above": found.slots,
        "strayed": found.strayed,
    }


def main(size: str, name: str, seed: str) -> None:
    """Print what is told."""
    for line in told(size, name, int(seed)):
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
