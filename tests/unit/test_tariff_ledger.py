"""What a load adds to a percentile charge, by where its ledger stands: each expectation shows its arithmetic."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from switcher.tariff.flow import NOTHING, Flow
from switcher.tariff.ledger import Level, Mark
from tests.unit.pricing import book, percentile, tariff

HOUR = Decimal(3600)
MARK = Mark(
    free_bps=10e6,
    useful_seconds=10 * HOUR,
    raise_bps=2e6,
    raise_money=Decimal(5),
    raise_seconds=2 * HOUR,
)
"""10 Mbps add nothing; the next 2 lift the level for 5 USD, over two hours; beyond, a level is of use for ten."""


def level(weight: str = "1", **fields: Any) -> Level:
    """1 USD per Mbps, for an hour."""
    (charge,) = book(tariff(percentile(**fields))).tariffs[0].spec.charges
    assert charge.percentile is not None
    return Level(name="c0", charge=charge.percentile, weight=Decimal(weight), seconds=HOUR)


def out(mbps: float, **more: Any) -> Flow:
    return Flow(out_bps=mbps * 1e6, **more)


@pytest.mark.parametrize(
    ("base", "extra", "expected"),
    [
        pytest.param(0, 10, "0", id="up to the mark"),
        pytest.param(0, 11, "1.25", id="half of the raise: 5 x 1/2 x 1/2"),
        pytest.param(0, 12, "2.5", id="all of it: 5 x 1/2"),
        pytest.param(0, 14, "2.7", id="and 2 Mbps beyond: 2 x 1/10"),
        pytest.param(11, 3, "1.45", id="what the base raises is not the extra load's: 2.7 - 1.25"),
        pytest.param(14, 1, "0.1", id="beyond it"),
    ],
)
def test_a_load_pays_for_what_it_raises_for_its_time(base: float, extra: float, expected: str) -> None:
    assert level().added(MARK, out(base), out(extra)) == Decimal(expected)


def test_a_list_that_is_valid_for_half_of_the_period_charges_half() -> None:
    assert level("0.5").added(MARK, NOTHING, out(14)) == Decimal("1.35")


def test_no_more_is_paid_than_the_whole_raise() -> None:
    """Of use for half an hour only: an hour of it costs the raise, not twice as much."""
    short = Mark(free_bps=0, useful_seconds=HOUR / 2)
    assert level().added(short, NOTHING, out(3)) == 3
    raised = Mark(free_bps=0, raise_bps=2e6, raise_money=Decimal(5), raise_seconds=HOUR / 2, useful_seconds=HOUR)
    assert level().added(raised, NOTHING, out(2)) == 5


def test_what_is_too_much_for_this_sample_raises_the_level_from_where_it_will_be() -> None:
    """A sample that comes to a commit of 12 with 9 Mbps for the rest of it: there is no free stretch from 9 to 12."""
    committed = level(commit="12", overage="1")
    full = Mark(free_bps=9e6, useful_seconds=10 * HOUR, expected_bps=12e6)

    assert committed.added(full, out(9), out(2)) == Decimal("0.2")
    assert committed.added(full, out(9), out(4)) == Decimal("0.4")


def test_what_the_pool_carries_elsewhere_counts() -> None:
    pooled = Mark(free_bps=10e6, useful_seconds=10 * HOUR, elsewhere=out(9))
    assert level().added(pooled, NOTHING, out(2)) == Decimal("0.1")


def test_another_class_adds_nothing() -> None:
    assert level(destination="internet").added(MARK, NOTHING, out(20, destination="zone")) == 0
    assert level(destination="internet").added(MARK, NOTHING, out(11, destination="internet")) == Decimal("1.25")


@pytest.mark.parametrize(
    ("direction", "expected"), [("in", "3"), ("out", "4"), ("sum", "7"), ("max", "4"), ("maxOfPercentiles", "4")]
)
def test_the_direction_says_what_counts(direction: str, expected: str) -> None:
    both = Flow(in_bps=3e6, out_bps=4e6)
    assert level(direction=direction).added(Mark(free_bps=0), NOTHING, both) == Decimal(expected)


def test_the_forecast_is_at_least_what_is_billed_anyway() -> None:
    assert level().forecast(MARK, out(4)) == 10
    assert level().forecast(MARK, out(13)) == 13
