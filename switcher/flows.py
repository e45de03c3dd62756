"""What our workloads are on each physical network together, by where they are or would be. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np

from switcher.columns import Column
from switcher.decide.board import Floats
from switcher.model import Snapshot
from switcher.tariff import Flow
from switcher.tariff.flow import NOTHING
from switcher.tariff.flow import together as sum_of
from switcher.workloads import Workloads

Flows = Mapping[str, Flow]
"""By physical network."""


def flows_of(seen: Snapshot, workloads: Workloads) -> Callable[[Column[str]], Flows | None]:
    """What is on each physical network together, were the workloads on these networks; None: one is on none."""
    names = sorted({network.physical_network for network in seen.networks})
    index = {name: number for number, name in enumerate(names)}
    rides = rides_on(seen)
    into, out = loads_of(workloads)
    nodes = workloads.node

    def sums(on: Column[str]) -> Flows | None:
        pairs, pair = np.unique(nodes.at * len(on.values) + on.at.astype(np.int64), return_inverse=True)
        found = [(on.values[each % len(on.values)], nodes.values[each // len(on.values)]) for each in pairs.tolist()]
        if any(each not in rides for each in found):
            return None
        at = np.array([index[rides[each]] for each in found], dtype=np.int64)[pair]
        columns = [np.bincount(at, weights=each, minlength=len(names)).tolist() for each in (into, out)]
        counts = np.bincount(at, minlength=len(names)).tolist()
        return {
            name: Flow(attachments=count, in_bps=more_in, out_bps=more_out)
            for name, count, more_in, more_out in zip(names, counts, *columns, strict=True)
            if count
        }

    return sums


def rides_on(seen: Snapshot) -> Mapping[tuple[str, str | None], str]:
    """The physical network of each network on each node."""
    return {(network.name, network.node): network.physical_network for network in seen.networks}


def together(names: Collection[str], flows: Flows) -> Flow:
    """All that is on some physical networks; in their order, so that sums are the same each time."""
    return sum_of(flows.get(name, NOTHING) for name in sorted(names))


def loads_of(workloads: Workloads) -> tuple[Floats, Floats]:
    """(in, out) of each workload, bits per second; of a load without directions all is out."""
    out = np.where(np.isnan(workloads.out_bps), workloads.demand_bps, workloads.out_bps)
    return np.nan_to_num(workloads.in_bps), out
