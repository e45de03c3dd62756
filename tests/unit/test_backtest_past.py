"""A record as arrays: where everyone was in each slot, to whom a load belongs, and what is said of what is missing."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from switcher.backtest.course import course
from switcher.backtest.past import NOT_THERE, Past, past_of
from switcher.backtest.record import Record, Span
from switcher.backtest.slotting import Sums, add_share, slot_bytes, slot_samples
from switcher.model import Uplink
from switcher.ports import AttachmentPath, KnownNetwork, PlacementSpan, SlotBytes
from switcher.simulate import account, run
from switcher.simulate.policy import Recorded
from switcher.simulate.world import Facts
from switcher.tariff import Stay
from tests.support.scenes import policy, threshold
from tests.support.worlds import GB_PER_SLOT, START, world

SLOT = timedelta(minutes=5)
SPAN = Span(start=START, end=START + 6 * SLOT, slot=SLOT)
BITS = 8 / 300
"""A byte in a slot, as bits per second."""
MINUTE = 60.0


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def stay(start: float, end: float | None, network: str = "a", **more: Any) -> PlacementSpan:
    fields = {"node": "n1", "workload": "w", "attachment": "net1", "physical_network": f"p{network}", **more}
    until = None if end is None else at(end)
    return PlacementSpan(network=network, start=at(start), end=until, **fields)


def carried(**slots: int) -> SlotBytes:
    """Bytes out by slot (``s0=...``), and half as many in."""
    numbers = [int(name[1:]) for name in slots]
    into = array("q", (count // 2 for count in slots.values()))
    return SlotBytes(slots=array("q", numbers), in_bytes=into, out_bytes=array("q", slots.values()))


def path(network: str = "a", node: str = "n1") -> AttachmentPath:
    return AttachmentPath(node, "w", "net1", network)


def past(spans: Sequence[PlacementSpan], *loads: tuple[AttachmentPath, SlotBytes], **more: Any) -> Past:
    fields: dict[str, Any] = {"networks": (), "uplinks": {}, "samples": (), **more}
    return past_of(Record(source="the test", spans=spans, attachments=loads, **fields), SPAN)


def where(found: Past, row: int = 0) -> list[str]:
    return [found.names[column] for column in found.places[:, row]]


def test_edges_of_stays_are_rounded_to_the_nearest_slot() -> None:
    """It is on a until 149 s after a slot's beginning, on b from 151 s after another's."""
    found = past([stay(0, 2 * 300 + 149), stay(2 * 300 + 149, 4 * 300 + 151, "b"), stay(4 * 300 + 151, None)])
    assert where(found) == ["a", "a", "b", "b", "b", "a"]
    assert found.present.all()


def test_who_is_away_is_where_it_was_before_or_where_it_appears() -> None:
    found = past([stay(300, 600), stay(1200, 1500, "b")])
    assert where(found) == ["a", "a", "a", "a", "b", "b"]
    assert found.present.tolist() == [[False, True, False, False, True, False]]
    assert NOT_THERE not in found.places


def test_what_was_carried_says_where_it_was_if_no_stay_does() -> None:
    found = past([stay(0, 300), stay(0, 1, "b")], (path("b"), carried(s3=1000, s4=0)))
    assert where(found) == ["a", "a", "a", "b", "b", "b"]
    assert found.present.tolist() == [[True, False, False, True, False, False]]
    assert found.out[0].tolist() == [0, 0, 0, 1000 * BITS, 0, 0]
    assert found.into[0, 3] == pytest.approx(500 * BITS)


def test_loads_on_two_networks_in_one_slot_add_up_and_belong_to_both_uplinks() -> None:
    loads = (path(), carried(s2=100)), (path("b"), carried(s2=50))
    uplinks = {Uplink("pa", "n1"): carried(s2=1000), Uplink("pb", "n1"): carried(s2=50)}
    found = past([stay(0, 700), stay(700, None, "b")], *loads, uplinks=uplinks)
    assert found.out[0, 2] == pytest.approx(150 * BITS)
    assert found.into[0, 2] == pytest.approx(75 * BITS)
    assert found.background[Uplink("pa", "n1")][1][2] == pytest.approx(900 * BITS)
    assert found.background[Uplink("pb", "n1")][1].tolist() == [0] * 6
    assert found.excess_percent == 0
    assert found.used == {Uplink("pa", "n1"), Uplink("pb", "n1")}


def test_all_attachments_of_an_uplink_are_taken_from_what_it_carried() -> None:
    loads = (path(), carried(s0=40)), (AttachmentPath("n1", "x", "net1", "a"), carried(s0=20, s1=4))
    uplinks = {Uplink("pa", "n1"): carried(s0=100, s1=10)}
    into, out = past([stay(0, None), stay(0, None, workload="x")], *loads, uplinks=uplinks).background[
        Uplink("pa", "n1")
    ]
    assert out.tolist() == pytest.approx([40 * BITS, 6 * BITS, 0, 0, 0, 0])
    assert into.tolist() == pytest.approx([20 * BITS, 3 * BITS, 0, 0, 0, 0])


def test_what_an_uplink_did_not_count_is_said_in_per_cent_of_all_that_was_carried() -> None:
    """300 bytes out and 150 in were carried; of one slot's 100 and 50 the uplink has 25 and 12."""
    uplinks = {Uplink("pa", "n1"): carried(s0=500, s1=25, s2=100)}
    found = past([stay(0, None)], (path(), carried(s0=100, s1=100, s2=100)), uplinks=uplinks)
    assert found.excess_percent == pytest.approx(100 * 113 / 450)
    assert found.background[Uplink("pa", "n1")][1].tolist() == pytest.approx([400 * BITS, 0, 0, 0, 0, 0])


