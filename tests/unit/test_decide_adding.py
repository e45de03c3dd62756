"""Sums that are shown add up, to the last digit that is shown."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switcher.decide.adding import digits, shown, written

AMOUNTS = st.decimals(min_value=0, max_value=10**6, places=10)


@given(st.lists(AMOUNTS, min_size=1, max_size=5), st.integers(2, 10))
def test_what_is_shown_adds_up_and_is_the_part_to_one_unit(parts: list[Decimal], places: int) -> None:
    steps, unit = shown(parts, places), Decimal(1).scaleb(-places)
    assert abs(sum(steps) - sum(parts)) <= unit / 2
    assert all(abs(step - part) <= unit for step, part in zip(steps, parts, strict=True))
    assert all(step == 0 for step, part in zip(steps, parts, strict=True) if part == 0)
    assert all(-step.as_tuple().exponent <= places for step in steps)  # type: ignore[operator] - finite


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param("6.9 0.5074", 2, id="cents"),
        pytest.param("3.47 0.0123", 3, id="a small one"),
        pytest.param("3.47 0 0.00000021", 8, id="a tiny one"),
        pytest.param("3.47 0.00000000009", 10, id="not more than there are"),
        pytest.param("0 0", 2, id="nothing"),
    ],
)
def test_the_smallest_part_can_be_read(parts: str, expected: int) -> None:
    assert digits(map(Decimal, parts.split())) == expected


@pytest.mark.parametrize(
    ("amount", "text"),
    [("3.4700", "3.47"), ("3", "3.00"), ("0.0120", "0.0120"), ("0.0000070", "0.000007"), ("-0.50", "-0.50")],
)
def test_zeros_behind_the_cents_are_left_out(amount: str, text: str) -> None:
    assert written(Decimal(amount)) == text
