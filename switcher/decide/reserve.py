"""What is kept free on an uplink because its load will have changed before the next decision has acted.

By then it has grown by its trend and strayed by its spread. Arrivals leave that much free, and who is there leaves
before ``shed`` is passed, not after (decision.md, section 3: K = fill C - background - z sigma).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime

from switcher.model import Drift

WARM = 6
"""Changes that must have been seen before an uplink's own are believed."""
SIGMAS = 3.0
"""How much of the spread is kept free."""


def usual_spread(drifts: Iterable[Drift]) -> float:
    """The spread of those of which enough is known, each counted by its load; 0 when there are none.

    It is per load, so that it fits a load of any size: that of an uplink which was empty until now, too.
    """
    known = [drift for drift in drifts if drift.count >= WARM]
    load = math.fsum(drift.load for drift in known)
    return math.fsum(drift.spread * drift.load for drift in known) / load if load > 0 else 0.0


def reserve(drift: Drift | None, now: datetime, load: float, usual: float = 0.0) -> float:
    """Bits per second that ``load`` may grow by until the next decision has acted.

    While too little is known of it, it has no trend, and the ``usual`` spread.
    """
    if drift is None:
        return 0.0
    trend, spread = (drift.trend, drift.spread) if drift.count >= WARM else (0.0, usual)
    ahead = max((now - drift.sampled_at).total_seconds(), 0.0) + drift.every
    growth = max(trend, 0.0) * ahead
    return max(growth + SIGMAS * math.sqrt(spread * load * ahead), 0.0)
