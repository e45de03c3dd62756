"""A site whose load has been the same since the billing period began."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from switcher.model import Ledger, NetworkState, WorkloadState
from switcher.objects.model import Book
from switcher.objects.words import Direction
from switcher.tariff import Flow

HOUR = timedelta(hours=1)
Load = tuple[int, int]
"""In and out, bits per second."""


def ledgers(prices: Book, load_on: Callable[[tuple[str, ...]], Load]) -> Mapping[tuple[str, str], Ledger]:
    """Of every percentile charge; ``load_on``: what physical networks carry together."""
    found = {}
    for one in prices.tariffs:
        for charge in one.spec.charges:
            if charge.percentile is not None:
                way = Direction(charge.percentile.direction)
                into, out = load_on(one.spec.physical_networks)
                level = Flow(in_bps=into, out_bps=out).counted(way)
                found[one.contract, charge.name] = Ledger(
                    networks=one.spec.physical_networks,
                    direction=way,
                    level=level,
                    aim=level,
                    heading=level,
                    free=0,
                    raising=None,
                    begun=0.0,
                    left=1.0,
                    useful=HOUR,
                    rest=HOUR,
                )
    return found


def uplink(name: str, node: str, load: Load, now: datetime) -> NetworkState:
    """A physical network on a node, of 10 Gbps."""
    into, out = load
    return NetworkState(
        name=f"cni:{name}",
        physical_network=name,
        node=node,
        capacity_bps=1e10,
        used_bps=into + out,
        in_bps=into,
        out_bps=out,
        sampled_at=now,
    )


def workloads(placed: Iterable[tuple[str, str, Load]]) -> tuple[WorkloadState, ...]:
    """One on each physical network and node, with that load."""
    return tuple(
        WorkloadState(
            id=f"w{number}", node=node, network=f"cni:{name}", demand_bps=sum(load), in_bps=load[0], out_bps=load[1]
        )
        for number, (name, node, load) in enumerate(placed)
    )
