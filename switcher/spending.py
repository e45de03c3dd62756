"""What the workloads cost by the hour, where they are and where they would be had nothing moved. Pure.

Counted is what they add to the bills: what is due without any traffic (a price per network, a minimum that is not used
up) is nobody's. Under a minimum or above a maximum each hour costs by the part of its charges that the billing period
will be billed, if what is carried now goes on.

A percentile charge has no price by the hour. It counts as what its billing period will be billed if the rest of it is
like what has been so far, spread evenly over the period, and by the part that our workloads are of what its networks
carry now. Had nothing moved, its level would differ by as much as the load does now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from switcher.decide.projection import total_bps
from switcher.flows import Flows, flows_of
from switcher.model import Memory, Snapshot, Usage, usage_by_network
from switcher.objects.model import Book
from switcher.objects.words import Direction
from switcher.standings import Standing, standings
from switcher.tariff import Flow, PriceGap, Quote, quote
from switcher.tariff.flow import NOTHING
from switcher.tariff.ledger import Mark, directed
from switcher.workloads import Workloads

HOUR = timedelta(hours=1)
Levels = Sequence[tuple[Standing, Decimal | None]]
"""Percentile charges, and money per hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Money per hour in the settlement currency; None where a price that is needed is unknown."""

    attachment: Mapping[str, Decimal | None]
    """What one more idle attachment would cost, by physical network."""
    now: Decimal | None
    unmoved: Decimal | None
    """Had the moves of the last day not been made."""
    networks: Mapping[str, Decimal | None] = field(default_factory=dict)
    """What our workloads on it cost together now, by physical network."""
    standings: Sequence[Standing] = ()
    """Where the percentile charges stand."""


class Market:
    """Prices of a moment, on top of the volume used so far; made once for all that is asked of a snapshot."""

    def __init__(self, seen: Snapshot, memory: Memory, book: Book, currency: str | None) -> None:
        self.seen, self.memory = seen, memory
        self.workloads = Workloads.of(seen.workloads)
        self.flows = flows_of(seen, self.workloads)
        self.standings = standings(book, seen.now, memory.ledgers, currency)
        self.carried: dict[str, Flow] = {}
        """On the uplinks of each physical network, foreign load included."""
        self.nodes: defaultdict[str, set[str | None]] = defaultdict(set)
        """By physical network."""
        for uplink, state in seen.newest.items():
            before = self.carried.get(uplink.physical_network, NOTHING)
            into, out = total_bps(state)
            self.carried[uplink.physical_network] = Flow(in_bps=before.in_bps + into, out_bps=before.out_bps + out)
            self.nodes[uplink.physical_network].add(uplink.node)
        self._book, self._currency, self._usage = book, currency, usage_by_network(memory.usage)

    @cached_property
    def here(self) -> Flows | None:
        """What the workloads are where they are; None: one is on a network that nobody reports."""
        return self.flows(self.workloads.network)

    @property
    def now(self) -> Placed | None:
        """What they cost where they are; None: one is on a network that nobody reports.

        Made anew each time: kept here, it would hold what holds it, and a tick searches for no such cycles.
        """
        return None if self.here is None else Placed(self, self.here, self.here)

    def quote(self, name: str) -> Quote | PriceGap:
        """The prices of a physical network in the next hour."""
        return quote(self._book, name, self.seen.now, self.seen.now + HOUR, self._currency)

    def usage(self, name: str) -> Mapping[str, Usage]:
        """What the contracts of a physical network have counted so far."""
        return self._usage.get(name, {})


class Placed:
    """What our workloads cost by the hour, were they ``there`` instead of ``here``. Answers are kept."""

    def __init__(self, market: Market, here: Flows, there: Flows) -> None:
        self._market, self._here, self._there = market, here, there
        self._prices: dict[tuple[str, Flow], Decimal | None] = {}

    def networks(self) -> Mapping[str, Decimal | None]:
        """By physical network that some of them are on: one question for all that is on it together."""
        return {
            name: added([self.price(name, flow), *(money for _, money in self.levels(name))])
            for name, flow in sorted(self._there.items())
        }

    def price(self, name: str, extra: Flow) -> Decimal | None:
        """What a flow comes to of the next hour's bill, percentiles apart; None: unknown, which is never zero."""
        if (name, extra) not in self._prices:
            self._prices[name, extra] = self._ask(name, extra)
        return self._prices[name, extra]

    def _ask(self, name: str, extra: Flow) -> Decimal | None:
        asked = self._market.quote(name)
        if isinstance(asked, PriceGap):
            return None
        answer = asked.spent(self._market.usage(name), extra, self._together, self._marks(extra))
        return None if isinstance(answer, PriceGap) else answer

    def levels(self, name: str) -> Levels:
        """What our workloads on a physical network pay of each of its percentile charges."""
        return [
            (standing, self._part(self._level(name, standing), standing, name))
            for standing in self._market.standings
            if name in standing.ledger.networks
        ]

    def _level(self, name: str, standing: Standing) -> Decimal | None:
        """What they pay of a percentile charge together, on all networks that it counts."""
        others, total = self._ours(standing, self._there), self._load(standing)
        money = standing.per_hour(self._heading(standing))
        if money is None or total <= 0:
            return None if money is None else Decimal(0)
        asked = self._market.quote(name)
        if isinstance(asked, PriceGap):
            return None
        usage = self._market.usage(name)
        billed = asked.billed(standing.contract, usage, self._together, self._marks(NOTHING))
        return None if billed is None else money * billed * Decimal(others) / Decimal(total)

    def _part(self, money: Decimal | None, standing: Standing, name: str) -> Decimal | None:
        """One network's part of what a charge costs, of several that are counted together."""
        loads = {each: _pooled(standing.ledger.direction, (each,), self._there) for each in standing.ledger.networks}
        total = sum(loads.values())
        return money * Decimal(loads[name]) / Decimal(total) if money is not None and total > 0 else money

    def _load(self, standing: Standing) -> float:
        """What the networks of a charge carry, foreign load included."""
        ours = self._ours(standing, self._here)
        return max(self._ours(standing, self._market.carried), ours) - ours + self._ours(standing, self._there)

    def _heading(self, standing: Standing) -> float:
        """The level that the billing period heads for."""
        return standing.ledger.heading + self._ours(standing, self._there) - self._ours(standing, self._here)

    def _ours(self, standing: Standing, flows: Flows) -> float:
        return _pooled(standing.ledger.direction, standing.ledger.networks, flows)

    def _marks(self, extra: Flow) -> Mapping[tuple[str, str], Mark]:
        """Percentiles for which the flow is free: their money is counted apart."""
        load = extra.in_bps + extra.out_bps
        headings = [(standing, max(self._heading(standing), 0.0)) for standing in self._market.standings]
        return {
            (each.contract, each.charge): Mark(free_bps=max(heading, load), expected_bps=heading)
            for each, heading in headings
        }

    def _together(self, names: Collection[str]) -> Flow:
        """All that is on these networks, foreign load included."""
        ours, carried, theirs = (_sum(names, each) for each in (self._here, self._market.carried, self._there))
        foreign = carried.without(ours)
        return Flow(
            attachments=theirs.attachments,
            in_bps=foreign.in_bps + theirs.in_bps,
            out_bps=foreign.out_bps + theirs.out_bps,
            nodes=len(set().union(*(self._market.nodes[name] for name in names if name in self._market.nodes))),
        )


