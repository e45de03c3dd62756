"""Processor time of a database's work: of this process, and of the server's process that serves it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from sqlalchemy import text

from switcher.adapters.store.engine import Database

ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds on the clock, and of work: without the wait for the disk and for other processes."""

    whole: float
    work: float

    def __str__(self) -> str:
        return f"{1000 * self.whole:.1f} ms (work {1000 * self.work:.1f})"


class Meter:
    """Measures what one thread does with a database; its pool then has one connection."""

    def __init__(self, database: Database) -> None:
        self._server: Path | None = None
        if database.file is None:
            with database.reading() as connection:
                number = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            self._server = Path(f"/proc/{number}/schedstat")

    def work(self) -> float:
        """Seconds until now."""
        served = 0 if self._server is None else int(self._server.read_text().split()[0])
        return time.process_time() + served / 1e9

    def once(self, act: Callable[[], object]) -> Took:
        """What it took."""
        work, began = self.work(), time.perf_counter()
        act()
        return Took(time.perf_counter() - began, self.work() - work)

    def often(self, act: Callable[[], object]) -> Took:
        """Medians of several times."""
        took = [self.once(act) for _ in range(ROUNDS)]
        return Took(median(one.whole for one in took), median(one.work for one in took))
