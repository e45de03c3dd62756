"""What agents send, in few words; times in seconds after NOON, rates that are easy to add."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cni.wire import (
    AttachmentReport,
    AttachmentSample,
    Batch,
    MoveReason,
    Outcome,
    Phase,
    SwitchOrder,
    SwitchStatus,
    UplinkSample,
)
from switcher.ports import RecordedMove
from switcher.reported import Attached

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """A moment after NOON."""
    return NOON + timedelta(seconds=seconds)


def wire_time(seconds: float) -> float:
    """The same as agents send it."""
    return NOON.timestamp() + seconds


def uplink(start: float, seconds: float, into: int, out: int, **more: Any) -> UplinkSample:
    fields = {"physical_network": "phynet0", "capacity_bps": 100e6, **more}
    return UplinkSample(start=wire_time(start), seconds=seconds, in_bytes=into, out_bytes=out, **fields)


def traffic(start: float, seconds: float, into: int, out: int, **more: Any) -> AttachmentSample:
    fields = {"workload": "lab/w01", "attachment": "net1", "network": "cni:a", **more}
    return AttachmentSample(start=wire_time(start), seconds=seconds, in_bytes=into, out_bytes=out, **fields)


def attachment(network: str = "cni:a", since: float = 0.0, **more: Any) -> AttachmentReport:
    fields = {
        "workload": "lab/w01",
        "attachment": "net1",
        "physical_network": "phynet0",
        "ifname": "net1",
        "addresses": ("10.0.0.2/24",),
        "started": wire_time(0.0),
        **more,
    }
    return AttachmentReport(network=network, since=wire_time(since), **fields)


def batch(sequence: int, sent: float = 0.0, **more: Any) -> Batch:
    fields = {"agent": "n1/aaaa", "node": "n1", **more}
    return Batch(sequence=sequence, sent_at=wire_time(sent), **fields)


def sampled(found: Attached) -> dict[str, tuple[float, float]]:
    """The loads that are known, in and out, by node and id."""
    loads = zip(found.reported.node, found.reported.id, found.in_bps.tolist(), found.out_bps.tolist(), strict=True)
    return {f"{node} {name}": (into, out) for node, name, into, out in loads if into == into}  # noqa: PLR0124 - a number


def move(name: str, decided: float = 0.0, **more: Any) -> RecordedMove:
    order = SwitchOrder(
        id=name,
        workload="lab/w01",
        attachment="net1",
        source="cni:a",
        target="cni:b",
        reason=MoveReason.SAVINGS,
        deadline_seconds=33.3,
    )
    fields = {
        "node": "n1",
        "policy": "default",
        "saving_per_hour": "3.4300",
        "explanation": "6.90 - 3.47 a hour",
        **more,
    }
    return RecordedMove(order=order, decided_at=at(decided), **fields)


def status(name: str, phase: Phase, outcome: Outcome | None = None, **more: Any) -> SwitchStatus:
    fields = {"reason": MoveReason.SAVINGS, "started_at": wire_time(1.0), **more}
    return SwitchStatus(
        id=name,
        workload="lab/w01",
        attachment="net1",
        source="cni:a",
        target="cni:b",
        phase=phase,
        outcome=outcome,
        **fields,
    )
