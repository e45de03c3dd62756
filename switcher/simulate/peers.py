"""What others do: CNI-Genie as its code has it, as its README has it, SD-WAN products, best of two at random.

All of them see the same samples and price lists as everyone else. Rules that their makers leave open are filled in with
what is most usual, and said here.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from switcher.decide.board import NOWHERE, Floats, Ints
from switcher.simulate.prices import densities, shown
from switcher.simulate.sight import Sight
from switcher.simulate.world import Site


def utilisation(sight: Sight) -> Floats:
    """W x C: of the uplink under each name as sampled; infinite where a node has none."""
    site = sight.site
    share = sight.used / np.maximum(site.capacity, 1.0)
    return np.where(site.uplink == NOWHERE, np.inf, share[np.maximum(site.uplink, 0)])


def _of(table: Floats, place: Ints) -> Floats:
    """W: the entry of each workload's own column."""
    found: Floats = table[np.arange(len(place)), place]
    return found


class LeastUsed:
    """CNI-Genie's code, asked again in every slot: everyone to the network that received least in the last interval.

    Its code chooses once, when a pod starts, by the difference of the received bytes; moving is only promised. Ties go
    to the first.
    """

    name = "genie-code"

    def place(self, sight: Sight) -> Ints:
        """The least used."""
        site = sight.site
        received = np.where(site.uplink == NOWHERE, np.inf, sight.used[np.maximum(site.uplink, 0)])
        least: Ints = received.argmin(axis=1).astype(np.int64)
        return least


class ThresholdToLeastBusy:
    """Over the threshold, everyone to the least busy network; ``hold`` and ``margin`` damp it."""

    def __init__(self, site: Site, hold: timedelta = timedelta(0), margin: float = 0.0) -> None:
        self.name = "threshold" if not hold else "threshold-damped"
        self._hold, self._margin = hold, margin
        self._moved = np.full(len(site.workloads), -np.inf)

    def place(self, sight: Sight) -> Ints:
        """Away from what is above ``shed``, to what is less busy by the margin."""
        busy = utilisation(sight)
        here, best = _of(busy, sight.here), busy.argmin(axis=1)
        rested = sight.now.timestamp() - self._moved >= self._hold.total_seconds()
        moves = (here > _shed(sight)) & (_of(busy, best) < here * (1 - self._margin)) & rested
        self._moved[moves & (best != sight.here)] = sight.now.timestamp()
        return np.where(moves, best, sight.here).astype(np.int64)


class GenieReadme:
    """CNI-Genie's README, literally: the cheapest network as prices change; at the threshold the less congested one."""

    name = "genie-readme"

    def place(self, sight: Sight) -> Ints:
        """Two rules that do not know of each other."""
        busy = utilisation(sight)
        cost = densities(sight.site, shown(sight.site, sight.now), sight.into + 1.0, sight.out + 1.0)
        congested = _of(busy, sight.here) > _shed(sight)
        wanted: Ints = np.where(congested, busy.argmin(axis=1), cost.argmin(axis=1)).astype(np.int64)
        return wanted


class SdWan:
    """The cheapest network in good state, with hysteresis and hold times.

    A network above ``shed`` is in bad state. Who is on one leaves after ``fail``; who is not moves to one that is
    cheaper by ``margin`` and has been in good state for ``restore``.
    """

    name = "sd-wan"

    def __init__(
        self,
        site: Site,
        margin: float = 0.10,
        fail: timedelta = timedelta(seconds=90),
        restore: timedelta = timedelta(seconds=300),
    ) -> None:
        self._margin = margin
        self._fail, self._restore = fail.total_seconds(), restore.total_seconds()
        self._good_since = np.full(len(site.uplinks), -np.inf)
        self._bad_since = np.full(len(site.uplinks), np.inf)

    def place(self, sight: Sight) -> Ints:
        """Away from what has been bad, to the cheapest that has been good."""
        site, now = sight.site, sight.sampled_at.timestamp()
        bad = sight.used > site.shed
        self._bad_since = np.where(bad, np.minimum(self._bad_since, now), np.inf)
        self._good_since = np.where(bad, np.inf, np.where(np.isposinf(self._good_since), now, self._good_since))
        good = now - self._good_since >= self._restore
        cost = densities(site, shown(site, sight.now), sight.into + 1.0, sight.out + 1.0)
        usable = np.where(good[np.maximum(site.uplink, 0)], cost, np.inf)
        best = usable.argmin(axis=1)
        failed = (now - self._bad_since >= self._fail)[site.at(sight.here)]
        cheaper = _of(usable, best) < _of(cost, sight.here) * (1 - self._margin)
        moves = np.isfinite(_of(usable, best)) & (failed | cheaper)
        return np.where(moves, best, sight.here).astype(np.int64)


class BestOfTwo:
    """Who is on a network above ``shed`` looks at two at random and takes the less busy; a share of them at a time."""

    name = "best-of-two"

    def __init__(self, seed: int, share: float = 0.05) -> None:
        self._share = share
        self._random = np.random.default_rng(seed)

    def place(self, sight: Sight) -> Ints:
        """Some of those who are on a full network move, if what they found is less busy."""
        busy = utilisation(sight)
        count, columns = busy.shape
        here = _of(busy, sight.here)
        picked = self._random.integers(0, columns, size=(2, count))
        first, second = picked[0], picked[1]
        found = np.where(_of(busy, first) <= _of(busy, second), first, second)
        moves = (here > _shed(sight)) & (_of(busy, found) < here)
        moves &= self._random.random(count) < self._share
        return np.where(moves, found, sight.here).astype(np.int64)


def _shed(sight: Sight) -> Floats:
    """W: the threshold of the uplink that each workload is on, as a share of its capacity."""
    site = sight.site
    share: Floats = (site.shed / np.maximum(site.capacity, 1.0))[site.at(sight.here)]
    return share
