"""The history's upkeep, every minute beside the ticks: sums are made, old rows go, partitions are there in time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from switcher.errors import TryLaterError
from switcher.keeping import Cutoffs, Keep, cutoffs
from switcher.meters import Meters
from switcher.objects.model import Book

log = logging.getLogger(__name__)
EVERY = timedelta(minutes=1)


class Done(Protocol):
    """What one round did."""

    @property
    def deleted(self) -> int:
        """Rows that were too old."""


class Kept(Protocol):
    """A history that can be looked after."""

    def look_after(self, now: datetime, cutoffs: Cutoffs) -> Done:
        """One round, in short transactions. Raises TryLaterError when some of it could not be done now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """One history's upkeep. Several controllers may each have one."""

    history: Kept
    book: Callable[[], Book]
    keep: Keep
    clock: Callable[[], datetime]
    stopwatch: Callable[[], float]
    meters: Meters

    def round(self) -> None:
        """Look after the history once; what cannot be done now is left for the next round."""
        now, began = self.clock(), self.stopwatch()
        try:
            done = self.history.look_after(now, cutoffs(self.keep, self.book().tariffs, now))
        except TryLaterError as error:
            self.meters.looked_after("later", self.stopwatch() - began)
            log.warning("the history's upkeep is put off", extra={"cause": str(error)})
            return
        self.meters.looked_after("done", self.stopwatch() - began)
        if done.deleted:
            log.info("old rows of the history deleted", extra={"rows": done.deleted})
