"""Price lists of the benchmark: one set per kind of contract, as plain objects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

ALWAYS = "2026-01-01T00:00:00Z"
TYPICAL = 0.05
"""Money per GB, about what transit and cloud egress cost."""
MOVED = 0.01
"""Money per GB that a workload carries in the hours that a move is said to cost (decision.md, section 5)."""


def tariff(network: str, charge: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """One list of one network."""
    defaults = {
        "physicalNetworks": [network],
        "currency": "USD",
        "billingPeriod": {"unit": "month"},
        "validFrom": ALWAYS,
        "recordedAt": ALWAYS,
    }
    return {
        "kind": "Tariff",
        "metadata": {"name": f"contract-{network}"},
        "spec": {**defaults, **spec, "charges": [{"name": "traffic", **charge}]},
    }


def in_periods(priced: dict[str, Any], unit: str) -> dict[str, Any]:
    """The list with billing periods of this length."""
    return {**priced, "spec": {**priced["spec"], "billingPeriod": {"unit": unit}}}


def per_gb(price: float, **more: Any) -> dict[str, Any]:
    """A volume charge of one price."""
    return {"volume": {"direction": "out", "unit": "GB", "tiers": [{"price": f"{price:.5f}"}], **more}}


def changing(
    rng: np.random.Generator, bases: Sequence[float], span: tuple[datetime, datetime], ahead: timedelta
) -> list[dict[str, Any]]:
    """A base price per network that changes every some hours, each change known ``ahead`` of time."""
    start, end = span
    lists = []
    for number, base in enumerate(bases):
        lists.append(tariff(f"p{number}", per_gb(base)))
        at = start + rounded(rng.exponential(8.0))
        while at < end:
            price = base * float(np.exp(rng.normal(0, 0.35)))
            known = max(at - ahead, start - timedelta(days=1))
            lists.append(tariff(f"p{number}", per_gb(price), validFrom=at.isoformat(), recordedAt=known.isoformat()))
            at += rounded(rng.exponential(8.0))
    return lists


def nightly(rng: np.random.Generator, count: int) -> list[dict[str, Any]]:
    """A price per network, by night at 0.4 of it; nights begin at another hour on each."""
    return [
        tariff(
            f"p{number}",
            per_gb(base, schedule=[{"from": f"{hour:02}:00", "to": f"{(hour + 8) % 24:02}:00", "multiply": "0.4"}]),
        )
        for number, (base, hour) in enumerate(zip(levels(rng, count), rng.integers(0, 24, count).tolist(), strict=True))
    ]


def graduated(rng: np.random.Generator, count: int, gigabytes: float) -> list[dict[str, Any]]:
    """The tiers of public clouds, falling and with a free beginning, cut to the billing period's ``gigabytes``."""
    lists = []
    for number, base in enumerate(levels(rng, count)):
        tiers = [
            {"upTo": f"{0.02 * gigabytes:.3f}", "price": "0"},
            {"upTo": f"{0.15 * gigabytes:.3f}", "price": f"{base:.5f}"},
            {"upTo": f"{0.40 * gigabytes:.3f}", "price": f"{0.94 * base:.5f}"},
            {"price": f"{0.78 * base:.5f}"},
        ]
        lists.append(tariff(f"p{number}", {"volume": {"direction": "out", "unit": "GB", "tiers": tiers}}))
    return lists


def quotas(rng: np.random.Generator, count: int, gigabytes: float) -> list[dict[str, Any]]:
    """A bundle that is paid for anyway; beyond it blocks on every second network, overage on the others."""
    lists = []
    for number, base in enumerate(levels(rng, count)):
        size = 0.01 * gigabytes
        block = {"block": f"{size:.3f}", "price": f"{base * size:.4f}"}
        quota = {
            "included": f"{0.08 * gigabytes:.3f}",
            "unit": "GB",
            "direction": "out",
            "price": f"{base * 0.04 * gigabytes:.2f}",
            "beyond": block if number % 2 else {"overage": f"{base:.5f}"},
        }
        lists.append(tariff(f"p{number}", {"quota": quota}))
    return lists


def percentiles(count: int, commit_mbps: float) -> list[dict[str, Any]]:
    """Burstable transit: the 95th percentile of five-minute samples of a week, the same on every link."""
    charge = {"q": "95", "sample": "5m", "direction": "out", "unit": "Mbps", "price": "1.00"}
    commit = {"commit": f"{commit_mbps:.0f}", "overage": "1.40"} if commit_mbps else {}
    return [
        tariff(f"p{number}", {"percentile": {**charge, **commit}}, billingPeriod={"unit": "week"})
        for number in range(count)
    ]


def levels(rng: np.random.Generator, count: int) -> list[float]:
    """Base prices, from two fifths to two and a half times the typical one."""
    found: list[float] = (TYPICAL * np.exp(rng.permutation(np.linspace(-0.9, 0.9, count)))).tolist()
    return found


def rounded(hours: float) -> timedelta:
    """At least an hour, in whole five minutes."""
    return max(timedelta(hours=1), timedelta(minutes=5) * round(hours * 12))
