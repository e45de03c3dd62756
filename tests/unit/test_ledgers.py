"""The ledgers of percentile charges as a tick reads them from the history."""

from __future__ import annotations

from datetime import timedelta

import pytest

from switcher.ledgers import SlotReader
from switcher.model import NetworkState, Snapshot
from switcher.objects.load import book_from_documents
from tests.oracle.questions import rfc
from tests.support.batches import at, batch, uplink
from tests.unit.pricing import percentile, tariff
from tests.unit.test_cycle import Clock, Node, cycle
from tests.unit.ticking import NOW, POLICY, history, price


def test_a_tick_in_the_middle_of_a_slot_reads_what_it_comes_to_already() -> None:
    transit = tariff(percentile(), name="phynet0", physicalNetworks=["phynet0"])
    past, clock = history(), Clock()
    past.ingest(batch(2, sent=400, uplinks=(uplink(0, 300, 3000, 0, physical_network="phynet0"),)))
    clock.now = NOW + timedelta(seconds=17.25)
    book = book_from_documents([price("phynet2", "11.80"), transit, POLICY], "test")
    assert cycle(past, Node(), clock, book=book).tick() is not None
    totals = past.slot_totals(at(0), clock.now, timedelta(minutes=5))
    assert totals["phynet0"].in_bytes.tolist() == [3000, 0]


def test_the_traffic_before_a_contract_began_speaks_for_its_first_period() -> None:
    """A list that is valid from now on: yesterday's traffic is in the history all the same."""
    spec = percentile("1", direction="out")
    transit = tariff(
        spec, name="phynet0", physicalNetworks=["phynet0"], billingPeriod={"unit": "day"}, validFrom=rfc(NOW)
    )
    past, slot = history(), 300
    midnight = -12 * 3600 - 24 * 3600  # yesterday's, seconds before noon
    mbps = slot * 125_000  # bytes of a slot
    past.ingest(
        batch(
            2,
            sent=400,
            uplinks=tuple(
                uplink(midnight + number * slot, slot, 0, number * mbps, physical_network="phynet0", capacity_bps=1e9)
                for number in range(288)
            ),
        )
    )
    seen = Snapshot(
        now=NOW,
        networks=(
            NetworkState(
                name="a", physical_network="phynet0", node="n1", capacity_bps=1e9, used_bps=0.0, sampled_at=NOW
            ),
        ),
        workloads=(),
    )

    (ledger,) = SlotReader().ledgers(past, book_from_documents([transit], "test"), seen).values()

    # The half day to come was 144 to 287 Mbps, of which 0.92 x 14 samples may be above.
    assert ledger.aim == pytest.approx(275e6)
    assert ledger.free == 14
