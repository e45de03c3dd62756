"""The past from a history, as values: what is known of workloads, and which rows the bill is made from."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from switcher.backtest.record import Record, Span
from switcher.backtest.stored import read_history, stored_objects
from switcher.model import Uplink
from switcher.ports import StoredObject
from tests.support.batches import at, attachment, batch, traffic, uplink, wire_time
from tests.support.memory_history import MemoryHistory

HOUR = 3600
SPAN = Span(start=at(0), end=at(2 * HOUR), slot=timedelta(minutes=5))


def filled(*more: Any) -> MemoryHistory:
    """Two hours of an uplink by the minute, and of one attachment."""
    history = MemoryHistory(lambda: at(0))
    minutes = range(0, 2 * HOUR, 60)
    samples = tuple(uplink(at_, 60, 60, 6, latency_ms=3.0 if at_ else None) for at_ in minutes)
    own = tuple(traffic(at_, 60, 30, 3) for at_ in minutes)
    history.ingest(batch(1, uplinks=samples, traffic=own, attachments=more or (attachment(),)))
    return history


def shown(record: Record) -> tuple[int, int, list[str]]:
    """Rows of the bill, their bytes, and notes."""
    return len(record.samples), int(sum(row.bytes for row in record.samples)), list(record.notes)


def test_a_short_past_is_billed_by_its_samples_and_a_long_one_by_sums_which_is_said() -> None:
    whole = 120 * 66
    assert shown(read_history(filled(), SPAN)) == (240, whole, [])
    assert shown(read_history(filled(), SPAN, most_rows=120)) == (240, whole, [])
    rows, carried, (note,) = shown(read_history(filled(), SPAN, most_rows=119))
    assert (rows, carried) == (48, whole)
    assert note == "what was paid is computed from sums over 0:05:00: a price that changes inside one is spread over it"


def test_an_uplink_has_the_capacity_and_the_latency_that_were_measured() -> None:
    history = filled()
    history.ingest(batch(2, uplinks=(uplink(0, 60, 1, 1, physical_network="unmeasured", capacity_bps=5e6),)))
    record = read_history(history, SPAN)
    capacities = {(place.physical_network, place.node): bps for place, bps in record.capacity_bps.items()}
    assert capacities == {("phynet0", "n1"): 100e6, ("unmeasured", "n1"): 5e6}
    assert record.latency_ms == {Uplink("phynet0", "n1"): pytest.approx(3.0)}


def test_what_selectors_see_is_known_of_what_exists() -> None:
    record = read_history(filled(attachment(labels={"app": "web"}, primary=True, do_not_move="5m")), SPAN)
    facts = record.facts["lab/w01", "net1"]
    assert (facts.namespace, dict(facts.labels), facts.primary) == ("lab", {"app": "web"}, True)
    assert not facts.do_not_move, "a duration has passed some day"
    held = read_history(filled(attachment(do_not_move="true")), SPAN)
    assert held.facts["lab/w01", "net1"].do_not_move


@pytest.mark.parametrize(("first", "last"), [("n1", "n2"), ("n2", "n1")])
def test_of_two_nodes_that_claim_a_workload_the_one_counts_where_it_started_last(first: str, last: str) -> None:
    history = MemoryHistory(lambda: at(0))
    for node, started in ((first, 0.0), (last, 30.0)):
        report = attachment(started=wire_time(started), labels={"on": node})
        history.ingest(batch(1, node=node, agent=f"{node}/a", attachments=(report,)))
    assert read_history(history, SPAN).facts["lab/w01", "net1"].labels == {"on": last}


def stored(name: str, price: str, recorded: float, kind: str = "Tariff", **spec: Any) -> StoredObject:
    document = {"kind": kind, "metadata": {"name": name}, "spec": {"price": price, **spec}}
    return StoredObject(kind=kind, name=name, document=document, recorded_at=at(recorded))


def test_prices_count_as_known_from_when_they_were_stored_or_say() -> None:
    history = MemoryHistory(lambda: at(0))
    told = "2026-11-01T00:00:00+00:00"
    for one in (
        stored("t", "1", -60),
        stored("t", "2", HOUR),
        stored("t", "3", 3 * HOUR),
        stored("said", "4", -60, recordedAt=told),
        stored("p", "5", -60, kind="SwitchPolicy"),
        stored("p", "6", HOUR, kind="SwitchPolicy"),
    ):
        history.store_objects([one])
    found = [
        (one["metadata"]["name"], one["spec"]["price"], one["spec"].get("recordedAt"))
        for one in stored_objects(history, SPAN)
    ]
    assert sorted(found, key=lambda each: each[:2]) == [
        ("p", "6", None),
        ("said", "4", told),
        ("t", "1", at(-60).isoformat()),
        ("t", "2", at(HOUR).isoformat()),
    ]