def spending(market: Market) -> Spending:
    """The spending at the time of a snapshot, at its loads and the present tiers."""
    workloads, now = market.workloads, market.now
    idle = now or Placed(market, {}, {})
    placed = [(workloads.row_of.get(name), places) for name, places in market.memory.placements.items()]
    first = {row: places[0].network for row, places in placed if places and row is not None}
    before = market.flows(workloads.network.patched(first))
    costs = None if now is None else now.networks()
    unmoved = None if before is None or market.here is None else Placed(market, market.here, before).networks()
    return Spending(
        attachment={
            name: idle.price(name, Flow(attachments=1))
            for name in sorted({one.physical_network for one in market.seen.networks})
        },
        now=None if costs is None else added(costs.values()),
        unmoved=None if unmoved is None else added(unmoved.values()),
        networks=costs or {},
        standings=market.standings,
    )


def added(costs: Iterable[Decimal | None]) -> Decimal | None:
    """The sum; unknown where one of them is."""
    all_ = list(costs)
    known = [cost for cost in all_ if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(all_) else None


def _sum(names: Collection[str], flows: Flows) -> Flow:
    parts = [flows[name] for name in sorted(names) if name in flows]
    return Flow(
        attachments=sum(part.attachments for part in parts),
        in_bps=sum(part.in_bps for part in parts),
        out_bps=sum(part.out_bps for part in parts),
    )


def _pooled(direction: Direction, names: Collection[str], flows: Flows) -> float:
    """Bits per second that a charge counts of several networks together."""
    together = _sum(names, flows)
    return directed(direction, together.in_bps, together.out_bps)
