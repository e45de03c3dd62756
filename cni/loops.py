"""The agent's own work beside the calls: sampling, pushing, putting things right. Each in a thread, until stopped."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from cni.forgotten import Forgotten
from cni.forgotten import end as end_forgotten
from cni.hotplug import HotPlug
from cni.means import Means
from cni.reconcile import Leftovers, SpooledDels
from cni.sense.push import Pusher
from cni.sense.sampler import Sampler
from cni.sense.spool import STRETCH_AT, Spool

STRETCHED_SECONDS = 60.0
IDLE_SECONDS = 1.0
REPLAY_SECONDS = 2.0
LEFTOVERS_SECONDS = 15.0

log = logging.getLogger(__name__)

Turn = Callable[[], float]
"""Does a piece of work; the seconds until the next."""


class Loops:
    """Threads that take turns until :meth:`stop`."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def run(self, name: str, turn: Turn) -> None:
        """Start a thread that calls ``turn`` again and again. An exception is logged and does not end it."""

        def loop() -> None:
            while not self._stopping.is_set():
                try:
                    pause = turn()
                except Exception:
                    log.exception("a turn failed", extra={"loop": name})
                    pause = IDLE_SECONDS
                self._stopping.wait(pause)

        thread = threading.Thread(target=loop, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self, seconds: float) -> None:
        """End all of them after their turn, waiting so long at most."""
        self._stopping.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))


def sampling(sampler: Sampler, spool: Spool, every: float) -> Turn:
    """A batch every ``every`` seconds, on a steady beat; rarely while the controller is long away."""
    beat = time.monotonic()

    def turn() -> float:
        nonlocal beat
        sampler.sample()
        beat += every if spool.depth() < STRETCH_AT else max(every, STRETCHED_SECONDS)
        now = time.monotonic()
        beat = max(beat, now)  # a late turn is not made up for: its interval is just longer
        return beat - now

    return turn


def pushing(pusher: Pusher, every: float) -> Turn:
    """What waits is pushed soon after it was spooled; with growing pauses while the controller is away."""
    pause = min(IDLE_SECONDS, every / 2)

    def turn() -> float:
        return pusher.push_all() or pause

    return turn


def replaying(dels: SpooledDels) -> Turn:
    """Spooled DELs, also those that come while the agent is there (its socket may have been missed)."""

    def turn() -> float:
        dels.replay()
        return REPLAY_SECONDS

    return turn


def clearing(leftovers: Leftovers, observe: Callable[[str], None]) -> Turn:
    """What interrupted acts left."""

    def turn() -> float:
        for _ in range(leftovers.clear()):
            observe("leftover")
        return LEFTOVERS_SECONDS

    return turn


def forgetting(forgotten: Forgotten, means: Means, observe: Callable[[str], None]) -> Turn:
    """What pods had that the runtime has forgotten."""

    def turn() -> float:
        for container_id in forgotten.due():
            for _ in range(end_forgotten(means, container_id)):
                observe("forgotten")
        return LEFTOVERS_SECONDS

    return turn


def recovering(hotplug: HotPlug) -> Turn:
    """What interrupted hot adds left, and plain namespaces that are gone."""

    def turn() -> float:
        hotplug.recover()
        return LEFTOVERS_SECONDS

    return turn
