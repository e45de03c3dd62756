"""What a bit costs by the end of the billing period where a quota includes some, and more is priced.

Looked at over some hours everything is free as long as anything of a quota is left: all would go there, use it up, and
pay in the busy hours. So the load of the rest of the period is divided among the networks as is cheapest for all of it
(merit.py), on top of the volume so far, and each is priced along the stretch of its bill in which its next bit will lie
by then. What is to come is not known: the price is the mean over several loads. Everyone is taken to find every
network, and each network to carry what arrivals may fill.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from switcher.decide.board import Board, Floats
from switcher.decide.merit import ROUNDING, Stretch, hull, margins
from switcher.decide.projection import Projection
from switcher.decide.quotes import ONE, Asked, Lists, Load, Quote, hours_of, mixture
from switcher.decide.volumes import Carrier, Pool, carrier, pools
from switcher.tariff.flow import NOTHING, Flow
from switcher.tariff.marginal import PriceGap, quote

TO_COME = (0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0)
"""Times the present load: what may flow in the mean until the end of the period. Rather more than less: what is
included on a dear network and used up too early costs more than what is left of it."""
STEPS = 40
"""Into so many a bill is cut, up to the largest load to come."""
LAST = timedelta(hours=1)
"""Of a period: then the next one counts as much, and prices are looked at over the horizon as elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlook:
    """Of a tick. Empty where there is no such quota."""

    market: Lists
    mixture: Flow = NOTHING
    """What one bit per second of demand is."""
    pools: Mapping[str, tuple[Pool, Carrier]]
    """By physical network."""
    margins: Mapping[str, Mapping[Stretch, float]]
    """By physical network: weights of the stretches of its pool's bill in which the next bit will lie."""

    def quote(self, asked: Asked, plain: Quote) -> Quote:
        """The quote from now on for so long. ``plain``: that of one workload, which counts where there is no other."""
        if asked[0] not in self.margins or plain.bps is None:
            return plain
        total = dict.fromkeys(Load, Decimal(0))
        for stretch, weight in self.margins[asked[0]].items():
            along = self._along(asked, stretch)
            if along is None:
                return plain
            for load, price in along.items():
                total[load] += Decimal(weight) * price
        return replace(plain, bps=total)

    def bill(self, name: str, most: float) -> tuple[Floats, Floats]:
        """(Loads of ours up to so much, money per hour of each until the end of the period on top of its volume)."""
        pool, there = self.pools[name]
        loads = np.linspace(0.0, min(there.room, most), STEPS + 1)
        hours = hours_of(pool.end - self.market.now)
        added = [self._added(name, (there.others, self.mixture.times(load)), pool.end) for load in loads.tolist()]
        money = [np.nan if each is None else float(each / hours) for each in added]
        return loads, np.array(money)

    def _along(self, asked: Asked, stretch: Stretch) -> Mapping[Load, Decimal] | None:
        """Money per hour of a bit per second of each load, when the stretch flows between now and the horizon."""
        name, destination, horizon = asked
        pool, there = self.pools[name]
        until = min(self.market.now + horizon, pool.end)
        window = until - self.market.now
        rate = (stretch.end - stretch.start) * ((pool.end - self.market.now) / window)
        base = there.others.beside(self.mixture.times(stretch.start))
        per = hours_of(window) * Decimal(rate)

        def price(unit: Flow) -> Decimal | None:
            extra = replace(unit.times(rate), destination=destination)
            added = self._added(name, (base, extra), until)
            return None if added is None else added / per

        into, out = Flow(in_bps=self.mixture.in_bps), Flow(out_bps=self.mixture.out_bps)
        found = [price(unit) for unit in (self.mixture, into, out, ONE[Load.BOTH])]
        known = [each for each in found if each is not None]
        return _by_load(known, self.mixture) if len(known) == len(found) else None

    def _added(self, name: str, flows: tuple[Flow, Flow], until: datetime) -> Decimal | None:
        asked = quote(self.market.book, name, self.market.now, until, self.market.currency)
        if isinstance(asked, PriceGap):
            return None
        answer = asked.marginal(self.market.usage.get(name, {}), *flows, marks={})
        return None if isinstance(answer, PriceGap) else answer


