"""Batches: exactly once, gaps counted, no byte twice."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from cni.wire import MOST_ADDRESSES, NetworkReport, Outcome, Phase
from tests.contract.history.conftest import AnyHistory
from tests.support.batches import at, attachment, batch, move, sampled, status, traffic, uplink, wire_time
from tests.support.memory_history import MemoryHistory

DAY = (at(-43200), at(43200))


def gaps(history: AnyHistory, agent: str) -> tuple[int, int]:
    if isinstance(history, MemoryHistory):
        return history.gaps(agent)
    return next((known.gaps, known.missed) for known in history.stats().agents if known.identity == agent)


def test_a_batch_is_stored_once(history: AnyHistory) -> None:
    first = batch(1, uplinks=(uplink(0, 1, 100, 200),), attachments=(attachment(),))
    assert history.ingest(first) == 1
    assert history.ingest(first) == 1
    assert history.usage_totals(*DAY) == {"phynet0": (100, 200)}
    assert len(history.usage(*DAY)) == 1
    assert len(history.placement_spans(*DAY)) == 1


def test_a_sequence_seen_before_changes_nothing_whatever_it_says(history: AnyHistory) -> None:
    history.ingest(batch(5, uplinks=(uplink(0, 1, 100, 200),), attachments=(attachment(),)))
    assert history.ingest(batch(5, uplinks=(uplink(7, 1, 9, 9),), attachments=())) == 5
    assert history.ingest(batch(4, uplinks=(uplink(8, 1, 9, 9),), attachments=())) == 5
    assert history.usage_totals(*DAY) == {"phynet0": (100, 200)}
    assert len(history.attachments()) == 1


def test_once_holds_over_a_restart(reopen: Callable[[], AnyHistory]) -> None:
    reopen().ingest(batch(1, uplinks=(uplink(0, 1, 100, 200),)))
    again = reopen()
    assert again.ingest(batch(1, uplinks=(uplink(0, 1, 100, 200),))) == 1
    assert again.usage_totals(*DAY) == {"phynet0": (100, 200)}


def test_a_gap_is_counted_and_what_follows_it_stored(history: AnyHistory, caplog: pytest.LogCaptureFixture) -> None:
    history.ingest(batch(1))
    with caplog.at_level(logging.WARNING):
        assert history.ingest(batch(4, uplinks=(uplink(0, 1, 100, 200),))) == 4
        assert history.ingest(batch(5)) == 5
        assert history.ingest(batch(7)) == 7
    assert gaps(history, "n1/aaaa") == (2, 3)
    assert history.usage_totals(*DAY) == {"phynet0": (100, 200)}


def test_an_agents_first_batch_is_no_gap_whatever_its_number(history: AnyHistory) -> None:
    assert history.ingest(batch(1000)) == 1000
    assert gaps(history, "n1/aaaa") == (0, 0)


def test_agents_count_each_for_itself(history: AnyHistory) -> None:
    history.ingest(batch(9))
    assert history.ingest(batch(1, agent="n2/bbbb", node="n2", uplinks=(uplink(0, 1, 1, 2),))) == 1
    assert [row.node for row in history.usage(*DAY)] == ["n2"]


def test_time_that_a_restarted_agent_reports_again_counts_once(history: AnyHistory) -> None:
    history.ingest(batch(1, uplinks=(uplink(0, 10, 1000, 2000),), traffic=(traffic(0, 10, 1000, 2000),)))
    again = batch(1, agent="n1/new", uplinks=(uplink(5, 10, 1001, 0),), traffic=(traffic(5, 10, 1001, 0),))
    history.ingest(again)
    assert history.usage_totals(*DAY) == {"phynet0": (1000 + 501, 2000)}
    history.ingest(batch(2, attachments=(attachment(),)))
    assert history.attached(at(60), timedelta(seconds=15)).in_bps.tolist() == [pytest.approx(1501 * 8 / 15)]


def test_what_lies_between_stored_samples_is_not_lost(history: AnyHistory) -> None:
    history.ingest(batch(1, uplinks=(uplink(0, 2, 20, 0), uplink(4, 2, 20, 0))))
    history.ingest(batch(1, agent="n1/new", uplinks=(uplink(1, 4, 400, 0),)))
    assert [(row.start, row.seconds, row.in_bytes) for row in history.usage(*DAY)] == [
        (at(0), 2.0, 20),
        (at(2), 2.0, 200),
        (at(4), 2.0, 20),
    ]


def test_samples_of_one_batch_do_not_count_twice_either(history: AnyHistory) -> None:
    history.ingest(batch(1, uplinks=(uplink(0, 2, 20, 0), uplink(1, 2, 40, 0), uplink(0, 3, 99, 0))))
    assert history.usage_totals(*DAY) == {"phynet0": (40, 0)}


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(uplink(0, 0, 5, 5), id="no time"),
        pytest.param(uplink(0, -1, 5, 5), id="negative time"),
        pytest.param(uplink(0, float("nan"), 5, 5), id="no number"),
        pytest.param(uplink(0, 1, -5, 5), id="negative bytes"),
        pytest.param(uplink(0, 1, 2**70, 5), id="more than fits"),
        pytest.param(uplink(8e9, 1, 5, 5), id="of the year 2280"),
    ],
)
def test_an_impossible_sample_does_not_hold_up_its_batch(history: AnyHistory, broken: object) -> None:
    assert history.ingest(batch(1, uplinks=(broken, uplink(1, 1, 7, 8)))) == 1
    assert history.usage_totals(at(-43200), at(9e9)) == {"phynet0": (7, 8)}


def test_many_series_at_once(history: AnyHistory) -> None:
    samples = tuple(traffic(0, 1, n, n, workload=f"lab/w{n}") for n in range(1300))
    present = tuple(attachment(workload=f"lab/w{n}") for n in range(1300))
    history.ingest(batch(1, traffic=samples, attachments=present))
    assert history.ingest(batch(2, traffic=tuple(traffic(1, 1, 0, 0, workload=f"lab/w{n}") for n in range(1300)))) == 2
    loads = sampled(history.attached(at(60), timedelta(seconds=2)))
    expected = {f"n1 lab/w{n}:net1": (pytest.approx(n * 4.0), pytest.approx(n * 4.0)) for n in range(1300)}
    assert loads == expected


def test_a_report_replaces_the_nodes_present_set_and_only_its(history: AnyHistory) -> None:
    history.ingest(batch(1, attachments=(attachment(), attachment(workload="lab/w02"))))
    history.ingest(batch(1, agent="n2/b", node="n2", attachments=(attachment(workload="lab/w09"),)))
    report = attachment(network="cni:b", since=3.1234567, labels={"app": "web"}, do_not_move="true")
    history.ingest(batch(2, attachments=(report,)))
    assert [(known.node, known.report) for known in history.attachments()] == [
        ("n1", report),
        ("n2", attachment(workload="lab/w09")),
    ]
    history.ingest(batch(3))
    assert len(history.attachments()) == 2
    history.ingest(batch(4, attachments=()))
    assert [known.node for known in history.attachments()] == ["n2"]


def test_a_network_with_more_addresses_than_a_database_counts_has_many(history: AnyHistory) -> None:
    """An IPv6 network of /64: the whole node would never be heard again."""
    wide = NetworkReport(network="cni:six", physical_network="p", free_addresses=2**64 - 2)
    assert history.ingest(batch(1, networks=(wide,))) == 1
    assert [n.free_addresses for n in history.networks()] == [MOST_ADDRESSES]


def test_networks_are_those_last_reported(history: AnyHistory) -> None:
    first = (
        NetworkReport(network="cni:b", physical_network="p", free_addresses=3),
        NetworkReport(network="cni:a", physical_network=None),
    )
    history.ingest(batch(1, networks=first))
    assert [(n.node, n.network, n.physical_network, n.free_addresses) for n in history.networks()] == [
        ("n1", "cni:a", None, None),
        ("n1", "cni:b", "p", 3),
    ]
    history.ingest(batch(2, networks=first[:1]))
    assert [n.network for n in history.networks()] == ["cni:b"]


def test_a_batchs_switches_advance_moves(history: AnyHistory) -> None:
    history.record_move(move("m1"))
    done = status("m1", Phase.DONE, Outcome.MOVED, finished_at=wire_time(9.0))
    history.ingest(batch(1, switches=(status("m1", Phase.VERIFY), done)))
    assert history.open_moves() == []
    assert history.moves()[0].status == done
