"""The snapshot as tables: one row per workload, one column per network name, all sorted by name.

Sorted once here, so that nothing later depends on the order in which a snapshot lists things.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from switcher.columns import Column
from switcher.model import NetworkState, Snapshot, Uplink
from switcher.workloads import Workloads

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]
"""Indexes into a short list: an eighth of what numbers take, where there are as many as workloads times networks."""
NOWHERE = -1
GB_PER_HOUR_PER_BPS = 3600 / 8 / 1e9


@dataclass(frozen=True, kw_only=True, eq=False)
class Board:
    """Shapes: W workloads, C network names, N networks (a name on a node), U uplinks. Rates are bits per second."""

    seen: Snapshot
    workloads: Workloads
    names: tuple[str, ...]
    networks: tuple[NetworkState, ...]
    uplinks: tuple[Uplink, ...]
    found: Ints
    """Nodes x C: the network that is found under a name, NOWHERE if the node has none."""
    place: Ints
    """W: the number of the workload's node; workloads of one node find the same networks."""
    uplink_of: Ints
    """N: the uplink of a network."""
    here: Ints
    """W: the column of the present network, NOWHERE if the snapshot does not list it."""
    demand: Floats
    """W: what a workload needs of an uplink."""
    into: Floats
    out: Floats
    split: Bools
    """U: the uplink's load is known by direction."""

    @cached_property
    def network(self) -> Ints:
        """W x C: the network that a workload finds under a name, NOWHERE if its node has none."""
        return self.found.take(self.place, axis=0)

    @cached_property
    def uplink(self) -> Ints:
        """W x C: the uplink under a name, NOWHERE if there is none."""
        return self.under_names(self.uplink_of, NOWHERE)

    def under_names(self, figures: npt.NDArray[Any], nowhere: float) -> npt.NDArray[Any]:
        """W x C: of figures by network, the one that a workload finds under a name; looked up once for each node."""
        if not self.networks:
            return np.full((len(self.place), len(self.names)), nowhere, dtype=figures.dtype)
        found = np.where(self.found >= 0, figures[self.found], figures.dtype.type(nowhere))
        return found.take(self.place, axis=0)

    @cached_property
    def places(self) -> tuple[Ints, Ints]:
        """Every number of a node that workloads are on, and the first of its rows: all of one node find the same."""
        places, first = np.unique(self.place, return_index=True)
        return places, first

    @cached_property
    def rows_of_networks(self) -> Sequence[Sequence[int]]:
        """``network`` as plain lists, which are read faster one by one; those of one node are the same list."""
        places, first = self.places
        rows = dict(zip(places.tolist(), self.network[first].tolist(), strict=True))
        return list(map(rows.__getitem__, self.place.tolist()))

    @cached_property
    def uplinks_of_networks(self) -> Sequence[int]:
        """``uplink_of`` as a plain list."""
        found: list[int] = self.uplink_of.tolist()
        return found

    @cached_property
    def directed(self) -> Bools:
        """W: the workload's load is known by direction."""
        known: Bools = ~(np.isnan(self.workloads.in_bps) & np.isnan(self.workloads.out_bps))
        return known

    @cached_property
    def loose(self) -> Floats:
        """W: what is in both ``into`` and ``out``, because nobody knows its direction."""
        return np.where(self.directed, 0.0, self.into)

    @cached_property
    def home_uplink(self) -> Ints:
        """W: the uplink that each workload is on, NOWHERE if the snapshot does not list its network."""
        if not len(self.names):
            return np.full(len(self.workloads), NOWHERE, dtype=np.int64)
        uplink = self.uplink[np.arange(len(self.workloads)), np.maximum(self.here, 0)]
        return np.where(self.here == NOWHERE, NOWHERE, uplink)

    @property
    def demand_given(self) -> Floats:
        """W: ``demand_bps`` as the snapshot says it, which sums of money are about."""
        return self.workloads.demand_bps

    @cached_property
    def column(self) -> Callable[[str], int | None]:
        """The column of a network as users write it: in full, or bare where only one matches."""
        names = self.names  # not the board, which would then hold itself, and be there until a search for cycles
        return cache(lambda name: resolve(name, names))

    def load(self, workload: int, uplink: int) -> tuple[float, float]:
        """What a workload puts on an uplink: (in, out); all of its demand counts both ways where nothing is known."""
        if self.split[uplink]:
            return float(self.into[workload]), float(self.out[workload])
        return float(self.demand[workload]), float(self.demand[workload])


