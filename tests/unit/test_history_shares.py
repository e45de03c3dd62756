"""Shares of samples: no byte lost or doubled, whatever the cuts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switcher.adapters.store.choosing import Source, choose
from switcher.adapters.store.instants import HOUR, micros, micros_of, moment_of
from switcher.adapters.store.intervals import Grid, Interval, share, uncovered
from switcher.adapters.store.reach import Reach
from tests.support.batches import at

instants = st.integers(0, 10**6)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    start = draw(instants)
    return start, start + draw(st.integers(1, 10**6))


@given(st.integers(0, 10**15), intervals(), st.lists(instants))
def test_consecutive_parts_add_up_to_the_whole(amount: int, whole: Interval, cuts: list[int]) -> None:
    edges = sorted({0, 3 * 10**6, *cuts})
    assert sum(share(amount, whole, part) for part in pairwise(edges)) == amount


@given(intervals(), st.lists(intervals()))
def test_the_uncovered_parts_are_what_is_not_stored(new: Interval, candidates: list[Interval]) -> None:
    stored: list[Interval] = []
    for candidate in candidates:
        stored = sorted([*stored, *uncovered(candidate, stored)])
    parts = uncovered(new, stored)
    for one, next_one in pairwise(sorted([*stored, *parts])):
        assert one[1] <= next_one[0]
    edges = sorted({*new, *(edge for piece in (*stored, *parts) for edge in piece if new[0] <= edge <= new[1])})
    for low, high in pairwise(edges):
        assert sum(piece[0] <= low and high <= piece[1] for piece in (*stored, *parts)) == 1


@pytest.mark.parametrize(
    ("stored", "left"),
    [
        ([], [(10, 20)]),
        ([(0, 10), (20, 30)], [(10, 20)]),
        ([(10, 20)], []),
        ([(0, 30)], []),
        ([(5, 12)], [(12, 20)]),
        ([(18, 25)], [(10, 18)]),
        ([(12, 14), (14, 15)], [(10, 12), (15, 20)]),
    ],
)
def test_what_of_ten_to_twenty_is_new(stored: list[Interval], left: list[Interval]) -> None:
    assert uncovered((10, 20), stored) == left


def test_slots_cut_at_every_full_step_after_the_origin() -> None:
    hours = Grid(period=(0, 9 * HOUR), step=HOUR)
    assert list(hours.slots((HOUR - 1, 2 * HOUR + 1))) == [
        (0, (HOUR - 1, HOUR)),
        (HOUR, (HOUR, 2 * HOUR)),
        (2 * HOUR, (2 * HOUR, 2 * HOUR + 1)),
    ]
    assert list(hours.slots((HOUR, 2 * HOUR))) == [(HOUR, (HOUR, 2 * HOUR))]
    shifted = Grid(period=(15, 35), step=10, origin=3)
    assert list(shifted.slots((0, 99))) == [(13, (15, 23)), (23, (23, 33)), (33, (33, 35))]
    assert [shifted.before(until) for until in (13, 14, 23, 24)] == [3, 13, 13, 23]


SOURCES = [
    Source(table="hours", step=60, reach=Reach(rolled_until=600, kept_from=0)),
    Source(table="minutes", step=1, reach=Reach(rolled_until=2**62, kept_from=400)),
]


@pytest.mark.parametrize(
    ("period", "chosen"),
    [
        pytest.param((420, 540), [("hours", (420, 540), True)], id="whole hours"),
        pytest.param((410, 490), [("minutes", (410, 420), True), ("hours", (420, 480), True),
                                  ("minutes", (480, 490), True)], id="edges from what is finer"),
        pytest.param((590, 700), [("minutes", (590, 700), True)], id="not rolled up yet"),
        pytest.param((100, 200), [("hours", (100, 120), False), ("hours", (120, 180), True),
                                  ("hours", (180, 200), False)], id="shares where the finer is deleted"),
        pytest.param((390, 410), [("hours", (390, 400), False), ("minutes", (400, 410), True)], id="deleted in part"),
    ],
)  # fmt: skip
def test_the_coarsest_that_is_exact_answers(period: Interval, chosen: list[tuple[str, Interval, bool]]) -> None:
    found = [(choice.source.table, choice.period, choice.exact) for choice in choose(period, SOURCES)]
    assert found == chosen


@given(st.datetimes().map(lambda moment: moment.replace(tzinfo=at(0).tzinfo)))
def test_stored_times_come_back_exactly(moment: object) -> None:
    assert moment_of(micros(moment)) == moment


def test_times_of_the_wire_are_exact_to_the_microsecond() -> None:
    assert moment_of(micros_of(at(0.123456).timestamp())) == at(0.123456)
