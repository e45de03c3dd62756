"""What is kept free of the aims of percentile links: so that the fewest samples are to be expected above them."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from switcher.decide.board import Floats
from switcher.decide.cushion import MOST, beside, shared, spent, strays


def test_a_part_strays_as_independent_workloads_do() -> None:
    """A thousand workloads of one size that change by themselves, and the first 150 of them on a link."""
    change = np.diff(1 + np.random.default_rng(2).normal(0, 0.1, (1000, 500)), axis=1)
    known = float(change.sum(axis=0).std() / 1000)
    aims, mine = np.array([150.0, 850.0]), change[:150].sum(axis=0)

    assert strays(aims, known, 1000.0)[0] == pytest.approx(mine.std(), rel=0.1)
    assert beside(aims, known, 1000.0)[0] == pytest.approx((mine - 0.15 * change.sum(axis=0)).std(), rel=0.1)


def test_small_workloads_stray_less() -> None:
    """Of equal loads, the one of workloads a quarter as large strays half as far."""
    found = strays(np.array([100.0, 100.0]), 0.1, 200.0, np.array([1.0, 0.25]))

    assert found[1] == pytest.approx(found[0] / 2)


def test_one_link_that_carries_all_strays_from_nothing() -> None:
    assert beside(np.array([0.0, 200.0, 0.0]), 1.0, 200.0).tolist() == [0.0, 0.0, 0.0]
    assert beside(np.array([1e15, 0.0]), 1.0, 200.0).tolist() == [0.0, 0.0]  # a level without an end: all is there


@pytest.mark.parametrize("slack", [-4.0, 0.0, 3.0, 8.0, 12.0])
def test_nobody_shares_what_is_left_better(slack: float) -> None:
    """Against two thousand other ways, by the normal distribution itself."""
    stray = np.array([1.5, 6.0, 1.0])
    random = np.random.default_rng(3).normal(0, 6, (2000, 3))
    others = random + (slack - random.sum(axis=1, keepdims=True)) / 3

    mine = shared(slack, stray, np.ones(3))

    assert mine.sum() <= slack + 1e-9
    assert _expected(mine, stray) <= min(_expected(other, stray) for other in others) + 0.02


def _expected(kept: Floats, stray: Floats) -> float:
    return sum(NormalDist().cdf(-each) for each in (kept / stray).tolist())


def test_where_there_is_room_all_are_as_far_below_as_is_ever_needed() -> None:
    assert shared(100.0, np.array([1.0, 3.0]), np.ones(2)).tolist() == [MOST, 3 * MOST]
    assert shared(5.0, np.zeros(2), np.ones(2)).tolist() == [0.0, 0.0]


def test_one_that_surely_is_above_is_better_than_several_that_may_be() -> None:
    kept = shared(0.6, np.ones(3), np.ones(3))

    assert sorted(each < 0 for each in kept.tolist()) == [False, False, True]
    assert sorted(kept.tolist())[1:] == [MOST, MOST]


def test_a_burst_goes_where_a_sample_costs_less() -> None:
    assert shared(-20.0, np.ones(3), np.array([2.0, 1.0, 2.0])).argmin() == 1
    assert shared(1.0, np.ones(3), np.array([2.0, 2.0, 0.0])).argmin() == 2  # it is above its aim already


def test_who_may_be_above_takes_what_is_not_yet_sure() -> None:
    """A sample of the large link is dearer, but hardly more likely than not; a small one would surely be above."""
    stray, costs = np.array([6.0, 0.5, 0.5]), np.array([1.3, 1.0, 1.0])

    assert shared(-1.0, stray, costs).argmin() == 0
    assert shared(-20.0, stray, costs).argmin() != 0


def test_a_slot_needs_at_most_one_free_sample_and_fewer_with_more_slack() -> None:
    needed = spent(np.array([-5.0, 0.0, 2.0, 4.0, 100.0]), np.ones(3))

    assert needed[0] == needed[1] == 1.0
    assert np.all(np.diff(needed[1:]) < 0)
    assert needed[-1] == pytest.approx(0.0, abs=0.02)
    assert spent(np.array([-1.0, 1.0]), np.zeros(2)).tolist() == [1.0, 0.0]
