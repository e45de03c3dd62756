"""The points at which a rule turns: a time, a reading, a list's networks, what thirds leave over."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from switcher.errors import BadInputError
from switcher.model import Usage
from switcher.objects.words import PeriodUnit
from switcher.tariff import Sample, billing_period
from switcher.tariff.allowance import allowances
from switcher.tariff.money import rounded
from tests.unit.pricing import (
    at,
    billed,
    book,
    fixed,
    percentile,
    quota,
    rate,
    sample,
    steps,
    tariff,
    total,
    volume,
)

DECEMBER = ("2026-12-01", "2027-01-01")
HOUR: dict[str, Any] = {"billingPeriod": {"unit": "hour"}}
FIRST = ("2026-12-01 00:00", "2026-12-01 01:00")
X = {"destination": "x"}


def mbps(start: str, level: float, minutes: float = 5, **more: Any) -> Sample:
    """A constant rate out of ``p``, unless said otherwise."""
    return sample(start, minutes / 60, str(Decimal(str(level)) * Decimal(str(minutes)) * 60 / 8000), **more)


# --- times -----------------------------------------------------------------------------------------


def test_a_list_is_known_from_the_moment_in_which_it_is_recorded() -> None:
    lists = [
        tariff(fixed(price, "month"), name=price, contract="k", recordedAt=recorded)
        for price, recorded in (("1", "2026-01-01T00:00:00Z"), ("2", "2026-12-10T09:00:00Z"))
    ]
    assert total(book(*lists), [], *DECEMBER, known="2026-12-10 08:59:59") == "1.00"
    assert total(book(*lists), [], *DECEMBER, known="2026-12-10 09:00") == "2.00"


def test_what_flowed_while_no_list_was_valid_counts_for_the_tiers() -> None:
    """Nothing is billed of it, so that no price is needed; the counter of the billing period has it."""
    lists = [
        tariff(volume(("10", "1"), (None, "0.5")), name="a", contract="k", validTo="2026-12-05T00:00:00Z"),
        tariff(volume(("10", "1"), (None, "0.5")), name="b", contract="k", validFrom="2026-12-10T00:00:00Z"),
    ]
    rows = [sample("2026-12-06", 24, 10), sample("2026-12-11", 24, 4)]
    assert total(book(*lists), rows, "2026-12-10", "2027-01-01") == "2.00"  # all beyond the first 10


def test_the_last_day_of_a_leap_year() -> None:
    yearly = book(tariff(fixed("1"), billingPeriod={"unit": "year", "anchor": 366})).tariffs[0]
    assert billing_period(yearly, at("2028-12-31 12:00"))[0] == at("2028-12-31")
    assert billing_period(yearly, at("2028-12-30 12:00"))[0] == at("2027-12-31")


def test_a_year_has_twelve_months() -> None:
    yearly = book(tariff(fixed("10", "month"), billingPeriod={"unit": PeriodUnit.YEAR.value}))
    assert total(yearly, [], "2026-01-01", "2027-01-01") == "120.00"


def test_a_short_row_inside_a_long_one_hides_no_other_overlap() -> None:
    rows = [mbps(f"2026-12-01 00:{minute:02}", 1, length) for minute, length in ((0, 60), (10, 5), (30, 5))]
    with pytest.raises(BadInputError) as refusal:
        billed(book(tariff(volume((None, "1")))), rows, *DECEMBER)
    assert [problem.text.partition(" overlaps")[0] for problem in refusal.value.problems] == [
        "2026-12-01T00:10:00+00:00",
        "2026-12-01T00:30:00+00:00",
    ]


# --- what thirds leave over ------------------------------------------------------------------------


def test_three_thirds_of_half_a_cent_are_half_a_cent() -> None:
    """Three lists of ten days each in November."""
    lists = [
        tariff(fixed("0.005", "month"), name=f"t{day}", contract="k", validFrom=f"2026-11-{day:02}T00:00:00Z")
        for day in (1, 11, 21)
    ]
    assert total(book(*lists), [], "2026-11-01", "2026-12-01") == "0.01"


def test_three_times_two_thirds_are_two() -> None:
    """Of a gigabyte on each of three nodes two thirds flow in the period: with 2 GB the first tier is not exceeded."""
    rows = [
        Sample(
            start=at("2026-12-01") - timedelta(seconds=number),
            end=at("2026-12-01") + timedelta(seconds=2 * number),
            network="p",
            direction="out",
            bytes=Decimal(10**9),
            node=f"n{number}",
        )
        for number in (1, 2, 3)
    ]
    prices = book(tariff(volume(("2", "1"), (None, "0.5"), mode="allUnits"), **HOUR))
    assert total(prices, rows, *FIRST) == "2.00"


ISO_4217 = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(),  # noqa: SIM905 # reads best as a line
        "1",
    ),
    **dict.fromkeys(("USD", "EUR", "CHF", "HUF", "XXX"), "1.13"),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), "1.126"),
    **dict.fromkeys(("CLF", "UYW"), "1.1256"),
}


@pytest.mark.parametrize("currency", sorted(ISO_4217))
def test_each_currency_has_its_minor_unit(currency: str) -> None:
    """ISO 4217, table A.1."""
    assert str(rounded(Decimal("1.12555"), currency)) == ISO_4217[currency]


# --- lists of one contract with other networks -----------------------------------------------------


def test_a_list_counts_the_nodes_of_its_own_networks() -> None:
    lists = [
        tariff(fixed("31", "month", "node"), name="a", contract="k", validTo="2026-12-11T00:00:00Z"),
        tariff(
            fixed("31", "month", "node"),
            name="b",
            contract="k",
            validFrom="2026-12-11T00:00:00Z",
            physicalNetworks=["p", "q"],
        ),
    ]
    rows = [sample("2026-12-01", 1, 1, node="n1"), sample("2026-12-12", 1, 1, node="n2", network="q")]
    assert total(book(*lists), rows, *DECEMBER) == "52.00"  # n1 for 10 days, both for 21


def test_a_row_of_a_network_that_is_not_counted_yet_makes_no_sample() -> None:
    lists = [
        tariff(percentile(q="50", missing="skip"), name="a", contract="k", validTo="2026-12-01T00:30:00Z", **HOUR),
        tariff(
            percentile(q="50", missing="skip"),
            name="b",
            contract="k",
            validFrom="2026-12-01T00:30:00Z",
            physicalNetworks=["p", "q"],
            **HOUR,
        ),
        tariff(fixed("0"), name="c", physicalNetworks=["q"], **HOUR),
    ]
    rows = [mbps("2026-12-01 00:00", 100), mbps("2026-12-01 00:10", 7, network="q")]
    assert total(book(*lists), rows, *FIRST) == "100.00"  # of one sample, not of two


# --- percentiles -----------------------------------------------------------------------------------


def test_a_row_that_ends_with_a_sample_makes_no_next_one() -> None:
    prices = book(tariff(percentile(q="50", missing="skip"), **HOUR))
    assert total(prices, [mbps("2026-12-01 00:00", 100)], *FIRST) == "100.00"


def test_samples_of_a_part_of_a_period_keep_its_grid() -> None:
    """Asked for from 00:02: three minutes are left of the first sample, then come whole ones."""
    prices = book(tariff(percentile(q="100"), **HOUR))
    rows = [mbps("2026-12-01 00:02", 40, 3), mbps("2026-12-01 00:05", 60), mbps("2026-12-01 00:10", 10)]
    assert total(prices, rows, "2026-12-01 00:02", "2026-12-01 00:15") == "60.00"


def test_without_a_commit_all_is_overage_and_nothing_else_is_shown() -> None:
    prices = book(tariff(percentile("0.35", q="100", overage="0.50"), **HOUR))
    (line,) = billed(prices, [mbps("2026-12-01 00:00", 100)], *FIRST).entries[0].lines
    assert (str(line.amount.normalize()), str(line.rate)) == ("5E+1", "0.50")


def test_the_most_of_a_part_of_a_period_is_its_part() -> None:
    """Of 310 GB at the most for December, 100 for ten days of it: 100 x 0.5, whatever more flows."""
    prices = book(tariff(volume(("50", "1"), (None, "0.5"), mode="allUnits", maximum="310")))
    assert total(prices, [sample("2026-12-01", 24, 200)], "2026-12-01", "2026-12-11") == "50.00"


def test_where_nothing_flows_no_price_is_needed() -> None:
    ended = book(tariff(volume((None, "1")), validTo="2026-12-02T00:00:00Z"))
    assert total(ended, [sample("2026-12-01", 1, 3), sample("2026-12-05", 1, 0)], *DECEMBER) == "3.00"
    with pytest.raises(BadInputError, match="has no valid price list"):
        billed(ended, [sample("2026-12-05", 1, "0.000000001")], *DECEMBER)


# --- bounds, rates, quotas -------------------------------------------------------------------------


def test_what_is_raised_to_a_minimum_is_still_cut_to_the_maximum() -> None:
    """10 x 10/31 at least by the first list; at most 0 charged by it and 3.10 x 21/31 by the second."""
    lists = [
        tariff(volume((None, "1")), name="a", contract="k", minimum="10"),
        tariff(volume((None, "1")), name="b", contract="k", validFrom="2026-12-11T00:00:00Z", maximum="3.10"),
    ]
    (entry,) = billed(book(*lists), [], *DECEMBER).entries
    assert (str(entry.total), entry.adjustment) == ("2.10", "maximum")


def test_a_currency_of_the_lists_is_taken_before_a_third_one() -> None:
    rates = [rate("EUR", "USD", "1.25", "2026-01-01")]
    rates += [rate(each, "CHF", "0.9", "2026-01-01") for each in ("EUR", "USD")]
    prices = book(tariff(fixed("1", "month"), name="a"), tariff(fixed("1", "month"), name="b", currency="EUR"), *rates)
    invoice = billed(prices, [], *DECEMBER)
    assert (invoice.currency, str(invoice.total)) == ("USD", "2.25")


@pytest.mark.parametrize(
    ("beyond", "rate_beyond"), [({"stop": True}, 0), ({"throttle": "1Mbps"}, 1e6)], ids=["stop", "throttle"]
)
def test_what_a_quota_leaves(beyond: dict[str, Any], rate_beyond: float) -> None:
    """50 GB by the larger direction; the list that takes over on the 17th includes 81 in its place."""
    lists = [
        tariff(quota("50", "1", beyond, direction="max"), name="a", contract="k"),
        tariff(quota("81", "1", beyond, direction="max"), name="b", contract="k", validFrom="2026-12-17T00:00:00Z"),
    ]
    (found,) = allowances(book(*lists), at("2026-12-20"))
    assert (found.beyond_bps, found.end) == (rate_beyond, at("2027-01-01"))
    assert found.included_bytes / 10**9 == 65  # 50 x 16/31 + 81 x 15/31
    used = Usage(in_bytes=Decimal(30 * 10**9), out_bytes=Decimal(40 * 10**9))
    assert found.left_bytes(used) == 25e9
    assert found.left_bytes(Usage(in_bytes=Decimal(10**11))) == 0


def test_steps_of_a_level_are_inclusive() -> None:
    prices = book(tariff(percentile(None, q="100", mode="stepFee", tiers=steps(("100", "1"), (None, "5"))), **HOUR))
    assert total(prices, [mbps("2026-12-01 00:00", 100)], *FIRST) == "1.00"


# --- a part of a billing period --------------------------------------------------------------------


def test_the_rate_of_a_part_of_a_period_is_that_of_the_whole_ones_last_day() -> None:
    prices = book(tariff(fixed("310", "month"), currency="EUR"), rate("EUR", "USD", "1.25", "2026-12-20"))
    assert total(prices, [], "2026-12-01", "2026-12-11", settlement="USD") == "125.00"


def test_a_row_outside_the_part_that_is_asked_for_must_have_a_known_class_too() -> None:
    """It moves the counters on, or does not: that must be known."""
    prices = book(tariff(volume((None, "1"), destination="internet")))
    rows = [sample("2026-12-20", 1, 1, destination="moon")]
    with pytest.raises(BadInputError, match="'moon' is counted by no charge"):
        billed(prices, rows, "2026-12-01", "2026-12-11")
    rows = [sample("2026-11-20", 1, 1, destination="moon")]  # of another billing period
    assert total(prices, rows, "2026-12-01", "2026-12-11") == "0.00"


def test_a_network_that_only_time_is_paid_for_has_no_gaps() -> None:
    prices = book(tariff(fixed("1", "month")), tariff(volume((None, "1")), name="q", physicalNetworks=["q"]))
    assert {gap.network for gap in billed(prices, [], *DECEMBER).gaps} == {"q"}


def test_a_row_that_only_touches_a_list_needs_no_class_of_it() -> None:
    """Until the 2nd only class x is counted, then all are, and from the 3rd on x alone again."""
    lists = [
        tariff(volume((None, "1"), **classes), name=name, contract="k", validFrom=f"2026-{since}T00:00:00Z")
        for name, since, classes in (("a", "01-01", X), ("b", "12-02", {}), ("c", "12-03", X))
    ]
    assert total(book(*lists), [sample("2026-12-02", 24, 5, destination="y")], *DECEMBER) == "5.00"
    for start in ("2026-12-01 23:00", "2026-12-02 01:00"):
        with pytest.raises(BadInputError, match="'y' is counted by no charge"):
            total(book(*lists), [sample(start, 24, 5, destination="y")], *DECEMBER)


def test_a_row_that_only_touches_a_time_without_a_list_needs_no_price_of_it() -> None:
    short = {"validFrom": "2026-12-02T00:00:00Z", "validTo": "2026-12-03T00:00:00Z"}
    prices = book(tariff(volume((None, "1")), **short))
    assert total(prices, [sample("2026-12-02", 24, 5)], *DECEMBER) == "5.00"
    for start in ("2026-12-01 23:00", "2026-12-02 01:00"):
        with pytest.raises(BadInputError, match="contract 't' has no valid price list"):
            total(prices, [sample(start, 24, 5)], *DECEMBER)
