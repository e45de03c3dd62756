"""The ledger of percentile charges: what is billed anyway, what is aimed at, and how many samples are still free.

Of n samples of a billing period the bill drops the D = floor(n (100 - q) / 100) largest and bills the next. So

- the *level* is the (D + 1)-th largest of the samples so far: the bill cannot come to less any more;
- up to the *aim* more load is free: the level, what costs no more than it does (a commit, a step), and this link's part
  of what all links together will need;
- D less the samples above the aim is how many may still be *free*: bursts go there, to one link at a time.

All m links together need levels that add up to the (1 - m (100 - q) % x 0.92) quantile of their traffic, because each
of them has (100 - q) % of its samples free at its own time; to more where several are near their aims (cushion.py).
What the traffic will be is learned from the last period, or from all that is known (aims.py). As the period goes on,
what counts is what is still to come and how many samples are still free: bursts that came more often than expected
raise all aims a little and early, not one level much and late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from switcher.decide.aims import USABLE, aims_that_last, cost_of, reference
from switcher.decide.samples import Link, SlotsOf, links
from switcher.model import Ledger
from switcher.objects.book import Book
from switcher.objects.words import Direction
from switcher.tariff import metered_periods


def ledgers(
    book: Book, now: datetime, capacity: Mapping[str, float], slots_of: SlotsOf
) -> Mapping[tuple[str, str], Ledger]:
    """By (contract, charge). ``capacity``: bits per second that each physical network may be filled with."""
    known = [link for running in metered_periods(book, now) for link in links(book, now, running, slots_of)]
    families: dict[tuple[Direction, timedelta], list[Link]] = defaultdict(list)
    for link in known:
        families[link.charge.direction, link.charge.sample].append(link)
    found: dict[tuple[str, str], Ledger] = {}
    for family in families.values():
        found |= _family(family, now, capacity)
    return found


def _family(family: Sequence[Link], now: datetime, capacity: Mapping[str, float]) -> dict[tuple[str, str], Ledger]:
    """The ledgers of all links that can stand in for one another."""
    rare = min(sum(100 - float(link.charge.q) for link in family) / 100 * USABLE, 1.0)
    traffic = reference(family, now)
    aims = aims_that_last(family, traffic, capacity)
    useful = rare if traffic.settled else 1.0
    return {
        link.key: replace(_ledger(link, aim, now, useful), swing=traffic.swing, trend=traffic.trend)
        for link, aim in zip(family, aims, strict=True)
    }


def _ledger(link: Link, aim: float, now: datetime, useful: float) -> Ledger:
    sample, unit = link.charge.sample, link.charge.unit.bps
    following = link.following
    return Ledger(
        networks=link.running.physical_networks,
        direction=link.charge.direction,
        level=link.level,
        aim=aim,
        free=link.free(aim),
        raising=None if following is None else cost_of(link.charge, max(following, aim)) - cost_of(link.charge, aim),
        begun=link.begun,
        left=1 - ((now - link.running.start) % sample) / sample,
        useful=(link.running.end - now) * useful,
        rest=link.running.end - now,
        heading=max(link.level, link.usual(settled=False)),
        dropped=link.dropped,
        steep=(cost_of(link.charge, aim + unit) - cost_of(link.charge, aim)) / unit,
    )