def test_what_several_uplinks_did_not_count_adds_up() -> None:
    """Of 150 bytes on each, in and out, the first uplink lacks 90 and the second 30."""
    loads = (path(), carried(s0=100)), (AttachmentPath("n1", "x", "net1", "b"), carried(s0=100))
    uplinks = {Uplink("pa", "n1"): carried(s0=40), Uplink("pb", "n1"): carried(s0=80)}
    found = past([stay(0, None), stay(0, None, "b", workload="x")], *loads, uplinks=uplinks)
    assert found.excess_percent == pytest.approx(100 * (90 + 30) / 300)
    assert found.rides == {("n1", "a"): "pa", ("n1", "b"): "pb"}


def test_loads_of_who_was_never_placed_or_on_what_rides_on_nothing_are_left_out() -> None:
    stranger = AttachmentPath("n1", "stranger", "net1", "a"), carried(s0=100)
    free = PlacementSpan(
        node="n1", workload="w", attachment="net1", network="free", physical_network=None, start=at(0), end=None
    )
    found = past([stay(0, None), free, stay(60, 60)], stranger, (path("free"), carried(s1=100)))
    assert found.out.tolist() == [[0] * 6]
    assert found.used == {Uplink("pa", "n1")}
    assert [(each.start, each.end) for each in found.stays] == [(SPAN.start, SPAN.end)]


def test_two_nodes_with_one_workload_are_told_apart() -> None:
    found = past([stay(0, None), stay(0, None, node="n2"), stay(0, None, workload="x")])
    assert found.ids == ("w:net1@n1", "x:net1", "w:net1@n2")


def test_what_ended_before_or_begins_after_is_not_there() -> None:
    found = past([stay(-600, 0, workload="gone"), stay(1800, None, workload="coming"), stay(-9, 1801)])
    assert found.ids == ("w:net1",)
    assert found.stays == (Stay(attachment="w:net1@n1", network="pa", start=SPAN.start, end=SPAN.end),)
    assert past([stay(-600, 0, "x"), stay(1800, None, "y"), stay(0, None)]).used == {Uplink("pa", "n1")}


def test_who_was_there_for_less_than_half_a_slot_is_left_out_unless_it_carried_something() -> None:
    short = stay(0, 140, workload="short"), stay(0, None)
    assert past(short).ids == ("w:net1",)
    load = AttachmentPath("n1", "short", "net1", "a"), carried(s0=7)
    found = past(short, load)
    assert found.ids == ("short:net1", "w:net1")
    assert [each.end for each in past(short).stays] == [at(140), SPAN.end], "it is paid for"


