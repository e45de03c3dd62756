"""A load of unknown direction counts once in charges on the sum of both."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from switcher.model import Usage
from switcher.objects.words import Direction
from switcher.tariff import Flow, marginal
from tests.unit.pricing import GB, at, book, quota, tariff, volume

NOON = at("2026-12-01 12:00")
BOTH = Flow(in_bps=8e9 / 3600, out_bps=8e9 / 3600)
LOOSE = Flow(in_bps=8e9 / 3600, out_bps=8e9 / 3600, both_bps=8e9 / 3600)


@pytest.mark.parametrize(
    ("charge", "twice", "once"),
    [
        pytest.param(volume((None, "1"), direction="sum"), 2, 1, id="volume"),
        pytest.param(quota("0", "5", {"overage": "1"}), 2, 1, id="quota"),
        pytest.param(volume((None, "1"), direction="out"), 1, 1, id="one direction"),
        pytest.param(volume((None, "1"), direction="max"), 1, 1, id="the larger"),
    ],
)
def test_a_load_of_unknown_direction_counts_once(charge: dict[str, Any], twice: int, once: int) -> None:
    prices = book(tariff(charge))
    for load, expected in ((BOTH, twice), (LOOSE, once)):
        found = marginal(prices, "p", NOON, NOON + timedelta(hours=1), {}, Flow(), load)
        assert isinstance(found, Decimal)
        assert found.quantize(Decimal("1e-9")) == expected


@pytest.mark.parametrize(("direction", "gigabytes"), [("in", "7"), ("out", "6"), ("sum", "9"), ("max", "7")])
def test_what_flowed_counts_once_too(direction: str, gigabytes: str) -> None:
    """3 GB in and 2 out, and 4 of which nobody knows: a tier ends there, and the next gigabyte costs the next price."""
    used = {"t": Usage(in_bytes=Decimal(7 * GB), out_bytes=Decimal(6 * GB), both_bytes=Decimal(4 * GB))}
    for up_to, expected in ((gigabytes, 5), (str(int(gigabytes) + 1), 1)):
        prices = book(tariff(volume((up_to, "1"), (None, "5"), direction=direction)))
        found = marginal(prices, "p", NOON, NOON + timedelta(hours=1), used, Flow(), LOOSE)
        assert isinstance(found, Decimal)
        assert found.quantize(Decimal("1e-9")) == expected


def test_loads_together_keep_what_nobody_knows_the_direction_of() -> None:
    both = LOOSE.beside(Flow(in_bps=1.0, out_bps=2.0)).beside(LOOSE.times(0.5))
    assert both.counted(Direction.SUM) == pytest.approx(1.5 * 8e9 / 3600 + 3)
    assert both.without(LOOSE).counted(Direction.SUM) == pytest.approx(0.5 * 8e9 / 3600 + 3)
