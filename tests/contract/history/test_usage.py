"""Bytes in a period: exact, whatever the edges, and still there when the samples are pruned."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import msgspec
import pytest

from switcher.ports import UsageRow
from tests.contract.history.conftest import AnyHistory
from tests.support.batches import at, attachment, batch, sampled, traffic, uplink, wire_time

HOUR = 3600


def test_rows_are_the_samples_that_touch_the_period(history: AnyHistory) -> None:
    history.ingest(batch(1, uplinks=tuple(uplink(n, 1, n, 10 * n) for n in range(5))))
    assert [row.start for row in history.usage(at(1), at(3))] == [at(1), at(2)]
    assert [row.start for row in history.usage(at(0.5), at(3.5))] == [at(0), at(1), at(2), at(3)]
    assert history.usage(at(-9), at(0)) == []
    assert history.usage(at(5), at(99)) == []
    assert history.usage(at(2), at(3)) == [
        UsageRow(start=at(2), seconds=1.0, physical_network="phynet0", node="n1", in_bytes=2, out_bytes=20)
    ]


def test_a_sample_longer_than_the_period_touches_it(history: AnyHistory) -> None:
    history.ingest(batch(1, uplinks=(uplink(0, 300, 3000, 0), uplink(300, 1, 5, 5))))
    assert [row.start for row in history.usage(at(100), at(110))] == [at(0)]
    assert history.usage_totals(at(100), at(110)) == {"phynet0": (100, 0)}


def test_rows_are_oldest_first_over_all_uplinks(history: AnyHistory) -> None:
    history.ingest(batch(1, uplinks=(uplink(0, 1, 1, 0), uplink(1, 1, 1, 0), uplink(0, 1, 1, 0, physical_network="p"))))
    history.ingest(batch(1, agent="n0/b", node="n0", uplinks=(uplink(1, 1, 1, 0),)))
    rows = [(row.start, row.node, row.physical_network) for row in history.usage(at(0), at(60))]
    assert rows == [(at(0), "n1", "p"), (at(0), "n1", "phynet0"), (at(1), "n0", "phynet0"), (at(1), "n1", "phynet0")]


def test_totals_add_all_nodes_and_take_a_share_at_the_edges(history: AnyHistory) -> None:
    history.ingest(batch(1, uplinks=(uplink(0, 4, 400, 40), uplink(4, 4, 800, 80, physical_network="phynet1"))))
    history.ingest(batch(1, agent="n2/b", node="n2", uplinks=(uplink(0, 4, 4, 4),)))
    assert history.usage_totals(at(1), at(6)) == {"phynet0": (303, 33), "phynet1": (400, 40)}


@pytest.mark.parametrize("edge", [0.9, 1799.9, HOUR, HOUR + 0.3, 2 * HOUR, 2 * HOUR + 17, 3 * HOUR - 1])
def test_periods_that_follow_each_other_add_up_to_the_byte(history: AnyHistory, edge: float) -> None:
    samples = [uplink(0.7 + n * 607, 607, 7_919 * n + 1, 104_729 * n + 3) for n in range(18)]
    history.ingest(batch(1, uplinks=tuple(samples)))
    before = history.usage_totals(at(-1), at(edge))["phynet0"]
    after = history.usage_totals(at(edge), at(4 * HOUR))["phynet0"]
    whole = (sum(sample.in_bytes for sample in samples), sum(sample.out_bytes for sample in samples))
    assert tuple(a + b for a, b in zip(before, after, strict=True)) == whole
    assert history.usage_totals(at(-1), at(4 * HOUR)) == {"phynet0": whole}


def test_totals_of_whole_hours_outlive_the_samples(history: AnyHistory) -> None:
    samples = tuple(uplink(600 * n, 600, 1000, 10) for n in range(18))
    history.ingest(batch(1, uplinks=samples, traffic=(traffic(0, 600, 1, 1),), attachments=(attachment(),)))
    assert history.prune(at(2 * HOUR)) == 13
    assert len(history.usage(at(0), at(3 * HOUR))) == 6
    assert sampled(history.attached(at(9 * HOUR), at(1) - at(0))) == {}
    assert history.usage_totals(at(0), at(3 * HOUR)) == {"phynet0": (18_000, 180)}
    assert history.prune(at(2 * HOUR)) == 0


def test_pruned_time_takes_new_samples_of_the_same_attachment(history: AnyHistory) -> None:
    history.ingest(batch(1, traffic=(traffic(0, 1, 1000, 0),), attachments=()))
    assert history.prune(at(60)) == 1
    history.ingest(batch(2, traffic=(traffic(60, 1, 500, 0),), attachments=(attachment(),)))
    assert history.attached(at(99), at(30) - at(0)).in_bps.tolist() == [pytest.approx(4000)]


def test_samples_that_follow_one_another_leave_no_time_between_them(history: AnyHistory) -> None:
    """Times of a real clock are no whole microseconds: an end is stored as the start of the next sample is."""
    chance, moment, samples = Random(1), wire_time(0.123_456_7), []
    for _ in range(200):
        end = moment + 10 + chance.gauss(0, 0.01)
        samples.append(msgspec.structs.replace(uplink(0, end - moment, 1, 1), start=moment))
        moment = end
    history.ingest(batch(1, uplinks=tuple(samples)))
    rows = history.usage(at(-60), at(3600))
    ends = [row.start + timedelta(seconds=row.seconds) for row in rows]
    assert len(rows) == 200
    assert ends[:-1] == [row.start for row in rows[1:]]
