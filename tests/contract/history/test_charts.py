"""A chart's line: as many points as asked for, means that are right at every resolution."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.migrate import upgrade
from switcher.keeping import Keep, cutoffs
from tests.support.batches import at, batch, uplink

HOUR = 3600


@pytest.fixture
def history(url: str) -> Iterator[SqlHistory]:
    """Two nodes for three hours: one carries 8 Mbps in, the other 2 Mbps, and is silent in the second hour."""
    upgrade(url)
    found = SqlHistory.open(url)
    for node, into, hours in (("n1", 10**6, (0, 1, 2)), ("n2", 250_000, (0, 2))):
        samples = tuple(uplink(hour * HOUR + 30 * n, 30, 30 * into, 30) for hour in hours for n in range(120))
        found.ingest(batch(1, agent=node, node=node, sent=3 * HOUR + 200, uplinks=samples))
    yield found
    found.close()


@pytest.mark.parametrize(("points", "step"), [(3, 3600), (40, 300), (100, 120), (360, 30), (2, 7200)])
def test_the_step_is_of_the_coarsest_unit_that_gives_so_many_points(
    history: SqlHistory, points: int, step: int
) -> None:
    for _ in range(2):
        line = history.series("phynet0", "n1", at(0), at(3 * HOUR), points)
        assert line.step == timedelta(seconds=step)
        assert len(line.points) == -(-3 * HOUR // step)
        assert {point.in_bps for point in line.points} == {8e6}
        assert {point.capacity_bps for point in line.points} == {100e6}
        history.look_after(at(3 * HOUR + 200), cutoffs(Keep(), (), at(3 * HOUR + 200)))


def test_silence_of_a_node_is_left_out_and_of_a_network_is_idle(history: SqlHistory) -> None:
    alone = history.series("phynet0", "n2", at(0), at(3 * HOUR), 3).points
    assert [(point.start, point.in_bps) for point in alone] == [(at(0), 2e6), (at(2 * HOUR), 2e6)]
    whole = history.series("phynet0", None, at(0), at(3 * HOUR), 3).points
    assert [point.in_bps for point in whole] == [10e6, 8e6, 10e6]


def test_old_time_is_drawn_from_the_sums_that_are_left(history: SqlHistory) -> None:
    history.prune(at(3 * HOUR))
    line = history.series("phynet0", "n1", at(0), at(HOUR), 3600)
    assert line.step == timedelta(seconds=1)
    assert {round(point.in_bps) for point in line.points} == {8_000_000}


@pytest.mark.parametrize(("start", "end", "points"), [(0, 0, 5), (60, 0, 5), (0, 60, 0)])
def test_nothing_to_draw_is_refused(history: SqlHistory, start: float, end: float, points: int) -> None:
    with pytest.raises(ValueError, match="points"):
        history.series("phynet0", None, at(start), at(end), points)


def test_an_unknown_network_is_an_empty_line(history: SqlHistory) -> None:
    assert history.series("none", None, at(0), at(HOUR), 10).points == ()
