"""The decision log's inputs: what is written can be read, and equal inputs give equal bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from cni.wire import MoveReason
from switcher.model import (
    Drift,
    Memory,
    NetworkState,
    PastMove,
    Placement,
    Snapshot,
    Uplink,
    Usage,
    WorkloadState,
)
from switcher.snapshots import from_json, to_json

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
NETWORK = NetworkState(
    name="cni:a", physical_network="phynet0", node="n1", capacity_bps=1e8, used_bps=4e7, sampled_at=NOW
)
WORKLOAD = WorkloadState(
    id="lab/w1:net1", node="n1", network="cni:a", demand_bps=2e7, since=NOW, penalties={"cni:a": Decimal("0.1")}
)
SNAPSHOT = Snapshot(now=NOW, networks=(NETWORK,), workloads=(WORKLOAD,))
MOVE = PastMove(workload="lab/w1:net1", policy="all", source="cni:b", target="cni:a", reason=MoveReason.SAFETY, at=NOW)


def memory(order: int) -> Memory:
    """The same memory with its mappings filled in one order or the other."""
    placed = [("lab/w1:net1", (Placement(network="cni:a", since=NOW),)), ("lab/w0:net1", ())]
    return Memory(
        moves=(MOVE,),
        placements=dict(placed[::order]),
        over_shed={Uplink("phynet0", "n1"): ((NOW, True),), Uplink("phynet0", None): ()},
        drift={Uplink("phynet0", "n1"): Drift(sampled_at=NOW, load=4e7, every=30.0, trend=-5.0, spread=1e9, count=7)},
        usage={("phynet0", "transit"): Usage(in_bytes=Decimal(5), out_bytes=Decimal("7.5"))},
        first_seen={"lab/w1:net1": NOW},
    )


def test_what_is_written_can_be_read_back() -> None:
    assert from_json(to_json(SNAPSHOT, memory(1))) == (SNAPSHOT, memory(1))


def test_equal_inputs_give_equal_bytes_whatever_their_order() -> None:
    assert to_json(SNAPSHOT, memory(1)) == to_json(SNAPSHOT, memory(-1))


def test_no_inputs_at_all_are_inputs_too() -> None:
    empty = Snapshot(now=NOW, networks=(), workloads=())
    assert from_json(to_json(empty, Memory())) == (empty, Memory())
