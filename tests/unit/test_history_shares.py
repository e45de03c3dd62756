"""Shares of samples: no byte lost or doubled, whatever the cuts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switcher.adapters.store.instants import HOUR, micros, micros_of, moment_of
from switcher.adapters.store.intervals import Interval, hours, share, uncovered
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


def test_hours_cut_at_every_full_hour() -> None:
    assert list(hours((HOUR - 1, 2 * HOUR + 1))) == [(HOUR - 1, HOUR), (HOUR, 2 * HOUR), (2 * HOUR, 2 * HOUR + 1)]
    assert list(hours((HOUR, 2 * HOUR))) == [(HOUR, 2 * HOUR)]


@given(st.datetimes().map(lambda moment: moment.replace(tzinfo=at(0).tzinfo)))
def test_stored_times_come_back_exactly(moment: object) -> None:
    assert moment_of(micros(moment)) == moment


def test_times_of_the_wire_are_exact_to_the_microsecond() -> None:
    assert moment_of(micros_of(at(0.123456).timestamp())) == at(0.123456)
