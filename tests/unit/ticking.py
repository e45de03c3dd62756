"""A history with one workload on the dear of two networks, as ticks find it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from cni.wire import Batch, MoveReason, NetworkReport, Outcome, Phase, SwitchOrder, SwitchStatus, status_of
from switcher.objects.load import book_from_documents
from switcher.ports import RecordedMove
from tests.support.batches import at, attachment, batch, traffic, uplink, wire_time
from tests.support.memory_history import MemoryHistory
from tests.unit.pricing import fixed, tariff

NETWORKS = (
    NetworkReport(network="cni:dear", physical_network="phynet2", free_addresses=100),
    NetworkReport(network="cni:cheap", physical_network="phynet0", free_addresses=100),
)
POLICY: dict[str, Any] = {
    "apiVersion": "switcher.genie.io/v1alpha1",
    "kind": "SwitchPolicy",
    "metadata": {"name": "all"},
    "spec": {
        "candidates": ["cni:dear", "cni:cheap"],
        "moveCost": "0.01",
        "minimumAge": "1s",
        "cooldown": "0s",
        "budgets": [{"moves": "100%", "per": "1m", "reasons": ["Savings"]}],
        "verify": {"targets": ["ping://203.0.113.1"], "successes": 2, "deadline": "4s", "settle": "9s"},
        "drain": {"deadline": "50s", "minimum": "6s", "quiet": "2s", "then": "wait"},
        "accept": ["BoundSocket"],
    },
}


def price(network: str, per_hour: str) -> dict[str, object]:
    return tariff(fixed(per_hour, each="attachment"), name=network, physicalNetworks=[network])


BOOK = book_from_documents([price("phynet2", "11.80"), price("phynet0", "3.47"), POLICY], "test")
NOW = at(400)


def history(*, annotated: str | None = None, network: str = "cni:dear") -> MemoryHistory:
    """One workload on the dear network, sampled for ten seconds until NOW."""
    past = MemoryHistory()
    past.ingest(report(1, 400, annotated=annotated, network=network))
    return past


def report(sequence: int, second: int, *, annotated: str | None = None, network: str = "cni:dear") -> Batch:
    """What its agent sends then, of the ten seconds before."""
    physical, began = "phynet2" if network == "cni:dear" else "phynet0", second - 10
    return batch(
        sequence,
        sent=float(second),
        uplinks=(
            uplink(began, 10, 0, 12_500_000, physical_network="phynet2", capacity_bps=1e9),
            uplink(began, 10, 0, 0, physical_network="phynet0", capacity_bps=100e6),
        ),
        traffic=(traffic(began, 10, 0, 12_500_000, network=network),),
        attachments=(attachment(network=network, physical_network=physical, do_not_move=annotated),),
        networks=NETWORKS,
    )


def status(order: SwitchOrder, phase: Phase, outcome: Outcome | None = None) -> SwitchStatus:
    finished = wire_time(410) if outcome else None
    return msgspec.structs.replace(status_of(order, phase, wire_time(400)), outcome=outcome, finished_at=finished)


def recorded_move(number: str, workload: str, decided: datetime) -> RecordedMove:
    order = SwitchOrder(
        id=number,
        workload=workload,
        attachment="net1",
        source="cni:dear",
        target="cni:cheap",
        reason=MoveReason.SAVINGS,
    )
    return RecordedMove(
        node="n1", order=order, policy="all", decided_at=decided, saving_per_hour="8.33", explanation="cheaper"
    )
