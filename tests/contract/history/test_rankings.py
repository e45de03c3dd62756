"""Rankings: one leader writes them, every replica reads the last of a node."""

from __future__ import annotations

from collections.abc import Callable

from cni.wire import RankedNetwork, Ranking
from tests.contract.history.conftest import LEARNED, AnyHistory
from tests.support.batches import at, wire_time

DAY = 86_400.0


def ranking(node: str, seconds: float, *entries: RankedNetwork) -> Ranking:
    return Ranking(node=node, computed_at=wire_time(seconds), demand_bps=1234567.125, currency="USD", networks=entries)


WHOLE = RankedNetwork(
    network="cni:blue",
    physical_network="phynet0",
    rank=1,
    price_per_hour="3.4700000001",
    price_per_gb="0.085",
    congestion_per_gb="0.01",
    room_bps=-17.0,
    free_addresses=9,
    sampled_at=wire_time(0.25),
    latency_ms=1.5,
    sla="99.9",
)
BARRED = RankedNetwork(network="cni:größe", physical_network="phynet1", reason="UnknownPrice")


def test_a_ranking_comes_back_whole_to_every_replica(reopen: Callable[[], AnyHistory]) -> None:
    written = ranking("n1", 1.5, WHOLE, BARRED)
    reopen().record_rankings([written, ranking("n2", 1.5)])
    assert reopen().ranking("n1") == written
    assert reopen().ranking("n2") == ranking("n2", 1.5)


def test_a_node_that_was_never_ranked_has_none(history: AnyHistory) -> None:
    history.record_rankings([])
    assert history.ranking("n1") is None


def test_the_newest_counts_also_when_an_older_one_comes_late(history: AnyHistory) -> None:
    for seconds in (10, 30, 20):
        history.record_rankings([ranking("n1", seconds)])
    assert history.ranking("n1") == ranking("n1", 30)


def test_one_dated_ahead_of_the_clock_makes_way_for_what_is_decided_now(history: AnyHistory) -> None:
    now = (LEARNED - at(0)).total_seconds()
    for seconds in (now + 7200, now):
        history.record_rankings([ranking("n1", seconds)])
    assert history.ranking("n1") == ranking("n1", now)


def test_of_one_moment_the_later_stored_counts(history: AnyHistory) -> None:
    history.record_rankings([ranking("n1", 10)])
    history.record_rankings([ranking("n1", 10, WHOLE)])
    assert history.ranking("n1") == ranking("n1", 10, WHOLE)


def test_a_node_that_is_gone_keeps_its_last_for_a_day(history: AnyHistory) -> None:
    history.record_rankings([ranking("gone", 0), ranking("n1", 0)])
    history.record_rankings([ranking("n1", DAY - 1)])
    assert history.ranking("gone") == ranking("gone", 0)
    history.record_rankings([ranking("n1", DAY + 1)])
    assert history.ranking("gone") is None
