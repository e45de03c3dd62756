"""Money per hour: here, had nothing moved, and never zero where a price is unknown."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from switcher.commands.asking import plain
from switcher.errors import BadInputError
from switcher.meters import Meters
from switcher.model import Ledger, Memory, NetworkState, Snapshot, WorkloadState
from switcher.objects.load import book_from_documents
from switcher.objects.model import Book
from switcher.objects.words import Direction
from switcher.shares import by_workload
from switcher.spending import Market, Spending, spending
from switcher.tariff import Flow, PriceGap, Sample, bill, marginal
from tests.support.batches import at
from tests.unit.pricing import fixed, percentile, tariff, volume

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
HOUR = timedelta(hours=1)


def seen(*workloads: WorkloadState) -> Snapshot:
    return Snapshot(now=NOW, networks=NETWORKS, workloads=workloads)


def on(network: str, name: str = "w", out_bps: float = 0.0) -> WorkloadState:
    return WorkloadState(id=name, node="n1", network=network, demand_bps=out_bps, in_bps=0.0, out_bps=out_bps)


MOVED = {"w": "cni:dear"}
"""Where it was before."""


def test_a_moved_workload_costs_what_it_costs_here_against_where_it_was() -> None:
    # 3.47 for the attachment and 10 GB an hour at 0.09, against 11.80
    spent = spending(Market(seen(on("cni:cheap", out_bps=10 * GB_PER_HOUR)), Memory(), BOOK, None), MOVED)
    assert (round(spent.now or 0, 9), spent.unmoved) == (Decimal("4.37"), Decimal("11.80"))


def test_a_workload_that_is_gone_does_not_count_whatever_it_was_on() -> None:
    market = Market(seen(on("cni:cheap", "a"), on("cni:cheap", "came")), Memory(), BOOK, None)
    spent = spending(market, {"gone": "cni:dear"})
    assert spent.now == spent.unmoved == Decimal("6.94")


def test_workloads_add_up() -> None:
    spent = spending(
        Market(seen(on("cni:cheap", "a"), on("cni:cheap", "b"), on("cni:dear", "c")), Memory(), BOOK, None)
    )
    assert spent.now == spent.unmoved == Decimal("18.74")  # 2 x 3.47 + 11.80


def test_nobody_costs_nothing() -> None:
    assert spending(Market(seen(), Memory(), BOOK, None)).now == 0


def test_an_unknown_price_is_no_money_at_all() -> None:
    book = book_from_documents([tariff(fixed("1", each="attachment"), name="d", physicalNetworks=["dear"])], "test")
    spent = spending(Market(seen(on("cni:cheap")), Memory(), book, None), MOVED)
    assert (spent.now, spent.unmoved) == (None, Decimal(1))
    assert spent.attachment == {"cheap": None, "dear": Decimal(1)}


def test_a_workload_on_a_network_that_nobody_reports_makes_the_sum_unknown() -> None:
    assert spending(Market(seen(on("cni:gone")), Memory(), BOOK, None)).now is None


def test_the_metrics_say_nan_for_the_unknown() -> None:
    meters = Meters()
    meters.spent(Spending(attachment={"a": None, "b": Decimal("6.90")}, now=Decimal("4.37"), unmoved=None))
    text = meters.exposition().decode()
    assert 'switcher_price_per_hour{physical_network="a"} NaN' in text
    assert 'switcher_price_per_hour{physical_network="b"} 6.9' in text
    assert 'switcher_money_per_hour{case="now"} 4.37' in text
    assert 'switcher_money_per_hour{case="if_nothing_had_moved"} NaN' in text


@pytest.mark.parametrize(
    ("classes", "is_known"),
    [
        pytest.param([None], True, id="all traffic"),
        pytest.param(["internet"], False, id="one class"),
        pytest.param(["internet", None], False, id="a class and all traffic"),
    ],
)
def test_traffic_of_no_stated_class_is_priced_by_all_or_by_nobody(classes: list[str | None], is_known: bool) -> None:
    """A charge with a class needs to know the class: no bill takes a row for one of it, and neither does anything else.

    The history knows no classes. For backtests: test_backtest_classes.py.
    """
    named = [{} if name is None else {"destination": name} for name in classes]
    charges = [volume((None, "1"), **each) for each in named]
    prices = book_from_documents([tariff(*charges, name="t", physicalNetworks=["dear"])], "test")
    load = Flow(out_bps=GB_PER_HOUR)
    row = Sample(start=NOW, end=NOW + HOUR, network="dear", direction="out", bytes=Decimal(10**9))

    spent = spending(Market(seen(on("cni:dear", out_bps=GB_PER_HOUR)), Memory(), prices, None)).now
    asked = marginal(prices, "dear", NOW, NOW + HOUR, {}, Flow(), load)
    with nullcontext() if is_known else pytest.raises(BadInputError, match="destination: missing, but charges of"):
        assert bill(prices.tariffs, [row], (NOW, NOW + HOUR)).total == 1

    found = (asked if isinstance(asked, PriceGap) else round(asked, 6), spent and round(spent, 6))
    assert found == ((1, 1) if is_known else (PriceGap.UNKNOWN, None))


MBPS = 1e6
TRANSIT = tariff(
    percentile("2", direction="out", commit="5"), name="t", physicalNetworks=["dear"], billingPeriod={"unit": "day"}
)


def ledger(level: float = 6 * MBPS) -> Memory:
    """A day by the percentile, which heads for 12 Mbps: 24 USD, 1 USD an hour."""
    day = timedelta(days=1)
    found = Ledger(
        networks=("dear",),
        direction=Direction.OUT,
        level=level,
        aim=12 * MBPS,
        heading=12 * MBPS,
        free=9,
        dropped=14,
        raising=Decimal(0),
        begun=0.0,
        left=1.0,
        useful=day,
        rest=day,
    )
    return Memory(ledgers={("t", "c0"): found})


def carrying(out_bps: float, *workloads: WorkloadState) -> Snapshot:
    """The dear network with that load, foreign load included."""
    networks = [
        NetworkState(
            name=one.name,
            physical_network=one.physical_network,
            node="n1",
            capacity_bps=1e9,
            used_bps=out_bps,
            in_bps=0.0,
            out_bps=out_bps if one.physical_network == "dear" else 0.0,
            sampled_at=NOW,
        )
        for one in NETWORKS
    ]
    return Snapshot(now=NOW, networks=tuple(networks), workloads=workloads)


def transit(*others: dict[str, object]) -> Book:
    return book_from_documents([TRANSIT, *others], "test")


def test_a_percentile_counts_as_what_its_period_heads_for_by_our_part_of_the_load() -> None:
    spent = spending(Market(carrying(8 * MBPS, on("cni:dear", out_bps=2 * MBPS)), ledger(), transit(), None))

    assert spent.now == spent.unmoved == spent.networks["dear"]
    # 24 USD a day, of which the commit's 10 are due anyway; a quarter of the load
    assert round((spent.now or 0) * 24, 9) == Decimal("3.5")


def test_a_percentile_without_a_ledger_is_unknown_and_not_free() -> None:
    seen_now = carrying(8 * MBPS, on("cni:dear", out_bps=2 * MBPS))
    assert spending(Market(seen_now, Memory(), transit(), None)).now is None
    assert by_workload(Market(seen_now, Memory(), transit(), None)) == {"w": None}


def test_had_nothing_moved_the_level_would_be_higher_by_what_moved() -> None:
    free = tariff(fixed("0", each="attachment"), volume((None, "0")), name="c", physicalNetworks=["cheap"])

    spent = spending(Market(carrying(0, on("cni:cheap", out_bps=3 * MBPS)), ledger(), transit(free), None), MOVED)

    assert spent.now == 0
    assert round((spent.unmoved or 0) * 24, 9) == 20  # 15 Mbps at 2 USD a day beyond the commit, all of it ours


def test_what_is_billed_so_far_and_what_the_period_heads_for() -> None:
    (standing,) = spending(Market(carrying(0), ledger(level=2 * MBPS), transit(), None)).standings

    assert standing.money(standing.ledger.level) == 10  # the commit of 5 Mbps, though 2 are reached
    assert standing.money(standing.ledger.heading) == 24
    assert (standing.ledger.free, standing.ledger.dropped) == (9, 14)


def test_a_level_in_another_currency_needs_a_rate() -> None:
    foreign = {**TRANSIT, "spec": {**TRANSIT["spec"], "currency": "EUR"}}
    rate = {
        "kind": "ExchangeRate",
        "metadata": {"name": "eur"},
        "spec": {"from": "EUR", "to": "USD", "rate": "1.10", "date": "2020-01-01"},
    }
    seen_now = carrying(8 * MBPS, on("cni:dear", out_bps=8 * MBPS))
    known = spending(Market(seen_now, ledger(), book_from_documents([foreign, rate], "test"), "USD"))
    unknown = spending(Market(seen_now, ledger(), book_from_documents([foreign], "test"), "USD"))

    assert (round((known.now or 0) * 24, 9), unknown.now) == (Decimal("15.4"), None)  # 14 EUR
    assert unknown.standings[0].money(MBPS) is None


def test_workloads_share_what_their_network_costs_by_head_and_by_load() -> None:
    port = tariff(fixed("0.5", each="attachment"), name="p", physicalNetworks=["dear"])
    seen_now = carrying(8 * MBPS, on("cni:dear", "a", 6 * MBPS), on("cni:dear", "b", 2 * MBPS), on("cni:dear", "c"))

    shares = by_workload(Market(seen_now, ledger(), transit(port), None))

    by_load = {name: round((share or 0) * 24 - 12, 9) for name, share in shares.items()}
    assert by_load == {"a": Decimal("10.5"), "b": Decimal("3.5"), "c": 0}
    spent = spending(Market(seen_now, ledger(), transit(port), None)).now
    assert sum(share or 0 for share in shares.values()) == pytest.approx(spent, abs=Decimal("1e-20"))


@pytest.mark.parametrize("direction", ["in", "sum", "max"])
def test_shares_follow_the_direction_that_is_charged(direction: str) -> None:
    charge = tariff(
        percentile("2", direction=direction), name="t", physicalNetworks=["dear"], billingPeriod={"unit": "day"}
    )
    known = ledger().ledgers["t", "c0"]
    memory = Memory(ledgers={("t", "c0"): replace(known, direction=Direction(direction))})
    both = [
        WorkloadState(id="a", node="n1", network="cni:dear", demand_bps=1, in_bps=3 * MBPS, out_bps=1 * MBPS),
        WorkloadState(id="b", node="n1", network="cni:dear", demand_bps=1, in_bps=1 * MBPS, out_bps=1 * MBPS),
    ]

    shares = by_workload(Market(seen(*both), memory, book_from_documents([charge], "test"), None))

    part = Decimal(2) / 3 if direction == "sum" else Decimal("0.75")
    assert [float(share or 0) for share in shares.values()] == pytest.approx([float(part), float(1 - part)])


@pytest.mark.parametrize("into", [1, 3], ids=["out is larger", "both are equal"])
def test_of_the_larger_direction_who_has_none_of_it_pays_nothing(into: int) -> None:
    """Where both are equal the bill takes what goes out."""
    charge = tariff(
        percentile("2", direction="max"), name="t", physicalNetworks=["dear"], billingPeriod={"unit": "day"}
    )
    memory = Memory(ledgers={("t", "c0"): replace(ledger().ledgers["t", "c0"], direction=Direction.MAX)})
    both = [
        WorkloadState(id="a", node="n1", network="cni:dear", demand_bps=1, in_bps=into * MBPS, out_bps=0),
        WorkloadState(id="b", node="n1", network="cni:dear", demand_bps=1, in_bps=0, out_bps=3 * MBPS),
    ]

    shares = by_workload(Market(seen(*both), memory, book_from_documents([charge], "test"), None))

    assert (shares["a"], round(shares["b"] or 0, 9)) == (0, 1)


def test_the_metrics_say_where_a_percentile_charge_stands() -> None:
    meters = Meters()
    meters.spent(spending(Market(carrying(0), ledger(), transit(), None)))
    text = meters.exposition().decode()
    assert 'switcher_percentile_bps{charge="c0",contract="t",level="billed"} 6e+06' in text
    assert 'switcher_percentile_bps{charge="c0",contract="t",level="heading"} 1.2e+07' in text
    assert 'switcher_percentile_free_samples{charge="c0",contract="t"} 9.0' in text


def bounded(**limits: str) -> dict[str, object]:
    return {**TRANSIT, "spec": {**TRANSIT["spec"], **limits}}


@pytest.mark.parametrize(
    ("limits", "a_day"),
    [
        ({"maximum": "12"}, "2"),  # beyond the commit's 10, of 24
        ({"minimum": "12"}, "12"),  # less the 12 that are due without any traffic, of 24
        ({"minimum": "48"}, "0"),
        ({"minimum": "12", "maximum": "18"}, "6"),  # 18 instead of 12
    ],
)
def test_a_percentile_counts_as_far_as_its_contract_is_billed_for_it(limits: dict[str, str], a_day: str) -> None:
    prices = book_from_documents([bounded(**limits)], "test")
    market = Market(carrying(8 * MBPS, on("cni:dear", out_bps=8 * MBPS)), ledger(), prices, None)

    assert spending(market).now == by_workload(market)["w"]
    assert round((spending(market).now or 0) * 24, 9) == Decimal(a_day)


def test_foreign_load_goes_against_a_maximum_too() -> None:
    """Four GB an hour until midnight would be 48 USD of 24 that are billed; a quarter is ours, half of it counts."""
    prices = tariff(
        volume((None, "1")), name="t", physicalNetworks=["dear"], billingPeriod={"unit": "day"}, maximum="24"
    )
    found = book_from_documents([prices], "test")
    market = Market(carrying(4 * GB_PER_HOUR, on("cni:dear", out_bps=GB_PER_HOUR)), Memory(), found, None)
    assert round(spending(market).now or 0, 9) == Decimal("0.5")


def test_networks_of_one_contract_reach_its_maximum_together() -> None:
    """On each network one GB an hour for twelve hours: 24 USD of 12 that are billed."""
    prices = tariff(
        volume((None, "1")),
        fixed("1", "day", each="node"),
        name="t",
        physicalNetworks=["dear", "cheap"],
        billingPeriod={"unit": "day"},
        maximum="13",
    )
    found = book_from_documents([prices], "test")
    both = on("cni:dear", "a", GB_PER_HOUR), on("cni:cheap", "b", GB_PER_HOUR)
    market = Market(seen(*both), Memory(), found, None)
    # the node that both are on is due anyway, once: 12 of the 13 are left for the traffic
    assert {name: round(cost or 0, 9) for name, cost in spending(market).networks.items()} == {
        "dear": Decimal("0.5"),
        "cheap": Decimal("0.5"),
    }


def test_a_load_above_where_the_period_heads_is_not_counted_twice() -> None:
    spent = spending(Market(carrying(20 * MBPS, on("cni:dear", out_bps=20 * MBPS)), ledger(), transit(), None))
    assert round((spent.now or 0) * 24, 9) == 14  # 24 USD a day less the commit, whatever flows in this hour


@pytest.mark.parametrize(
    ("money", "text"),
    [
        ("-1e-20", "0"),
        ("0E+3", "0"),
        ("1.50", "1.5"),
        ("-0.0000015", "-0.000002"),
        ("1200", "1200"),
        ("3.4700004", "3.47"),
    ],
)
def test_money_is_told_without_the_digits_that_only_arithmetic_left(money: str, text: str) -> None:
    assert plain(Decimal(money)) == text
