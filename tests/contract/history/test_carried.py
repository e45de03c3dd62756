"""What a backtest reads: bytes by slot of each uplink and attachment, to the byte whatever the samples' edges."""

from __future__ import annotations

from datetime import timedelta

import pytest

from switcher.model import Uplink
from switcher.ports import AttachmentPath, SlotBytes
from tests.contract.history.conftest import AnyHistory
from tests.support.batches import at, batch, traffic, uplink

SLOT = timedelta(seconds=300)


def columns(carried: SlotBytes) -> list[tuple[int, int, int]]:
    return list(zip(carried.slots, carried.in_bytes, carried.out_bytes, strict=True))


def test_samples_of_a_slot_are_summed_and_slots_without_any_left_out(history: AnyHistory) -> None:
    history.ingest(batch(1, uplinks=(uplink(0, 60, 1, 10), uplink(60, 240, 2, 20), uplink(600, 300, 4, 40))))
    found = [(owner, columns(carried)) for owner, carried in history.uplink_slots(at(0), at(900), SLOT)]
    assert found == [(Uplink("phynet0", "n1"), [(0, 3, 30), (2, 4, 40)])]


def test_a_sample_over_an_edge_is_shared_and_nothing_is_lost(history: AnyHistory) -> None:
    history.ingest(batch(1, uplinks=(uplink(0, 1000, 1001, 7), uplink(1000, 200, 11, 13))))
    ((_, carried),) = history.uplink_slots(at(0), at(1200), SLOT)
    assert [into for _, into, _ in columns(carried)] == [300, 300, 300, 112]
    assert sum(out for *_, out in columns(carried)) == 20


def test_what_lies_outside_the_period_is_left_out(history: AnyHistory) -> None:
    history.ingest(batch(1, uplinks=(uplink(-300, 300, 5, 5), uplink(0, 600, 600, 0), uplink(600, 300, 9, 9))))
    ((_, carried),) = history.uplink_slots(at(300), at(600), SLOT)
    assert columns(carried) == [(0, 300, 0)]
    assert list(history.uplink_slots(at(3000), at(3300), SLOT)) == []


def test_attachments_come_by_the_network_that_they_were_on(history: AnyHistory) -> None:
    later = traffic(300, 300, 3, 4, network="cni:b")
    other = traffic(0, 300, 5, 6, workload="lab/w00")
    history.ingest(batch(1, traffic=(traffic(0, 300, 1, 2), later, other)))
    found = [(path, columns(carried)) for path, carried in history.path_slots(at(0), at(600), SLOT)]
    assert found == [
        (AttachmentPath("n1", "lab/w00", "net1", "cni:a"), [(0, 5, 6)]),
        (AttachmentPath("n1", "lab/w01", "net1", "cni:a"), [(0, 1, 2)]),
        (AttachmentPath("n1", "lab/w01", "net1", "cni:b"), [(1, 3, 4)]),
    ]


def test_slots_that_do_not_divide_the_period_are_refused(history: AnyHistory) -> None:
    with pytest.raises(ValueError, match="no whole number of slots"):
        list(history.path_slots(at(0), at(301), SLOT))
    history.ingest(batch(1, uplinks=(uplink(0, 60, 1, 10),)))
    with pytest.raises(ValueError, match="no whole number of slots"):
        list(history.uplink_slots(at(0), at(301), SLOT))


def test_what_was_sampled_is_known_as_it_was_sampled(history: AnyHistory) -> None:
    history.ingest(batch(1, traffic=(traffic(0, 300, 1, 2),)))
    assert history.resolution(at(0)) == timedelta(0)


def test_the_capacity_is_the_last_that_was_reported(history: AnyHistory) -> None:
    early, late = uplink(0, 300, 1, 1, capacity_bps=1e6), uplink(300, 300, 1, 1, capacity_bps=2e6)
    history.ingest(batch(1, uplinks=(early, late, uplink(600, 300, 1, 1, capacity_bps=3e6))))
    ((_, carried),) = history.uplink_slots(at(0), at(600), SLOT)
    assert carried.capacity_bps == 2e6
