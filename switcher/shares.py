"""What each workload costs: its part of what all that is on its network costs together. Pure.

The marginal prices of workloads do not add up: with tiers, all of them cannot be the last to come. So the cost of a
network is shared out, what attachments cost by head, and what traffic costs by load, in and out by their prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from switcher.model import Memory, Snapshot
from switcher.objects.model import Book
from switcher.objects.words import Direction
from switcher.spending import Flows, Market, flows_of, levels_of, loads_of
from switcher.tariff import Flow
from switcher.workloads import Workloads


def by_workload(seen: Snapshot, memory: Memory, book: Book, currency: str | None) -> Mapping[str, Decimal | None]:
    """Money per hour by the workload's id; None: its network's cost is unknown. They add up to the spending of now."""
    market, workloads = Market(seen, memory, book, currency), Workloads.of(seen.workloads)
    here = flows_of(seen, workloads)(workloads.network)
    if here is None:
        return dict.fromkeys(workloads.id)
    rates = {name: _rates(market, name, here) for name in here}
    rides_on = {(network.name, network.node): network.physical_network for network in seen.networks}
    into, out = (rates_of.tolist() for rates_of in loads_of(workloads))
    found: dict[str, Decimal | None] = {}
    for row, (network, node) in enumerate(zip(workloads.network, workloads.node, strict=True)):
        each = rates[rides_on[network, node]]
        cost = None if each is None else each[0] + each[1] * Decimal(into[row]) + each[2] * Decimal(out[row])
        found[workloads.id[row]] = cost
    return found


Rates = tuple[Decimal, Decimal, Decimal]
"""Money per hour of an attachment, and of a bit per second in and out."""


def _rates(market: Market, name: str, here: Flows) -> Rates | None:
    """Such that all workloads together pay what the network costs; None: that is unknown."""
    flow = here[name]
    heads = market.price(name, Flow(attachments=flow.attachments))
    into = market.price(name, Flow(attachments=flow.attachments, in_bps=flow.in_bps))
    out = market.price(name, Flow(attachments=flow.attachments, out_bps=flow.out_bps))
    whole = market.price(name, flow)
    if heads is None or into is None or out is None or whole is None:
        return None
    money = _shared(whole - heads, (into - heads, out - heads))
    for standing, cost in levels_of(market, name, here, here):
        if cost is None:
            return None
        part = _shared(cost, _counted(standing.ledger.direction, flow))
        money = money[0] + part[0], money[1] + part[1]
    return heads / flow.attachments, _each(money[0], flow.in_bps), _each(money[1], flow.out_bps)


def _counted(direction: Direction, flow: Flow) -> tuple[Decimal, Decimal]:
    """What a charge counts of a flow, in and out."""
    into, out = Decimal(flow.in_bps), Decimal(flow.out_bps)
    match direction:
        case Direction.IN:
            return into, Decimal(0)
        case Direction.OUT:
            return Decimal(0), out
        case Direction.SUM:
            return into, out
        case _:
            return (into, Decimal(0)) if into > out else (Decimal(0), out)


def _shared(money: Decimal, parts: tuple[Decimal, Decimal]) -> tuple[Decimal, Decimal]:
    """Money in proportion of two parts."""
    total = sum(parts, Decimal(0))
    return (money * parts[0] / total, money * parts[1] / total) if total else (Decimal(0), Decimal(0))


def _each(money: Decimal, bps: float) -> Decimal:
    return money / Decimal(bps) if bps else Decimal(0)
