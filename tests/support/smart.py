"""Candidates, rankings and loads in few words; rates in Mbps."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cni.choosing import Choosing
from cni.netconf import ConfDir
from cni.sense.uplinks import UplinkLoad, UplinkLoads
from cni.settings import Settings
from cni.smart import Candidate, Choice, Chooser, Knowledge, Questionnaire, Rankings, Survey
from cni.smart.outlook import Outlook
from cni.smart.pick import pick
from cni.smart.received import Received
from cni.smart.survey import Carriers
from cni.store import Store
from cni.wire import RankedNetwork, Ranking

NOW = 1_800_000_000.0
MBPS = 1e6
ASKS_NOTHING = Questionnaire()
CONTAINERS = itertools.count()


def candidate(name: str, **fields: Any) -> Candidate:
    """A network ``cni:NAME`` on a physical network ``pNAME`` of its own, installed, with an uplink that is up."""
    values: dict[str, Any] = {"network": f"cni:{name}", "physical_network": f"p{name}", "uplink_up": True}
    return Candidate(**{**values, **fields})


def entry(name: str, rank: int | None = None, price: str | None = "1", room: float = 100.0, **fields: Any) -> Any:
    """What a ranking says of it; sampled just now."""
    values: dict[str, Any] = {
        "network": f"cni:{name}",
        "physical_network": f"p{name}",
        "rank": rank,
        "price_per_hour": price,
        "price_per_gb": None if price is None else "0",
        "room_bps": room * MBPS,
        "sampled_at": NOW,
    }
    return RankedNetwork(**{**values, **fields})


def ranking(*entries: RankedNetwork, **fields: Any) -> Ranking:
    """A ranking of node n1, computed just now."""
    values: dict[str, Any] = {"node": "n1", "computed_at": NOW, "demand_bps": MBPS, "currency": "USD"}
    return Ranking(**{**values, "networks": entries, **fields})


def load(used: float, capacity: float = 100.0, sampled_at: float = NOW) -> UplinkLoad:
    """A load that was sampled just now."""
    return UplinkLoad(used_bps=used * MBPS, capacity_bps=capacity * MBPS, sampled_at=sampled_at)


def loads(**used: float) -> Mapping[str, UplinkLoad]:
    """Loads of 100 Mbps uplinks, by the name of their network."""
    return {f"p{name}": load(mbps) for name, mbps in used.items()}


def outlook(*entries: RankedNetwork, **fields: Any) -> Outlook:
    """What is known; with entries there is a ranking."""
    given = {"ranking": ranking(*entries), "age_seconds": 12.0} if entries else {}
    return Outlook(**{"demand_bps": MBPS, **given, **fields})


def chosen(outlook: Outlook, *candidates: Candidate, asked: Questionnaire = ASKS_NOTHING) -> Choice:
    """The choice among these."""
    return pick(asked, candidates, outlook)


@dataclass
class Node:
    """A node whose clock, counters, attachments and ranking are the test's."""

    now: float = NOW
    received: Received | None = None
    loads: Mapping[str, UplinkLoad] = field(default_factory=dict)
    started: list[tuple[str, str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chooser = Chooser(
            Knowledge(
                ranking=lambda: self.received,
                loads=lambda _now: self.loads,
                started=lambda since: [one for one in self.started if one[2] > since],
            ),
            lambda: self.now,
        )

    def ranked(self, *entries: RankedNetwork, **fields: Any) -> None:
        """A ranking comes in."""
        self.received = Received(self.now, ranking(*entries, **fields))

    def attach(self, *candidates: Candidate, asked: Questionnaire = ASKS_NOTHING) -> str:
        """Choose, attach with success; the network."""
        container = f"c{next(CONTAINERS)}"
        choice = self.chooser.choose(asked, candidates, container=container)
        if choice.physical_network is not None:
            self.started.append((container, choice.physical_network, self.now))
        self.chooser.succeeded(choice)
        return choice.network


class Smart:
    """Smart selection as the agent puts it together, on a clock of the test's."""

    def __init__(
        self, settings: Settings, store: Store, networks: ConfDir, carriers: Carriers, clock: Callable[[], float]
    ) -> None:
        self.loads = UplinkLoads()
        self.rankings = Rankings(store, settings.node, clock)
        knowledge = Knowledge(ranking=self.rankings.last, loads=self.loads.loads, started=store.started_since)
        self.chooser = Chooser(knowledge, clock)
        survey = Survey(networks=networks, uplinks=settings.uplinks, bin_dirs=settings.bin_dirs, carriers=carriers)
        self._choosing = Choosing(chooser=self.chooser, survey=survey)

    def choose(self, annotations: Mapping[str, str]) -> Choice:
        """The choice for these annotations."""
        return self._choosing.choose(annotations, {})
