"""One history, one decision: in memory, on SQLite, on PostgreSQL, and after a restart of the controller.

Each history is filled with the same batches, and ticks run on it: by one controller all along, or by a new one at each
tick. What they saw and decided must be the same to the byte.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest

from cni.wire import AttachmentReport, Batch, NetworkReport, SwitchOrder, SwitchStatus
from switcher.cycle import Cycle, Parts
from switcher.decide import Settings
from switcher.meters import Meters
from switcher.observe import Sight
from tests.contract.history.conftest import AnyHistory
from tests.support.batches import at, attachment, batch, traffic, uplink
from tests.support.memory_history import MemoryHistory
from tests.support.scenes import book
from tests.unit.pricing import percentile, quota, tariff, volume

MINUTE = 60
TICKS = 12
PODS = 8
NETWORKS = ("phynet0", "phynet1", "phynet2")
DAY = {"unit": "day"}
BOOK = book(
    tariff(volume(("1", "0"), (None, "0.09")), name="v", physicalNetworks=["phynet0"]),
    tariff(percentile("0.5", direction="max"), name="p", physicalNetworks=["phynet1"], billingPeriod=DAY),
    tariff(quota("9", "65", {"throttle": "1Mbps"}), name="q", physicalNetworks=["phynet2"], billingPeriod=DAY),
    {
        "kind": "CongestionThreshold",
        "metadata": {"name": "t"},
        "spec": {"confirm": {"atLeast": 2, "of": 3}, "latency": "80ms", "fill": "0.6", "shed": "0.7"},
    },
    {
        "kind": "SwitchPolicy",
        "metadata": {"name": "all"},
        "spec": {
            "candidates": [f"cni:{name}" for name in NETWORKS],
            "moveCost": "0.001",
            "cooldown": "2m",
            "minimumAge": "1s",
            "disruptionThreshold": "9",
            "flap": {"factor": "0.1"},
            "budgets": [
                {"moves": "30%", "per": "2m", "reasons": ["Savings"]},
                {"moves": "0", "schedule": "4 12 * * *", "duration": "2m"},
            ],
        },
    },
)


class Hands:
    """A node that takes every order, and says nothing about it."""

    def order(self, node: str, order: SwitchOrder) -> None:
        """Taken."""

    def switches(self, node: str) -> Sequence[SwitchStatus]:  # noqa: ARG002 # every node says the same
        """None yet."""
        return ()


def _batch(tick: int) -> Batch:
    """A minute of samples: loads that swing, each pod with its own."""
    start = float(tick * MINUTE)
    demand = [int(MINUTE * 1e6 / 8 * (1 + pod + 3 * math.sin(tick + pod) ** 2)) for pod in range(PODS)]
    home = [NETWORKS[pod % 3] for pod in range(PODS)]
    reports: tuple[AttachmentReport, ...] = tuple(
        attachment(f"cni:{home[pod]}", workload=f"lab/w{pod}", physical_network=home[pod]) for pod in range(PODS)
    )
    return batch(
        tick + 1,
        sent=start + MINUTE,
        uplinks=tuple(
            uplink(
                start,
                MINUTE,
                1000 * tick,
                sum(sent for sent, on in zip(demand, home, strict=True) if on == name) * 2,
                physical_network=name,
                capacity_bps=60e6,
                latency_ms=40.0 + 10 * tick if name == "phynet0" else 20.0,
            )
            for name in NETWORKS
        ),
        traffic=tuple(
            traffic(start, MINUTE, 0, demand[pod], workload=f"lab/w{pod}", network=f"cni:{home[pod]}")
            for pod in range(PODS)
        ),
        attachments=reports,
        networks=tuple(NetworkReport(network=f"cni:{name}", physical_network=name) for name in NETWORKS),
    )


def _run(reopen: Callable[[], AnyHistory], *, restarting: bool) -> list[tuple[bytes, object]]:
    """Every tick's inputs and answer, as recorded."""
    clock = [at(0)]
    history, cycle, records = reopen(), None, []
    for tick in range(TICKS):
        history.ingest(_batch(tick))
        clock[0] = at((tick + 1) * MINUTE)
        if cycle is None or restarting:
            history = reopen()
            cycle = _cycle(history, lambda: clock[0])
        decision = cycle.tick()
        assert decision is not None
        recorded = history.decision()
        assert recorded is not None
        moves = [(move.workload, move.source, move.target, move.reason, move.explanation) for move in decision.moves]
        stays = [(stay.workload, stay.reason, stay.explanation) for stay in decision.stays]
        records.append((recorded.inputs, (moves, stays, decision.surcharge)))
    return records


def _cycle(history: AnyHistory, clock: Callable[[], datetime]) -> Cycle:
    return Cycle(
        Parts(
            history=history,
            hands=Hands(),
            book=lambda: BOOK,
            clock=clock,
            stopwatch=lambda: 0.0,
            sight=Sight(window=timedelta(seconds=MINUTE)),
            settings=Settings(),
            meters=Meters(),
        )
    )


@pytest.mark.parametrize("restarting", [False, True], ids=["one controller", "a new one at each tick"])
def test_the_same_history_gives_the_same_decisions(reopen: Callable[[], AnyHistory], restarting: bool) -> None:
    reference = MemoryHistory()
    expected = _run(lambda: reference, restarting=False)

    found = _run(reopen, restarting=restarting)

    for tick, (one, other) in enumerate(zip(expected, found, strict=True)):
        assert one[0] == other[0], f"tick {tick} saw something else"
        assert one[1] == other[1], f"tick {tick} decided something else"
    assert sum(len(moves) for _, (moves, _, _) in found) > 0  # type: ignore[misc]
