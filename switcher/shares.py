"""What each workload costs: its part of what all that is on its network costs together. Pure.

The marginal prices of workloads do not add up: with tiers, all of them cannot be the last to come. So the cost of a
network is shared out, what attachments cost by head, and what traffic costs by load, in and out by their prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from switcher.flows import loads_of
from switcher.objects.words import Direction
from switcher.spending import Market, Placed
from switcher.tariff import Flow


def by_workload(market: Market) -> Mapping[str, Decimal | None]:
    """Money per hour by the workload's id; None: its network's cost is unknown. They add up to the spending of now."""
    workloads, here, now = market.workloads, market.here, market.now
    if here is None or now is None:
        return dict.fromkeys(workloads.id)
    rates = {name: _rates(now, name, flow) for name, flow in here.items()}
    rides_on = {(network.name, network.node): network.physical_network for network in market.seen.networks}
    into, out = (rates_of.tolist() for rates_of in loads_of(workloads))
    found: dict[str, Decimal | None] = {}
    for row, (network, node) in enumerate(zip(workloads.network, workloads.node, strict=True)):
        each = rates[rides_on[network, node]]
        cost = None if each is None else each[0] + each[1] * Decimal(into[row]) + each[2] * Decimal(out[row])
        found[workloads.id[row]] = cost
    return found


Rates = tuple[Decimal, Decimal, Decimal]
"""Money per hour of an attachment, and of a bit per second in and out."""


def _rates(now: Placed, name: str, flow: Flow) -> Rates | None:
    """Such that all workloads together pay what the network costs; None: that is unknown."""
    heads = now.price(name, Flow(attachments=flow.attachments))
    into = now.price(name, Flow(attachments=flow.attachments, in_bps=flow.in_bps))
    out = now.price(name, Flow(attachments=flow.attachments, out_bps=flow.out_bps))
    whole = now.price(name, flow)
    if heads is None or into is None or out is None or whole is None:
        return None
    money = _shared(whole - heads, (into - heads, out - heads), flow)
    for standing, cost in now.levels(name):
        if cost is None:
            return None
        part = _shared(cost, _counted(standing.ledger.direction, flow), flow)
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


def _shared(money: Decimal, parts: tuple[Decimal, Decimal], flow: Flow) -> tuple[Decimal, Decimal]:
    """Money in proportion of two parts; where they are nothing, as below a tier that only both reach, by the load."""
    for into, out in (parts, (Decimal(flow.in_bps), Decimal(flow.out_bps))):
        if total := into + out:
            return money * into / total, money * out / total
    return Decimal(0), Decimal(0)


def _each(money: Decimal, bps: float) -> Decimal:
    return money / Decimal(bps) if bps else Decimal(0)
