"""How long a drain waits and when it is quiet, by the clock alone: time in which nothing ran counts for nobody."""

from __future__ import annotations

import pytest

from cni.switch.draining import Quiet, Watch


class Clock:
    """A clock that is set by hand; seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Counter:
    """Packets heard, as read from the kernel: reading takes ``takes`` seconds."""

    def __init__(self, clock: Clock) -> None:
        self.packets = 0
        self.takes = 0.0
        self._clock = clock

    def __call__(self) -> int:
        self._clock.now += self.takes
        return self.packets


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_what_passes_from_look_to_look_adds_up(clock: Clock) -> None:
    watch = Watch(1.0, clock)
    assert watch.look() == 0
    for _ in range(6):
        clock.now += 0.25
        watch.look()
    assert watch.seconds == 1.5


def test_a_time_in_which_everything_stood_still_counts_as_one_round(clock: Clock) -> None:
    watch = Watch(1.0, clock)
    watch.look()
    clock.now += 3600
    assert watch.look() == 1


def test_it_is_quiet_after_the_silence_that_was_asked_for(clock: Clock) -> None:
    heard = Counter(clock)
    quiet = Quiet(heard, 1.0, Watch(0.25, clock))
    said = []
    for packets in (5, 9, 9, 9, 9, 9, 9):
        heard.packets = packets
        said.append(quiet.over())
        clock.now += 0.25
    assert said == [False, False, False, False, False, True, True]


def test_no_silence_is_asked_for(clock: Clock) -> None:
    assert Quiet(Counter(clock), 0.0, Watch(0.25, clock)).over()


def test_a_machine_that_stood_still_was_not_quiet(clock: Clock) -> None:
    quiet = Quiet(Counter(clock), 0.3, Watch(0.25, clock))
    quiet.over()
    clock.now += 14
    assert not quiet.over()
    clock.now += 0.25
    assert quiet.over()


def test_the_time_that_reading_the_counter_takes_is_no_silence(clock: Clock) -> None:
    heard = Counter(clock)
    quiet = Quiet(heard, 0.3, Watch(1.0, clock))
    heard.takes = 5.0  # what came in these seconds is in what was read
    assert not quiet.over()
    clock.now += 0.25
    heard.takes = 0.0
    assert not quiet.over()
    clock.now += 0.25
    assert quiet.over()
