"""A load of unknown direction counts once in charges on the sum of both."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from switcher.tariff import Flow, marginal
from switcher.tariff.undirected import undirected
from tests.unit.pricing import at, book, quota, tariff, volume

NOON = at("2026-12-01 12:00")
BOTH = Flow(in_bps=8e9 / 3600, out_bps=8e9 / 3600)


@pytest.mark.parametrize(
    ("charge", "twice", "once"),
    [
        pytest.param(volume((None, "1"), direction="sum"), 2, 1, id="volume"),
        pytest.param(quota("0", "5", {"overage": "1"}), 2, 1, id="quota"),
        pytest.param(volume((None, "1"), direction="out"), 1, 1, id="one direction"),
    ],
)
def test_a_load_of_unknown_direction_counts_once(charge: dict[str, Any], twice: int, once: int) -> None:
    prices = book(tariff(charge))
    for known, expected in ((prices, twice), (undirected(prices), once)):
        found = marginal(known, "p", NOON, NOON + timedelta(hours=1), {}, Flow(), BOTH)
        assert isinstance(found, Decimal)
        assert found.quantize(Decimal("1e-9")) == expected