def resolve(name: str, names: Sequence[str]) -> int | None:
    """The index of the network that ``name`` means: ``cni:a`` in full, ``a`` bare where only one matches."""
    if name in names:
        return names.index(name)
    matches = [index for index, known in enumerate(names) if _bare_of(known, name)]
    return matches[0] if len(matches) == 1 else None


def bare(name: str) -> str:
    """``a`` of ``cni:a`` and ``nad:genie-system/a``."""
    return name.rpartition(":")[2].removeprefix("genie-system/")


def same_network(one: str, other: str) -> bool:
    """Whether two names mean one network, written in full or bare."""
    return one == other or _bare_of(one, other)


def _bare_of(known: str, name: str) -> bool:
    """Whether one of the two is the other without its kind; names of two different kinds never match."""
    return (":" in known) != (":" in name) and bare(known) == bare(name)


def lay_out(seen: Snapshot) -> Board:
    """The tables of a snapshot."""
    workloads = Workloads.of(seen.workloads).by_id()
    networks = _distinct(seen.networks)
    names = tuple(sorted({network.name for network in networks}))
    uplinks = tuple(sorted({network.uplink for network in networks}, key=_uplink_key))
    index = {uplink: number for number, uplink in enumerate(uplinks)}
    split = np.zeros(len(uplinks), dtype=np.bool_)
    for network in networks:
        split[index[network.uplink]] |= network.split
    into, out, demand = _rates(workloads, bool(split.any()))
    place = workloads.node.at.astype(np.int64)
    found = _found(workloads.node.values, networks, names)
    return Board(
        seen=seen,
        workloads=workloads,
        names=names,
        networks=networks,
        uplinks=uplinks,
        found=found,
        place=place,
        uplink_of=np.array([index[network.uplink] for network in networks], dtype=np.int64),
        here=_here(workloads.network, names, found, place),
        demand=demand,
        into=into,
        out=out,
        split=split,
    )


def _here(network: Column[str], names: Sequence[str], found: Ints, place: Ints) -> Ints:
    """W: the column of the present network."""

    def column(name: str) -> int:
        index = resolve(name, names)
        return NOWHERE if index is None else index

    here: Ints = network.each(column, np.int64)
    if not len(here) or not names:
        return here
    return np.where(found[place, here] >= 0, here, NOWHERE)


def _uplink_key(uplink: Uplink) -> tuple[str, str]:
    return uplink.physical_network, uplink.node or ""


def _distinct(networks: Iterable[NetworkState]) -> tuple[NetworkState, ...]:
    """One state per name and node, the newest; ties by load, so that the order of rows does not matter."""
    newest: dict[tuple[str, str], NetworkState] = {}
    for network in sorted(networks, key=lambda state: (state.sampled_at, state.used_bps, -state.capacity_bps)):
        newest[network.name, network.node or ""] = network
    return tuple(newest[key] for key in sorted(newest))


def _rates(workloads: Workloads, by_direction: bool) -> tuple[Floats, Floats, Floats]:
    """(in, out, demand). Without directions the demand counts in full in both."""
    total = workloads.demand_bps
    into = np.where(np.isnan(workloads.in_bps), total, workloads.in_bps)
    out = np.where(np.isnan(workloads.out_bps), total, workloads.out_bps)
    return into, out, np.maximum(into, out) if by_direction else total


def _found(nodes: Sequence[str | None], networks: Sequence[NetworkState], names: Sequence[str]) -> Ints:
    """Nodes x C: which network is found under each name, seen from a node."""
    by_name: dict[str, dict[str | None, int]] = {name: {} for name in names}
    for number, network in enumerate(networks):
        by_name[network.name][network.node] = number
    rows = np.empty((len(nodes), len(names)), dtype=np.int64)
    for number, node in enumerate(nodes):
        rows[number] = [_on(by_name[name], node) for name in names]
    return rows


def _on(nodes: Mapping[str | None, int], node: str | None) -> int:
    """The network on this node, else the one that is the same everywhere."""
    found = nodes.get(node, nodes.get(None))
    if found is None and node is None and len(nodes) == 1:
        return next(iter(nodes.values()))  # a workload without a node, and only one place to be
    return NOWHERE if found is None else found
