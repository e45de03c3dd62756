"""The least percentile bill of several links, in closed form (decision.md, section 5).

Of n samples each link gives its k = floor(n (100 - q) / 100) largest for nothing. In every sample that is no link's
free one, all traffic is under the sum of the links' billable levels; m links have m k free ones. So the sum of levels
is at least the (m k + 1)-th largest total. It holds for one price on all links, traffic that may be split, one billing
period, and foreign load that is part of the total; it can be reached where each link carries the peak.
"""

from __future__ import annotations

from decimal import Decimal
from math import floor

import numpy as np

from switcher.decide.board import Floats
from switcher.objects.charges import Percentile
from switcher.objects.words import Direction
from switcher.simulate.world import World


def percentile_bound(world: World) -> Decimal:
    """The least money. Raises ValueError when the price lists are not percentile charges, the same on all networks."""
    charge, links = _charge(world)
    if charge.sample % world.slot:
        raise ValueError(f"samples of {charge.sample} are no whole number of slots of {world.slot}")
    joined = charge.sample // world.slot
    totals = _totals(world, charge.direction)
    usable = len(totals) // joined * joined
    samples = np.sort(totals[:usable].reshape(-1, joined).mean(axis=1))[::-1]
    free = floor(len(samples) * (100 - float(charge.q)) / 100)
    level = float(samples[min(links * free, len(samples) - 1)])
    units = Decimal(str(level)) / Decimal(charge.unit.bps)
    return _priced(charge, units, links)


def _charge(world: World) -> tuple[Percentile, int]:
    charges = [charge.percentile for tariff in world.site.book.tariffs for charge in tariff.spec.charges]
    found = [charge for charge in charges if charge is not None]
    if len(found) != len(charges) or not found or any(charge != found[0] for charge in found) or found[0].tiers:
        raise ValueError("the closed form needs one price by percentile, the same on every network, and nothing else")
    return found[0], len(found)


def _totals(world: World, direction: Direction) -> Floats:
    """T: all that flows, as the charge counts it."""
    into = world.into.sum(axis=0) + world.background_in.sum(axis=0)
    out = world.out.sum(axis=0) + world.background_out.sum(axis=0)
    match direction:
        case Direction.IN:
            total = into
        case Direction.OUT:
            total = out
        case Direction.SUM:
            total = into + out
        case _:
            total = np.maximum(into, out)  # of sums: never above the sum of each link's larger direction
    return np.asarray(total, dtype=np.float64)


def _priced(charge: Percentile, units: Decimal, links: int) -> Decimal:
    """The commit of every link, and what is above all commits together at the price of overage."""
    price = charge.price or Decimal(0)
    overage = price if charge.overage is None else charge.overage
    committed = links * charge.commit
    return committed * price + max(units - committed, Decimal(0)) * overage
