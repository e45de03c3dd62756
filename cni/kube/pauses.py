"""When a watch that has ended is begun again: at once, soon, or seldom; and what is logged of it."""

from __future__ import annotations

import logging
import random
import threading
import time

from cni.kube.failures import Missing

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 30.0
SELDOM_SECONDS = 60.0
"""For a kind that the cluster does not know: it may be installed later."""

log = logging.getLogger(__name__)


class Pauses:
    """The pauses of one watch: growing, and spread by chance so that many nodes do not come back at once."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._wake = threading.Event()
        self._failures = 0
        self._pause = 0.0
        self._trouble: type[Exception] | None = None

    def open(self) -> None:
        """The watch is open."""
        if self._trouble is not None:
            log.info("watch open", extra={"kind": self._what})
        self._trouble = None

    def ended(self, began: float) -> None:
        """It ended in good order; ``began``: when it was tried, on the monotonic clock."""
        self._count(began)
        self._pause = self._grown() if self._failures else 0.0

    def failed(self, began: float, error: Exception) -> None:
        """It could not be opened, or broke; the first failure of each sort in a row is logged."""
        self._count(began)
        self._failures = max(self._failures, 1)
        self._pause = _spread(SELDOM_SECONDS) if isinstance(error, Missing) else self._grown()
        if self._trouble is not type(error):
            self._trouble = type(error)
            level = logging.INFO if isinstance(error, Missing) else logging.WARNING
            log.log(level, "watch not open", extra={"kind": self._what, "error": str(error)})

    def wait(self) -> None:
        """The pause that is due."""
        self._wake.wait(self._pause)
        self._wake.clear()

    def cut_short(self) -> None:
        """End the pause that goes on, or the next one."""
        self._wake.set()

    def _count(self, began: float) -> None:
        """What held for long was no failure; what ends at once is one, even in good order."""
        self._failures = 0 if time.monotonic() - began > LONGEST_SECONDS else self._failures + 1

    def _grown(self) -> float:
        return _spread(min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(self._failures - 1, 10)))


def _spread(seconds: float) -> float:
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - spreads requests, guards nothing
