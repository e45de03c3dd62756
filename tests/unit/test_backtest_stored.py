"""The past from a history, as values: what is known of workloads, and which rows the bill is made from."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from switcher.backtest.kept import Kept, kept_objects
from switcher.backtest.record import Record, Span
from switcher.backtest.stored import read_history
from switcher.model import Uplink
from switcher.ports import ObjectVersion, RemovedObject, StoredObject
from tests.support.batches import at, attachment, batch, traffic, uplink, wire_time
from tests.support.memory_history import MemoryHistory

HOUR = 3600
VALID = at(-HOUR).isoformat()
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
    document = {"kind": kind, "metadata": {"name": name}, "spec": {"price": price, "validFrom": VALID, **spec}}
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
        for one in kept_objects(history, SPAN).billed
    ]
    assert sorted(found, key=lambda each: each[:2]) == [
        ("p", "6", None),
        ("said", "4", told),
        ("t", "1", at(-60).isoformat()),
        ("t", "2", at(HOUR).isoformat()),
    ]


def kept(*versions: ObjectVersion) -> Kept:
    history = MemoryHistory(lambda: at(0))
    for one in versions:
        history.store_objects([one])
    return kept_objects(history, SPAN)


def removed(name: str, recorded: float, kind: str = "Tariff") -> RemovedObject:
    return RemovedObject(kind=kind, name=name, recorded_at=at(recorded))


def lists(found: Kept) -> list[tuple[str, str | None]]:
    """Prices of the bill and until when they are valid."""
    return [(one["spec"]["price"], one["spec"].get("validTo")) for one in found.billed if one["kind"] == "Tariff"]


def in_force(found: Kept) -> dict[float, str]:
    """By second, the prices of all objects."""
    return {
        (since - at(0)).total_seconds(): "".join(str(one["spec"]["price"]) for one in documents)
        for since, documents in found.in_force
    }


def test_every_version_is_in_force_from_when_it_was_known_until_the_next_one() -> None:
    found = kept(
        stored("p", "1", -60, kind="SwitchPolicy"),
        stored("t", "2", -60),
        stored("p", "3", 1000, kind="SwitchPolicy"),
        removed("t", 2000),
        removed("p", 3000, kind="SwitchPolicy"),
        stored("t", "4", 4000),
        stored("t", "5", 3 * HOUR),
    )
    assert in_force(found) == {0: "12", 1000: "32", 2000: "3", 3000: "", 4000: "4"}


def test_of_several_changes_in_a_slot_the_last_is_in_force_after_it() -> None:
    """One at an edge is in force in the slot that begins there; one in the last slot only ends what it takes away."""
    times = {"1": -60, "2": 10, "3": 290, "4": 300, "5": 600, "6": 2 * HOUR - 1}
    found = kept(*(stored("t", price, recorded) for price, recorded in times.items()))
    assert in_force(found) == {0: "1", 300: "4", 600: "5", 2 * HOUR - 1: "6"}
    assert len(lists(found)) == 6


def test_a_list_that_was_taken_away_is_billed_until_then() -> None:
    found = kept(
        stored("t", "1", -60),
        stored("u", "2", -60, validTo=at(500).isoformat()),
        stored("v", "3", -60, validFrom=at(HOUR).isoformat()),
        *(removed(name, 1000) for name in "tuv"),
    )
    assert lists(found) == [("1", at(1000).isoformat()), ("2", at(500).isoformat())]  # the third never was valid


def test_a_list_that_comes_back_counts_all_the_time_again() -> None:
    found = kept(stored("t", "1", -60), removed("t", 1000), stored("t", "1", 2000))
    assert lists(found) == [("1", at(1000).isoformat()), ("1", None)]


def test_an_object_that_becomes_a_list_of_another_contract_ends_that_of_its_own() -> None:
    found = kept(stored("t", "1", -60), stored("t", "2", 900), stored("t", "3", 1000, contract="c"))
    assert lists(found) == [("1", None), ("2", at(1000).isoformat()), ("3", None)]


def test_a_list_that_was_corrected_under_its_own_recorded_at_counts_as_corrected() -> None:
    said = at(-HOUR).isoformat()
    assert lists(kept(*(stored("t", price, float(price), recordedAt=said) for price in "12"))) == [("2", None)]
