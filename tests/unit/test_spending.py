"""Money per hour: here, had nothing moved, and never zero where a price is unknown."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from switcher.meters import Meters
from switcher.model import Memory, NetworkState, Placement, Snapshot, WorkloadState
from switcher.objects.load import book_from_documents
from switcher.spending import Spending, spending
from tests.support.batches import at
from tests.unit.pricing import fixed, tariff, volume

NOW = at(0)
NETWORKS = tuple(
    NetworkState(name=f"cni:{name}", physical_network=name, node="n1", capacity_bps=1e9, used_bps=0, sampled_at=NOW)
    for name in ("dear", "cheap")
)
BOOK = book_from_documents(
    [
        tariff(fixed("11.80", each="attachment"), name="d", physicalNetworks=["dear"]),
        tariff(fixed("3.47", each="attachment"), volume((None, "0.09")), name="c", physicalNetworks=["cheap"]),
    ],
    "test",
)
GB_PER_HOUR = 8e9 / 3600


def seen(*workloads: WorkloadState) -> Snapshot:
    return Snapshot(now=NOW, networks=NETWORKS, workloads=workloads)


def on(network: str, name: str = "w", out_bps: float = 0.0) -> WorkloadState:
    return WorkloadState(id=name, node="n1", network=network, demand_bps=out_bps, in_bps=0.0, out_bps=out_bps)


def moved(name: str = "w") -> Memory:
    hour = timedelta(hours=1)
    past = (Placement(network="cni:dear", since=NOW - 2 * hour), Placement(network="cni:cheap", since=NOW - hour))
    return Memory(placements={name: past})


def test_a_moved_workload_costs_what_it_costs_here_against_where_it_was() -> None:
    # 3.47 for the attachment and 10 GB an hour at 0.09, against 11.80
    spent = spending(seen(on("cni:cheap", out_bps=10 * GB_PER_HOUR)), moved(), BOOK, None)
    assert (round(spent.now or 0, 9), spent.unmoved) == (Decimal("4.37"), Decimal("11.80"))


def test_workloads_add_up() -> None:
    spent = spending(seen(on("cni:cheap", "a"), on("cni:cheap", "b"), on("cni:dear", "c")), Memory(), BOOK, None)
    assert spent.now == spent.unmoved == Decimal("18.74")  # 2 x 3.47 + 11.80


def test_nobody_costs_nothing() -> None:
    assert spending(seen(), Memory(), BOOK, None).now == 0


def test_an_unknown_price_is_no_money_at_all() -> None:
    book = book_from_documents([tariff(fixed("1", each="attachment"), name="d", physicalNetworks=["dear"])], "test")
    spent = spending(seen(on("cni:cheap")), moved(), book, None)
    assert (spent.now, spent.unmoved) == (None, Decimal(1))
    assert spent.attachment == {"cheap": None, "dear": Decimal(1)}


def test_a_workload_on_a_network_that_nobody_reports_makes_the_sum_unknown() -> None:
    assert spending(seen(on("cni:gone")), Memory(), BOOK, None).now is None


def test_the_metrics_say_nan_for_the_unknown() -> None:
    meters = Meters()
    meters.spent(Spending(attachment={"a": None, "b": Decimal("6.90")}, now=Decimal("4.37"), unmoved=None))
    text = meters.exposition().decode()
    assert 'switcher_price_per_hour{physical_network="a"} NaN' in text
    assert 'switcher_price_per_hour{physical_network="b"} 6.9' in text
    assert 'switcher_money_per_hour{case="now"} 4.37' in text
    assert 'switcher_money_per_hour{case="if_nothing_had_moved"} NaN' in text