def test_a_network_that_nothing_is_said_of_rides_on_an_uplink_of_its_name() -> None:
    unsaid = [stay(0, None, "cni:a", physical_network=None), stay(0, None, "b", physical_network=None, workload="x")]
    found = past(unsaid, uplinks={Uplink("a", "n1"): carried(s0=1)})
    assert (found.ids, found.rides) == (("w:net1",), {("n1", "cni:a"): "a"})
    said = KnownNetwork(node="n1", network="b", physical_network="pb", free_addresses=None)
    assert past(unsaid, networks=[said]).rides == {("n1", "b"): "pb"}
    nothing = KnownNetwork(node="n1", network="cni:a", physical_network=None, free_addresses=None)
    assert past(unsaid, networks=[said, nothing], uplinks={Uplink("a", "n1"): carried(s0=1)}).ids == ("x:net1",)


def test_gaps_of_attachments_are_within_their_stays_and_of_uplinks_anywhere() -> None:
    uplinks = {Uplink("pa", "n1"): carried(s0=1, s1=1, s4=1)}
    found = past([stay(300, 1500)], (path(), carried(s1=1, s2=1, s4=0)), uplinks=uplinks)
    times = [(gap.what, gap.start, gap.end) for gap in found.gaps]
    own = ("w:net1", at(900), at(1200))
    assert times == [("uplink pa of n1", at(600), at(1200)), ("uplink pa of n1", at(1500), at(1800)), own]
    derived = past([stay(300, 1500)], (path(), carried(s1=1, s2=1, s4=0)), uplinks=uplinks, measured=False)
    assert [gap.what for gap in derived.gaps] == ["w:net1"]


def test_what_is_known_of_a_workload_is_told_from_what_is_not() -> None:
    facts = {("w", "net1"): Facts(namespace="shop", labels={"app": "web"})}
    found = past([stay(0, None), stay(0, None, workload="lab/x")], facts=facts)
    assert [one.namespace for one in found.facts] == ["lab", "shop"]
    assert found.known_facts.tolist() == [False, True]


def test_networks_are_in_the_order_of_their_names_and_what_is_said_can_be_read_twice() -> None:
    names = [f"net{number}" for number in range(20)]
    short = stay(0, 140, workload="short")
    found = past([short, *(stay(0, None, name, workload=f"w-{name}") for name in reversed(names))])
    assert found.names == tuple(sorted([*names, "a"]))
    assert [list(found.gaps), list(found.facts)] == [list(found.gaps), list(found.facts)]
    assert (len(found.owners), len(found.facts), len(found.gaps)) == (20, 20, 20)


def test_how_far_the_reading_is_is_told_in_attachments() -> None:
    """Three series of two attachments: more cannot be read than there are."""
    loads = (path(), carried(s0=1)), (path("b"), carried(s1=1)), (AttachmentPath("n1", "x", "net1", "a"), carried(s0=1))
    spans = [stay(0, 300), stay(300, None, "b"), stay(0, None, workload="x")]
    record = Record(source="the test", spans=spans, attachments=loads, networks=(), uplinks={}, samples=())
    told: list[tuple[int, int]] = []
    past_of(record, SPAN, lambda done, of: told.append((done, of)))
    assert told == [(1, 2), (2, 2), (2, 2)]


def test_classes_are_those_of_the_facts_where_uplinks_have_any() -> None:
    facts = {("w", "net1"): Facts(namespace="shop", destination="internet")}
    place = Uplink("pa", "n1")
    classes = {(place, "internet"): carried(s0=100), (place, None): carried(s0=7)}
    fields: dict[str, Any] = {"facts": facts, "uplinks": {place: carried(s0=107)}}
    loads = path(), carried(s0=40)
    found = past([stay(0, None)], loads, classes=classes, **fields)
    assert {key: out[0] for key, (_, out) in found.foreign.items()} == pytest.approx(
        {(place, "internet"): 60 * BITS, (place, None): 7 * BITS}
    )
    assert [rates[0] for rates in found.background[place]] == pytest.approx([33 * BITS, 67 * BITS])
    unknown = past([stay(0, None)], loads, **fields)
    assert unknown.foreign == {}
    assert unknown.background[place][1][0] == pytest.approx(67 * BITS)


