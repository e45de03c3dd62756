"""Golden invoices of percentile charges: each expectation shows its arithmetic."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from time import process_time
from typing import Any

import pytest

from switcher.tariff import Sample
from switcher.tariff.percentile import billable
from tests.unit.pricing import at, billed, book, fixed, percentile, steps, tariff, total, volume

DECEMBER = ("2026-12-01", "2027-01-01")
NOVEMBER = ("2026-11-01", "2026-12-01")
HOUR = {"billingPeriod": {"unit": "hour"}}
FIRST = ("2026-12-01 00:00", "2026-12-01 01:00")


def rate(start: str, mbps: float | str, minutes: float = 5, **more: Any) -> Sample:
    """A constant rate out of ``p``, unless said otherwise."""
    begin = at(start)
    fields: dict[str, Any] = {"network": "p", "direction": "out", **more}
    amount = Decimal(str(mbps)) * 1_000_000 / 8 * Decimal(str(minutes)) * 60
    return Sample(start=begin, end=begin + timedelta(minutes=minutes), bytes=amount, **fields)


def hour(*mbps: float, **more: Any) -> list[Sample]:
    """Twelve samples of five minutes, or fewer."""
    return [rate(f"2026-12-01 00:{5 * number:02}", each, **more) for number, each in enumerate(mbps)]


def level(charge: dict[str, Any], rows: list[Sample], span: tuple[str, str] = FIRST, **spec: Any) -> str:
    """The bill of one hour at 1 USD per Mbps."""
    return total(book(tariff(charge, **{**HOUR, **spec})), rows, *span)


@pytest.mark.parametrize(
    ("count", "q", "dropped"),
    [(8640, "95", 432), (8928, "95", 446), (12, "95", 0), (20, "95", 1), (39, "95", 1), (12, "100", 0), (12, "50", 6)],
)
def test_the_largest_are_dropped_and_the_next_is_billed(count: int, q: str, dropped: int) -> None:
    """Of n samples floor(n (100 - q) / 100)."""
    values = [Decimal(number) for number in range(count)]
    assert billable(values, Decimal(q)) == count - 1 - dropped


def test_burstable_transit_with_commit() -> None:
    charge = percentile("0.35", direction="max", commit="500", overage="0.50")
    # a November of 8,640 samples: 432 at 900 Mbps are dropped, and 700 is the next
    burst = [rate("2026-11-05", 900, 432 * 5), rate("2026-11-10", 700, 60), rate("2026-11-20", 300, 14400)]
    invoice = billed(book(tariff(charge)), burst, *NOVEMBER)
    assert str(invoice.total) == "275.00"  # 500 x 0.35 + 200 x 0.50
    assert [(str(part.quantity), str(part.price)) for part in invoice.entries[0].lines[0].portions] == [
        ("500", "0.35"),
        ("200", "0.50"),
    ]
    one_more = [*burst, rate("2026-11-08", 900)]
    assert total(book(tariff(charge)), one_more, *NOVEMBER) == "375.00"  # 433 at 900: 500 x 0.35 + 400 x 0.50


def test_a_commit_is_billed_even_if_unused_and_the_overage_is_by_default_the_price() -> None:
    assert level(percentile("0.35", commit="500"), []) == "175.00"
    assert level(percentile("0.35", commit="500"), hour(*[600] * 12)) == "210.00"


def test_a_ten_gigabit_port_with_a_step_fee_on_the_percentile() -> None:
    port = [
        fixed("100", "month"),
        percentile(None, unit="Gbps", mode="stepFee", tiers=steps(("1", "0"), ("5", "250"), (None, "500"))),
    ]
    assert total(book(tariff(*port)), [], *NOVEMBER) == "100.00"
    for gbps, expected in ((1, "100.00"), (3, "350.00"), (5, "350.00"), ("5.1", "600.00")):
        rows = [rate("2026-11-01", Decimal(str(gbps)) * 1000, 30 * 1440)]
        assert total(book(tariff(*port)), rows, *NOVEMBER) == expected


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("graduated", "170.00"), ("allUnits", "105.00"), ("stepFee", "0.70")],
)
def test_tiers_and_modes_as_for_volume(mode: str, expected: str) -> None:
    tiers = steps(("100", "1.35"), (None, "0.70"))  # 150 Mbps: 100 x 1.35 + 50 x 0.70; 150 x 0.70; the fee
    assert level(percentile(None, mode=mode, tiers=tiers), hour(*[150] * 12)) == expected


def test_a_commit_on_tiers() -> None:
    tiers = steps(("100", "1"), (None, "0.5"))
    assert level(percentile(None, tiers=tiers, commit="150"), hour(*[50] * 12)) == "125.00"  # 100 x 1 + 50 x 0.5
    # the commit by its tiers, the excess at the overage: 125 + 30 x 2
    assert level(percentile(None, tiers=tiers, commit="150", overage="2"), hour(*[180] * 12)) == "185.00"


def test_max_takes_the_larger_in_each_sample_and_max_of_percentiles_the_larger_percentile() -> None:
    rows = [
        *hour(10, 10, 10, 10, 10, 10, 1, 1, 1, 1, 1, 1, direction="in"),
        *hour(1, 1, 1, 1, 1, 1, 10, 10, 10, 10, 10, 10),
    ]
    # q 50: 6 dropped. max: twelve samples of 10. maxOfPercentiles: each direction's seventh largest is 1
    assert level(percentile(q="50", direction="max"), rows) == "10.00"
    assert level(percentile(q="50", direction="maxOfPercentiles"), rows) == "1.00"
    assert level(percentile(q="50", direction="sum"), rows) == "11.00"
    assert level(percentile(q="50", direction="in"), rows) == "1.00"


def test_nodes_and_pooled_networks_are_summed_per_sample_first() -> None:
    rows = [
        *hour(10, 0, 0, node="n1"),
        *hour(0, 10, 0, node="n2"),
        *hour(10, 10, 10, network="q", node="n1"),
        *hour(99, 99, 99, network="z"),
    ]
    # 20, 20, 10 and nine times 0; q 75 drops three: 0; q 80 drops two: 10
    assert level(percentile(q="75"), rows, physicalNetworks=["p", "q"]) == "0.00"
    assert level(percentile(q="80"), rows, physicalNetworks=["p", "q"]) == "10.00"


def test_a_slot_without_rows_is_zero_or_left_out() -> None:
    rows = hour(8, 6, 4, 2)
    # zero: 12 samples, 6 dropped -> 0. skip: 4 samples, 2 dropped -> 4
    assert level(percentile(q="50"), rows) == "0.00"
    assert level(percentile(q="50", missing="skip"), rows) == "4.00"
    assert level(percentile(q="50", missing="skip"), []) == "0.00"


def test_a_slot_without_rows_between_others_is_left_out_too() -> None:
    rows = [*hour(10), rate("2026-12-01 00:15", 30)]
    # skip: of 2 samples none is dropped at q 51; were a slot between them one more, the largest of 3 would be
    assert level(percentile(q="51", missing="skip"), rows) == "30.00"


def test_a_slot_with_any_row_exists() -> None:
    rows = [*hour(8, 6), *[rate("2026-12-01 00:10", 5, direction="in"), rate("2026-12-01 00:16", 0, 1)]]
    # slots: 8, 6, 0 (only in), 0 (a minute of nothing); q 50 drops two
    assert level(percentile(q="50", missing="skip"), rows) == "0.00"
    assert level(percentile(q="70", missing="skip"), rows) == "6.00"  # drops one


def test_longer_rows_are_spread_evenly_and_shorter_ones_added() -> None:
    long = rate("2026-12-01 00:02:30", 12, 10)  # half of slot 0, slot 1, half of slot 2
    assert level(percentile(q="75", missing="skip"), [long]) == "12.00"
    assert level(percentile(q="50", missing="skip"), [long]) == "6.00"
    short = [rate("2026-12-01 00:00", 10, 1), rate("2026-12-01 00:03", 20, 1)]
    assert level(percentile(q="100"), short) == "6.00"  # 10 x 1/5 + 20 x 1/5, the other seconds are 0


def test_samples_are_aligned_to_the_billing_periods_start() -> None:
    zone = {"timezone": "Asia/Kathmandu", "billingPeriod": {"unit": "day"}}  # a day begins at 18:15 UTC
    row = rate("2026-12-01 18:15", 10, 30)
    charge = percentile(q="98", sample="30m")  # 48 samples, none dropped
    assert total(book(tariff(charge, **zone)), [row], "2026-12-01 18:15", "2026-12-02 18:15") == "10.00"
    assert (
        level(percentile(q="98", sample="30m"), [row], ("2026-12-01", "2026-12-02"), billingPeriod={"unit": "day"})
        == "5.00"
    )


def test_only_rows_of_the_class_count() -> None:
    prices = book(tariff(percentile(q="100", destination="x"), volume((None, "0"), destination="y"), **HOUR))
    rows = [rate("2026-12-01", 10, destination="x"), rate("2026-12-01", 90, destination="y")]
    assert total(prices, rows, *FIRST) == "10.00"


def test_a_percentile_counts_its_class_of_destination_as_known() -> None:
    assert total(book(tariff(percentile(), **HOUR)), [rate("2026-12-01", 1, destination="moon")], *FIRST) == "1.00"


def test_each_list_on_all_samples_in_proportion_of_its_seconds() -> None:
    lists = [
        tariff(percentile(price, q="100"), name=price, contract="k", validFrom=f"2026-{start}T00:00:00Z")
        for price, start in (("3.10", "01-01"), ("6.20", "12-11"))
    ]
    # 100 Mbps once, in the first days: 310 x 10/31 + 620 x 21/31
    assert total(book(*lists), [rate("2026-12-02", 100)], *DECEMBER) == "520.00"


def test_missing_samples_of_a_percentile_are_listed() -> None:
    invoice = billed(book(tariff(percentile(), **HOUR)), hour(1, 2), *FIRST)
    assert [(gap.start, gap.end) for gap in invoice.gaps] == [(at("2026-12-01 00:10"), at("2026-12-01 01:00"))]


def test_a_bill_of_a_month_of_samples_of_several_networks_is_quick() -> None:
    names = ["p", "q", "r"]
    start = at(NOVEMBER[0])
    rows = [
        Sample(
            start=start + timedelta(minutes=5 * number),
            end=start + timedelta(minutes=5 * number + 5),
            network=name,
            direction=way,
            bytes=Decimal(37_500_000 * (number % 100)),
        )
        for name in names
        for way in ("in", "out")
        for number in range(8640)
    ]
    prices = book(tariff(percentile(direction="max"), physicalNetworks=names))
    before = process_time()
    # in each sample 3 x (number % 100) Mbps; 5 of each 100 values are dropped: 3 x 94
    assert total(prices, rows, *NOVEMBER) == "282.00"
    assert process_time() - before < 8


def test_rows_of_the_past_and_future_do_not_count() -> None:
    rows = [rate("2026-11-30 23:00", 99, 60), *hour(1, 2, 3), rate("2026-12-01 01:00", 99, 60)]
    assert level(percentile(q="100"), rows) == "3.00"