def _by_load(prices: Sequence[Decimal], mixture: Flow) -> Mapping[Load, Decimal]:
    """``prices``: of the mixture, of its part in and of its part out, of both in full.

    Of a block that both directions fill together each pays its part.
    """
    together, into, out, both = prices
    part = together / (into + out) if into + out else Decimal(0)
    return {
        Load.IN: into * part / Decimal(mixture.in_bps) if mixture.in_bps else Decimal(0),
        Load.OUT: out * part / Decimal(mixture.out_bps) if mixture.out_bps else Decimal(0),
        Load.BOTH: both,
    }


def outlook(board: Board, projection: Projection, market: Lists, quotes: Mapping[Asked, Quote]) -> Outlook:
    """The outlook of a tick; ``quotes`` of one workload, for networks without such a quota."""
    nothing = Outlook(market=market, pools={}, margins={})
    present = frozenset(place.physical_network for place in board.uplinks)
    counted = {name: pool for name, pool in pools(market.book, market.now, present).items() if _lasts(pool, market.now)}
    # Of several classes of destination nobody knows what each will come to.
    if not counted or not board.demand.any() or len(board.workloads.destination.present) > 1:
        return nothing
    there = {names: carrier(board, projection, names) for names in {pool.names for pool in counted.values()}}
    seen = replace(
        nothing,
        mixture=mixture(board, np.arange(len(board.demand))),
        pools={name: (pool, there[pool.names]) for name, pool in counted.items()},
    )
    others = {}
    for name in sorted(present - counted.keys()):
        slope = _slope(board, seen.mixture, name, quotes)
        if slope is not None:
            others[name] = slope, carrier(board, projection, (name,))
    return replace(seen, margins=_margins(seen, others))


def _lasts(pool: Pool, now: datetime) -> bool:
    return pool.end - now > LAST


def _slope(board: Board, one: Flow, name: str, quotes: Mapping[Asked, Quote]) -> float | None:
    """Money per hour of a bit per second of all on a network without a quota."""
    quote = next((quotes[key] for key in sorted(quotes, key=str) if key[0] == name), Quote())
    if quote.bps is None:
        return None
    price = {load: float(money) for load, money in quote.bps.items()}
    loaded = price[Load.IN] * (one.in_bps - one.both_bps) + price[Load.OUT] * (one.out_bps - one.both_bps)
    return loaded + price[Load.BOTH] * one.both_bps + float(quote.attachment) / float(board.demand.mean())


def _margins(seen: Outlook, others: Mapping[str, tuple[float, Carrier]]) -> Mapping[str, Mapping[Stretch, float]]:
    """By physical network; ``others``: the slope of each network that has no quota."""
    members = {pool.names[0]: there for pool, there in seen.pools.values()}
    load = sum(there.ours for there in (*members.values(), *(there for _, there in others.values())))
    with_room = sorted(name for name, there in members.items() if there.room > 0)
    bills = {name: seen.bill(name, max(TO_COME) * load) for name in with_room if load > 0}
    priced = {name: bill for name, bill in bills.items() if np.isfinite(bill[1]).all()}
    found: dict[str, dict[Stretch, float]] = {name: defaultdict(float) for name in priced}
    flat = {name: [Stretch(slope, 0.0, there.room)] for name, (slope, there) in others.items() if there.room > 0}
    for part in TO_COME:
        bent = {name: _up_to(part * load, *bill) for name, bill in priced.items()}
        for name, weighted in margins(flat | bent, part * load).items():
            for weight, stretch in weighted if name in found else ():
                found[name][stretch] += weight / len(TO_COME)
    return {name: found[pool.names[0]] for name, (pool, _) in seen.pools.items() if found.get(pool.names[0])}


def _up_to(most: float, loads: Floats, money: Floats) -> Sequence[Stretch]:
    """A discount that nobody could earn with so much is none."""
    reached = loads <= most * (1 + ROUNDING)
    return hull(loads[reached], money[reached])
