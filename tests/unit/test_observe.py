"""What a tick sees in the history: who moves, what is congested, what contracts have counted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from cni.wire import NetworkReport, Outcome, Phase
from switcher.objects.load import book_from_documents
from switcher.observe import Sight, observe
from tests.support.batches import at, batch, uplink
from tests.support.memory_history import MemoryHistory
from tests.unit.pricing import tariff, volume
from tests.unit.ticking import BOOK, NOW, POLICY, history, recorded_move, status

SIGHT = Sight(window=timedelta(seconds=30))


def test_of_two_moves_in_flight_the_one_that_was_ordered_last_lands() -> None:
    past = history()
    for number, target in enumerate(("cni:cheap", "cni:dear")):
        move = recorded_move(f"{number}", "lab/w01", at(300 + number))
        order = replace(move.order, target=target)
        past.record_move(replace(move, order=order))
    snapshot, _ = observe(past, BOOK, NOW, SIGHT)
    assert [(state.network, state.moving) for state in snapshot.workloads] == [("cni:dear", True)]


def test_one_sample_counts_once_for_confirmation() -> None:
    past = history()
    for seconds in (0, 1, 2):
        _, memory = observe(past, BOOK, NOW + timedelta(seconds=seconds), SIGHT)
        assert {len(samples) for samples in memory.over_shed.values()} == {1}


def test_a_controller_that_has_just_started_knows_the_samples_before() -> None:
    past = MemoryHistory()
    threshold = {"kind": "CongestionThreshold", "metadata": {"name": "t"}, "spec": {"confirm": {"atLeast": 2, "of": 3}}}
    book = book_from_documents([threshold, POLICY], "test")
    on = NetworkReport(network="cni:a", physical_network="phynet0")
    for number, percent in enumerate((95, 10, 90, 95)):
        sample = uplink(400 + 30 * (number - 4), 30, 0, percent * 10**6 // 8 * 30)
        past.ingest(batch(number + 1, uplinks=(sample,), networks=(on,)))

    _, memory = observe(past, book, NOW, SIGHT)

    (samples,) = memory.over_shed.values()
    assert [above for _, above in samples] == [False, True, True]
    assert [NOW - at for at, _ in samples] == [timedelta(seconds=60), timedelta(seconds=30), timedelta(0)]


@pytest.mark.parametrize(("failures", "quarantined"), [(1, set()), (2, {"cni:cheap"})])
def test_a_network_to_which_switches_keep_failing_gets_nothing_new(failures: int, quarantined: set[str]) -> None:
    past = history()
    for number in range(failures):
        move = recorded_move(f"{number}", "lab/w01", at(300 + number))
        past.record_move(move)
        past.advance_move(status(move.order, Phase.DONE, Outcome.UNDONE))
    snapshot, _ = observe(past, BOOK, NOW, SIGHT)
    assert {network.name for network in snapshot.networks if network.quarantined} == quarantined


def test_a_pool_has_one_counter_for_all_its_networks() -> None:
    metered = volume(("100", "0"), (None, "0.09"))
    pool = tariff(metered, name="pool", physicalNetworks=["phynet0", "phynet2"])
    past = history()
    past.ingest(batch(2, sent=410, uplinks=(uplink(400, 10, 1_000, 0, physical_network="phynet0"),)))
    _, memory = observe(past, book_from_documents([pool], "test"), at(410), SIGHT)
    counters = {network: (usage.in_bytes, usage.out_bytes) for (network, _), usage in memory.usage.items()}
    assert counters == {"phynet0": (1_000, 12_500_000), "phynet2": (1_000, 12_500_000)}


def test_what_a_network_carried_before_its_contract_dropped_it_stays_counted() -> None:
    """And what one carried before it joined is none of the contract's, as in its bill."""
    charge = volume(("100", "0"), (None, "0.09"))
    lists = [
        tariff(charge, name=f"from-{seconds}", contract="k", physicalNetworks=names, validFrom=at(seconds).isoformat())
        for seconds, names in ((0, ["phynet0"]), (100, ["phynet0"]), (200, ["phynet1"]))
    ]
    past = MemoryHistory()
    for number, (start, into) in enumerate(((50, 1), (150, 10), (250, 100))):
        loads = [uplink(start, 10, into, 0), uplink(start, 10, 1000 * into, 0, physical_network="phynet1")]
        past.ingest(batch(number + 1, sent=start + 10, uplinks=tuple(loads)))
    _, memory = observe(past, book_from_documents(lists, "test"), at(300), SIGHT)
    assert {key: int(usage.in_bytes) for key, usage in memory.usage.items()} == {("phynet1", "k"): 100_011}


def test_contracts_without_volume_need_no_counters() -> None:
    _, memory = observe(history(), BOOK, NOW, SIGHT)
    assert memory.usage == {}
