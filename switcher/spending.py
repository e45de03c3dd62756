"""What the workloads cost by the hour, where they are and where they would be had nothing moved. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np

from switcher.columns import Column
from switcher.model import Memory, Snapshot
from switcher.objects.model import Book
from switcher.tariff import Flow, PriceGap, marginal
from switcher.workloads import Workloads

HOUR = timedelta(hours=1)
Market = Callable[[str, Flow], Decimal | None]
"""The money that a flow on a physical network adds to the next hour's bill; None: unknown, which is never zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Money per hour in the settlement currency; None where a price that is needed is unknown."""

    attachment: Mapping[str, Decimal | None]
    """What one more idle attachment would cost, by physical network."""
    now: Decimal | None
    unmoved: Decimal | None
    """Had the moves of the last day not been made."""


def spending(seen: Snapshot, memory: Memory, book: Book, currency: str | None) -> Spending:
    """The spending at the time of a snapshot, at its loads and the present tiers."""

    def market(name: str, extra: Flow) -> Decimal | None:
        usage = {contract: counted for (network, contract), counted in memory.usage.items() if network == name}
        price = marginal(book, name, seen.now, seen.now + HOUR, usage, Flow(), extra, currency)
        return None if isinstance(price, PriceGap) else price

    workloads = Workloads.of(seen.workloads)
    placed = [(workloads.row_of.get(name), places) for name, places in memory.placements.items()]
    first = {row: places[0].network for row, places in placed if places and row is not None}
    sums = _sums(seen, workloads)
    return Spending(
        attachment={
            name: market(name, Flow(attachments=1)) for name in sorted({one.physical_network for one in seen.networks})
        },
        now=_total(market, sums(workloads.network)),
        unmoved=_total(market, sums(workloads.network.patched(first))),
    )


def _sums(seen: Snapshot, workloads: Workloads) -> Callable[[Column[str]], Mapping[str, Flow] | None]:
    """What is on each physical network together, were the workloads on these networks; None: one is on none."""
    names = sorted({network.physical_network for network in seen.networks})
    index = {name: number for number, name in enumerate(names)}
    rides_on = {(network.name, network.node): index[network.physical_network] for network in seen.networks}
    into = np.nan_to_num(workloads.in_bps)
    out = np.where(np.isnan(workloads.out_bps), workloads.demand_bps, workloads.out_bps)
    nodes = workloads.node

    def sums(on: Column[str]) -> Mapping[str, Flow] | None:
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


def _total(market: Market, flows: Mapping[str, Flow] | None) -> Decimal | None:
    """One question per physical network, for all that is on it together."""
    if flows is None:
        return None
    costs = [market(name, flow) for name, flow in sorted(flows.items())]
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None
