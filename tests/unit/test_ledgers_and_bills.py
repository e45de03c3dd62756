"""The level of a percentile ledger is that of the bill, also where lists change a contract's networks in a period."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from switcher.decide import Before, decide, remember
from switcher.decide.ledger import ledgers
from switcher.decide.samples import Slots
from switcher.ledgers import SlotReader
from switcher.model import Ledger, Memory, Snapshot
from switcher.objects.model import Book
from switcher.tariff import Sample, bill
from tests.oracle.questions import rfc
from tests.support.batches import NOON, batch, uplink
from tests.support.memory_history import MemoryHistory
from tests.support.scenes import MBPS, book, minutes, network, snapshot
from tests.unit.pricing import percentile, tariff, volume

DAY = datetime(2026, 11, 20, tzinfo=UTC)
SLOT = minutes(5)
Loads = Mapping[str, Sequence[tuple[float, float]]]
"""By physical network: Mbps in and out of the slots of the day so far."""
Ledgers = Mapping[tuple[str, str], Ledger]


def lists(*stretches: tuple[float, Sequence[str]], contract: str = "pool", **charge: Any) -> list[dict[str, Any]]:
    """The price lists of a contract: since so many hours of the day these networks."""
    return [
        tariff(
            percentile(**charge),
            name=f"{contract}-{number}",
            contract=contract,
            physicalNetworks=list(networks),
            billingPeriod={"unit": "day"},
            validFrom=rfc(DAY + timedelta(hours=hours)),
        )
        for number, (hours, networks) in enumerate(stretches)
    ]


def from_history(loads: Loads, prices: Book) -> Ledgers:
    """As a controller's tick reads them, from what agents report."""
    past, count = MemoryHistory(), len(loads["pa"])
    bytes_of = [
        uplink(
            (DAY - NOON + number * SLOT).total_seconds(),
            SLOT.total_seconds(),
            *(round(mbps * MBPS / 8 * SLOT.total_seconds()) for mbps in rates),
            physical_network=name,
        )
        for name, slots in loads.items()
        for number, rates in enumerate(slots)
    ]
    past.ingest(batch(1, sent=0, uplinks=tuple(bytes_of)))
    return SlotReader().ledgers(past, prices, _seen(loads, count))


def from_snapshots(loads: Loads, prices: Book) -> Ledgers:
    """As ``switcher decide`` keeps them between the lines that it reads."""
    memory, before = Memory(), None
    for count in range(len(loads["pa"]) + 1):
        seen = _seen(loads, count)
        memory = remember(memory, before, seen, prices)
        before = Before(seen, decide(seen, memory, prices))
    return memory.ledgers


def _seen(loads: Loads, count: int) -> Snapshot:
    now = DAY + count * SLOT
    states = []
    for name, slots in loads.items():
        into, out = slots[max(count - 1, 0)]
        fields = {"used_bps": max(into, out) * MBPS, "in_bps": into * MBPS, "out_bps": out * MBPS}
        states.append(network(name[1:], sampled_at=now, capacity_bps=1e9, **fields))
    return snapshot(states, [], now)


def billed(loads: Loads, prices: Book) -> dict[str, float]:
    """Bits per second that the day's bill has for each contract, as if nothing more flowed."""
    rows = [
        Sample(
            start=DAY + number * SLOT,
            end=DAY + (number + 1) * SLOT,
            network=name,
            direction=direction,
            bytes=Decimal(str(mbps)) * int(MBPS) / 8 * int(SLOT.total_seconds()),
        )
        for name, slots in loads.items()
        for number, rates in enumerate(slots)
        for direction, mbps in zip(("in", "out"), rates, strict=True)
    ]
    invoice = bill(prices.tariffs, rows, (DAY, DAY + timedelta(days=1)))
    return {entry.contract: float(sum(line.quantity for line in entry.lines)) * MBPS for entry in invoice.entries}


