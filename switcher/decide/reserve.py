"""What is kept free on an uplink because its load will have changed before the next decision has acted.

By then it has grown by its trend and strayed by its spread. Arrivals leave that much free, and who is there leaves
before ``shed`` is passed, not after (decision.md, section 3: K = fill C - background - z sigma).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from switcher.decide.board import Floats
from switcher.model import Drift

WARM = 6
"""Changes that must have been seen before an uplink's own are believed."""
SIGMAS = 3.0
"""How much of the spread is kept free."""


def until_next(drifts: Sequence[Drift | None], now: datetime, load: Floats) -> Floats:
    """U: bits per second that each load may grow by until the next decision has acted; of none known: nothing.

    A load that falls is not counted on to have fallen by then.
    """
    trend, spread = _outlook(drifts, now, load)
    return np.maximum(trend, 0.0) + spread


def while_staying(drifts: Sequence[Drift | None], now: datetime, load: Floats, stay: timedelta) -> Floats:
    """U: the same until ``stay`` after that. A load that falls is counted on to go on falling; not below nothing."""
    trend, spread = _outlook(drifts, now, load, stay)
    return np.maximum(trend + spread, 0.0)


def _outlook(
    drifts: Sequence[Drift | None], now: datetime, load: Floats, more: timedelta = timedelta(0)
) -> tuple[Floats, Floats]:
    """(change by its trend, SIGMAS of its spread) of each load, by when the next decision has acted and ``more``.

    While too little is known of one, it has no trend, and the spread of the others, each counted by its load: per bit
    per second, so that it fits a load of any size, that of an uplink which was empty until now too.
    """
    seen = [drift or Drift(sampled_at=now, load=0.0) for drift in drifts]
    known = np.array([drift.count >= WARM for drift in seen], dtype=np.bool_)
    trend, spread, weight = (
        np.where(known, [getattr(drift, name) for drift in seen], 0.0) for name in ("trend", "spread", "load")
    )
    usual = math.fsum(spread * weight) / total if (total := math.fsum(weight)) > 0 else 0.0
    age = np.array([max((now - drift.sampled_at).total_seconds(), 0.0) + drift.every for drift in seen])
    ahead = np.where([drift is None for drift in drifts], 0.0, age + more.total_seconds())
    return trend * ahead, SIGMAS * np.sqrt(np.where(known, spread, usual) * load * ahead)
