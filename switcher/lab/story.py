"""What happens in a run, and when: everything scales with its duration.

Foreign load comes upon the cheapest network at 35 %, and stays; at 65 % a price change takes effect that was announced
from the start. The objects that the users of the lab would write follow from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from switcher.lab.blueprint import (
    ATTACHMENT,
    BY_NAME,
    CURRENCY,
    DEMAND_BPS,
    PHYSICAL_NETWORKS,
    SINK,
    Blueprint,
    PhysicalNetwork,
    Workload,
)

FILL = Decimal("0.70")
SHED = Decimal("0.85")
LOADED = "phynet0"
DEARER = "phynet1"
NEW_PRICE = Decimal("14.50")
LOAD_FROM = 0.35
PRICE_FROM = 0.65
ABOVE_SHED = 0.03
"""How far the foreign load brings the uplink above shed, as a share of capacity."""
MOVE_COST = "0.002"
API = "switcher.genie.io/v1alpha1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A run from ``start`` (seconds since the epoch) for ``seconds``; None: no end, and then nothing happens."""

    start: float
    seconds: float | None

    @property
    def load_at(self) -> float | None:
        """When foreign load begins."""
        return None if self.seconds is None else self.start + LOAD_FROM * self.seconds

    @property
    def price_at(self) -> float | None:
        """When the announced price takes effect, on a whole second."""
        return None if self.seconds is None else float(round(self.start + PRICE_FROM * self.seconds))

    @property
    def pace(self) -> float:
        """The duration that intervals scale with."""
        return 90.0 if self.seconds is None else self.seconds

    @property
    def tick(self) -> float:
        """Seconds between decisions."""
        return min(2.0, max(1.0, self.pace / 45))

    def price(self, network: PhysicalNetwork, at: float) -> Decimal:
        """Money per attachment and hour at a moment."""
        changed = network.name == DEARER and self.price_at is not None and at >= self.price_at
        return NEW_PRICE if changed else network.price


def foreign_bps(blueprint: Blueprint, node: str) -> float:
    """Foreign load that brings the node's cheapest uplink above shed, as full as savings will have made it.

    Small enough that the uplink is below its capacity, and below fill again once one workload has left.
    """
    capacity = BY_NAME[LOADED].capacity_bps
    movable = sum(not workload.do_not_move for workload in blueprint.on(node))
    ours = min(movable, int(capacity * float(FILL) / DEMAND_BPS)) * DEMAND_BPS
    return max(0.0, capacity * (float(SHED) + ABOVE_SHED) - ours) if ours else 0.0


def write_objects(story: Story, directory: Path, *, policy: bool = True) -> None:
    """Write what cost owners, SREs and platform owners would: a file a kind, for users to read and change.

    Without a ``policy`` nothing moves.
    """
    documents = {
        "physical-networks.yaml": [_physical_network(network) for network in PHYSICAL_NETWORKS],
        "tariffs.yaml": _tariffs(story),
        "thresholds.yaml": [_threshold()],
        **({"policy.yaml": [_policy(story)]} if policy else {}),
    }
    for name, parts in documents.items():
        fresh = directory / f".{name}.new"  # replaced whole: the controller may be reading
        fresh.write_text(yaml.safe_dump_all(parts, sort_keys=False))
        fresh.replace(directory / name)


def _physical_network(network: PhysicalNetwork) -> dict[str, Any]:
    return {
        "apiVersion": "alpha.network.k8s.io/v1",
        "kind": "PhysicalNetwork",
        "metadata": {"name": network.name, "namespace": "genie-system"},
        "spec": {"refer_nic": network.nic, "capacity": network.capacity, "sla": network.sla},
    }


def _tariffs(story: Story) -> list[dict[str, Any]]:
    day = datetime.fromtimestamp(story.start, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    lists = [_tariff(network, network.price, day - timedelta(days=1)) for network in PHYSICAL_NETWORKS]
    if story.price_at is not None:
        announced = _tariff(BY_NAME[DEARER], NEW_PRICE, datetime.fromtimestamp(story.price_at, UTC))
        announced["metadata"]["name"] = f"{DEARER}-announced"
        lists.append(announced)
    return lists


def _tariff(network: PhysicalNetwork, price: Decimal, valid_from: datetime) -> dict[str, Any]:
    return {
        "apiVersion": API,
        "kind": "Tariff",
        "metadata": {"name": network.name},
        "spec": {
            "physicalNetworks": [network.name],
            "contract": f"{network.name}-port",
            "provider": "Lab Telecom",
            "currency": CURRENCY,
            "billingPeriod": {"unit": "day"},
            "validFrom": valid_from.isoformat(),
            "charges": [{"name": "port", "fixed": {"price": str(price), "per": "hour", "each": "attachment"}}],
        },
    }


def _threshold() -> dict[str, Any]:
    spec = {"fill": str(FILL), "shed": str(SHED)}
    return {"apiVersion": API, "kind": "CongestionThreshold", "metadata": {"name": "default"}, "spec": spec}


def _policy(story: Story) -> dict[str, Any]:
    pace = story.pace
    # In waves, so that one can watch; a short run has time for one wave only.
    budget = {"moves": "50%" if pace >= 60 else "100%", "per": _duration(pace / 15)}
    return {
        "apiVersion": API,
        "kind": "SwitchPolicy",
        "metadata": {"name": "lab"},
        "spec": {
            "priority": 10,
            "attachments": [ATTACHMENT],
            "candidates": [network.name for network in PHYSICAL_NETWORKS],
            "mode": "auto",
            "horizon": _duration(pace / 6),
            "moveCost": MOVE_COST,
            "flap": {"factor": "1", "halfLife": _duration(pace / 6)},
            "cooldown": _duration(pace / 8),
            "minimumAge": "1s",
            "budgets": [{**budget, "reasons": ["Savings"]}, {**budget, "reasons": ["Safety"]}],
            "verify": {"targets": [f"ping://{SINK}"], "successes": 2, "deadline": "5s", "settle": "3s"},
            "drain": {"deadline": "15s", "minimum": "4s", "quiet": "1s", "then": "close"},
        },
    }


def _duration(seconds: float) -> str:
    return f"{max(1, round(seconds))}s"


def pod_annotations(workload: Workload) -> dict[str, str]:
    """A pod's annotations: where it starts, and whether it may be moved."""
    wanted = {"cni": f"cluster,phynet2@{ATTACHMENT}"}
    if workload.do_not_move:
        wanted["switcher.genie.io/do-not-move"] = "true"
    return wanted
