"""The newest loads: means over a window, of whatever was sampled last."""

from __future__ import annotations

from datetime import timedelta

import pytest

from switcher.ports import UplinkLoad
from tests.contract.history.conftest import AnyHistory
from tests.support.batches import at, attachment, batch, sampled, traffic, uplink

WINDOW = timedelta(seconds=10)


def test_nothing_sampled_is_no_load(history: AnyHistory) -> None:
    history.ingest(batch(1, attachments=(attachment(),)))
    assert history.uplink_loads(at(60), WINDOW) == []
    assert sampled(history.attached(at(60), WINDOW)) == {}


def test_an_uplinks_load_is_the_mean_over_the_window_before_its_newest_sample(history: AnyHistory) -> None:
    history.ingest(
        batch(
            1,
            uplinks=(
                uplink(0, 5, 999_999, 999_999, latency_ms=900.0),
                uplink(5, 6, 6000, 600, latency_ms=10.0, loss=0.02, capacity_bps=1e6),
                uplink(11, 5, 1250, 250, latency_ms=None, loss=0.04, capacity_bps=2e6),
            ),
        )
    )
    (load,) = history.uplink_loads(at(60), WINDOW)
    # The window is [6, 16): five sixths of the second sample, and the third.
    assert load == UplinkLoad(
        physical_network="phynet0",
        node="n1",
        capacity_bps=2e6,
        in_bps=pytest.approx((5000 + 1250) * 8 / 10),
        out_bps=pytest.approx((500 + 250) * 8 / 10),
        sampled_at=at(16),
        latency_ms=pytest.approx(10.0),
        loss=pytest.approx(0.03),
    )


def test_missing_time_is_not_idle_time(history: AnyHistory) -> None:
    history.ingest(batch(1, uplinks=(uplink(0, 1, 1000, 0), uplink(8, 1, 3000, 0))))
    (load,) = history.uplink_loads(at(60), WINDOW)
    assert load.in_bps == pytest.approx(4000 * 8 / 2)


def test_one_sample_longer_than_the_window_counts(history: AnyHistory) -> None:
    history.ingest(batch(1, uplinks=(uplink(0, 300, 300_000, 0),)))
    (load,) = history.uplink_loads(at(600), WINDOW)
    assert (load.in_bps, load.sampled_at) == (pytest.approx(8000), at(300))


def test_an_old_load_stays_the_newest_and_says_when(history: AnyHistory) -> None:
    history.ingest(batch(1, uplinks=(uplink(0, 1, 1000, 0),)))
    (load,) = history.uplink_loads(at(86_400), WINDOW)
    assert load.sampled_at == at(1)


def test_at_a_past_moment_only_what_was_sampled_by_then_counts(history: AnyHistory) -> None:
    samples = tuple(uplink(n, 1, 1000 * n, 0) for n in range(4))
    own = tuple(traffic(n, 1, 1000 * n, 0) for n in range(4))
    history.ingest(batch(1, uplinks=samples, traffic=own, attachments=(attachment(),)))
    (load,) = history.uplink_loads(at(2.5), timedelta(seconds=1))
    other = history.attached(at(2.5), timedelta(seconds=1))
    assert (load.in_bps, load.sampled_at) == (pytest.approx(8000), at(2))
    assert other.in_bps.tolist() == [pytest.approx(8000)]
    assert history.uplink_loads(at(0.5), WINDOW) == []


def test_every_uplink_of_every_node_has_its_own(history: AnyHistory) -> None:
    history.ingest(batch(1, uplinks=(uplink(0, 1, 1, 0), uplink(0, 2, 4, 0, physical_network="phynet1"))))
    history.ingest(batch(1, agent="n2/b", node="n2", uplinks=(uplink(5, 1, 3, 0),)))
    loads = [
        (load.node, load.physical_network, load.in_bps, load.sampled_at) for load in history.uplink_loads(at(9), WINDOW)
    ]
    assert loads == [
        ("n1", "phynet0", pytest.approx(8), at(1)),
        ("n1", "phynet1", pytest.approx(16), at(2)),
        ("n2", "phynet0", pytest.approx(24), at(6)),
    ]


def test_only_attachments_that_exist_have_a_load(history: AnyHistory) -> None:
    gone = traffic(0, 1, 1000, 0, workload="lab/gone")
    history.ingest(batch(1, traffic=(gone, traffic(0, 1, 500, 250)), attachments=(attachment(),)))
    loads = sampled(history.attached(at(9), WINDOW))
    assert loads == {"n1 lab/w01:net1": (pytest.approx(4000), pytest.approx(2000))}


def test_a_moved_attachments_load_is_over_all_its_networks(history: AnyHistory) -> None:
    samples = (traffic(0, 4, 4000, 0), traffic(4, 4, 8000, 0, network="cni:b"))
    history.ingest(batch(1, traffic=samples, attachments=(attachment("cni:b", since=4.0),)))
    assert history.attached(at(60), WINDOW).in_bps.tolist() == [pytest.approx(12_000 * 8 / 8)]


def test_time_that_both_links_cover_during_a_switch_counts_once(history: AnyHistory) -> None:
    samples = (
        traffic(0, 2, 2000, 0),
        traffic(2, 2, 500, 0),
        traffic(2.5, 1.5, 1500, 0, network="cni:b"),
        traffic(4, 1, 1000, 0, network="cni:b"),
        traffic(4.25, 0.5, 0, 0),
    )
    history.ingest(batch(1, traffic=samples, attachments=(attachment("cni:b", since=2.5),)))
    assert history.attached(at(60), WINDOW).in_bps.tolist() == [pytest.approx(5000 * 8 / 5)]


def test_a_workload_seen_on_two_nodes_is_not_mixed_up(history: AnyHistory) -> None:
    history.ingest(batch(1, traffic=(traffic(0, 1, 1000, 0),), attachments=(attachment(),)))
    other = batch(1, agent="n2/b", node="n2", traffic=(traffic(1, 1, 9000, 0),), attachments=(attachment(),))
    history.ingest(other)
    loads = sampled(history.attached(at(60), WINDOW))
    expected = {"n1 lab/w01:net1": pytest.approx(8000), "n2 lab/w01:net1": pytest.approx(72_000)}
    assert {name: into for name, (into, _) in loads.items()} == expected
