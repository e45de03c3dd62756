"""All that is known at one moment beside the candidates themselves, and what follows from it for each. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from cni.sense.uplinks import UplinkLoad
from cni.smart.model import Candidate, Objection, Word
from cni.wire import RankedNetwork, Ranking

GB_PER_HOUR_PER_BPS = Decimal(3600) / 8 / 10**9
FILL = 0.70
"""Share of an uplink's capacity that arrivals fit under where no ranking says what there is room for."""
SETTLE_SECONDS = 60.0
"""So long after its start a workload's load may be missing in samples: it counts with what it is expected to carry."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A workload that started, or is about to, on a physical network."""

    at: float
    physical_network: str
    bps: float


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """One moment. Rates are bits per second."""

    demand_bps: float
    """What a workload that says nothing is expected to carry."""
    ranking: Ranking | None = None
    """Only when it is not too old."""
    age_seconds: float | None = None
    """Of the last ranking that came, too old or not; None: none came."""
    loads: Mapping[str, UplinkLoad] = field(default_factory=dict)
    """The node's own counters, by physical network."""
    reserved: Sequence[Reservation] = ()
    """What started lately, or is about to: a hundred workloads that start at once must not all see the same room."""
    arriving: Mapping[str, int] = field(default_factory=dict)
    """By network: attachments on their way, whose addresses may still count as free."""
    failing: frozenset[str] = frozenset()
    """Networks to which attaching failed lately."""
    default: str | None = None
    """The node's default network."""

    @property
    def currency(self) -> str:
        """Of the ranking's prices."""
        return "" if self.ranking is None else self.ranking.currency

    @cached_property
    def _entries(self) -> Mapping[str, RankedNetwork]:
        return {} if self.ranking is None else {entry.network: entry for entry in self.ranking.networks}

    def entry(self, candidate: Candidate) -> RankedNetwork | None:
        """What the ranking says of it."""
        return self._entries.get(candidate.network)

    def capacity(self, candidate: Candidate) -> float | None:
        """Bits per second of its uplink; None: not known."""
        load = self._load(candidate)
        return candidate.capacity_bps if load is None else load.capacity_bps

    def utilisation(self, candidate: Candidate, demand_bps: float) -> float | None:
        """Share of its uplink in use once the workload is there; None: the node has no fresh sample of it."""
        load = self._load(candidate)
        if load is None or load.capacity_bps <= 0:
            return None
        return (load.used_bps + self._reserved(candidate, load.sampled_at) + demand_bps) / load.capacity_bps

    def room(self, candidate: Candidate) -> float | None:
        """What more its uplink takes, less what was assigned since; None: not known.

        The ranking says what fits under ``fill``. It may be some minutes old: what the node's counters see now bounds
        it by the capacity, or, where the ranking says nothing, by FILL of it.
        """
        entry, load = self.entry(candidate), self._load(candidate)
        rooms = []
        if entry is not None and entry.sampled_at is not None:
            rooms.append(entry.room_bps - self._reserved(candidate, entry.sampled_at))
        if load is not None:
            limit = load.capacity_bps * (1.0 if rooms else FILL)
            rooms.append(limit - load.used_bps - self._reserved(candidate, load.sampled_at))
        return min(rooms, default=None)

    def free(self, candidate: Candidate) -> int | None:
        """Addresses left, less those on their way; None: not known."""
        if candidate.free_addresses is None:
            return None
        return candidate.free_addresses - self.arriving.get(candidate.network, 0)

    def avoided(self, candidate: Candidate) -> Objection | None:
        """Why any other is preferred to it; None: it is not avoided."""
        if candidate.network in self.failing:
            return Objection(Word.FAILED_LATELY, "attaching to it failed lately")
        free = self.free(candidate)
        if free is not None and free <= 0:
            return Objection(Word.NO_ADDRESS, "its last addresses are being given out")
        return None

    def sla(self, candidate: Candidate) -> Decimal | None:
        """The percentage that its physical network promises; None: not known."""
        entry = self.entry(candidate)
        if candidate.sla is not None or entry is None or entry.sla is None:
            return candidate.sla
        return Decimal(entry.sla)

    def latency_ms(self, candidate: Candidate) -> float | None:
        """As the ranking has it; None: not known."""
        entry = self.entry(candidate)
        return None if entry is None else entry.latency_ms

    def price_per_gb(self, candidate: Candidate) -> Decimal | None:
        """Of traffic; None: not known."""
        entry = self.entry(candidate)
        return None if entry is None or entry.price_per_gb is None else Decimal(entry.price_per_gb)

    def price_per_hour(self, candidate: Candidate, demand_bps: float) -> Decimal | None:
        """Of the attachment and its traffic; None: not known."""
        entry, per_gb = self.entry(candidate), self.price_per_gb(candidate)
        if entry is None or entry.price_per_hour is None or per_gb is None:
            return None
        return Decimal(entry.price_per_hour) + per_gb * Decimal(demand_bps) * GB_PER_HOUR_PER_BPS

    def cost(self, candidate: Candidate, demand_bps: float) -> Decimal | None:
        """The price per hour and what the room is worth to others; None: not known."""
        entry, price = self.entry(candidate), self.price_per_hour(candidate, demand_bps)
        if entry is None or price is None:
            return None
        return price + Decimal(entry.congestion_per_gb) * Decimal(demand_bps) * GB_PER_HOUR_PER_BPS

    def _load(self, candidate: Candidate) -> UplinkLoad | None:
        return None if candidate.physical_network is None else self.loads.get(candidate.physical_network)

    def _reserved(self, candidate: Candidate, sampled_at: float) -> float:
        """What such samples do not show yet."""
        return sum(
            one.bps
            for one in self.reserved
            if one.physical_network == candidate.physical_network and one.at > sampled_at - SETTLE_SECONDS
        )
