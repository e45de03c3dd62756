"""Golden invoices of quotas: each expectation shows its arithmetic."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from switcher.model import Usage
from switcher.tariff import Flow, marginal
from tests.unit.pricing import GB, at, billed, book, quota, sample, tariff, total, volume

DECEMBER = ("2026-12-01", "2027-01-01")
BLOCKS = {"block": "50", "price": "25"}


@pytest.mark.parametrize(
    ("gigabytes", "expected"),
    [
        pytest.param(0, "65.00", id="the price is due, used or not"),
        pytest.param(50, "65.00", id="what is included"),
        pytest.param("50.001", "90.00", id="a started block is a whole block"),
        pytest.param(100, "90.00", id="one block to its end"),
        pytest.param("100.1", "115.00", id="65 + 2 x 25"),
        pytest.param(500, "290.00", id="65 + 9 x 25"),
    ],
)
def test_a_satellite_quota_with_blocks(gigabytes: float | str, expected: str) -> None:
    prices = book(tariff(quota("50", "65", BLOCKS)))
    assert total(prices, [sample("2026-12-01", 240, gigabytes)], *DECEMBER) == expected


def test_a_block_lapses_at_the_periods_end() -> None:
    rows = [sample("2026-11-29", 24, 51), sample("2026-12-01", 24, 51)]
    invoice = billed(book(tariff(quota("50", "65", BLOCKS))), rows, "2026-11-01", "2027-01-01")
    assert [str(entry.total) for entry in invoice.entries] == ["90.00", "90.00"]


@pytest.mark.parametrize("beyond", [{"throttle": "1Mbps"}, {"stop": True}])
def test_throttle_and_stop_bill_nothing_more(beyond: dict[str, Any]) -> None:
    assert total(book(tariff(quota("50", "65", beyond))), [sample("2026-12-01", 24, 500)], *DECEMBER) == "65.00"


def test_overage_is_a_price_for_each_unit() -> None:
    prices = book(tariff(quota("50", "65", {"overage": "2"})))
    assert total(prices, [sample("2026-12-01", 24, "50.25")], *DECEMBER) == "65.50"


@pytest.mark.parametrize(
    ("beyond", "portions"),
    [
        pytest.param(
            BLOCKS, [("50", "65", "50", "65"), (None, "25", "70", "50")], id="two blocks, of which 70 are used"
        ),
        pytest.param({"overage": "2"}, [("50", "65", "50", "65"), (None, "2", "70", "140")], id="overage"),
        pytest.param({"stop": True}, [("50", "65", "50", "65"), (None, "0", "70", "0")], id="beyond a stop"),
    ],
)
def test_the_line_shows_what_is_included_and_what_is_beyond(
    beyond: dict[str, Any], portions: list[tuple[str | None, str, str, str]]
) -> None:
    """Two rows go beyond it: 60 and 120 of 50."""
    rows = [sample("2026-12-01", 24, 60), sample("2026-12-02", 24, 60)]
    invoice = billed(book(tariff(quota("50", "65", beyond))), rows, *DECEMBER)
    (line,) = invoice.entries[0].lines
    assert line.quantity == 120
    found = [(part.up_to, part.price, part.quantity, part.amount) for part in line.portions]
    assert found == [tuple(None if each is None else Decimal(each) for each in part) for part in portions]


def test_a_schedule_on_overage() -> None:
    night = [{"from": "00:00", "to": "12:00", "multiply": "0.5"}]
    prices = book(tariff(quota("10", "65", {"overage": "2"}, schedule=night)))
    # 40 GB over a day: by night 20, of which 10 are included and 10 x 2 x 0.5; by day 20 x 2
    assert total(prices, [sample("2026-12-01", 24, 40)], *DECEMBER) == "115.00"


@pytest.mark.parametrize(
    ("direction", "expected"), [("in", "5.00"), ("out", "25.00"), ("sum", "35.00"), ("max", "25.00")]
)
def test_directions(direction: str, expected: str) -> None:
    rows = [sample("2026-12-01", 1, 10, direction="in"), sample("2026-12-01", 1, 30)]
    assert total(book(tariff(quota("10", "5", {"overage": "1"}, direction))), rows, *DECEMBER) == expected


def test_only_rows_of_the_class_count_and_pools_share_the_quota() -> None:
    charge = quota("10", "0", {"overage": "1"}, destination="x")
    prices = book(tariff(charge, volume((None, "0"), destination="y"), physicalNetworks=["p", "q"]))
    rows = [
        sample("2026-12-01", 1, 8, destination="x"),
        sample("2026-12-01", 1, 8, destination="x", network="q"),
        sample("2026-12-01", 1, 99, destination="y"),
    ]
    assert total(prices, rows, *DECEMBER) == "6.00"


def test_each_unit_is_priced_by_the_list_valid_when_it_flowed() -> None:
    lists = [
        tariff(quota(included, price, {"overage": over}), name=over, contract="k", validFrom=f"2026-{start}T00:00:00Z")
        for included, price, over, start in (("31", "31", "1", "01-01"), ("62", "62", "2", "12-11"))
    ]
    rows = [sample("2026-12-01", 24, 60), sample("2026-12-12", 24, 5)]
    # price 10 + 42, included 10 + 42 = 52; 8 x 1 in the first list, 5 x 2 in the second
    assert total(book(*lists), rows, *DECEMBER) == "70.00"


def test_a_block_started_under_the_old_list_is_used_up_under_the_new() -> None:
    lists = [
        tariff(
            quota("10", "0", {"block": size, "price": price}),
            name=price,
            contract="k",
            validFrom=f"2026-{start}T00:00:00Z",
        )
        for size, price, start in (("50", "25", "01-01"), ("20", "15", "12-11"))
    ]
    rows = [sample("2026-12-01", 24, 20), sample("2026-12-12", 24, 45)]
    # 10 included, a block of 50 until 60; at 65 a block of 20
    assert total(book(*lists), rows, *DECEMBER) == "40.00"


def test_price_and_included_quantity_in_proportion_of_the_part_that_is_billed() -> None:
    prices = book(tariff(quota("31", "62", {"overage": "1"})))
    # 10 of 31 days: price 20, included 10
    assert total(prices, [sample("2026-12-02", 24, 15)], "2026-12-01", "2026-12-11") == "25.00"


def test_usage_outside_the_period_uses_the_quota_up_and_is_not_billed() -> None:
    prices = book(tariff(quota("62", "62", BLOCKS)))
    rows = [sample("2026-12-02", 24, 62), sample("2026-12-20", 24, 10)]
    # 21 of 31 days: price 42, included 42; the block that covers 42 to 92 was started before: nothing more is due
    assert total(prices, rows, "2026-12-11", "2027-01-01") == "42.00"


def test_the_line_says_what_is_beyond() -> None:
    invoice = billed(book(tariff(quota("50", "65", BLOCKS))), [sample("2026-12-01", 24, 120)], *DECEMBER)
    (line,) = invoice.entries[0].lines
    shown = [(str(part.price), str(part.quantity), str(part.amount)) for part in line.portions]
    assert (str(line.quantity), str(line.amount)) == ("120", "115")
    assert shown == [("65", "50", "65"), ("25", "70", "50")]


def test_a_name_that_is_a_quota_in_one_list_and_a_volume_in_the_next_is_two_charges() -> None:
    """Half of December each: half of the price and of what is included, then each unit at its price."""
    old = tariff(quota("50", "62", BLOCKS), name="old", contract="k")
    new = tariff(volume((None, "1")), name="new", contract="k", validFrom="2026-12-16T12:00:00Z")
    prices = book(old, new)
    rows = [sample("2026-12-01", 24, 20), sample("2026-12-20", 24, 10, direction="out")]
    assert total(prices, rows, *DECEMBER) == "41.00"  # 31 + 10 x 1: what flows then starts no block
    used = {"k": Usage(out_bytes=Decimal(25) * GB)}
    more = marginal(prices, "p", at("2026-12-20"), at("2026-12-21"), used, Flow(), Flow(out_bps=8e9 / 86400))
    assert isinstance(more, Decimal)
    assert round(more, 9) == 1


def test_a_quota_whose_list_begins_within_the_period_includes_its_part() -> None:
    """Half of December: 32.50 with 25 GB, which what flowed before uses up, and a block for the last 5."""
    prices = book(tariff(quota("50", "65", BLOCKS), validFrom="2026-12-16T12:00:00Z"))
    rows = [sample("2026-12-02", 24, 25), sample("2026-12-20", 24, 5)]
    assert total(prices, rows, "2026-12-16 12:00", "2027-01-01") == "57.50"
    assert total(prices, rows[1:], "2026-12-16 12:00", "2027-01-01") == "32.50"


@pytest.mark.parametrize("mode", ["graduated", "allUnits"])
def test_a_least_quantity_counts_by_the_part_of_the_period_that_is_asked_for(mode: str) -> None:
    prices = book(tariff(volume((None, "2"), mode=mode, minimum="30"), billingPeriod={"unit": "day"}))
    assert total(prices, [sample("2026-12-01", 6, 1)], "2026-12-01", "2026-12-01 12:00") == "30.00"  # 15 x 2
