"""Chooses a network for a workload that leaves it open, and remembers what it gave away and what failed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from cni.sense.uplinks import UplinkLoad
from cni.smart.failures import Failures
from cni.smart.model import Candidate, Choice
from cni.smart.outlook import SETTLE_SECONDS, Outlook, Reservation
from cni.smart.pick import pick
from cni.smart.questionnaire import Questionnaire
from cni.smart.received import Received
from cni.wire import Ranking

FORGOTTEN_SECONDS = 180.0
"""A choice of which nothing was heard for so long has no attachment on its way: no ADD lasts that long."""

Started = Callable[[float], Sequence[tuple[str, str, float]]]
"""Container, physical network and start of every attachment that came since a moment and is there, or is coming."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Where the chooser looks; each is asked anew for each choice."""

    ranking: Callable[[], Received | None]
    """The last one that came."""
    loads: Callable[[float], Mapping[str, UplinkLoad]]
    """The node's own counters, by physical network, at a moment."""
    started: Started
    max_age: float = 600.0
    """Seconds from which a ranking is too old."""
    demand_bps: float = 1e6
    """What a workload is expected to carry where no ranking says it."""


@dataclass(eq=False, slots=True)
class _Way:
    """An attachment on its way to a network."""

    at: float
    choice: Choice
    container: str
    arrived: bool = False

    def unseen(self, recorded: Collection[str], demand: float) -> float:
        """What it will carry beyond what its record in the store, if there is one, already counts for."""
        if self.container in recorded:
            return self.choice.demand_bps - demand
        return 0.0 if self.arrived else self.choice.demand_bps


@dataclass(slots=True)
class _State:
    ways: dict[int, _Way] = field(default_factory=dict)
    """By identity of the choice: the same network may be chosen many times."""
    failures: Failures = field(default_factory=Failures)


class Chooser:
    """For any number of threads. A choice is counted as it is made: no two see the same last address or room."""

    def __init__(self, knowledge: Knowledge, clock: Callable[[], float] = time.time) -> None:
        self._knowledge = knowledge
        self._clock = clock
        self._state = _State()
        self._lock = threading.Lock()

    def choose(
        self, asked: Questionnaire, candidates: Sequence[Candidate], default: str | None = None, container: str = ""
    ) -> Choice:
        """The network for a new workload; tell :meth:`succeeded` or :meth:`failed` how attaching to it ended.

        ``default``: the node's default network; ``container``: under which the store will have the attachment.
        Raises NoNetworkError, with what stands against each candidate.
        """
        with self._lock:
            now = self._clock()
            self._forget(now)
            choice = pick(asked, candidates, self._outlook(now, default))
            self._state.ways[id(choice)] = _Way(now, choice, container)
            return choice

    def succeeded(self, at: Choice | str) -> None:
        """The choice's attachment is there and recorded in the store; or: one to a network that was named is."""
        with self._lock:
            self._state.failures.succeeded(_network(at))
            way = self._state.ways.get(id(at))
            if way is not None:
                way.arrived = True

    def failed(self, at: Choice | str) -> None:
        """There is no attachment; others are preferred to this network for a while."""
        with self._lock:
            self._state.failures.failed(_network(at), self._clock())
            self._state.ways.pop(id(at), None)

    def settled(self, choice: Choice) -> None:
        """Nothing is on its way any more: if nobody heard of a success, there was not even an attempt."""
        with self._lock:
            way = self._state.ways.get(id(choice))
            if way is not None and not way.arrived:
                del self._state.ways[id(choice)]

    def _outlook(self, now: float, default: str | None) -> Outlook:
        ranking, age = self._ranking(now)
        loads = self._knowledge.loads(now)
        demand = self._knowledge.demand_bps if ranking is None else ranking.demand_bps
        return Outlook(
            demand_bps=demand,
            ranking=ranking,
            age_seconds=age,
            loads=loads,
            reserved=self._reserved(_oldest(now, ranking, loads), demand),
            arriving=Counter(way.choice.network for way in self._state.ways.values() if not way.arrived),
            failing=self._state.failures.avoided(now),
            default=default,
        )

    def _ranking(self, now: float) -> tuple[Ranking | None, float | None]:
        """The ranking unless it is too old, and its age."""
        received = self._knowledge.ranking()
        if received is None:
            return None, None
        age = received.age(now)
        return (received.ranking if age is not None and age <= self._knowledge.max_age else None), age

    def _reserved(self, since: float, demand: float) -> Sequence[Reservation]:
        """What the store has of late, and beyond it what was chosen and is not there yet, or will carry more."""
        started = self._knowledge.started(since - SETTLE_SECONDS)
        recorded = {container for container, _, _ in started}
        coming = [
            Reservation(way.at, way.choice.physical_network, way.unseen(recorded, demand))
            for way in self._state.ways.values()
            if way.choice.physical_network is not None
        ]
        return [*(Reservation(at, name, demand) for _, name, at in started), *(one for one in coming if one.bps > 0)]

    def _forget(self, now: float) -> None:
        ways = self._state.ways
        self._state.ways = {key: way for key, way in ways.items() if now - way.at < FORGOTTEN_SECONDS}


def _network(at: Choice | str) -> str:
    return at if isinstance(at, str) else at.network


def _oldest(now: float, ranking: Ranking | None, loads: Mapping[str, UplinkLoad]) -> float:
    """The end of the oldest samples that are looked at."""
    entries = () if ranking is None else ranking.networks
    ends = [load.sampled_at for load in loads.values()]
    ends += [entry.sampled_at for entry in entries if entry.sampled_at is not None]
    return min(ends, default=now)
