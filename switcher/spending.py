"""What the workloads cost by the hour, where they are and where they would be had nothing moved. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from switcher.model import Memory, Snapshot, WorkloadState
from switcher.objects.model import Book
from switcher.tariff import Flow, PriceGap, marginal

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

    def first(workload: WorkloadState) -> str:
        placed = memory.placements.get(workload.id, ())
        return placed[0].network if placed else workload.network

    return Spending(
        attachment={
            name: market(name, Flow(attachments=1)) for name in sorted({one.physical_network for one in seen.networks})
        },
        now=_total(seen, market, lambda workload: workload.network),
        unmoved=_total(seen, market, first),
    )


def _total(seen: Snapshot, market: Market, network_of: Callable[[WorkloadState], str]) -> Decimal | None:
    """One question per physical network, for all that is on it together."""
    rides_on = {(network.name, network.node): network.physical_network for network in seen.networks}
    sums: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    for workload in seen.workloads:
        name = rides_on.get((network_of(workload), workload.node))
        if name is None:
            return None
        there = sums[name]
        there[0] += 1
        there[1] += workload.in_bps or 0.0
        there[2] += workload.demand_bps if workload.out_bps is None else workload.out_bps
    flows = {name: Flow(attachments=int(count), in_bps=into, out_bps=out) for name, (count, into, out) in sums.items()}
    costs = [market(name, flow) for name, flow in sorted(flows.items())]
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None
