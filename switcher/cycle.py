"""One tick, read first: observe -> decide -> plan -> act -> record.

The decision and its orders are recorded before any order is given, so that a crash leaves a trace to resume from;
what a tick could not finish, the next one (of this process or of its successor) takes up again. How networks then stand
for new workloads is recorded with it; agents get it in reply to their batches (web/rankings.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime

import numpy.ma  # noqa: F401 - np.unique imports it when it is first called: in the first tick, which has no time for it

from cni.wire import Ranking
from switcher.act import act, resume
from switcher.collector import Collector
from switcher.decide import Settings, decide_and_rank
from switcher.decide.drift import learn
from switcher.errors import TryLaterError
from switcher.meters import Meters
from switcher.model import Decision, Drift, Memory, Snapshot, Uplink
from switcher.objects.model import Book
from switcher.observe import Sight, looked_back, observe
from switcher.past import median_switch_seconds, origins
from switcher.plan import plan
from switcher.ports import History, NodeHands, Switched
from switcher.record import last_drift, record_decision
from switcher.spending import Market, spending
from switcher.terms import terms

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a cycle works with; ``bootstrap`` puts it together."""

    history: History
    hands: NodeHands
    book: Callable[[], Book]
    """The users' objects in force now."""
    clock: Callable[[], datetime]
    stopwatch: Callable[[], float]
    """Seconds of a monotonic clock."""
    sight: Sight
    settings: Settings
    meters: Meters


class Cycle:
    """Ticks. Not for several threads: the scheduler lets one tick run at a time."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._collector = Collector()
        self._drift: Mapping[Uplink, Drift] | None = None
        self._counted: Set[str] | None = None

    def tick(self) -> Decision | None:
        """One run of the decision. None when the outside world was unwell: nothing was then decided."""
        try:
            with self._collector.waiting():
                return self._tick()
        except TryLaterError as error:
            self._parts.meters.skipped()
            log.warning("tick skipped; nothing was decided", extra={"cause": str(error)})
            return None

    def _tick(self) -> Decision:
        parts = self._parts
        book, now = parts.book(), parts.clock()
        resume(parts.hands, parts.history, now)
        past = looked_back(parts.history, book, now)
        self._count_ended(past)

        snapshot, memory = self._observe(book, now, past)
        on = terms(self._settings(median_switch_seconds(past, now)), book)
        decision, rankings = self._decide(snapshot, memory, book, on.settings)
        moves = plan(decision, snapshot, book)
        record_decision(parts.history, decision, (snapshot, memory), on, moves)
        self._drift = memory.drift  # as recorded: what a successor goes on with, should this tick end here
        parts.history.record_rankings(rankings)
        act(parts.hands, parts.history, moves, now)

        parts.meters.ticked(snapshot, decision)
        market = Market(snapshot, memory, book, parts.settings.settlement_currency)
        parts.meters.spent(spending(market, origins(past, market.workloads, now)))
        log.info("decided", extra={"moves": len(decision.moves), "stays": len(decision.stays)})
        return decision

    def _count_ended(self, moves: Sequence[Switched]) -> None:
        """Counts each move that ended since the last tick once; what ended before the first tick is not ours."""
        ended = {one.id: one for one in moves if one.outcome is not None}
        fresh = ended.keys() - self._counted if self._counted is not None else set()
        for one in (ended[name] for name in fresh):
            self._parts.meters.moved(one.move.reason, one.outcome)
        self._counted = ended.keys()

    def _observe(self, book: Book, now: datetime, past: Sequence[Switched]) -> tuple[Snapshot, Memory]:
        snapshot, memory = observe(self._parts.history, book, now, self._parts.sight, past)
        before = last_drift(self._parts.history) if self._drift is None else self._drift
        return snapshot, replace(memory, drift=learn(before, snapshot, [one.move for one in reversed(past)]))

    def _settings(self, switch_seconds: float | None) -> Settings:
        settings = self._parts.settings
        return settings if switch_seconds is None else replace(settings, switch_seconds=switch_seconds)

    def _decide(
        self, snapshot: Snapshot, memory: Memory, book: Book, settings: Settings
    ) -> tuple[Decision, Sequence[Ranking]]:
        started = self._parts.stopwatch()
        decided = decide_and_rank(snapshot, memory, book, settings)
        self._parts.meters.decided(self._parts.stopwatch() - started)
        return decided
