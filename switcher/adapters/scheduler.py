"""Ticks by APScheduler: one at a time, missed ones coalesced into one, the first at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler


@contextmanager
def ticking(tick: Callable[[], object], every: timedelta) -> Iterator[None]:
    """Calls ``tick`` every ``every`` in a thread of its own while the context lasts; waits for the last one."""
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(
        tick,
        "interval",
        seconds=every.total_seconds(),
        next_run_time=datetime.now(UTC),
        max_instances=1,
        coalesce=True,
        misfire_grace_time=None,
    )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=True)
