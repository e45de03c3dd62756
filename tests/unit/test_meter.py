"""Bytes per interval from counters: contiguous, without overlap, whatever happens to link, clock and agent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni.sense.meter import Interval, Meter, Reading


def test_intervals_are_contiguous_and_count_what_came_in_between() -> None:
    meter = Meter()
    assert meter.account("eth2", 100.0, Reading(3, 1000, 2000)) is None, "its past is not ours"
    assert meter.account("eth2", 101.0, Reading(3, 1500, 2100)) == Interval(100.0, 1.0, 500, 100)
    assert meter.account("eth2", 103.0, Reading(3, 1500, 2400)) == Interval(101.0, 2.0, 0, 300)


def test_a_new_attachment_counts_from_its_birth() -> None:
    meter = Meter()
    assert meter.account("a", 100.0, Reading(7, 10, 20), born=99.5) == Interval(99.5, 0.5, 10, 20)


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(Reading(3, 50, 2500), id="rx went back"),
        pytest.param(Reading(3, 5000, 40), id="tx went back"),
        pytest.param(Reading(9, 5000, 6000), id="another link of that name"),
    ],
)
def test_a_counter_that_began_again_counts_from_zero(again: Reading) -> None:
    meter = Meter()
    meter.account("eth2", 100.0, Reading(3, 1000, 2000))
    assert meter.account("eth2", 101.0, again) == Interval(100.0, 1.0, again.in_bytes, again.out_bytes)


def test_a_restart_goes_on_where_the_last_agent_ended() -> None:
    before = Meter()
    before.account("eth2", 100.0, Reading(3, 1000, 2000))
    after = Meter(before.state())
    assert after.account("eth2", 160.0, Reading(3, 1600, 2000)) == Interval(100.0, 60.0, 600, 0)


def test_a_clock_set_back_loses_no_byte_and_overlaps_nothing() -> None:
    meter = Meter()
    meter.account("eth2", 100.0, Reading(3, 0, 0))
    assert meter.account("eth2", 90.0, Reading(3, 10, 0)) is None
    assert meter.account("eth2", 101.0, Reading(3, 30, 0)) == Interval(100.0, 1.0, 30, 0)


def test_what_is_gone_is_forgotten() -> None:
    meter = Meter()
    meter.account("a", 100.0, Reading(3, 0, 0))
    meter.keep_only({"b"})
    assert meter.index_of("a") is None


@given(
    st.lists(
        st.tuples(st.floats(-2, 5), st.integers(0, 10**12), st.integers(0, 10**12), st.booleans(), st.booleans()),
        max_size=30,
    )
)
def test_intervals_never_overlap_and_no_byte_is_lost(steps: list[tuple[float, int, int, bool, bool]]) -> None:
    meter = Meter()
    now, rx, tx, index = 1000.0, 0, 0, 1
    meter.account("x", now, Reading(index, rx, tx))
    end, counted, true, pending_reset = now, 0, 0, 0
    for seconds, more_in, more_out, restart, renew in steps:
        now += seconds
        if renew and pending_reset == 0:
            index, rx, tx = index + 1, 0, 0
        rx, tx = rx + more_in, tx + more_out
        true += more_in + more_out
        if restart:
            meter = Meter(meter.state())
        interval = meter.account("x", now, Reading(index, rx, tx))
        if interval is None:
            pending_reset += more_in + more_out  # what a link that is replaced carried unseen cannot be known
            continue
        assert interval.start == end
        assert interval.seconds > 0
        end = interval.start + interval.seconds
        counted += interval.in_bytes + interval.out_bytes
        pending_reset = 0
        assert counted == true
