"""Prices in several currencies: all money of a decision is in the settlement currency, the policy's own too."""

from __future__ import annotations

from typing import Any

import pytest

from switcher.decide import Settings, decide
from switcher.model import Decision, StayReason
from tests.support.scenes import (
    GB_PER_HOUR,
    NOTHING,
    book,
    network,
    per_attachment,
    per_gb,
    policy,
    reasons,
    snapshot,
    targets,
    workload,
)
from tests.unit.pricing import rate

HALF = rate("USD", "EUR", "0.5", "2026-01-01")
IN_EUR, IN_USD = Settings(settlement_currency="EUR"), Settings(settlement_currency="USD")


def _decided(settings: Settings, *documents: dict[str, Any]) -> Decision:
    """A workload of 1 GB/h on the dearer of two networks, which is 60 ms nearer."""
    seen = snapshot(
        [network("dear", latency_ms=20.0), network("cheap", latency_ms=80.0)], [workload("w", "dear", GB_PER_HOUR)]
    )
    return decide(seen, NOTHING, book(*documents), settings)


@pytest.mark.parametrize("settings", [IN_EUR, IN_USD], ids=["0.5 EUR/h", "1 USD/h"])
def test_what_a_move_costs_is_in_the_settlement_currency(settings: Settings) -> None:
    prices = per_attachment("pdear", "2"), per_attachment("pcheap", "1")

    decision = _decided(settings, *prices, HALF, policy(moveCost="0.7"))

    if settings is IN_USD:
        assert targets(decision) == {"w": "cheap"}
        assert str(decision.moves[0].saving_per_hour) == "1"
    else:
        assert reasons(decision) == {"w": StayReason.SAVING_TOO_SMALL}
        assert "(EUR per hour)" in decision.stays[0].explanation


@pytest.mark.parametrize(("settings", "reason"), [(IN_EUR, StayReason.BEST), (IN_USD, None)])
def test_what_latency_is_worth_is_in_the_settlement_currency(settings: Settings, reason: StayReason | None) -> None:
    """60 ms at 0.001 per GB and ms are 0.06: more than 0.045 EUR, less than 0.09 USD."""
    prices = per_gb("pdear", "0.10"), per_gb("pcheap", "0.01")

    decision = _decided(settings, *prices, HALF, policy(moveCost="0", penalties={"latency": "0.001"}))

    assert reasons(decision) == ({} if reason is None else {"w": reason})


def test_prices_are_compared_in_the_settlement_currency() -> None:
    prices = per_attachment("pdear", "2"), per_attachment("pcheap", "1.1", currency="EUR")

    assert reasons(_decided(IN_EUR, *prices, HALF, policy())) == {"w": StayReason.BEST}
    assert reasons(_decided(IN_EUR, *prices, policy())) == {"w": StayReason.UNKNOWN_PRICE}  # without a rate
