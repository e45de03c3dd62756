"""What the workloads cost by the hour, where they are and where they would be had nothing moved. Pure.

A percentile charge has no price by the hour. It counts as what its billing period will be billed if the rest of it is
like what has been so far, spread evenly over the period, and by the part that our workloads are of what its networks
carry now. Had nothing moved, its level would differ by as much as the load does now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import numpy as np

from switcher.columns import Column
from switcher.decide.board import Floats
from switcher.decide.projection import newest_states, total_bps
from switcher.model import Memory, Snapshot, Usage
from switcher.objects.model import Book
from switcher.objects.words import Direction
from switcher.standings import Standing, standings
from switcher.tariff import Flow, PriceGap, quote
from switcher.tariff.flow import NOTHING
from switcher.tariff.ledger import Mark, directed
from switcher.workloads import Workloads

HOUR = timedelta(hours=1)
Flows = Mapping[str, Flow]
"""What our workloads are together, by physical network."""


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
    """Prices of a moment, on top of the volume used so far."""

    def __init__(self, seen: Snapshot, memory: Memory, book: Book, currency: str | None) -> None:
        self._seen, self._memory, self._book, self._currency = seen, memory, book, currency
        self.standings = standings(book, seen.now, memory.ledgers, currency)
        self._carried: dict[str, Flow] = {}
        for uplink, state in newest_states(seen.networks).items():
            before = self._carried.get(uplink.physical_network, NOTHING)
            into, out = total_bps(state)
            self._carried[uplink.physical_network] = Flow(in_bps=before.in_bps + into, out_bps=before.out_bps + out)

    def price(self, name: str, extra: Flow) -> Decimal | None:
        """What a flow adds to the next hour's bill, percentiles apart; None: unknown, which is never zero."""
        memory, now = self._memory, self._seen.now
        asked = quote(self._book, name, now, now + HOUR, self._currency)
        if isinstance(asked, PriceGap):
            return None
        usage = {contract: counted for (network, contract), counted in memory.usage.items() if network == name}
        answer = asked.marginal(usage or NO_USAGE, NOTHING, extra, self._marks(extra))
        return None if isinstance(answer, PriceGap) else answer

    def level(self, standing: Standing, here: Flows, there: Flows) -> Decimal | None:
        """What our workloads pay of a percentile charge by the hour, were they there instead of here."""
        names, direction = standing.ledger.networks, standing.ledger.direction
        ours, others, carried = (_pooled(direction, names, each) for each in (here, there, self._carried))
        total = max(carried, ours) - ours + others
        money = standing.per_hour(standing.ledger.heading + others - ours)
        if money is None or total <= 0:
            return None if money is None else Decimal(0)
        return money * Decimal(others) / Decimal(total)

    def _marks(self, extra: Flow) -> Mapping[tuple[str, str], Mark]:
        """Percentiles for which the flow is free: their money is counted apart."""
        load = extra.in_bps + extra.out_bps
        return {(each.contract, each.charge): Mark(free_bps=max(each.ledger.heading, load)) for each in self.standings}


NO_USAGE: Mapping[str, Usage] = {}


def spending(seen: Snapshot, memory: Memory, book: Book, currency: str | None) -> Spending:
    """The spending at the time of a snapshot, at its loads and the present tiers."""
    market = Market(seen, memory, book, currency)

    workloads = Workloads.of(seen.workloads)
    placed = [(workloads.row_of.get(name), places) for name, places in memory.placements.items()]
    first = {row: places[0].network for row, places in placed if places and row is not None}
    flows = flows_of(seen, workloads)
    here, before = flows(workloads.network), flows(workloads.network.patched(first))
    names = sorted({one.physical_network for one in seen.networks})
    costs = None if here is None else by_network(market, here, here)
    return Spending(
        attachment={name: market.price(name, Flow(attachments=1)) for name in names},
        now=None if costs is None else added(costs.values()),
        unmoved=None if before is None or here is None else added(by_network(market, here, before).values()),
        networks=costs or {},
        standings=market.standings,
    )


def flows_of(seen: Snapshot, workloads: Workloads) -> Callable[[Column[str]], Flows | None]:
    """What is on each physical network together, were the workloads on these networks; None: one is on none."""
    names = sorted({network.physical_network for network in seen.networks})
    index = {name: number for number, name in enumerate(names)}
    rides_on = {(network.name, network.node): index[network.physical_network] for network in seen.networks}
    into, out = loads_of(workloads)
    nodes = workloads.node

    def sums(on: Column[str]) -> Flows | None:
        pairs, pair = np.unique(nodes.at * len(on.values) + on.at.astype(np.int64), return_inverse=True)
        found = [(on.values[each % len(on.values)], nodes.values[each // len(on.values)]) for each in pairs.tolist()]
        if any(each not in rides_on for each in found):
            return None
        at = np.array([rides_on[each] for each in found], dtype=np.int64)[pair]
        columns = [np.bincount(at, weights=each, minlength=len(names)).tolist() for each in (into, out)]
        counts = np.bincount(at, minlength=len(names)).tolist()
        return {
            name: Flow(attachments=count, in_bps=more_in, out_bps=more_out)
            for name, count, more_in, more_out in zip(names, counts, *columns, strict=True)
            if count
        }

    return sums


def loads_of(workloads: Workloads) -> tuple[Floats, Floats]:
    """(in, out) of each workload, bits per second; of a load without directions all is out."""
    out = np.where(np.isnan(workloads.out_bps), workloads.demand_bps, workloads.out_bps)
    return np.nan_to_num(workloads.in_bps), out


def by_network(market: Market, here: Flows, there: Flows) -> Mapping[str, Decimal | None]:
    """What these flows cost by the hour: one question per physical network, for all that is on it together."""
    return {
        name: added([market.price(name, flow), *(money for _, money in levels_of(market, name, here, there))])
        for name, flow in sorted(there.items())
    }


def levels_of(market: Market, name: str, here: Flows, there: Flows) -> Sequence[tuple[Standing, Decimal | None]]:
    """What our workloads on a physical network pay of each percentile charge by the hour, were they there."""
    return [
        (standing, _part(market.level(standing, here, there), standing, name, there))
        for standing in market.standings
        if name in standing.ledger.networks
    ]


def _part(money: Decimal | None, standing: Standing, name: str, flows: Flows) -> Decimal | None:
    """One network's part of what a charge costs, of several that are counted together."""
    direction = standing.ledger.direction
    loads = {each: _pooled(direction, (each,), flows) for each in standing.ledger.networks}
    total = sum(loads.values())
    return money * Decimal(loads[name]) / Decimal(total) if money is not None and total > 0 else money


def added(costs: Iterable[Decimal | None]) -> Decimal | None:
    """The sum; unknown where one of them is."""
    all_ = list(costs)
    known = [cost for cost in all_ if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(all_) else None


def _pooled(direction: Direction, names: Sequence[str], flows: Flows) -> float:
    """Bits per second that a charge counts of several networks together."""
    parts = [flows.get(name, NOTHING) for name in names]
    return directed(direction, sum(part.in_bps for part in parts), sum(part.out_bps for part in parts))
