"""How what a family of percentile links carries together changes from sample to sample: by its wave, and by itself.

The wave is that of the day: slow, and about the same a day ago, so that the next sample's is known. What is left of a
change is the swing, which nobody foresees; keeping the wave free too would cost more than it is worth.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from switcher.decide.board import Floats

AROUND = 12
"""Samples on either side over which a wave is as good as straight: an hour of those of five minutes."""
PER_SPREAD = 1 / NormalDist().inv_cdf(0.75)
"""Spreads of a normal distribution in its median distance from nothing: outages and jumps hardly count."""


def slopes(totals: Floats) -> Floats:
    """By sample but the first: what the wave changes there, in units of the totals; 0 where that is not known.

    The mean over :data:`AROUND` samples on either side, in which what a single one does hardly counts.
    """
    found = np.zeros(max(len(totals) - 1, 0))
    width = 2 * AROUND + 1
    if len(totals) > width:
        found[AROUND:-AROUND] = np.nan_to_num((totals[width:] - totals[:-width]) / width)
    return found


def swing(totals: Floats) -> float:
    """How much they change from sample to sample beside the wave, as a part of them: a standard deviation."""
    return _usual(np.diff(totals) - slopes(totals), totals)


def trend(totals: Floats, day: int) -> float:
    """What the wave adds to the sample after the last one, as a part: that of ``day`` samples ago. 0: not known.

    No more than samples usually differ by: that was no wave, but something that failed at this time yesterday.
    """
    at = len(totals) - day
    if at < 1 or not totals[at - 1] > 0:
        return 0.0
    most = _usual(np.diff(totals), totals)
    return float(np.clip(slopes(totals)[at - 1] / totals[at - 1], -most, most))


def _usual(changes: Floats, totals: Floats) -> float:
    """The spread of changes as parts of the larger of the two totals; 0 where none is known."""
    loads = np.maximum(totals[1:], totals[:-1])
    known = loads > 0  # not where one of both is not a number
    return float(PER_SPREAD * np.median(np.abs(changes[known]) / loads[known])) if known.any() else 0.0
