"""What is kept free of each link's aim, so that a part of the traffic which changes by itself costs no free sample.

A workload's change is no other's: where a family's changes from sample to sample have a variance of ``swing`` per bit
per second of its load, a part ``f`` of a total ``T`` strays from its share by sqrt(swing f (1 - f) T). One link that
carries all strays from nothing; several that are full to their aims are each above it in every other sample. So what
is left of all aims together is shared out by how far each link strays. Where it is too little, more than one link is
to be expected above its aim: then it costs less to let one be above it, and keep the others well below.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from switcher.decide.board import Floats

MOST = 3.0
"""So many spreads are kept free where there is room: more is hardly ever needed."""
LOGISTIC = 1.702
"""1 / (1 + exp(-1.702 x)) is the normal distribution to within 0.01."""
PER_SPREAD = 1.4826
"""Spreads of a normal distribution in its median distance from nothing: outages and jumps hardly count."""


def swing(totals: Floats) -> float:
    """Variance of the change from sample to sample per bit per second, of what a family carries; nan: no sample."""
    changes = np.abs(np.diff(totals))
    changes, known = changes[~np.isnan(changes)], totals[~np.isnan(totals)]
    if not len(changes) or not known.any():
        return 0.0
    return float((PER_SPREAD * np.median(changes)) ** 2 / known.mean())


def spreads(aims: Floats, swing: float) -> Floats:
    """How far each link strays from its share when all are at their aims, bits per second."""
    total = float(aims.sum())
    found: Floats = np.sqrt(swing * aims * (total - aims) / total) if total > 0 else np.zeros(len(aims))
    return found


def alone(aims: Floats | float, swing: float) -> Floats:
    """How far each link's load changes from sample to sample, what all change together included, bits per second."""
    found: Floats = np.sqrt(swing * np.asarray(aims))
    return found


def kept(slack: float, strays: Floats) -> Floats:
    """What is kept free of each link when so much of all aims together is not needed, bits per second."""
    found: Floats = strays * min(slack / max(float(strays.sum()), 1e-9), MOST)
    return found


def least(strays: Floats) -> float:
    """The slack below which one link above its aim is fewer than are to be expected, bits per second."""
    links = int(np.count_nonzero(strays))
    return float(strays.sum()) * NormalDist().inv_cdf(1 - 1 / links) if links > 2 else 0.0  # 2: 0


def spent(slack: Floats, strays: Floats) -> Floats:
    """How many free samples a slot of such a slack costs, as far as can be expected."""
    links, total = int(np.count_nonzero(strays)), float(strays.sum())
    if not links:
        return np.where(slack < 0, 1.0, 0.0)
    room = np.clip(slack / total, 0.0, MOST)
    above = links / (1 + np.exp(LOGISTIC * room))
    return np.where((slack < least(strays)) | (above > 1), 1.0, above)
