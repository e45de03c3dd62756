"""How what percentile links carry changes: by the wave of the day, which is foreseen, and by itself."""

from __future__ import annotations

import numpy as np
import pytest

from switcher.decide.wave import AROUND, slopes, swing, trend

DAY = 288
RISING = [float(each) for each in (*range(100, 244), *range(244, 100, -1))]
"""A day that rises by one a sample, and falls again."""
FALLING = [344 - each for each in RISING]


def test_swing_is_how_much_the_total_changes_whatever_an_outage_does() -> None:
    random = np.random.default_rng(1)
    steady = random.normal(100, 3 / np.sqrt(2), 4000)
    steady[2000:2010] = 0.0

    assert swing(steady) == pytest.approx(3 / 100, rel=0.1)
    assert swing(10 * steady) == pytest.approx(swing(steady))


def test_a_daily_wave_is_no_swing() -> None:
    """A total that rises and falls by three times as much as it strays, but slowly."""
    wave = 100 + 45 * np.sin(np.arange(2016) / 288 * 2 * np.pi)
    noise = np.random.default_rng(4).normal(0, 0.3 / np.sqrt(2), 2016)

    assert swing(wave * (1 + noise / 100)) == pytest.approx(0.3 / 100, rel=0.1)
    assert swing(wave) < 0.02 / 100


def test_slopes_are_those_of_the_hours_around() -> None:
    """What one sample does hardly counts, and at the ends, where no hour is known, there is none."""
    rising = np.arange(100.0)
    rising[50] += 25.0
    rising[90] = np.nan
    found = slopes(rising)

    assert len(found) == 99
    assert found[30] == pytest.approx(1.0)
    assert found[49] == pytest.approx(1.0)
    assert np.abs(found).max() <= 2.0
    assert not found[:AROUND].any()
    assert not found[-AROUND:].any()
    assert slopes(np.arange(5.0)).tolist() == [0.0] * 4
    assert slopes(np.array([])).tolist() == []


@pytest.mark.parametrize("totals", [[], [5.0], [np.nan, 5.0, np.nan], [0.0, 0.0]])
def test_nothing_is_learned_from_nothing(totals: list[float]) -> None:
    assert swing(np.array(totals, dtype=np.float64)) == 0.0


@pytest.mark.parametrize(
    ("yesterday", "expected"),
    [
        pytest.param(RISING, 1 / 171, id="it rose by one a sample"),
        pytest.param(FALLING, -1 / 173, id="it fell"),
        pytest.param([100.0] * DAY, 0.0, id="it was steady"),
        pytest.param([np.nan] * DAY, 0.0, id="nothing is known of it"),
        pytest.param(RISING[-100:], 0.0, id="it was not all seen"),
    ],
)
def test_the_wave_of_the_next_sample_is_that_of_a_day_ago(yesterday: list[float], expected: float) -> None:
    assert trend(np.array([*yesterday, *[100.0] * 72]), DAY) == pytest.approx(expected)


def test_what_failed_at_this_time_yesterday_is_no_wave() -> None:
    totals = np.random.default_rng(5).normal(100, 0.5, DAY + 72)
    totals[72:80] = 0.0

    assert abs(trend(totals, DAY)) < 0.015
