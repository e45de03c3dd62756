"""A world: a site and what happened on it, in slots of equal length. Rates are bits per second, means over a slot.

The site is what everyone knows: networks, uplinks, workloads, price lists (each from its ``recordedAt`` on). Where that
changes with time, stages say from which slot on it is how. The rest is the future, which a policy only sees as samples
of the past.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

import numpy as np

from switcher.decide.board import NOWHERE, Bools, Floats, Ints
from switcher.model import Uplink
from switcher.objects.model import Book, ThresholdSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a policy's selectors see of a workload, and whether it may move at all."""

    namespace: str = "default"
    labels: Mapping[str, str] = field(default_factory=dict)
    attachment: str | None = None
    primary: bool = False
    do_not_move: bool = False
    destination: str | None = None
    """The class of destination of all its traffic."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Site:
    """Shapes: W workloads, C network names, U uplinks. What was so at one time, or all the time."""

    networks: tuple[str, ...]
    """C names."""
    uplinks: tuple[Uplink, ...]
    capacity: Floats
    """U: bits per second in each direction."""
    workloads: tuple[str, ...]
    node: tuple[str | None, ...]
    """W."""
    uplink: Ints
    """W x C: the uplink that a workload finds under a name, NOWHERE if its node has none."""
    move_cost: tuple[Decimal, ...]
    """W: money per move."""
    book: Book
    latency_ms: Floats | None = None
    """U: round-trip time. None: not measured."""
    facts: tuple[Facts, ...] | None = None
    """W. None: all are as :class:`Facts` has it by default."""

    def __post_init__(self) -> None:
        """Raises ValueError when the shapes do not fit each other."""
        shape = len(self.workloads), len(self.networks)
        if self.uplink.shape != shape or len(self.node) != shape[0] or len(self.move_cost) != shape[0]:
            raise ValueError(f"uplink, node and move_cost must be for {shape[0]} workloads and {shape[1]} networks")
        if self.capacity.shape != (len(self.uplinks),):
            raise ValueError(f"capacity must be for {len(self.uplinks)} uplinks, but is {self.capacity.shape}")
        if self.facts is not None and len(self.facts) != shape[0]:
            raise ValueError(f"facts must be of {shape[0]} workloads, but are of {len(self.facts)}")
        if self.latency_ms is not None and self.latency_ms.shape != self.capacity.shape:
            raise ValueError(f"latency_ms must be for {len(self.uplinks)} uplinks, but is {self.latency_ms.shape}")

    @cached_property
    def shed(self) -> Floats:
        """U: the load above which an uplink counts as overloaded."""
        return self.capacity * np.array(
            [float(self._threshold(place).shed) for place in self.uplinks], dtype=np.float64
        )

    @cached_property
    def fill(self) -> Floats:
        """U: the load under which arrivals must fit."""
        return self.capacity * np.array(
            [float(self._threshold(place).fill) for place in self.uplinks], dtype=np.float64
        )

    @cached_property
    def classes(self) -> tuple[str | None, ...]:
        """K: the classes of destination that workloads have; None first, which is that of most sites only."""
        named = {each.destination for each in self.facts or ()} or {None}
        return tuple(sorted(named, key=lambda name: (name is not None, name or "")))

    @cached_property
    def kind(self) -> Ints:
        """W: the index of each workload's class."""
        if self.facts is None:
            return np.zeros(len(self.workloads), dtype=np.int64)
        return np.array([self.classes.index(each.destination) for each in self.facts], dtype=np.int64)

    @cached_property
    def physical_networks(self) -> tuple[str, ...]:
        """P: what has a price, sorted."""
        return tuple(sorted({place.physical_network for place in self.uplinks}))

    @cached_property
    def physical(self) -> Ints:
        """U: the index of each uplink's physical network."""
        index = {name: number for number, name in enumerate(self.physical_networks)}
        return np.array([index[place.physical_network] for place in self.uplinks], dtype=np.int64)

    def at(self, place: Ints) -> Ints:
        """W: the uplinks of an assignment (W columns)."""
        return self.uplink[np.arange(len(self.workloads)), place]

    def loads(self, place: Ints, rates: Floats) -> Floats:
        """U: what the workloads put on each uplink in one direction."""
        found: Floats = np.bincount(self.at(place), weights=rates, minlength=len(self.uplinks)).astype(np.float64)
        return found

    def _threshold(self, place: Uplink) -> ThresholdSpec:
        return self.book.threshold_for(place.physical_network)


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage:
    """What the site is from a slot on: other objects, other capacities, networks that come or go."""

    first: int
    """The slot."""
    site: Site
    """With the names, uplinks and workloads of the whole world's, in their order."""


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """Shapes: W workloads, U uplinks, T slots. ``into`` and ``out`` are as a workload sees them."""

    site: Site
    """By its price lists bills are made; without ``stages`` it is also what policies know and obey."""
    start: datetime
    slot: timedelta
    into: Floats
    """W x T; zero where a workload is not there."""
    out: Floats
    """W x T."""
    background_in: Floats
    """U x T: foreign load."""
    background_out: Floats
    at_start: Ints
    """W: columns."""
    staleness: timedelta = timedelta(0)
    """Age of the newest sample when a decision is made; a whole number of slots."""
    present: Bools | None = None
    """W x T: whether the workload is there. None: all the time."""
    foreign: Mapping[str | None, tuple[Floats, Floats]] = field(default_factory=dict)
    """By class of destination, (in, out) of the foreign load, U x T each. Empty: its class is not known."""
    stages: tuple[Stage, ...] = ()
    """In order of time, the first from slot 0 on. Empty: the site is the same all the time."""
    refuge: Ints | None = None
    """T x W: where a workload is taken when the network that it is on is there no more. None: all are there always."""

    def __post_init__(self) -> None:
        """Raises ValueError when shapes do not fit, or a rate is negative or not finite."""
        workloads, uplinks = len(self.site.workloads), len(self.site.uplinks)
        for name, rates, rows in (
            ("into", self.into, workloads),
            ("out", self.out, workloads),
            ("background_in", self.background_in, uplinks),
            ("background_out", self.background_out, uplinks),
        ):
            if rates.shape != (rows, self.slots):
                raise ValueError(f"{name} must be {rows} x {self.slots}, but is {rates.shape}")
            if not (np.isfinite(rates).all() and (rates >= 0).all()):
                raise ValueError(f"{name} has a rate that is negative or not finite")
        if self.staleness % self.slot:
            raise ValueError(f"a staleness of {self.staleness} is no whole number of slots of {self.slot}")
        if (self.site.at(self.at_start) == NOWHERE).any():
            raise ValueError("at_start puts a workload on a network that its node does not have")
        self._check_stages()

    def _check_stages(self) -> None:
        firsts = [stage.first for stage in self.stages]
        if firsts and (firsts[0] != 0 or firsts != sorted(set(firsts))):
            raise ValueError(f"stages must begin with slot 0 and be in order, but begin at {firsts}")
        for stage in self.stages:
            same = stage.site.workloads == self.site.workloads and stage.site.networks == self.site.networks
            if not same or stage.site.uplinks != self.site.uplinks:
                raise ValueError(f"the stage from slot {stage.first} on has other workloads, networks or uplinks")

    @property
    def slots(self) -> int:
        """T."""
        return int(self.out.shape[1])

    @property
    def end(self) -> datetime:
        """When the last slot ends."""
        return self.start + self.slots * self.slot

    def time(self, slot: int) -> datetime:
        """When a slot starts."""
        return self.start + slot * self.slot

    @property
    def seconds(self) -> float:
        """The length of a slot."""
        return self.slot.total_seconds()

    def in_force(self, slot: int) -> Site:
        """What the site is in a slot."""
        number = bisect_right(self.stages, slot, key=lambda stage: stage.first)
        return self.stages[number - 1].site if self.stages else self.site

    def settled(self, slot: int, place: Ints) -> Ints:
        """W: the assignment, with everyone taken to its refuge whose network is not there in the slot."""
        if self.refuge is None:
            return place
        return np.where(self.in_force(slot).at(place) == NOWHERE, self.refuge[slot], place).astype(np.int64)

    @cached_property
    def shed(self) -> Floats:
        """U x T: the load above which an uplink counts as overloaded."""
        return np.stack([self.in_force(slot).shed for slot in range(self.slots)], axis=1)

    @property
    def foreign_by_class(self) -> Mapping[str | None, tuple[Floats, Floats]]:
        """The foreign load by class of destination, U x T each; all of it of none where it is not known."""
        return self.foreign or {None: (self.background_in, self.background_out)}

    @cached_property
    def demand(self) -> Floats:
        """W x T: what a workload needs of an uplink."""
        return np.maximum(self.into, self.out)

    def between(self, first: int, last: int, at_start: Ints) -> World:
        """The slots from ``first`` to before ``last`` as a world of its own, in which workloads start there."""

        def cut(rates: Floats) -> Floats:
            return rates[:, first:last]

        return replace(
            self,
            start=self.time(first),
            into=cut(self.into),
            out=cut(self.out),
            background_in=cut(self.background_in),
            background_out=cut(self.background_out),
            at_start=at_start,
            present=None if self.present is None else self.present[:, first:last],
            foreign={name: (cut(into), cut(out)) for name, (into, out) in self.foreign.items()},
            stages=self._stages_between(first, last),
            refuge=None if self.refuge is None else self.refuge[first:last],
        )

    def _stages_between(self, first: int, last: int) -> tuple[Stage, ...]:
        later = [replace(stage, first=stage.first - first) for stage in self.stages if first < stage.first < last]
        return (Stage(first=0, site=self.in_force(first)), *later) if self.stages else ()

    def total(self, place: Ints, slot: int) -> tuple[Floats, Floats]:
        """U: (in, out) of everything on each uplink in a slot."""
        site = self.site
        return (
            site.loads(place, self.into[:, slot]) + self.background_in[:, slot],
            site.loads(place, self.out[:, slot]) + self.background_out[:, slot],
        )
