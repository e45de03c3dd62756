"""Which agent is due its node's ranking: when it is another than the last one sent, and once a minute."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from cni.wire import Ranking
from switcher.errors import TryLaterError

ASK_EVERY_SECONDS = 5.0
"""The history is asked this often for an agent at most: agents send each second, ticks are rarer."""
SEND_EVERY_SECONDS = 60.0
"""What did not change is sent again after this time, so that its age is known to be small, or to grow."""
FORGET_SECONDS = 600.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Sent:
    asked_at: float
    sent_at: float
    ranking: Ranking | None


class Deliveries:
    """Remembers what this replica sent to whom; another one sends it once more, which is harmless. Safe for threads."""

    def __init__(self, ranking: Callable[[str], Ranking | None], clock: Callable[[], float] = time.time) -> None:
        """``ranking``: a node's last one; raises TryLaterError when the history is away."""
        self._ranking = ranking
        self._clock = clock
        self._sent: dict[str, _Sent] = {}
        self._lock = threading.Lock()

    def due(self, agent: str, node: str) -> Ranking | None:
        """The ranking to send to an agent now, with its age; None: nothing new. Never raises for a history away."""
        now = self._clock()
        with self._lock:
            before = self._sent.get(agent, _Sent(float("-inf"), float("-inf"), None))
            if now - before.asked_at < ASK_EVERY_SECONDS:
                return None
            self._sent[agent] = _Sent(now, before.sent_at, before.ranking)
        found = self._last(node)
        if found is None or (now - before.sent_at < SEND_EVERY_SECONDS and _same(found, before.ranking)):
            return None
        with self._lock:
            self._sent[agent] = _Sent(now, now, found)
            self._forget(now)
        return msgspec.structs.replace(found, age_seconds=max(0.0, now - found.computed_at))

    def _last(self, node: str) -> Ranking | None:
        try:
            return self._ranking(node)
        except TryLaterError as error:
            log.warning("a ranking cannot be read; its agent keeps the last one", extra={"cause": str(error)})
            return None

    def _forget(self, now: float) -> None:
        """Agents that are gone."""
        self._sent = {agent: sent for agent, sent in self._sent.items() if now - sent.asked_at < FORGET_SECONDS}


def _same(found: Ranking, before: Ranking | None) -> bool:
    return before is not None and msgspec.structs.replace(before, computed_at=found.computed_at) == found
