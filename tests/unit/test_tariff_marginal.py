"""What a placement costs: worked examples, and why there may be no price."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from switcher.model import Usage
from switcher.objects.model import Book
from switcher.tariff import (
    Flow,
    PriceGap,
    Quote,
    contracts_on,
    marginal,
    quote,
    running_periods,
)
from switcher.tariff.ledger import Mark
from tests.unit.pricing import at, book, fixed, percentile, quota, rate, tariff, volume

NOON = at("2026-12-01 12:00")
HOUR = timedelta(hours=1)
GB_AN_HOUR = 8e9 / 3600
ONE = Flow(attachments=1, out_bps=GB_AN_HOUR)


def added(
    prices: Book, extra: Flow = ONE, base: Flow | None = None, hours: int = 1, used: dict[str, Usage] | None = None
) -> Decimal | PriceGap:
    found = marginal(prices, "p", NOON, NOON + hours * HOUR, used or {}, base or Flow(), extra)
    return found if isinstance(found, PriceGap) else found.quantize(Decimal("1e-9")).normalize()


@pytest.mark.parametrize(
    ("charge", "expected"),
    [
        pytest.param(fixed("6.90", each="attachment"), "6.9", id="an hour of an attachment"),
        pytest.param(fixed("6.90"), "0", id="due per network whether used or not"),
        pytest.param(fixed("31", "month", "attachment"), "0.041666667", id="31 a month: 1/744 of it"),
        pytest.param(fixed("24", "day", "attachment"), "1", id="24 a day: 1/24 of it"),
        pytest.param(fixed("1", each="node"), "0", id="no new node"),
        pytest.param(volume((None, "0.09")), "0.09", id="one GB"),
        pytest.param(volume((None, "0.09"), direction="in"), "0", id="the other direction"),
        pytest.param(volume((None, "0.09"), direction="sum"), "0.09", id="both directions"),
    ],
)
def test_an_attachment_that_sends_one_gigabyte_in_an_hour(charge: dict[str, Any], expected: str) -> None:
    assert added(book(tariff(charge))) == Decimal(expected)


def test_a_new_node_is_due_for_the_rest_of_the_period() -> None:
    extra = Flow(attachments=1, nodes=1)
    assert added(book(tariff(fixed("1", each="node"), billingPeriod={"unit": "day"})), extra) == 12


def test_nth_discounts_count_from_those_that_are_there() -> None:
    prices = book(tariff(fixed("10", each="attachment", nth=[{"from": 3, "multiply": "0.5"}])))
    assert added(prices, Flow(attachments=2), Flow(attachments=1)) == 15


def test_free_units_that_the_base_uses_up_anyway_are_not_free() -> None:
    prices = book(tariff(volume(("100", "0"), (None, "0.09"))))
    assert added(prices) == 0
    assert added(prices, base=ONE) == Decimal("0.09")  # 732 GB more by the end of the month
    assert added(prices, used={"t": Usage(out_bytes=Decimal(10) ** 11)}) == Decimal("0.09")
    assert added(prices, used={"other": Usage(out_bytes=Decimal(10) ** 11)}) == 0


def test_falling_tiers_make_the_next_unit_cheaper() -> None:
    prices = book(tariff(volume(("10", "1"), (None, "0.1"))))
    used = {"t": Usage(out_bytes=Decimal("9.5e9"))}
    assert added(prices, used=used) == Decimal("0.55")  # half a GB at 1, half at 0.1


def test_the_larger_direction_is_what_counts() -> None:
    prices = book(tariff(volume((None, "1"), direction="max"), billingPeriod={"unit": "hour"}))
    mostly_in = Flow(in_bps=5 * GB_AN_HOUR, out_bps=GB_AN_HOUR)
    assert added(prices, base=mostly_in) == 0
    assert added(prices, Flow(in_bps=GB_AN_HOUR), mostly_in) == 1
    assert added(prices, Flow(out_bps=6 * GB_AN_HOUR), mostly_in) == 2  # out 7 instead of in 5


def used(gigabytes: str | float) -> dict[str, Usage]:
    return {"t": Usage(out_bytes=Decimal(str(gigabytes)) * 10**9)}


@pytest.mark.parametrize(
    ("charge", "so_far", "expected"),
    [
        pytest.param(volume(("10", "1"), (None, "0.5"), mode="allUnits"), "5", "1", id="all units: 6 x 1 - 5 x 1"),
        pytest.param(
            volume(("10", "1"), (None, "0.5"), mode="allUnits"), "9.5", "-4.25", id="all cheaper: 10.5 x 0.5 - 9.5 x 1"
        ),
        pytest.param(volume(("10", "0"), (None, "250"), mode="stepFee"), "8", "0", id="the same step"),
        pytest.param(volume(("10", "0"), (None, "250"), mode="stepFee"), "9.5", "250", id="the next step"),
        pytest.param(volume((None, "1"), minimum="10"), "5", "0", id="below the minimum, which is owed anyway"),
        pytest.param(volume((None, "1"), minimum="10"), "9.5", "0.5", id="half of it is above the minimum"),
        pytest.param(volume((None, "1"), maximum="10"), "9.5", "0.5", id="half of it is above the maximum"),
        pytest.param(volume((None, "1"), maximum="10"), "11", "0", id="above the maximum"),
        pytest.param(quota("50", "65", {"overage": "2"}), "10", "0", id="included"),
        pytest.param(quota("50", "65", {"overage": "2"}), "49.5", "1", id="half of it is overage"),
        pytest.param(quota("50", "65", {"overage": "2"}), "70", "2", id="all of it is overage"),
        pytest.param(quota("50", "65", {"block": "50", "price": "25"}), "49.5", "25", id="starts a block"),
        pytest.param(quota("50", "65", {"block": "50", "price": "25"}), "70", "0", id="in a block that is paid for"),
        pytest.param(quota("50", "65", {"block": "50", "price": "25"}), "0", "0", id="the quota's price is due anyway"),
    ],
)
def test_charges_on_the_whole_period(charge: dict[str, Any], so_far: str, expected: str) -> None:
    assert added(book(tariff(charge)), used=used(so_far)) == Decimal(expected)


@pytest.mark.parametrize(
    ("so_far", "expected"), [("10", "0"), ("99.5", "0.5"), ("150", "1"), ("199.5", "0.5"), ("300", "0")]
)
def test_below_the_minimum_and_above_the_maximum_of_the_bill_nothing_is_added(so_far: str, expected: str) -> None:
    prices = book(tariff(volume((None, "1")), minimum="100", maximum="200"))
    assert added(prices, used=used(so_far)) == Decimal(expected)


def test_what_is_due_for_time_counts_towards_the_minimum() -> None:
    prices = book(tariff(fixed("100", "month"), fixed("0.1", each="attachment"), minimum="110"))
    # 100 and 744 h x 0.1 for each of two that are there: 248.80; with one: 174.40; with none: 100
    assert added(prices, base=Flow(attachments=2)) == Decimal("0.1")
    assert added(prices) == 0
    assert added(prices, Flow(attachments=200)) == 10  # 120 instead of 110


def test_an_announced_price_counts_for_its_share_of_the_window() -> None:
    now = tariff(fixed("6", each="attachment"), name="a", contract="k")
    soon = tariff(fixed("2", each="attachment"), name="b", contract="k", validFrom="2026-12-01T13:30:00Z")
    assert added(book(now, soon), hours=2) == 10  # 1.5 h x 6 + 0.5 h x 2


def test_an_announced_price_by_volume_counts_for_what_flows_then() -> None:
    now = tariff(volume((None, "6")), name="a", contract="k")
    soon = tariff(volume((None, "2")), name="b", contract="k", validFrom="2026-12-01T13:30:00Z")
    assert added(book(now, soon), hours=2) == 10  # 1.5 GB x 6 + 0.5 GB x 2


def test_a_price_that_is_recorded_later_is_not_known_yet() -> None:
    now = tariff(fixed("6", each="attachment"), name="a", contract="k")
    later = tariff(fixed("2", each="attachment"), name="b", contract="k", recordedAt="2026-12-01T12:30:00Z")
    assert added(book(now, later)) == 6


def test_a_list_without_an_end_is_never_stale() -> None:
    assert added(book(tariff(fixed("6", each="attachment"), validFrom="1970-01-01T00:00:00Z"))) == 6


def test_a_schedule_counts_for_its_share_of_the_window() -> None:
    siesta = [{"from": "12:30", "to": "14:00", "multiply": "0.5"}]
    prices = book(tariff(fixed("4", each="attachment", schedule=siesta), volume((None, "1"), schedule=siesta)))
    assert added(prices, hours=2) == 5 + Decimal("1.25")  # half an hour in full, 1.5 h at half


def test_contracts_on_one_network_add_up() -> None:
    prices = book(tariff(fixed("1", each="attachment"), name="a"), tariff(volume((None, "1")), name="b"))
    assert added(prices) == 2
    assert contracts_on(prices, "p") == ("a", "b")


@pytest.mark.parametrize(
    ("documents", "gap"),
    [
        pytest.param([], PriceGap.UNKNOWN, id="no tariff"),
        pytest.param([tariff(fixed("1"), physicalNetworks=["q"])], PriceGap.UNKNOWN, id="of another network"),
        pytest.param([tariff(fixed("1"), validFrom="2027-01-01T00:00:00Z")], PriceGap.UNKNOWN, id="not yet valid"),
        pytest.param([tariff(fixed("1"), validTo="2026-11-01T00:00:00Z")], PriceGap.STALE, id="past its end"),
        pytest.param([tariff(fixed("1"), validTo="2026-12-01T12:30:00Z")], PriceGap.STALE, id="ends in the window"),
        pytest.param(
            [tariff(fixed("1"), name="a"), tariff(fixed("1"), name="b", validTo="2026-11-01T00:00:00Z")],
            PriceGap.STALE,
            id="one of two contracts past its end",
        ),
        pytest.param(
            [tariff(fixed("1"), name="a"), tariff(fixed("1"), name="b", currency="EUR")],
            PriceGap.UNKNOWN,
            id="two currencies and no rate",
        ),
        pytest.param(
            [
                tariff(fixed("1"), name="a", contract="k", validTo="2026-11-01T00:00:00Z"),
                tariff(fixed("1"), name="b", contract="k", validFrom="2027-01-01T00:00:00Z"),
            ],
            PriceGap.STALE,
            id="between two lists",
        ),
        pytest.param(
            [tariff(volume((None, "1"), destination="internet"))],
            PriceGap.UNKNOWN,
            id="an unknown class of destination",
        ),
        pytest.param([tariff(percentile())], PriceGap.UNKNOWN, id="a percentile"),
        pytest.param(
            [
                tariff(volume((None, "1")), name="a", contract="k"),
                tariff(percentile(), name="b", contract="k", validFrom="2026-12-20T00:00:00Z"),
            ],
            PriceGap.UNKNOWN,
            id="a percentile later in the billing period looks back",
        ),
        pytest.param([tariff(quota("50", "65", {"throttle": "1Mbps"}))], PriceGap.UNKNOWN, id="a quota that throttles"),
        pytest.param([tariff(quota("50", "65", {"stop": True}))], PriceGap.UNKNOWN, id="a quota that stops"),
        pytest.param(
            [
                tariff(quota("50", "65", {"overage": "1"}), name="a", contract="k"),
                tariff(
                    quota("50", "65", {"block": "1", "price": "1"}),
                    name="b",
                    contract="k",
                    validFrom="2026-12-20T00:00:00Z",
                ),
            ],
            PriceGap.UNKNOWN,
            id="a quota that turns from overage to blocks within a billing period",
        ),
        pytest.param(
            [
                tariff(fixed("1"), name="a", contract="k"),
                tariff(fixed("1"), name="b", contract="k", validFrom="2026-12-20T00:00:00Z", maximum="5"),
            ],
            PriceGap.UNKNOWN,
            id="a maximum for a part of a billing period",
        ),
        pytest.param(
            [
                tariff(fixed("1"), name="a"),
                tariff(fixed("1"), name="b", currency="EUR"),
                rate("EUR", "USD", "1.2", "2026-12-02"),
            ],
            PriceGap.UNKNOWN,
            id="two currencies and a rate of tomorrow",
        ),
        pytest.param([tariff(fixed("1"), recordedAt="2027-01-01T00:00:00Z")], PriceGap.UNKNOWN, id="not yet known"),
    ],
)
def test_an_unknown_price_is_never_zero(documents: list[dict[str, Any]], gap: PriceGap) -> None:
    assert added(book(*documents)) is gap


def test_a_known_class_of_destination_is_priced() -> None:
    prices = book(tariff(volume((None, "1"), destination="internet"), volume((None, "9"), destination="moon")))
    extra = Flow(out_bps=GB_AN_HOUR, destination="internet")
    assert added(prices, extra) == 1


def test_the_wanted_currency_decides_between_two() -> None:
    prices = book(
        tariff(fixed("1", each="attachment"), name="a"),
        tariff(fixed("1", each="attachment"), name="b", currency="EUR", physicalNetworks=["q"]),
    )
    ends = NOON, NOON + HOUR
    assert marginal(prices, "p", *ends, {}, Flow(), ONE, settlement="USD") == 1
    assert marginal(prices, "q", *ends, {}, Flow(), ONE, settlement="USD") is PriceGap.UNKNOWN


def test_a_dated_rate_prices_another_currency() -> None:
    euros = tariff(fixed("2", each="attachment"), currency="EUR")
    rates = [
        rate("EUR", "USD", value, day)
        for value, day in [("9", "2026-01-01"), ("1.2", "2026-12-01"), ("7", "2027-01-01")]
    ]
    prices = book(euros, tariff(fixed("1", each="attachment"), name="usd", physicalNetworks=["q"]), *rates)
    ends = NOON, NOON + HOUR
    assert marginal(prices, "p", *ends, {}, Flow(), ONE, settlement="USD") == Decimal("2.4")
    assert marginal(prices, "q", *ends, {}, Flow(), ONE, settlement="USD") == 1
    # without a settlement currency: the one that all have rates into
    assert marginal(prices, "p", *ends, {}, Flow(), ONE) == Decimal("2.4")


def test_the_day_of_a_rate_is_the_contracts_local_one() -> None:
    """At noon UTC it is the second of December in Kiritimati already."""
    ends = NOON, NOON + HOUR
    for zone, expected in (("UTC", "2.4"), ("Pacific/Kiritimati", "6")):
        prices = book(
            tariff(fixed("2", each="attachment"), currency="EUR", timezone=zone),
            rate("EUR", "USD", "1.2", "2026-12-01"),
            rate("EUR", "USD", "3", "2026-12-02"),
        )
        assert marginal(prices, "p", *ends, {}, Flow(), ONE, settlement="USD") == Decimal(expected)


def test_a_billing_period_that_begins_inside_the_window_counts_from_zero() -> None:
    """Twelve GB today, when the five free ones are used up, and twelve tomorrow, of which five are free."""
    prices = book(tariff(volume(("5", "0"), (None, "1")), billingPeriod={"unit": "day"}))
    used = {"t": Usage(out_bytes=Decimal(10) ** 10)}
    assert added(prices, hours=24, used=used) == 12 + 7


def test_a_base_load_of_no_stated_class_counts_for_every_class() -> None:
    prices = book(tariff(volume(("5", "0"), (None, "1"), destination="internet")))
    extra = Flow(out_bps=GB_AN_HOUR, destination="internet")
    assert added(prices, extra) == 0
    assert added(prices, extra, base=ONE) == 1  # 732 GB until the period's end use the free units up
    assert added(prices, extra, base=Flow(out_bps=GB_AN_HOUR, destination="moon")) == 0


def test_of_two_lists_each_counts_its_own_minimum_for_its_time() -> None:
    """Of December 12/31 by a minimum of 3,100 GB at 1, and the rest without one: a GB lowers what lacks by 12/31."""
    lists = [
        tariff(volume((None, "1"), minimum="3100"), name="a", contract="k", validTo="2026-12-13T00:00:00Z"),
        tariff(volume((None, "1")), name="b", contract="k", validFrom="2026-12-13T00:00:00Z"),
    ]
    assert added(book(*lists)) == (1 - Decimal(12) / 31).quantize(Decimal("1e-9"))


def test_what_flowed_is_forecast_once_though_another_list_is_announced() -> None:
    """50 GB at 1 so far, and nothing more is coming: below the minimum of 120, a GB adds nothing."""
    lists = [
        tariff(volume((None, "1")), name="a", contract="k", minimum="120"),
        tariff(volume((None, "2")), name="b", contract="k", minimum="120", validFrom="2026-12-02T00:00:00Z"),
    ]
    used = {"k": Usage(out_bytes=Decimal(5) * 10**10)}
    assert added(book(*lists), used=used) == 0
    assert added(book(*lists), used={"k": Usage(out_bytes=Decimal(2) * 10**11)}) == 1


def test_running_periods_say_what_to_count_from_when() -> None:
    prices = book(
        tariff(volume((None, "1")), physicalNetworks=["p", "q"], billingPeriod={"unit": "month", "anchor": 15})
    )
    (running,) = running_periods(prices, NOON)
    assert (running.contract, running.physical_networks) == ("t", ("p", "q"))
    assert (running.start, running.end) == (at("2026-11-15"), at("2026-12-15"))


def test_each_percentile_of_a_contract_needs_its_own_mark() -> None:
    both = quote(book(tariff(percentile("1"), percentile("2"))), "p", NOON, NOON + HOUR)
    assert isinstance(both, Quote)
    mark = Mark(free_bps=1e9)
    for known, has_price in (({}, False), ({"c0": mark}, False), ({"c0": mark, "c1": mark}, True)):
        found = both.marginal({}, Flow(), ONE, {("t", name): each for name, each in known.items()})
        assert isinstance(found, Decimal) is has_price
    plain = quote(book(tariff(volume((None, "1")))), "p", NOON, NOON + HOUR)
    assert isinstance(plain, Quote)
    assert isinstance(plain.marginal({}, Flow(), ONE, {}), Decimal)


def test_each_quota_of_a_contract_includes_what_it_says() -> None:
    """10 GB have flowed: the one of 10 is used up, the one of 100 is not."""
    prices = book(tariff(quota("10", "0", {"overage": "1"}), quota("100", "0", {"overage": "5"})))
    assert added(prices, used={"t": Usage(out_bytes=Decimal(10) ** 10)}) == 1
