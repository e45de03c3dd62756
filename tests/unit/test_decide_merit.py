"""The cheapest division of a load among bills that bend."""

from __future__ import annotations

import numpy as np
import pytest

from switcher.decide.merit import Stretch, hull, margins

FREE, DEAR = Stretch(0.0, 0.0, 4.0), Stretch(3.0, 4.0, 10.0)
FLAT = Stretch(1.0, 0.0, 10.0)


def _price(load: float, *offer: Stretch) -> float:
    """Of the next bit on a network with this offer, beside one with a flat price."""
    found = margins({"quota": offer, "flat": (FLAT,)}, load)
    assert all(sum(weight for weight, _ in each) == pytest.approx(1) for each in found.values())
    return sum(weight * stretch.slope for weight, stretch in found["quota"])


@pytest.mark.parametrize(
    ("load", "price"),
    [
        pytest.param(3, 0.0, id="not used up"),
        pytest.param(9, 2.0, id="used up: half-way between what it saves elsewhere and what more of it costs"),
        pytest.param(16, 3.0, id="used up, and elsewhere there is no room: what more of it costs"),
        pytest.param(30, 3.0, id="more than there is room for"),
    ],
)
def test_the_next_bit_is_priced_where_it_will_lie(load: float, price: float) -> None:
    assert _price(load, FREE, DEAR) == pytest.approx(price)


def test_what_nobody_needs_costs_what_its_first_bit_does() -> None:
    assert _price(5, DEAR) == pytest.approx(3.0)


def test_a_block_costs_the_same_for_each_part_of_it() -> None:
    loads = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    blocks = np.array([0.0, 0.0, 6.0, 6.0, 6.0])  # one is included, the block is of three

    assert hull(loads, blocks) == [Stretch(0.0, 0.0, 1.0), Stretch(2.0, 1.0, 4.0)]


def test_a_corner_between_two_steps_is_found() -> None:
    loads = np.arange(9.0)

    assert hull(loads, np.maximum(loads - 3.5, 0.0) * 2) == [Stretch(0.0, 0.0, 3.5), Stretch(2.0, 3.5, 8.0)]


def test_a_discount_counts_from_the_first_bit_of_those_who_earn_it() -> None:
    assert hull(np.array([0.0, 1.0, 2.0]), np.array([0.0, 4.0, 5.0])) == [Stretch(2.5, 0.0, 2.0)]


def test_one_with_next_to_no_room_is_priced_by_its_first_bit() -> None:
    hair = Stretch(1.0, 0.0, 1e-5)

    assert margins({"hair": [hair], "wide": [Stretch(2.0, 0.0, 1e9)]}, 1e8)["hair"] == [(1.0, hair)]