def test_nothing_and_too_much_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing was attached to a priced network in the test"):
        past([stay(-600, 0)])
    two = Record(
        source="",
        networks=(),
        spans=[stay(0, None), stay(0, None, "b", workload="x")],
        uplinks={},
        attachments=(),
        samples=(),
    )
    seconds = Span(start=START, end=START + timedelta(days=600), slot=timedelta(seconds=1))
    with pytest.raises(ValueError, match=r"2 attachments in 51,840,000 slots do not fit: choose a longer --slot"):
        past_of(two, seconds)


@pytest.mark.parametrize("count", [0, 1, 1000, 10**15 + 1])
@pytest.mark.parametrize(("start", "length"), [(0, 1800), (17, 301), (-450, 2600), (299.999999, 0.000002), (1700, 900)])
def test_shares_of_a_row_are_its_bytes_whole_and_cut_anywhere(count: int, start: float, length: float) -> None:
    whole: Sums = {}
    pieces: Sums = {}
    add_share(whole, SPAN, (at(start), at(start + length)), "out", Decimal(count))
    inside = (min(at(start + length), SPAN.end) - max(at(start), SPAN.start)) / (at(start + length) - at(start))
    assert sum(out for _, out in whole.values()) == pytest.approx(count * inside, abs=1)
    assert all(into == 0 for into, _ in whole.values())
    assert set(whole) == set(range(int(max(start, 0) // 300), int(-(-min(start + length, 1800) // 300))))
    half = at(start) + timedelta(seconds=length) / 2
    for edges, part in (((at(start), half), count // 2), ((half, at(start + length)), count - count // 2)):
        add_share(pieces, SPAN, edges, "in", Decimal(part))
    assert [each for each, _ in pieces.values()] == pytest.approx([each for _, each in whole.values()], abs=2)


def test_sums_and_rows_of_a_bill_hold_the_same_bytes() -> None:
    sums: Sums = {4: [5, 6], 1: [7, 0]}
    columns = slot_bytes(sums)
    assert (list(columns.slots), list(columns.in_bytes), list(columns.out_bytes)) == ([1, 4], [7, 5], [0, 6])
    rows = list(slot_samples({(Uplink("pa", "n1"), "internet"): columns}, SPAN))
    assert [(row.start, row.end, row.direction, row.bytes) for row in rows] == [
        (at(300), at(600), "in", 7),
        (at(300), at(600), "out", 0),
        (at(1200), at(1500), "in", 5),
        (at(1200), at(1500), "out", 6),
    ]
    assert {(row.network, row.node, row.destination) for row in rows} == {("pa", "n1", "internet")}


def test_a_course_ends_at_the_account_and_its_stretches_are_the_time() -> None:
    """Ten slots on a, then ten on b, where one of three slots of a is above shed."""
    out = np.array([[GB_PER_SLOT * (3 if slot % 3 == 0 else 1) for slot in range(20)]])
    seen = world(out, ["0.05", "0.02"], capacity=2 * GB_PER_SLOT, objects=(policy(), threshold()))
    trail = run(seen, Recorded(np.repeat([0, 1], 10)[:, None]), lambda: 0.0)
    found, whole = course(seen, trail), account(seen, trail)
    assert (len(found.times), found.times[-1]) == (20, START + 20 * SLOT)
    assert found.money[-1] == pytest.approx(float(whole.total))
    assert found.money[0] == pytest.approx(0.15)
    assert found.money[10] - found.money[9] == pytest.approx(0.02 + 0.01), "with the move"
    assert found.overloaded_percent == tuple(100.0 if slot % 3 == 0 else 0.0 for slot in range(20))
