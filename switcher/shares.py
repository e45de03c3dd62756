"""Who bears what is spent: each workload, and by contract ours, the other traffic, and nobody. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from switcher.apportion import anyway, networks_in
from switcher.flows import loads_of, rides_on
from switcher.spending import Market, Placed, added


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Money of a contract by the hour; None: unknown. Hours of a steady load add up to its bill."""

    workloads: Decimal | None
    others: Decimal | None
    """What is on its networks and is none of our workloads."""
    anyway: Decimal | None
    """What is due without any traffic."""


def by_workload(market: Market) -> Mapping[str, Decimal | None]:
    """Money per hour by the workload's id; None: its network's cost is unknown. They add up to the spending of now."""
    workloads, now = market.workloads, market.now
    if now is None:
        return dict.fromkeys(workloads.id)
    rates, rides = {name: now.rates(name) for name in now.there}, rides_on(market.seen)
    into, out = (rates_of.tolist() for rates_of in loads_of(workloads))
    found: dict[str, Decimal | None] = {}
    for row, (network, node) in enumerate(zip(workloads.network, workloads.node, strict=True)):
        each = rates[rides[network, node]]
        cost = None if each is None else each.head + each.into * Decimal(into[row]) + each.out * Decimal(out[row])
        found[workloads.id[row]] = cost
    return found


def by_contract(market: Market) -> Mapping[str, Split]:
    """All contracts, also those whose networks nobody reports."""
    now = market.now
    return {contract: _split(market, now, contract) for contract in market.contracts}


def _split(market: Market, now: Placed | None, contract: str) -> Split:
    parts = market.contracts[contract]
    if parts is None:
        return Split(workloads=None, others=None, anyway=None)
    due = anyway(parts, market.nodes(parts))
    hour = None if now is None else now.hour(contract)
    if now is None or hour is None:
        return Split(workloads=None, others=None, anyway=due)
    names = sorted(now.there.keys() & (networks_in(parts) or market.named[contract]))
    ours = added(hour.rates[name].of(now.there[name]) if name in hour.rates else None for name in names)
    return Split(workloads=ours, others=None if ours is None else hour.traffic() - ours, anyway=due)
