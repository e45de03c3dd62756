"""Up to where each link of a family is to be filled: the lowest levels with which the free samples will last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from switcher.decide.board import Floats
from switcher.decide.cushion import beside, spent
from switcher.decide.samples import Link, added
from switcher.decide.wave import swing, trend
from switcher.objects.charges import Percentile
from switcher.tariff.percentile import on_level

USABLE = 0.92
"""Part of the free samples that is counted on: the rest is for what no forecast sees."""
WHOLE = 0.9
"""Of a period's samples: with fewer, it does not speak for the whole of the next one."""
DAY = timedelta(days=1)
MOST = 1e15
"""Bits per second beyond anything: a level without an end."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traffic:
    """Slots of all links together that stand for those which are still to come in the running period."""

    coming: Floats
    left: float
    """How many are to come."""
    settled: bool
    """Whether more is known of the last period than of the running one."""
    swing: float
    """How much it changes from slot to slot beside its wave, as a part of it."""
    trend: float
    """What its wave adds to the next slot, as a part of the last one."""

    def spends(self, aims: Sequence[float], bps: float) -> float:
        """How many free samples the slots to come will need where aims are to carry ``bps`` together."""
        each = spent(bps * (1 + 1e-9) - self.coming, beside(np.array(aims), self.swing, bps))
        return float(each.mean() * self.left)


def reference(family: Sequence[Link], now: datetime) -> Traffic:
    """What the links together will carry: what they did in the same part of the last period where all of it is known.

    Where it is not, as in the first period of a site, all that is known of both speaks for the rest. Less than a day
    has no night or no noon: then the largest so far is what is needed.
    """
    last, running = (_together([getattr(link, side) for link in family]) for side in ("last", "now"))
    rest, known, seen = (each[~np.isnan(each)] for each in (last[len(running) :], last, running))
    left = min((link.running.end - now) / link.charge.sample for link in family)
    settled = len(known) >= max(len(seen), 1)
    if len(known) >= max(WHOLE * len(last), 1):
        coming = rest if len(rest) else known
    else:
        coming = np.concatenate([known, seen])
        length = min(DAY, (family[0].running.end - family[0].running.start) / 4)
        coming = coming if len(coming) * family[0].charge.sample >= length else coming.max(initial=0.0, keepdims=True)
    return Traffic(
        coming=coming,
        left=left,
        settled=settled,
        swing=swing(last if settled else running),
        trend=trend(np.concatenate([last, running]), DAY // family[0].charge.sample),
    )


def _together(links: Sequence[Sequence[Floats]]) -> Floats:
    """Sums by slot, not a number where no link has a sample; of unequal months as far as the shortest goes."""
    length = min(len(values[0]) for values in links)
    return added([np.max(np.stack([each[:length] for each in values]), axis=0) for values in links], length)


def aims_that_last(family: Sequence[Link], traffic: Traffic, capacity: Mapping[str, float]) -> Sequence[float]:
    """The lowest aims with which the free samples are enough for the bursts that are still to come.

    Higher levels together leave fewer bursts, and no fewer free samples: halving finds the least sum that will do.
    """
    sums = np.unique(traffic.coming)
    low, high = 0, len(sums) - 1
    while low < high:
        middle = (low + high) // 2
        aims = _aims(family, float(sums[middle]), capacity, settled=traffic.settled)
        free = sum(link.free(aim) for link, aim in zip(family, aims, strict=True))
        if traffic.spends(aims, float(sums[middle])) <= free * USABLE:
            high = middle
        else:
            low = middle + 1
    return _aims(family, float(sums[low]) if len(sums) else 0.0, capacity, settled=traffic.settled)


def _aims(family: Sequence[Link], needed: float, room: Mapping[str, float], *, settled: bool) -> Sequence[float]:
    """What each link's level is to be: what is paid for first, then the cheapest, of equal ones the most used.

    One link that carries nearly all is best: a burst that nobody foresaw then costs one free sample, not one of each.
    A link that had to go higher has that level; the others keep theirs, for they have used free samples above it.
    """
    aims = [flat_until(link.charge, 0.0) for link in family]

    def first(number: int) -> tuple[Decimal, float, tuple[str, str]]:
        link, aim = family[number], aims[number]
        price = cost_of(link.charge, aim + link.charge.unit.bps) - cost_of(link.charge, aim)
        return price, -link.usual(settled=settled), link.key

    for number in sorted(range(len(family)), key=first):
        full = sum(room.get(name, 0.0) for name in family[number].running.physical_networks)
        aims[number] += max(min(needed - sum(aims), full - aims[number]), 0.0)
    return [flat_until(link.charge, max(aim, link.level)) for link, aim in zip(family, aims, strict=True)]


def flat_until(charge: Percentile, bps: float) -> float:
    """The highest level that costs no more than this one: a commit, a step, a tier without a price."""
    unit = charge.unit.bps
    edges = sorted({charge.commit, *(tier.up_to for tier in charge.tiers if tier.up_to is not None)})
    reached, price = bps, cost_of(charge, bps)
    for edge in edges:
        top = float(edge * unit)
        if top > reached and cost_of(charge, top) == price:
            reached = top
    return MOST if cost_of(charge, MOST) == price else reached


def cost_of(charge: Percentile, bps: float) -> Decimal:
    """Money per period of a level."""
    priced = on_level(charge, Decimal(bps) / charge.unit.bps, Decimal(1))
    return sum((portion.amount for portion in priced.portions), Decimal(0))
