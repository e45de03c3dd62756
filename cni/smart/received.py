"""The last ranking that the controller sent, and how old it is: in memory, and in the store for the next agent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

import msgspec

from cni.store import Store
from cni.wire import Ranking

NOTE = "ranking"
TOLERANCE_SECONDS = 5.0
"""How far the clock may go back without making a ranking's age unknown."""

log = logging.getLogger(__name__)


class Received(msgspec.Struct, frozen=True):
    """``at`` is when it came, by this node's clock: the controller's may differ, so its own times are not compared."""

    at: float
    ranking: Ranking

    def age(self, now: float) -> float | None:
        """Seconds since it was computed; None when the clock was set back since and nobody can say."""
        waited = now - self.at
        return None if waited < -TOLERANCE_SECONDS else self.ranking.age_seconds + max(waited, 0.0)


class Rankings:
    """Keeps the last one. ``take`` is called by the pusher's thread, ``last`` by any."""

    def __init__(self, store: Store, node: str, clock: Callable[[], float]) -> None:
        self._store = store
        self._node = node
        self._clock = clock
        self._lock = threading.Lock()
        self._last = _read(store.note(NOTE))

    def take(self, ranking: Ranking) -> None:
        """Keep it. One that is not ours or cannot be read is left alone: the one before is better than none."""
        problem = self._problem(ranking)
        if problem is not None:
            log.warning("a ranking is not taken", extra={"cause": problem})
            return
        received = Received(self._clock(), ranking)
        self._store.keep_note(NOTE, msgspec.json.encode(received).decode())
        with self._lock:
            self._last = received

    def last(self) -> Received | None:
        """None: none ever came."""
        with self._lock:
            return self._last

    def _problem(self, ranking: Ranking) -> str | None:
        if ranking.node != self._node:
            return f"it is for node {ranking.node!r}, this is {self._node!r}"
        for entry in ranking.networks:
            for text in (entry.price_per_hour, entry.price_per_gb, entry.congestion_per_gb, entry.sla):
                if text is not None and not _is_number(text):
                    return f"{entry.network}: {text!r} is no number"
        return None


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _read(note: str | None) -> Received | None:
    if note is None:
        return None
    try:
        return msgspec.json.decode(note, type=Received)
    except msgspec.MsgspecError as error:
        log.warning("the stored ranking cannot be read; the next one replaces it", extra={"error": str(error)})
        return None
