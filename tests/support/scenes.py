"""Small worlds to decide on: networks, workloads, price lists and policies by a few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from switcher.model import Decision, Memory, NetworkState, Snapshot, StayReason, WorkloadState
from switcher.objects.load import book_from_documents
from switcher.objects.model import Book

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""A Friday noon."""
MBPS = 1e6
GB_PER_HOUR = 8e9 / 3600
"""Bits per second that carry one GB in an hour."""


def per_attachment(physical_network: str, price: str, **spec: Any) -> dict[str, Any]:
    """A list with a price per attachment-hour."""
    charge = {"name": "port", "fixed": {"price": price, "per": "hour", "each": "attachment"}}
    return _tariff(physical_network, charge, spec)


def per_gb(physical_network: str, price: str, *tiers: tuple[str, str], direction: str = "out", **spec: Any) -> Any:
    """A list with a price per GB; ``tiers`` are (upTo, price) before the last price."""
    steps = [*({"upTo": up_to, "price": each} for up_to, each in tiers), {"price": price}]
    charge = {"name": "traffic", "volume": {"direction": direction, "unit": "GB", "tiers": steps}}
    return _tariff(physical_network, charge, spec)


def _tariff(physical_network: str, charge: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": "Tariff",
        "metadata": {"name": f"contract-{physical_network}"},
        "spec": {
            "physicalNetworks": [physical_network],
            "currency": "USD",
            "billingPeriod": {"unit": "month"},
            "validFrom": "2026-01-01T00:00:00Z",
            "charges": [charge],
            **spec,
        },
    }


FREE_BUDGETS = (
    {"moves": "100%", "per": "1m", "reasons": ["Savings"]},
    {"moves": "100%", "per": "1m", "reasons": ["Safety"]},
)


def policy(**spec: Any) -> dict[str, Any]:
    """A policy without limits on the number of moves, for tests of everything else; moves cost a cent."""
    defaults = {"moveCost": "0.01", "budgets": list(FREE_BUDGETS)}
    return {"kind": "SwitchPolicy", "metadata": {"name": "all"}, "spec": {**defaults, **spec}}


def threshold(**spec: Any) -> dict[str, Any]:
    """The default threshold of all networks."""
    return {"kind": "CongestionThreshold", "metadata": {"name": "default"}, "spec": spec}


def book(*documents: Mapping[str, Any]) -> Book:
    """The objects, checked like a user's."""
    return book_from_documents(documents, "test")


def network(name: str, **fields: Any) -> NetworkState:
    """A network on a physical network of its own (``p`` + its name), 100 Mbps, idle, sampled just now."""
    values: dict[str, Any] = {
        "name": name,
        "physical_network": f"p{name}",
        "capacity_bps": 100 * MBPS,
        "used_bps": 0.0,
        "sampled_at": NOW,
    }
    return NetworkState(**{**values, **fields})


def workload(name: str, on: str, demand_bps: float = MBPS, **fields: Any) -> WorkloadState:
    """An attachment that is as old as the hills."""
    return WorkloadState(**{"id": name, "network": on, "demand_bps": demand_bps, **fields})


def snapshot(networks: Sequence[NetworkState], workloads: Sequence[WorkloadState], now: datetime = NOW) -> Snapshot:
    """All that a tick sees."""
    return Snapshot(now=now, networks=tuple(networks), workloads=tuple(workloads))


def targets(decision: Decision) -> dict[str, str]:
    """Where each workload that moves goes."""
    return {move.workload: move.target for move in decision.moves}


def reasons(decision: Decision) -> dict[str, StayReason]:
    """Why each workload that stays stays."""
    return {stay.workload: stay.reason for stay in decision.stays}


def minutes(number: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=number)


NOTHING = Memory()
