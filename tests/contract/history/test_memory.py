"""Memory of a controller that runs for days: what a tick makes goes with it, on the real databases too."""

from __future__ import annotations

import gc
from datetime import timedelta

from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from tests.unit.test_cycle import Clock, Node, cycle
from tests.unit.ticking import report

TICKS = 20
MOST = 1_000
"""Objects that hold each other after all ticks: of the last batch, say. One tick's queries alone make over 1,000."""


def test_what_a_tick_makes_does_not_outlive_it(database: Database) -> None:
    history, clock = SqlHistory(database), Clock()
    ticks = cycle(history, Node(), clock)
    gc.collect()
    for number in range(1, TICKS + 1):
        clock.now += timedelta(seconds=10)
        history.ingest(report(number, 400 + 10 * number))
        assert ticks.tick() is not None
    assert gc.collect() < MOST
