"""Memory of a controller that runs for days: what a tick makes goes with it, on the real databases too."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from datetime import timedelta

from cni.wire import SwitchOrder, SwitchStatus
from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.cycle import Cycle, Parts
from switcher.decide import Settings
from switcher.meters import Meters
from switcher.observe import Sight
from tests.support.batches import at, attachment, batch, traffic, uplink
from tests.unit.ticking import BOOK, NETWORKS

TICKS = 20
MOST = 1_000
"""Objects that hold each other after all ticks: of the last batch, say. One tick's queries alone make over 1,000."""


class Node:
    """Takes every order, and holds none."""

    def order(self, node: str, order: SwitchOrder) -> None:
        """Taken."""

    def switches(self, node: str) -> Sequence[SwitchStatus]:  # noqa: ARG002 - the port's signature
        """None is known."""
        return ()


def _report(history: SqlHistory, second: int) -> None:
    history.ingest(
        batch(
            second,
            sent=float(second),
            uplinks=(
                uplink(second - 10, 10, 0, 12_500_000, physical_network="phynet2", capacity_bps=1e9),
                uplink(second - 10, 10, 0, 0, physical_network="phynet0", capacity_bps=100e6),
            ),
            traffic=(traffic(second - 10, 10, 0, 12_500_000, network="cni:dear"),),
            attachments=(attachment(network="cni:dear", physical_network="phynet2"),),
            networks=NETWORKS,
        )
    )


def test_what_a_tick_makes_does_not_outlive_it(database: Database) -> None:
    history, now = SqlHistory(database), [at(400)]
    ticks = Cycle(
        Parts(
            history=history,
            hands=Node(),
            book=lambda: BOOK,
            clock=lambda: now[0],
            stopwatch=lambda: 0.0,
            sight=Sight(window=timedelta(seconds=30)),
            settings=Settings(),
            meters=Meters(),
        )
    )

    gc.collect()
    for _ in range(TICKS):
        now[0] += timedelta(seconds=10)
        _report(history, round((now[0] - at(0)).total_seconds()))
        assert ticks.tick() is not None
    assert gc.collect() < MOST
