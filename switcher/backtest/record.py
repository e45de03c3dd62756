"""What is known of a site's past, whichever source it came from: values that the worlds of a backtest are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from switcher.decide.board import Bools
from switcher.model import Uplink
from switcher.ports import AttachmentPath, KnownNetwork, PlacementSpan, SlotBytes
from switcher.simulate.world import Facts
from switcher.tariff import Sample

Owner = tuple[str, str]
"""A workload and its attachment."""
Class = tuple[Uplink, str | None]
"""An uplink's traffic of one class of destination."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time that is played again, in equal slots. The last one ends with the period."""

    start: datetime
    end: datetime
    slot: timedelta

    @property
    def slots(self) -> int:
        """How many."""
        return (self.end - self.start) // self.slot

    def stretches(self, chosen: Bools) -> Iterator[tuple[datetime, datetime]]:
        """The times that some of the slots (T) make up together."""
        edges = np.flatnonzero(np.diff(np.concatenate(([False], chosen, [False])).astype(np.int8))).tolist()
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            yield self.start + first * self.slot, self.start + last * self.slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A past. ``attachments`` may be read once only: it streams, for it may be large."""

    source: str
    """For messages."""
    networks: Sequence[KnownNetwork]
    spans: Sequence[PlacementSpan]
    uplinks: Mapping[Uplink, SlotBytes]
    attachments: Iterable[tuple[AttachmentPath, SlotBytes]]
    samples: Sequence[Sample]
    """The rows of the bill of what was really paid."""
    classes: Mapping[Class, SlotBytes] = field(default_factory=dict)
    """The uplinks' traffic by class of destination; empty where no class is known."""
    measured: bool = True
    """Whether uplinks were counted by themselves, or only their attachments."""
    capacity_bps: Mapping[Uplink, float] = field(default_factory=dict)
    """As recorded; the configuration's counts where it says one."""
    latency_ms: Mapping[Uplink, float] = field(default_factory=dict)
    facts: Mapping[Owner, Facts] = field(default_factory=dict)
    """What selectors see; known of some only."""
    notes: Sequence[str] = ()
    """What whoever reads the result should know of its source."""
