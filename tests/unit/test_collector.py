"""When reference cycles are searched for: not in a tick, and then so that nothing stays for good."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from weakref import ReferenceType, ref

import pytest

from switcher.collector import WHOLE, Collector


class Ring:
    """Holds itself, as values of libraries do."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.enable()


def _left_in_a_tick(collector: Collector) -> ReferenceType[Ring]:
    with collector.waiting():
        return ref(Ring())


def test_nothing_is_searched_in_a_tick_and_what_it_left_right_after_it() -> None:
    collector = Collector()
    with collector.waiting():
        left = ref(Ring())
        assert not gc.isenabled()
        assert left() is not None
    assert left() is None
    assert gc.isenabled()


def test_what_was_in_use_at_the_end_of_a_tick_is_found_later() -> None:
    collector = Collector()
    with collector.waiting():
        used = Ring()
    left = ref(used)
    del used
    gc.collect(1)
    assert left() is not None, "it counts as old"
    for _ in range(WHOLE):
        _left_in_a_tick(collector)
    assert left() is None


def test_a_tick_that_fails_is_searched_too() -> None:
    collector = Collector()
    left: list[ReferenceType[Ring]] = []

    def fails() -> None:
        left.append(ref(Ring()))
        raise ValueError("away")

    with pytest.raises(ValueError, match="away"), collector.waiting():
        fails()
    assert left[0]() is None
    assert gc.isenabled()


def test_a_search_that_was_off_stays_off() -> None:
    gc.disable()
    left = _left_in_a_tick(Collector())
    assert left() is not None
    assert not gc.isenabled()
    gc.enable()
    gc.collect()
    assert left() is None
