"""What is kept free of each link's aim, so that a part of the traffic which changes by itself costs no free sample.

A workload's change is no other's: where all links together change by a part ``swing`` from sample to sample, a link
that carries a part ``f`` of them changes by sqrt(f) of that; by less where its workloads are small, by more where they
are large. What is left of all aims together is shared out so that the fewest samples are to be expected above them:
those that stray little are kept well below their aims, and one takes what is left. Where too little is left, that one
is above its own: one that surely is costs less than several of which each may be.
"""

from __future__ import annotations

import numpy as np

from switcher.decide.board import Floats

MOST = 3.0
"""So many spreads are kept free where there is room: more is hardly ever needed."""
DEPTHS = np.linspace(0.0, MOST, 13)
"""Spreads that are kept free of all links but one, of which the best is looked for."""
LOGISTIC = 1.702
"""1 / (1 + exp(-1.702 x)) is the normal distribution to within 0.01."""
KNOTS = 49
"""Slacks for which what they cost is worked out; between them it is as good as straight."""
SURE = 30.0
"""So many spreads from the aim nothing is in doubt."""


def strays(aims: Floats, swing: float, total: float, sizes: Floats | float = 1.0) -> Floats:
    """How far each link that is at its aim changes from sample to sample, of so much in all, bits per second.

    ``sizes``: of the workloads on each, as a part of what they are over all links.
    """
    found: Floats = swing * np.sqrt(np.minimum(aims, total) * total * sizes)
    return found


def beside(aims: Floats, swing: float, total: float) -> Floats:
    """How far each link that is at its aim strays from its share of a total that is known, bits per second."""
    parts = np.minimum(aims, total)
    found: Floats = swing * np.sqrt(parts * (total - parts))
    return found


def shared(slack: float, strays: Floats, costs: Floats) -> Floats:
    """What is kept free of each link when so much of all aims together is not needed, bits per second.

    ``costs``: of a sample above each link's aim. Less than nothing is what one link is to carry beyond its aim.
    """
    rests = _rests(np.array([slack]), strays)[0]
    link, depth = np.unravel_index(int(_expected(rests, strays, costs).argmin()), rests.shape)
    found: Floats = DEPTHS[depth] * strays
    found[link] = min(float(rests[link, depth]), MOST * float(strays[link]))
    return found


def spent(slack: Floats, strays: Floats) -> Floats:
    """How many free samples a slot of such a slack costs, as far as can be expected."""
    knots = np.linspace(0.0, MOST * max(float(strays.sum()), 1e-9), KNOTS)
    least = _expected(_rests(knots, strays), strays, np.ones(len(strays))).min(axis=(1, 2))
    found: Floats = np.interp(slack, knots, np.minimum(least, 1.0), left=1.0, right=0.0)
    return found


def _rests(slack: Floats, strays: Floats) -> Floats:
    """Slacks x links x depths: what is left for a link when of all others so many spreads are kept free."""
    others = strays.sum() - strays
    rests: Floats = slack[:, None, None] - others[:, None] * DEPTHS
    return rests


def _expected(rests: Floats, strays: Floats, costs: Floats) -> Floats:
    """What the samples above the aims cost, as far as can be expected; of the shape of ``rests``."""
    expected: Floats = costs[:, None] * _above(rests / np.maximum(strays, 1e-9)[:, None])
    expected += (costs.sum() - costs)[:, None] * _above(DEPTHS)
    return expected


def _above(spreads: Floats) -> Floats:
    """The chance that a sample is above the aim of which so many spreads are kept free."""
    chance: Floats = 1 / (1 + np.exp(LOGISTIC * np.clip(spreads, -SURE, SURE)))
    return chance
