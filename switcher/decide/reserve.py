"""What is kept free on an uplink because its load will have changed before the next decision has acted.

By then it has grown by its trend and strayed by its spread. Arrivals leave that much free, and who is there leaves
before ``shed`` is passed, not after (decision.md, section 3: K = fill C - background - z sigma).
"""

from __future__ import annotations

import math
from datetime import datetime

from switcher.model import Drift

WARM = 6
"""Changes that must have been seen before anything is kept free."""
SIGMAS = 2.5
"""How much of the spread is kept free."""


def reserve(drift: Drift | None, now: datetime, load: float) -> float:
    """Bits per second that ``load`` may grow by until the next decision has acted; 0 while too little is known."""
    if drift is None or drift.count < WARM:
        return 0.0
    ahead = max((now - drift.sampled_at).total_seconds(), 0.0) + drift.every
    growth = max(drift.trend, 0.0) * ahead
    return max(growth + SIGMAS * math.sqrt(drift.spread * load * ahead), 0.0)
