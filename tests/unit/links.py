"""Links billed by the 95th percentile, with a ledger each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from switcher.model import Ledger, Snapshot
from switcher.objects.words import Direction
from tests.support.scenes import MBPS, network, snapshot, workload
from tests.unit.pricing import percentile, tariff


def link(name: str, price: str | None = "1", **more: Any) -> dict[str, Any]:
    return tariff(
        percentile(price, direction="max", **more),
        name=name,
        physicalNetworks=[f"p{name}"],
        billingPeriod={"unit": "day"},
    )


def ledger_of(name: str, **fields: Any) -> Mapping[tuple[str, str], Ledger]:
    known = {
        "networks": (f"p{name}",),
        "direction": Direction.MAX,
        "level": 0.0,
        "aim": 10 * MBPS,
        "free": 0,
        "raising": 5,
        "begun": 0.0,
        "left": 1.0,
        "useful": timedelta(hours=10),
        "rest": timedelta(hours=10),
    }
    return {(name, "c0"): Ledger(**{**known, **fields})}


def carrying(loads: Mapping[str, Sequence[float]], **fields: Any) -> Snapshot:
    """Networks of 100 Mbps with a workload of each of these sizes in Mbps."""
    return snapshot(
        [network(name, used_bps=sum(sizes) * MBPS, **fields) for name, sizes in loads.items()],
        [
            workload(f"{name}{number}", name, size * MBPS)
            for name, sizes in loads.items()
            for number, size in enumerate(sizes)
        ],
    )
