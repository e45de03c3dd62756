"""The ledgers of percentile charges as a tick reads them from the history."""

from __future__ import annotations

from datetime import timedelta

from switcher.objects.load import book_from_documents
from tests.support.batches import at, batch, uplink
from tests.unit.pricing import percentile, tariff
from tests.unit.test_cycle import NOW, POLICY, Clock, Node, cycle, history, price


def test_a_tick_in_the_middle_of_a_slot_reads_what_it_comes_to_already() -> None:
    transit = tariff(percentile(), name="phynet0", physicalNetworks=["phynet0"])
    past, clock = history(), Clock()
    past.ingest(batch(2, sent=400, uplinks=(uplink(0, 300, 3000, 0, physical_network="phynet0"),)))
    clock.now = NOW + timedelta(seconds=17.25)
    book = book_from_documents([price("phynet2", "11.80"), transit, POLICY], "test")
    assert cycle(past, Node(), clock, book=book).tick() is not None
    totals = past.slot_totals(at(0), clock.now, timedelta(minutes=5))
    assert totals["phynet0"].in_bytes.tolist() == [3000, 0]
