"""Up to where percentile links are free, and which of them takes a burst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import sqrt

import pytest

from switcher.decide.board import lay_out
from switcher.decide.marks import marks
from switcher.decide.projection import project
from switcher.decide.settings import Settings
from switcher.model import Ledger
from switcher.tariff.marginal import Mark
from tests.support.scenes import MBPS, NOTHING, book
from tests.unit.links import carrying, ledger_of


def _marked(known: Mapping[tuple[str, str], Ledger], loads: Mapping[str, Sequence[float]]) -> Mapping[str, Mark]:
    board = lay_out(carrying(loads))
    return {key[0]: mark for key, mark in marks(board, project(board, NOTHING, book(), Settings()), known).items()}


def _straying(name: str, aim: float, free: int = 9) -> Mapping[tuple[str, str], Ledger]:
    """A link of a family that changes by a twentieth of all it carries; beyond the aim each Mbps costs 1 USD."""
    return ledger_of(name, aim=aim * MBPS, free=free, swing=0.05, steep=1 / Decimal(MBPS))


def test_what_is_left_of_all_aims_is_kept_free_where_links_stray() -> None:
    found = _marked({**_straying("a", 90), **_straying("b", 10)}, {"a": [1] * 72, "b": [1] * 8})

    # of 80 that change by 4 the 80 that may be on a do by 4, the 10 that may be on b by sqrt(10 / 80) of that
    assert found["a"].free_bps == pytest.approx((90 - 3 * 4) * MBPS)
    assert found["b"].free_bps == pytest.approx((10 - 3 * sqrt(2)) * MBPS)
    assert found["b"].raise_bps == pytest.approx(3 * sqrt(2) * MBPS)
    assert float(found["a"].raise_money) == pytest.approx(0.1 * 3 * 4)  # a tenth of what so much more would cost
    assert float(found["b"].raise_money) == pytest.approx(0.1 * 3 * 4)  # and as much where it is soon gone
    assert found["b"].expected_bps == 10 * MBPS  # what the period is billed for all the same


def test_a_link_of_small_workloads_needs_little_kept_free() -> None:
    small, large = ([0.5] * 20, [5, 5]), ([5, 5], [0.5] * 20)
    ledgers_of_both = {**_straying("a", 50), **_straying("b", 50)}

    widths = [_marked(ledgers_of_both, {"a": a, "b": b})["a"].raise_bps for a, b in (small, large)]

    assert widths[0] == pytest.approx(widths[1] / 10**0.5)


def test_load_that_will_grow_is_free_to_less_and_load_that_will_shrink_to_more() -> None:
    def free(trend: float) -> float:
        return _marked(ledger_of("a", free=9, trend=trend), {"a": [5.0]})["a"].free_bps

    assert free(0.0) == 10 * MBPS
    assert free(0.01) == pytest.approx(10 * MBPS / 1.01)
    assert free(-0.01) == pytest.approx(10 * MBPS / 0.99)


def test_no_more_is_kept_free_than_the_aim() -> None:
    found = _marked({**_straying("a", 90), **_straying("b", 0.1)}, {"a": [10], "b": [10]})

    assert found["b"].free_bps == 0.0
    assert found["b"].raise_bps == pytest.approx(0.1 * MBPS)


@pytest.mark.parametrize("swing", [0.0, 0.002])
def test_in_a_burst_links_are_kept_as_far_below_their_aims_as_they_stray(swing: float) -> None:
    """Of 120 one link takes what is too much for both; nobody knows how far they stray: 7 % are kept free."""
    known = {**ledger_of("a", aim=90 * MBPS, free=9, swing=swing), **ledger_of("b", aim=10 * MBPS, free=9, swing=swing)}

    found = _marked(known, {"a": [1] * 100, "b": [1] * 10})

    stray = swing * sqrt(90 / 110) * 110
    kept = 3 * stray if swing else 0.07 * 90
    spare = 3 * swing * 110 if swing else 0.07 * 110
    assert found["a"].free_bps == pytest.approx((90 - kept) * MBPS)
    assert found["b"].free_bps == pytest.approx((110 - (90 - kept) + spare) * MBPS)


def test_where_more_than_one_link_would_be_above_one_takes_it_all() -> None:
    """Of three links that are all but full one above is fewer than are to be expected."""
    known = {name: each for link in "abc" for name, each in _straying(link, 30).items()}

    found = _marked(known, {"a": [29.9], "b": [29.9], "c": [29.9]})

    assert sorted(mark.free_bps > 30 * MBPS for mark in found.values()) == [False, False, True]


def test_a_link_that_is_above_in_this_sample_already_takes_the_rest_of_it() -> None:
    known = {**ledger_of("a", free=1, begun=12 * MBPS, left=0.5), **ledger_of("b", free=9)}

    assert _marked(known, {"a": [9], "b": [18]})["a"].free_bps > 17 * MBPS


def test_up_to_a_commit_a_link_is_kept_below_its_aim_in_a_burst_too() -> None:
    known = {**_straying("a", 40), **_straying("b", 10, free=0)}

    found = _marked(known, {"a": [60], "b": [9]})

    assert found["a"].free_bps > 60 * MBPS
    assert found["b"].raise_bps > 0
    assert found["b"].raise_money > 0  # though a commit's next Mbps is paid for already


def test_the_last_free_samples_are_kept_where_one_too_few_would_be_dear() -> None:
    known = {**ledger_of("a", free=40, raising=1), **ledger_of("b", free=3, aim=0.0, raising=9)}

    found = _marked(known, {"a": [30], "b": [0]})

    assert found["a"].free_bps > 20 * MBPS
    assert found["b"].free_bps == 0.0


def test_a_charge_that_drops_no_sample_takes_bursts_last() -> None:
    known = {**ledger_of("a", free=0, raising=5), **ledger_of("b", free=0, raising=None)}

    found = _marked(known, {"a": [9], "b": [30]})

    assert found["a"].raise_bps > 19 * MBPS
    assert found["b"].raise_bps == 0.0


def test_without_free_samples_the_level_that_rises_for_the_least_money_takes_the_burst() -> None:
    known = {**ledger_of("a", raising=7), **ledger_of("b", raising=2)}
    board = lay_out(carrying({"a": [30], "b": [9]}))

    found = marks(board, project(board, NOTHING, book(), Settings()), known)

    assert found["a", "c0"].raise_bps == 0
    assert found["b", "c0"].raise_bps > 19 * MBPS
