"""What is kept free of the aims of percentile links: as far as each strays, and no more than there is."""

from __future__ import annotations

import numpy as np
import pytest

from switcher.decide.cushion import MOST, kept, least, spent, spreads, swing


def test_swing_is_the_variance_of_the_change_per_load_whatever_an_outage_does() -> None:
    random = np.random.default_rng(1)
    steady = random.normal(100, 3 / np.sqrt(2), 4000)
    steady[2000:2010] = 0.0

    assert swing(steady) == pytest.approx(3**2 / 100, rel=0.1)


@pytest.mark.parametrize("totals", [[], [5.0], [np.nan, 5.0, np.nan], [0.0, 0.0]])
def test_nothing_is_learned_from_nothing(totals: list[float]) -> None:
    assert swing(np.array(totals, dtype=np.float64)) == 0.0


def test_a_part_strays_as_independent_workloads_do() -> None:
    """A thousand workloads of one size that change by themselves, and the first 150 of them on a link."""
    random = np.random.default_rng(2)
    loads = 1 + random.normal(0, 0.1, (1000, 500))
    change, total = np.diff(loads, axis=1), 1000.0
    known = float(np.var(change.sum(axis=0)) / total)
    beside = change[:150].sum(axis=0) - 0.15 * change.sum(axis=0)

    assert spreads(np.array([150.0, 850.0]), known)[0] == pytest.approx(beside.std(), rel=0.1)


def test_one_link_that_carries_all_strays_from_nothing() -> None:
    assert spreads(np.array([0.0, 200.0, 0.0]), 1.0).tolist() == [0.0, 0.0, 0.0]
    assert spreads(np.zeros(3), 1.0).tolist() == [0.0, 0.0, 0.0]


def test_what_is_left_is_shared_by_how_far_each_strays() -> None:
    strays = np.array([1.0, 3.0])

    assert kept(2.0, strays).tolist() == [0.5, 1.5]
    assert kept(100.0, strays).tolist() == [MOST, 3 * MOST]
    assert kept(5.0, np.zeros(2)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("links", "slack"), [(1, 0.0), (2, 0.0), (3, 0.4307), (4, 0.6745)])
def test_one_link_above_is_better_than_several_that_may_be(links: int, slack: float) -> None:
    """Each of m links is above its aim with a chance of 1/m when so many spreads of each are free."""
    assert least(np.ones(links)) == pytest.approx(links * slack, abs=0.01)


def test_a_slot_needs_at_most_one_free_sample_and_fewer_with_more_slack() -> None:
    needed = spent(np.array([-5.0, 0.0, 2.0, 4.0, 100.0]), np.ones(3))

    assert needed[:2].tolist() == [1.0, 1.0]
    assert np.all(np.diff(needed[1:]) < 0)
    assert needed[-1] == pytest.approx(3 * 0.0013, abs=0.02)  # three spreads of a normal distribution
    assert spent(np.array([-1.0, 0.0]), np.zeros(2)).tolist() == [1.0, 0.0]