@pytest.mark.parametrize("ledgers_of", [from_history, from_snapshots])
@pytest.mark.parametrize("charge", [{"direction": "max"}, {"direction": "sum"}, {"direction": "maxOfPercentiles"}])
@pytest.mark.parametrize(
    "documents",
    [
        pytest.param([(-24, ["pa", "pb"])], id="the same all day"),
        pytest.param([(-24, ["pa", "pb"]), (6, ["pa"])], id="one is dropped"),
        pytest.param([(-24, ["pa"]), (6, ["pa", "pb"])], id="one is taken in"),
        pytest.param([(-24, ["pa"]), (6, ["pb"])], id="one takes the place of the other"),
        pytest.param([(-24, ["pa", "pb"]), (4, ["pa"]), (7, ["pa", "pb"])], id="one is dropped for a while"),
        pytest.param([(-24, ["pa", "pb"]), (6.55, ["pa"])], id="in the middle of a sample"),
        pytest.param([(-24, ["pa", "pb"]), (10, ["pb"])], id="just now"),
        pytest.param([(-24, ["pa", "pb"]), (15, ["pb"])], id="an announced one"),
    ],
)
def test_the_level_so_far_is_what_the_bill_has(
    documents: Any, charge: Mapping[str, str], ledgers_of: Callable[[Loads, Book], Ledgers]
) -> None:
    random = np.random.default_rng(7)
    loads = {name: random.integers(1, 400, (120, 2)).tolist() for name in ("pa", "pb")}
    # What flows on a network while the contract has it not is refused in a bill, but for another contract.
    others = tariff(volume((None, "0"), direction="sum"), name="others", physicalNetworks=["pa", "pb"])
    prices = book(*lists(*documents, **charge), others)

    found = ledgers_of(loads, prices)["pool", "c0"]

    assert found.level == pytest.approx(billed(loads, prices)["pool"])


@pytest.mark.parametrize("ledgers_of", [from_history, from_snapshots])
def test_of_the_sample_in_which_a_network_is_dropped_its_part_counts(
    ledgers_of: Callable[[Loads, Book], Ledgers],
) -> None:
    """Dropped after three of its five minutes; the free samples of the day, 14, are above it."""
    mine = [(0.0, 100.0)] * 120
    other = [(0.0, 1000.0 if number < 14 else 500.0 if number == 78 else 0.0) for number in range(120)]

    found = ledgers_of({"pa": mine, "pb": other}, book(*lists((-24, ["pa", "pb"]), (6.55, ["pa"]))))

    assert found["pool", "c0"].level == pytest.approx(400 * MBPS)


def test_of_the_sample_that_has_not_ended_what_counted_has_begun() -> None:
    """One minute of the four so far."""
    begun = {"pa": 40.0, "pb": 80.0}

    def slots_of(name: str, start: datetime, end: datetime, slot: timedelta) -> Slots:
        idle = np.zeros((end - start) // slot)
        return Slots(into=idle, out=idle, begun=(0.0, begun[name] * MBPS))

    prices = book(*lists((-24, ["pa", "pb"]), (6 + 1 / 60, ["pa"])))
    (ledger,) = ledgers(prices, DAY + timedelta(hours=6, minutes=4), {"pa": 1e9, "pb": 1e9}, slots_of).values()

    assert ledger.begun == pytest.approx((40 + 80 / 4) * MBPS)


@pytest.mark.parametrize("ledgers_of", [from_history, from_snapshots])
def test_a_network_that_goes_from_one_contract_to_another_counts_for_each_in_its_time(
    ledgers_of: Callable[[Loads, Book], Ledgers],
) -> None:
    """Also where they bill by different periods."""
    loads = {name: [(1.0, float(rate))] * 120 for name, rate in (("pa", 30), ("pb", 200), ("pc", 50))}
    monthly, daily = lists((-24, ["pc", "pb"]), (6, ["pc"]), contract="x"), lists((-24, ["pa"]), (6, ["pa", "pb"]))
    for document in monthly:
        document["spec"]["billingPeriod"] = {"unit": "month"}
    prices = book(*monthly, *daily)

    found = ledgers_of(loads, prices)

    assert found["pool", "c0"].level == pytest.approx(230 * MBPS)
    assert found["x", "c0"].heading == pytest.approx(250 * MBPS)


def test_a_list_that_is_recorded_later_does_not_count_before() -> None:
    """As a backtest has it: a corrected price that nobody knew then."""
    known, corrected = lists((-24, ["pa"])), lists((-24, ["pa"]), commit="500")
    corrected[0]["metadata"]["name"] = "corrected"
    corrected[0]["spec"]["recordedAt"] = rfc(DAY + timedelta(hours=11))
    loads = {"pa": [(0.0, 100.0)] * 120}

    assert from_history(loads, book(*known, *corrected))["pool", "c0"].aim == pytest.approx(100 * MBPS)
    corrected[0]["spec"]["recordedAt"] = rfc(DAY + timedelta(hours=10))
    assert from_history(loads, book(*known, *corrected))["pool", "c0"].aim == pytest.approx(500 * MBPS)
