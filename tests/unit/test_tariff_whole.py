"""Golden invoices of what is priced as a whole: allUnits, stepFee, quantities at least and at most, money bounds."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.pricing import billed, book, fixed, sample, tariff, total, volume

DECEMBER = ("2026-12-01", "2027-01-01")
ALL = {"mode": "allUnits"}
STEP = {"mode": "stepFee"}


# --- allUnits and stepFee --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gigabytes", "expected"),
    [
        pytest.param(0, "0.00", id="nothing"),
        pytest.param(100, "10.00", id="upTo is inclusive: 100 x 0.10"),
        pytest.param("100.5", "8.04", id="all at the price of the tier reached: 100.5 x 0.08"),
        pytest.param(2000, "100.00", id="2,000 x 0.05"),
    ],
)
def test_all_units_at_the_price_of_the_tier_reached(gigabytes: float | str, expected: str) -> None:
    prices = book(tariff(volume(("100", "0.10"), ("1000", "0.08"), (None, "0.05"), **ALL)))
    assert total(prices, [sample("2026-12-01", 24, gigabytes)], *DECEMBER) == expected


@pytest.mark.parametrize(
    ("gigabytes", "expected"),
    [
        pytest.param(0, "5.00", id="the first step is reached by nothing"),
        pytest.param(1000, "5.00", id="upTo is inclusive"),
        pytest.param("1000.1", "250.00", id="the second step"),
        pytest.param(9000, "500.00", id="the last step"),
    ],
)
def test_the_fee_of_the_step_reached(gigabytes: float | str, expected: str) -> None:
    prices = book(tariff(volume(("1000", "5"), ("5000", "250"), (None, "500"), **STEP)))
    assert total(prices, [sample("2026-12-01", 24, gigabytes)], *DECEMBER) == expected


def test_each_list_on_the_whole_usage_in_proportion_of_the_seconds_that_it_was_valid() -> None:
    old = tariff(volume(("100", "1"), (None, "0.5"), **ALL), name="a", contract="k")
    new = tariff(volume(("100", "2"), (None, "1"), **ALL), name="b", contract="k", validFrom="2026-12-11T00:00:00Z")
    # 310 GB, all in the first ten days: old 310 x 0.5 x 10/31 = 50; new 310 x 1 x 21/31 = 210
    assert total(book(old, new), [sample("2026-12-01", 24, 310)], *DECEMBER) == "260.00"
    fees = [
        tariff(volume((None, fee), **STEP), name=fee, contract="k", validFrom=f"2026-{start}T00:00:00Z")
        for fee, start in (("31", "01-01"), ("62", "12-11"))
    ]
    assert total(book(*fees), [], *DECEMBER) == "52.00"  # 31 x 10/31 + 62 x 21/31


def test_lines_show_what_each_list_counts_of_each_tier() -> None:
    lists = [
        tariff(volume(("100", "2"), (None, "1"), **ALL), name=name, contract="k", validFrom=f"2026-{start}T00:00:00Z")
        for name, start in (("a", "01-01"), ("b", "12-11"))
    ]
    invoice = billed(book(*lists), [sample("2026-12-01", 24, 310)], *DECEMBER)
    shown = [[(part.up_to, part.quantity) for part in line.portions] for line in invoice.entries[0].lines]
    assert [line.quantity for line in invoice.entries[0].lines] == pytest.approx([100, 210])
    assert shown[0] == [(100, 0), (None, pytest.approx(Decimal(100)))]  # of 310 10/31
    assert shown[1] == [(100, 0), (None, pytest.approx(Decimal(210)))]


def test_a_line_of_one_price_shows_it_and_not_its_parts() -> None:
    night = [{"from": "00:00", "to": "06:00", "multiply": "0.5"}]
    prices = book(tariff(volume((None, "2"), schedule=night)))
    for hours, rate in ((6, Decimal("1.0")), (12, None)):
        invoice = billed(prices, [sample("2026-12-01", hours, hours)], *DECEMBER)
        (line,) = invoice.entries[0].lines
        assert (line.rate, len(line.portions)) == (rate, 0 if rate else 2)


def test_part_of_a_period_takes_tiers_in_full_and_bills_only_its_own_units() -> None:
    rows = [sample("2026-12-01", 24, 90), sample("2026-12-20", 24, 30)]
    prices = book(tariff(volume(("100", "1"), (None, "0.5"), **ALL)))
    assert total(prices, rows, "2026-12-15", "2027-01-01") == "15.00"  # reading 120: 30 x 0.5
    fee = book(tariff(volume(("100", "10"), (None, "20"), **STEP)))
    assert total(fee, rows, "2026-12-15", "2027-01-01") == "20.00"


def test_all_units_of_the_larger_direction_and_of_one_class() -> None:
    rows = [
        sample("2026-12-01", 1, 80, direction="in", destination="x"),
        sample("2026-12-02", 1, 120, destination="x"),
        sample("2026-12-02", 1, 500, destination="y"),
    ]
    charge = volume(("100", "1"), (None, "0.5"), direction="max", destination="x", **ALL)
    free = volume((None, "0"), destination="y")
    assert total(book(tariff(charge, free)), rows, *DECEMBER) == "60.00"  # out: 120 x 0.5


# --- quantities at least and at most ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "gigabytes", "expected"),
    [
        pytest.param({"minimum": "150"}, 80, "130.00", id="at least 150: 100 x 1 + 50 x 0.6"),
        pytest.param({"minimum": "150"}, 200, "160.00", id="above the minimum: 100 x 1 + 100 x 0.6"),
        pytest.param({"maximum": "150"}, 200, "130.00", id="at most 150"),
        pytest.param({"maximum": "150"}, 120, "112.00", id="below the maximum: 100 x 1 + 20 x 0.6"),
        pytest.param({"minimum": "150", **ALL}, 80, "90.00", id="all at 0.6: 150 reach the second tier"),
        pytest.param({"maximum": "100", **ALL}, 200, "100.00", id="at most 100, of the first tier"),
        pytest.param({"minimum": "150", **STEP}, 80, "0.60", id="the fee of the step that the minimum reaches"),
    ],
)
def test_minimum_and_maximum_of_a_volume_are_quantities(more: dict[str, str], gigabytes: float, expected: str) -> None:
    prices = book(tariff(volume(("100", "1"), (None, "0.6"), **more)))
    assert total(prices, [sample("2026-12-01", 24, gigabytes)], *DECEMBER) == expected


def test_quantities_in_proportion_of_the_part_that_is_billed() -> None:
    at_least = book(tariff(volume((None, "1"), minimum="310")))
    assert total(at_least, [], "2026-12-01", "2026-12-11") == "100.00"  # 10 of 31 days of 310
    at_most = book(tariff(volume((None, "1"), maximum="31")))
    assert total(at_most, [sample("2026-12-01", 24, 500)], "2026-12-01", "2026-12-11") == "10.00"


def test_the_same_minimum_in_two_lists_is_one_minimum() -> None:
    lists = [
        tariff(volume((None, price), minimum="310"), name=price, contract="k", validFrom=f"2026-{start}T00:00:00Z")
        for price, start in (("1", "01-01"), ("2", "12-11"))
    ]
    # 155 GB flow in the first list: 155 x 1; 155 lack: 155 x 1 x 10/31 + 155 x 2 x 21/31 = 50 + 210
    assert total(book(*lists), [sample("2026-12-01", 24, 155)], *DECEMBER) == "415.00"


def test_what_is_beyond_the_maximum_is_free_in_the_order_in_which_it_flowed() -> None:
    night = [{"from": "00:00", "to": "12:00", "price": "3"}]
    prices = book(tariff(volume((None, "1"), maximum="10", schedule=night)))
    # 8 by night at 3, then 2 of 8 by day at 1
    assert total(prices, [sample("2026-12-01", 24, 16)], *DECEMBER) == "26.00"


# --- minimum and maximum of the bill ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("gigabytes", "expected", "adjustment"),
    [
        (50, "100.00", "minimum"),
        (100, "100.00", None),
        (150, "150.00", None),
        (200, "200.00", None),
        (300, "200.00", "maximum"),
    ],
)
def test_the_bill_of_a_period_has_a_minimum_and_a_maximum(
    gigabytes: float, expected: str, adjustment: str | None
) -> None:
    prices = book(tariff(volume((None, "1")), minimum="100.00", maximum="200"))
    (entry,) = billed(prices, [sample("2026-12-01", 24, gigabytes)], *DECEMBER).entries
    assert (str(entry.total), entry.adjustment) == (expected, adjustment)


def test_a_cdn_commit_is_owed_in_every_period() -> None:
    prices = book(tariff(volume(("10", "80"), (None, "40"), unit="TB", direction="out"), minimum="500"))
    rows = [sample("2026-11-03", 24, 4000), sample("2026-12-03", 24, 12_000)]
    # November 4 TB x 80 = 320, below the commit of 500; December 10 x 80 + 2 x 40 = 880
    invoice = billed(prices, rows, "2026-11-01", "2027-01-01")
    assert [str(entry.total) for entry in invoice.entries] == ["500.00", "880.00"]
    assert str(invoice.total) == "1380.00"


def test_charges_are_summed_unrounded_then_bounded_then_rounded_once() -> None:
    prices = book(tariff(fixed("0.004", "month"), fixed("0.004", "month"), minimum="0.009"))
    assert total(prices, [], *DECEMBER) == "0.01"
    prices = book(tariff(fixed("0.014", "month"), fixed("0.014", "month"), maximum="0.0249"))
    assert total(prices, [], *DECEMBER) == "0.02"


def test_bounds_in_proportion_of_the_seconds_that_are_billed_and_of_each_list() -> None:
    assert total(book(tariff(volume((None, "1")), minimum="310")), [], "2026-12-01", "2026-12-11") == "100.00"
    lists = [
        tariff(volume((None, "1")), name=least, contract="k", validFrom=f"2026-{start}T00:00:00Z", minimum=least)
        for least, start in (("31", "01-01"), ("62", "12-11"))
    ]
    assert total(book(*lists), [], *DECEMBER) == "52.00"  # 31 x 10/31 + 62 x 21/31


def test_a_maximum_of_one_list_does_not_limit_what_another_charges() -> None:
    old = tariff(volume((None, "1")), name="a", contract="k", maximum="31")
    new = tariff(volume((None, "1")), name="b", contract="k", validFrom="2026-12-11T00:00:00Z")
    rows = [sample("2026-12-01", 24, 100), sample("2026-12-20", 24, 100)]
    assert total(book(old, new), rows, *DECEMBER) == "110.00"  # 31 x 10/31 + 100
