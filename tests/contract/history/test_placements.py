"""Spans: when an attachment was on which network, as it follows from what nodes report."""

from __future__ import annotations

from switcher.model import Placement
from switcher.ports import PlacementSpan
from tests.contract.history.conftest import AnyHistory
from tests.support.batches import at, attachment, batch


def spans(history: AnyHistory, start: float = -86_400, end: float = 86_400) -> list[tuple[object, ...]]:
    return [(span.network, span.start, span.end) for span in history.placement_spans(at(start), at(end))]


def test_a_span_begins_when_the_attachment_came_onto_its_network(history: AnyHistory) -> None:
    history.ingest(batch(1, sent=10, attachments=(attachment("cni:a", since=4.5),)))
    assert history.placement_spans(at(0), at(60)) == [
        PlacementSpan(
            node="n1",
            workload="lab/w01",
            attachment="net1",
            network="cni:a",
            physical_network="phynet0",
            start=at(4.5),
            end=None,
        )
    ]


def test_it_ends_where_the_next_begins(history: AnyHistory) -> None:
    history.ingest(batch(1, sent=10, attachments=(attachment("cni:a", since=4.0),)))
    history.ingest(batch(2, sent=20, attachments=(attachment("cni:b", since=17.25, physical_network="phynet1"),)))
    history.ingest(batch(3, sent=30, attachments=(attachment("cni:b", since=17.25, physical_network="phynet1"),)))
    assert spans(history) == [("cni:a", at(4), at(17.25)), ("cni:b", at(17.25), None)]


def test_it_ends_when_the_attachment_is_gone(history: AnyHistory) -> None:
    history.ingest(batch(1, sent=10, attachments=(attachment(since=4.0), attachment(since=4.0, workload="lab/w02"))))
    history.ingest(batch(2, sent=20))
    history.ingest(batch(3, sent=30, attachments=(attachment(since=4.0),)))
    history.ingest(batch(4, sent=40, attachments=()))
    ends = {span.workload: span.end for span in history.placement_spans(at(0), at(60))}
    assert ends == {"lab/w01": at(40), "lab/w02": at(30)}


def test_another_nodes_report_ends_nothing(history: AnyHistory) -> None:
    history.ingest(batch(1, sent=10, attachments=(attachment(since=4.0),)))
    history.ingest(batch(1, sent=20, agent="n2/b", node="n2", attachments=()))
    assert spans(history) == [("cni:a", at(4), None)]


def test_the_same_name_anew_is_a_new_span(history: AnyHistory) -> None:
    history.ingest(batch(1, sent=10, attachments=(attachment(since=4.0),)))
    history.ingest(batch(2, sent=20, attachments=(attachment(since=15.0),)))
    assert spans(history) == [("cni:a", at(4), at(15)), ("cni:a", at(15), None)]


def test_it_may_come_back_after_it_was_gone(history: AnyHistory) -> None:
    history.ingest(batch(1, sent=10, attachments=(attachment(since=4.0),)))
    history.ingest(batch(2, sent=20, attachments=()))
    history.ingest(batch(3, sent=30, attachments=(attachment(since=25.0),)))
    assert spans(history) == [("cni:a", at(4), at(20)), ("cni:a", at(25), None)]


def test_a_network_that_now_rides_on_another_physical_network_counts_from_the_report(history: AnyHistory) -> None:
    history.ingest(batch(1, sent=10, attachments=(attachment(since=4.0),)))
    history.ingest(batch(2, sent=20, attachments=(attachment(since=4.0, physical_network="phynet1"),)))
    found = [(span.physical_network, span.start, span.end) for span in history.placement_spans(at(0), at(60))]
    assert found == [("phynet0", at(4), at(20)), ("phynet1", at(20), None)]


def test_a_node_whose_clock_went_back_makes_no_negative_span(history: AnyHistory) -> None:
    history.ingest(batch(1, sent=10, attachments=(attachment(since=8.0),)))
    history.ingest(batch(2, sent=5, attachments=()))
    assert spans(history) == []


def test_only_spans_that_touch_the_period_are_found(history: AnyHistory) -> None:
    history.ingest(batch(1, sent=10, attachments=(attachment("cni:a", since=0.0),)))
    history.ingest(batch(2, sent=20, attachments=(attachment("cni:b", since=10.0),)))
    history.ingest(batch(3, sent=30, attachments=(attachment("cni:c", since=20.0),)))
    assert [network for network, *_ in spans(history, 10, 20)] == ["cni:b"]
    assert [network for network, *_ in spans(history, 9.999999, 20.000001)] == ["cni:a", "cni:b", "cni:c"]
    assert spans(history, -10, 0) == []


def test_placements_are_by_id_oldest_first_and_reach_back_as_asked(history: AnyHistory) -> None:
    other = attachment("cni:z", since=1.0, workload="lab/w00")
    history.ingest(batch(1, sent=10, attachments=(attachment("cni:a", since=0.0), other)))
    history.ingest(batch(2, sent=20, attachments=(attachment("cni:b", since=10.0), other)))
    history.ingest(batch(3, sent=30, attachments=(attachment("cni:a", since=20.0), other)))
    assert history.placements(at(10)) == {
        "lab/w00:net1": (Placement(network="cni:z", since=at(1)),),
        "lab/w01:net1": (Placement(network="cni:b", since=at(10)), Placement(network="cni:a", since=at(20))),
    }


def test_changes_are_the_placements_of_those_that_came_or_moved_since(history: AnyHistory) -> None:
    lasting, leaves = attachment("cni:z", since=1.0, workload="lab/w00"), attachment(since=2.0, workload="lab/w02")
    history.ingest(batch(1, sent=10, attachments=(attachment("cni:a", since=0.0), lasting, leaves)))
    came = attachment("cni:z", since=25.0, workload="lab/w03")
    history.ingest(batch(2, sent=30, attachments=(attachment("cni:b", since=20.0), lasting, came)))
    every = history.placements(at(10))
    assert history.changes(at(10)) == {name: every[name] for name in ("lab/w01:net1", "lab/w02:net1", "lab/w03:net1")}
    assert set(history.changes(at(22))) == {"lab/w02:net1", "lab/w03:net1"}


def test_where_a_workload_was_on_a_node_before_is_no_move(history: AnyHistory) -> None:
    """The node is gone, and the pod was made again elsewhere, on another network; there it was switched once."""
    history.ingest(batch(1, sent=10, attachments=(attachment("cni:a", since=4.0),)))
    history.ingest(batch(1, agent="n2/a", node="n2", sent=60, attachments=(attachment("cni:b", since=50.0),)))
    made_again = (Placement(network="cni:b", since=at(50)),)
    for since in (0, 20):
        assert history.placements(at(since)) == history.changes(at(since)) == {"lab/w01:net1": made_again}
    history.ingest(batch(2, agent="n2/a", node="n2", sent=90, attachments=(attachment("cni:c", since=80.0),)))
    moved = {"lab/w01:net1": (*made_again, Placement(network="cni:c", since=at(80)))}
    assert history.changes(at(20)) == history.placements(at(20)) == moved
