"""What is right, before it is changed: the examples of config/, and small objects that have every field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from switcher.objects.load import load_documents

EXAMPLES = Path(__file__).parents[3] / "config" / "examples"
NIGHT = [
    {"days": ["mon", "fri"], "from": "22:00", "to": "06:00", "multiply": "0.4"},
    {"from": "12:00", "to": "13:00", "price": "2"},
]


def tariff(name: str, *charges: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A tariff of the networks p and q."""
    spec = {
        "physicalNetworks": ["p", "q"],
        "contract": f"{name}-contract",
        "provider": "Example",
        "currency": "USD",
        "timezone": "Europe/Berlin",
        "billingPeriod": {"unit": "month", "anchor": 1},
        "validFrom": "2026-01-01T00:00:00Z",
        "charges": [{"name": f"c{number}", **charge} for number, charge in enumerate(charges)],
        **more,
    }
    return {"apiVersion": "switcher.genie.io/v1alpha1", "kind": "Tariff", "metadata": {"name": name}, "spec": spec}


def volume(**more: Any) -> dict[str, Any]:
    """A price for what flows."""
    tiers = [{"upTo": "100", "price": "0"}, {"upTo": "500.5", "price": "0.09"}, {"price": "0.05"}]
    return {"volume": {"direction": "out", "unit": "GB", "tiers": tiers, **more}}


def percentile(**more: Any) -> dict[str, Any]:
    """A price for the level."""
    return {"percentile": {"q": "95", "sample": "1h", "direction": "max", "unit": "Mbps", "commit": "5", **more}}


def quota(beyond: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A price that includes a quantity."""
    return {"quota": {"included": "50", "unit": "GB", "direction": "sum", "price": "65", "beyond": beyond, **more}}


NTH = [{"from": 2, "multiply": "0.9"}]
FIXED = {"fixed": {"price": "0.045", "per": "hour", "each": "node", "nth": NTH, "schedule": NIGHT}}
TARIFFS: tuple[dict[str, Any], ...] = (
    tariff("a", volume(schedule=NIGHT), FIXED, minimum="10", maximum="500"),
    tariff("b", volume(mode="allUnits", minimum="5", maximum="900"), volume(mode="stepFee", direction="max")),
    tariff("c", percentile(price="0.35", overage="0.50", missing="skip"), quota({"block": "50", "price": "25"})),
    tariff("d", percentile(tiers=volume()["volume"]["tiers"], mode="stepFee", direction="maxOfPercentiles")),
    tariff("e", quota({"overage": "0.6"}, schedule=NIGHT), {"fixed": {"price": "31", "per": "month"}}),
    tariff("f", quota({"throttle": "1Mbps"}), {"fixed": {"price": "1", "per": "day", "each": "attachment"}}),
    tariff(
        "g", volume(), contract="a-contract", validFrom="2026-12-10T00:00:00+01:00", recordedAt="2026-11-20T09:00:00Z"
    ),
    tariff("h", volume(), currency="EUR", billingPeriod={"unit": "week", "anchor": 3}),
    tariff("i", volume(unit="MiB"), billingPeriod={"unit": "hour"}, timezone="UTC"),
    tariff("j", volume(), {"fixed": {"price": "1", "per": "day"}}, billingPeriod={"unit": "year", "anchor": 91}),
)
RATE = {"kind": "ExchangeRate", "spec": {"from": "EUR", "to": "USD", "rate": "1.17", "date": "2026-01-01"}}
EXAMPLE = [each for each in load_documents([EXAMPLES]) if each["kind"] != "PhysicalNetwork"]
THRESHOLD = {
    "kind": "CongestionThreshold",
    "metadata": {"name": "full"},
    "spec": {
        "physicalNetworks": ["p"],
        "fill": "0.7",
        "shed": "0.85",
        "confirm": {"atLeast": 3, "of": 5},
        "latency": "80ms",
        "loss": "0.01",
        "staleAfter": "10m",
    },
}
POLICY = {
    "kind": "SwitchPolicy",
    "metadata": {"name": "whole"},
    "spec": {
        "priority": 10,
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}},
        "podSelector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["db"]}]},
        "candidates": ["p", "q"],
        "mode": "auto",
        "horizon": "1h",
        "payback": "45m",
        "moveCost": "0.02",
        "penalties": {"latency": "0.001", "loss": "1"},
        "flap": {"factor": "1.5", "halfLife": "2h"},
        "cooldown": "15m",
        "minimumAge": "5m",
        "budgets": [
            {"moves": "10%", "per": "1h", "reasons": ["Savings"]},
            {"moves": "0", "schedule": "0 8 * * mon-fri", "duration": "10h", "timezone": "Europe/Berlin"},
        ],
        "verify": {"targets": ["tcp://192.0.2.1:443"], "successes": 3, "deadline": "5s", "settle": "30s"},
        "drain": {"deadline": "60s", "minimum": "5s", "quiet": "1s", "then": "close"},
        "accept": ["BoundSocket"],
        "disruptionThreshold": "2",
    },
}
ALL = {"kind": "SwitchPolicy", "metadata": {"name": "all"}, "spec": {"moveCost": "0.01", "minimumAge": "0s"}}
PHYSICAL = {"kind": "PhysicalNetwork", "metadata": {"name": "p"}, "spec": {"refer_nic": "eth1", "capacity": "1Gbps"}}
DOCUMENTS: tuple[dict[str, Any], ...] = (
    *(*TARIFFS, *TARIFFS, *TARIFFS, RATE, RATE, PHYSICAL, *EXAMPLE),
    *(POLICY, POLICY, POLICY, ALL, ALL, THRESHOLD, THRESHOLD, THRESHOLD),
)

SAMPLES = ["start", "seconds", "network", "direction", "bytes", "destination", "node"]
ROWS: tuple[list[str], ...] = (
    ["2026-12-01T00:00:00Z", "86400", "p", "out", "250000000000", "", "n1"],
    ["2026-12-02T00:00:00Z", "3600", "p", "in", "7000000000", "", "n1"],
    ["2026-12-05T12:30:00Z", "5400", "q", "out", "1", "", "n2"],
    ["2026-12-31T23:00:00Z", "7200", "q", "in", "90000000000", "", "n1"],
    ["2026-10-25T00:00:00Z", "7200", "p", "out", "1000000000000", "", "n2"],
    ["2026-12-03T00:00:00+01:00", "300.5", "internet-east", "out", "123456789.5", "", "n1"],
    ["2026-12-03T00:00:00Z", "604800", "cdn", "out", "60000000000000", "", ""],
)
STAYS = ["attachment", "network", "start", "end"]
STAY_ROWS: tuple[list[str], ...] = (
    ["a", "p", "2026-12-01T00:00:00Z", "2026-12-03T12:00:00Z"],
    ["b", "q", "2026-12-02T00:00:00Z", "2027-01-05T00:00:00Z"],
    ["b", "phynet2", "2026-12-02T00:00:00Z", "2026-12-02T01:30:00Z"],
)
RATES = ["from", "to", "rate", "date"]
RATE_ROWS: tuple[list[str], ...] = (["EUR", "USD", "1.2", "2026-12-01"], ["USD", "EUR", "0.8", "2026-12-01"])
