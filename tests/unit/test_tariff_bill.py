"""Golden invoices: each expectation shows its arithmetic; each test names the rule of the tariffs it proves."""

from __future__ import annotations

import pytest

from switcher.errors import BadInputError
from tests.unit.pricing import at, billed, book, fixed, sample, stay, tariff, total, volume

DECEMBER = ("2026-12-01", "2027-01-01")


# --- fixed ---------------------------------------------------------------------------------------


def test_the_classic_picture_per_attachment_hour() -> None:
    prices = book(
        *(tariff(fixed(price, each="attachment"), name=name, physicalNetworks=[name]) for name, price in CLASSIC)
    )
    stays = [
        stay("2026-12-01 00:00", "2026-12-01 01:30", "w1", "phynet2"),
        stay("2026-12-01 01:30", "2026-12-01 03:00", "w1", "phynet0"),
        stay("2026-12-01 00:00", "2026-12-01 03:00", "w2", "phynet1"),
    ]
    invoice = billed(prices, [], *DECEMBER, stays)
    # phynet2 1.5 h x 11.80 = 17.70; phynet0 1.5 h x 3.47 = 5.205 -> 5.21; phynet1 3 h x 6.90 = 20.70
    assert {entry.contract: str(entry.total) for entry in invoice.entries} == {
        "phynet0": "5.21",
        "phynet1": "20.70",
        "phynet2": "17.70",
    }
    assert str(invoice.total) == "43.61"


CLASSIC = [("phynet2", "11.80"), ("phynet1", "6.90"), ("phynet0", "3.47")]


@pytest.mark.parametrize(
    ("charge", "expected"),
    [
        pytest.param(fixed("0.045"), "33.48", id="hours: 744 x 0.045 = 33.48"),
        pytest.param(fixed("2", "day"), "62.00", id="days: 31 x 2"),
        pytest.param(fixed("100", "month"), "100.00", id="month: once"),
    ],
)
def test_per_network_is_due_whether_used_or_not(charge: dict[str, object], expected: str) -> None:
    assert total(book(tariff(charge)), [], *DECEMBER) == expected


def test_per_network_is_due_once_for_each_listed_network() -> None:
    assert total(book(tariff(fixed("10", "month"), physicalNetworks=["p", "q", "r"])), [], *DECEMBER) == "30.00"


def test_per_node_counts_distinct_nodes_in_the_samples() -> None:
    rows = [sample("2026-12-01", 1, 1, node=node, direction=way) for node in ("n1", "n2") for way in ("in", "out")]
    assert total(book(tariff(fixed("5", "month", "node"))), rows, *DECEMBER) == "10.00"


def test_nth_discounts_the_second_and_later() -> None:
    prices = book(
        tariff(
            fixed("10", "month", nth=[{"from": 2, "multiply": "0.9"}, {"from": 4, "multiply": "0.5"}]),
            physicalNetworks=["p", "q", "r", "s", "t"],
        )
    )
    # 10 + 9 + 9 + 5 + 5
    assert total(prices, [], *DECEMBER) == "38.00"


def test_nth_attachment_counts_those_that_are_there_at_the_same_time() -> None:
    prices = book(tariff(fixed("10", each="attachment", nth=[{"from": 2, "multiply": "0.5"}])))
    stays = [stay("2026-12-01 00:00", "2026-12-01 02:00", "a"), stay("2026-12-01 01:00", "2026-12-01 03:00", "b")]
    # hour 0: 10; hour 1: 10 + 5; hour 2: 10
    assert total(prices, [], *DECEMBER, stays) == "35.00"


def test_an_attachment_per_month_is_due_in_proportion_of_its_seconds() -> None:
    stays = [stay("2026-12-01", "2026-12-11", "a")]
    # 10 of 31 days of 31.00
    assert total(book(tariff(fixed("31", "month", "attachment"))), [], *DECEMBER, stays) == "10.00"


def test_a_period_partly_asked_for_takes_sums_per_month_in_proportion_of_seconds() -> None:
    # 10 of 31 days of 100: 32.258...
    assert total(book(tariff(fixed("100", "month"))), [], "2026-12-05", "2026-12-15") == "32.26"


def test_per_hour_takes_real_hours() -> None:
    prices = book(tariff(fixed("1"), timezone="Europe/Berlin", billingPeriod={"unit": "day"}))
    berlin_day = ("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00")
    assert total(prices, [], *berlin_day) == "23.00"
    assert total(prices, [], "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00") == "25.00"


def test_a_night_price_on_hours() -> None:
    night = [{"days": ["mon"], "from": "22:00", "to": "06:00", "multiply": "0.4"}]
    prices = book(tariff(fixed("1", schedule=night), billingPeriod={"unit": "day"}))
    # Tuesday 2026-12-08: 6 h of Monday's night x 0.4 + 18 h = 20.40
    assert total(prices, [], "2026-12-08", "2026-12-09") == "20.40"


# --- volume --------------------------------------------------------------------------------------


def test_internet_egress_in_tiers() -> None:
    prices = book(tariff(volume(("100", "0"), ("10240", "0.09"), ("51200", "0.085"), (None, "0.07"))))
    invoice = billed(prices, [sample("2026-12-01", 744, 60_000)], *DECEMBER)
    # 100 x 0 + 10,140 x 0.09 + 40,960 x 0.085 + 8,800 x 0.07 = 912.60 + 3,481.60 + 616.00
    assert str(invoice.total) == "5010.20"
    assert [str(part.quantity) for part in invoice.entries[0].lines[0].portions] == ["100", "10140", "40960", "8800"]


def test_up_to_is_inclusive() -> None:
    prices = book(tariff(volume(("100", "1"), (None, "5"))))
    assert total(prices, [sample("2026-12-01", 1, 100)], *DECEMBER) == "100.00"
    assert total(prices, [sample("2026-12-01", 1, "100.01")], *DECEMBER) == "100.05"


@pytest.mark.parametrize(
    ("direction", "expected"),
    [("in", "30.00"), ("out", "50.00"), ("sum", "80.00"), ("max", "50.00")],
)
def test_directions(direction: str, expected: str) -> None:
    rows = [
        sample("2026-12-01", 1, 10, direction="in"),
        sample("2026-12-01", 1, 50, direction="out"),
        sample("2026-12-02", 1, 20, direction="in"),
    ]
    assert total(book(tariff(volume((None, "1"), direction=direction))), rows, *DECEMBER) == expected


def test_max_is_the_larger_of_the_two_totals_not_of_each_sample() -> None:
    rows = [
        sample("2026-12-01", 1, 10, direction="in"),
        sample("2026-12-02", 1, 15, direction="out"),
        sample("2026-12-03", 1, 8, direction="in"),
    ]
    # in 18, out 15
    assert total(book(tariff(volume((None, "1"), direction="max"))), rows, *DECEMBER) == "18.00"


@pytest.mark.parametrize(
    ("unit", "size"), [("MB", 10**6), ("GiB", 2**30), ("TB", 10**12), ("TiB", 2**40), ("MiB", 2**20)]
)
def test_units(unit: str, size: int) -> None:
    assert (
        total(book(tariff(volume((None, "1"), unit=unit))), [sample("2026-12-01", 1, size / 10**9)], *DECEMBER)
        == "1.00"
    )


def test_classes_of_destination_count_their_own_rows_and_a_charge_without_one_counts_all() -> None:
    prices = book(
        tariff(
            volume((None, "0.09"), destination="internet"),
            volume((None, "0.01"), destination="zone"),
            volume((None, "0.045")),
        )
    )
    rows = [sample("2026-12-01", 1, 100, destination="internet"), sample("2026-12-01", 1, 200, destination="zone")]
    # 100 x 0.09 + 200 x 0.01 + 300 x 0.045 = 9 + 2 + 13.50
    assert total(prices, rows, *DECEMBER) == "24.50"


def test_a_pool_counts_all_its_networks_and_nodes_together() -> None:
    prices = book(tariff(volume(("100", "0"), (None, "1")), physicalNetworks=["p", "q"]))
    rows = [
        sample("2026-12-01", 1, 60, node="n1"),
        sample("2026-12-01", 1, 30, node="n2"),
        sample("2026-12-01", 1, 20, network="q", node="n1"),
    ]
    assert total(prices, rows, *DECEMBER) == "10.00"


def test_contracts_on_one_network_add_up() -> None:
    prices = book(tariff(volume((None, "0.045")), name="nat"), tariff(volume((None, "0.09")), name="egress"))
    invoice = billed(prices, [sample("2026-12-01", 1, 100)], *DECEMBER)
    assert [(entry.contract, str(entry.total)) for entry in invoice.entries] == [("egress", "9.00"), ("nat", "4.50")]


def test_the_counter_is_not_changed_by_a_schedule() -> None:
    night = [{"from": "00:00", "to": "06:00", "multiply": "0.5"}]
    prices = book(tariff(volume(("10", "1"), (None, "2"), schedule=night)))
    rows = [sample("2026-12-01 00:00", 6, 6), sample("2026-12-01 06:00", 6, 6), sample("2026-12-02 00:00", 6, 6)]
    # night 6 x 0.5 = 3; day 4 x 1 + 2 x 2 = 8; night 6 x 2 x 0.5 = 6
    assert total(prices, rows, *DECEMBER) == "17.00"


def test_a_schedule_may_replace_the_price() -> None:
    night = [{"from": "22:00", "to": "24:00", "price": "0.25"}]
    prices = book(tariff(volume((None, "1"), schedule=night)))
    assert total(prices, [sample("2026-12-01 20:00", 4, 40)], *DECEMBER) == "25.00"  # 20 x 1 + 20 x 0.25


def test_the_first_matching_entry_of_a_schedule_wins() -> None:
    both = [
        {"days": ["tue"], "from": "00:00", "to": "24:00", "multiply": "0"},
        {"from": "00:00", "to": "24:00", "multiply": "3"},
    ]
    prices = book(tariff(volume((None, "1"), schedule=both)))
    assert total(prices, [sample("2026-12-01", 48, 48)], *DECEMBER) == "72.00"  # Tuesday free, Wednesday 24 x 3


def test_rows_that_straddle_a_period_are_split_in_proportion() -> None:
    prices = book(tariff(volume(("10", "1"), (None, "2")), billingPeriod={"unit": "day"}))
    # 30 GB over 3 h around midnight: 10 before, 20 after
    invoice = billed(prices, [sample("2026-12-01 23:00", 3, 30)], "2026-12-01", "2026-12-03")
    assert [str(entry.total) for entry in invoice.entries] == ["10.00", "30.00"]


def test_usage_outside_the_period_advances_the_counter_and_is_not_billed() -> None:
    prices = book(tariff(volume(("100", "0"), (None, "1"))))
    rows = [sample("2026-12-01", 24, 90), sample("2026-12-10", 24, 30)]
    assert total(prices, rows, "2026-12-10", "2026-12-11") == "20.00"


# --- price lists ---------------------------------------------------------------------------------


def test_a_list_that_takes_over_prices_what_flows_then_at_the_running_total() -> None:
    old = tariff(volume(("100", "1"), (None, "0.5")), name="old", contract="k")
    new = tariff(volume(("120", "2"), (None, "1")), name="new", contract="k", validFrom="2026-12-11T00:00:00Z")
    rows = [sample("2026-12-01", 240, 90), sample("2026-12-11", 24, 60)]
    # old: 90 x 1; new from reading 90: 30 x 2 + 30 x 1
    assert total(book(old, new), rows, *DECEMBER) == "180.00"


def test_monthly_sums_of_two_lists_in_proportion_of_their_seconds() -> None:
    old = tariff(fixed("31", "month"), name="old", contract="k")
    new = tariff(fixed("62", "month"), name="new", contract="k", validFrom="2026-12-11T00:00:00Z")
    assert total(book(old, new), [], *DECEMBER) == "52.00"  # 10 + 42


def test_three_lists_in_one_month_leave_no_digit_behind() -> None:
    lists = [
        tariff(fixed("0.015", "month"), name=f"l{day}", contract="k", validFrom=f"2026-11-{day:02}T00:00:00Z")
        for day in (1, 11, 21)
    ]
    assert total(book(*lists), [], "2026-11-01", "2026-12-01") == "0.02"  # 3 x 0.005, half up


def test_of_the_lists_valid_the_one_recorded_last_counts() -> None:
    first = tariff(fixed("1", "month"), name="a", contract="k", recordedAt="2026-01-01T00:00:00Z")
    right = tariff(
        fixed("2", "month"), name="b", contract="k", recordedAt="2026-06-01T00:00:00Z", validFrom="2025-01-01T00:00:00Z"
    )
    prices = book(first, right)
    assert total(prices, [], *DECEMBER) == "2.00"
    assert total(prices, [], *DECEMBER, known="2026-03-01") == "1.00"


def test_of_lists_recorded_together_the_one_valid_from_last_counts() -> None:
    early = tariff(fixed("1", "month"), name="a", contract="k")
    late = tariff(fixed("2", "month"), name="b", contract="k", validFrom="2026-06-01T00:00:00Z")
    assert total(book(late, early), [], *DECEMBER) == "2.00"


def test_a_list_recorded_later_that_ends_gives_way_to_the_older_one() -> None:
    usual = tariff(volume((None, "1")), name="usual", contract="k", recordedAt="2026-01-01T00:00:00Z")
    sale = tariff(
        volume((None, "0.1")),
        name="sale",
        contract="k",
        recordedAt="2026-11-01T00:00:00Z",
        validFrom="2026-12-10T00:00:00Z",
        validTo="2026-12-11T00:00:00Z",
    )
    rows = [sample("2026-12-09", 72, 72)]
    assert total(book(usual, sale), rows, *DECEMBER) == "50.40"  # 48 x 1 + 24 x 0.1


def test_a_time_without_a_list_is_refused_with_its_times_when_a_price_is_needed() -> None:
    ends = tariff(volume((None, "1")), validTo="2026-12-10T00:00:00Z")
    with pytest.raises(BadInputError, match=r"'t' has no valid price list from 2026-12-10.* to 2027-01-01"):
        billed(book(ends), [sample("2026-12-12", 1, 1)], *DECEMBER)
    assert total(book(ends), [sample("2026-12-02", 1, 1)], *DECEMBER) == "1.00"


def test_attachments_need_a_list_too() -> None:
    starts = tariff(fixed("1", each="attachment"), validFrom="2026-12-10T00:00:00Z")
    with pytest.raises(BadInputError, match="no valid price list from 2026-12-01"):
        billed(book(starts), [], *DECEMBER, [stay("2026-12-09", "2026-12-11")])


def test_a_network_that_a_later_list_drops_has_no_price() -> None:
    old = tariff(volume((None, "1")), name="old", contract="k", physicalNetworks=["p", "q"])
    new = tariff(
        volume((None, "1")), name="new", contract="k", physicalNetworks=["q"], validFrom="2026-12-10T00:00:00Z"
    )
    assert total(book(old, new), [sample("2026-12-01", 1, 1)], *DECEMBER) == "1.00"
    with pytest.raises(BadInputError, match="'p': contract 'k' has no valid price list"):
        billed(book(old, new), [sample("2026-12-11", 1, 1)], *DECEMBER)


# --- rounding, currencies, inputs ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "price", "expected"),
    [("USD", "0.005", "0.01"), ("USD", "0.0049", "0.00"), ("JPY", "0.5", "1"), ("KWD", "0.0005", "0.001")],
)
def test_rounded_half_up_to_the_minor_unit(currency: str, price: str, expected: str) -> None:
    assert total(book(tariff(fixed(price, "month"), currency=currency)), [], *DECEMBER) == expected


def test_rounded_once_per_contract_and_period() -> None:
    prices = book(tariff(fixed("0.004", "month"), fixed("0.004", "month")))
    # 0.008 -> 0.01 each month, not 0.004 -> 0 twice
    assert total(prices, [], "2026-11-01", "2027-01-01") == "0.02"


def test_currencies_are_not_added() -> None:
    prices = book(tariff(fixed("1"), name="a"), tariff(fixed("1"), name="b", currency="EUR"))
    with pytest.raises(BadInputError, match="currencies EUR, USD are never added"):
        billed(prices, [], *DECEMBER)


def test_an_unknown_class_is_refused_by_name() -> None:
    prices = book(tariff(volume((None, "1"), destination="internet")))
    with pytest.raises(BadInputError, match="'moon' is counted by no charge of 'p'"):
        billed(prices, [sample("2026-12-01", 1, 1, destination="moon")], *DECEMBER)
    with pytest.raises(BadInputError, match="missing, but charges of 'p' need it: one of internet"):
        billed(prices, [sample("2026-12-01", 1, 1)], *DECEMBER)


def test_a_class_that_only_the_other_direction_charges_is_known() -> None:
    prices = book(tariff(volume((None, "1"), destination="internet")))
    assert total(prices, [sample("2026-12-01", 1, 1, destination="internet", direction="in")], *DECEMBER) == "0.00"


def test_overlapping_rows_are_refused_but_other_nodes_directions_and_classes_are_not() -> None:
    prices = book(tariff(volume((None, "1"))))
    rows = [sample("2026-12-01", 2, 1, line=2), sample("2026-12-01 01:00", 1, 1, line=3)]
    with pytest.raises(BadInputError, match=r"2026-12-01T01:00:00\+00:00 overlaps line 2"):
        billed(prices, rows, *DECEMBER)
    apart = [
        sample("2026-12-01", 2, 1),
        sample("2026-12-01", 2, 1, node="n2"),
        sample("2026-12-01", 2, 1, direction="in"),
    ]
    assert total(prices, apart, *DECEMBER) == "2.00"


def test_what_a_charge_needs_and_the_inputs_lack_is_refused() -> None:
    prices = book(tariff(fixed("1", each="attachment"), fixed("1", each="node")))
    with pytest.raises(BadInputError) as refusal:
        billed(prices, [sample("2026-12-01", 1, 1)], *DECEMBER)
    texts = [problem.text for problem in refusal.value.problems]
    assert texts == [
        "needed by charge 'c0' of 't', but not given: --attachments has who was on which network when",
        "missing, but charge 'c1' of 't' needs it",
    ]


def test_missing_samples_count_as_nothing_and_are_listed() -> None:
    invoice = billed(book(tariff(volume((None, "1")))), [sample("2026-12-02", 24, 5)], "2026-12-01", "2026-12-04")
    assert str(invoice.total) == "5.00"
    assert [(gap.network, gap.start, gap.end) for gap in invoice.gaps] == [
        ("p", at("2026-12-01"), at("2026-12-02")),
        ("p", at("2026-12-03"), at("2026-12-04")),
    ]


def test_samples_of_a_network_without_a_tariff_are_named() -> None:
    invoice = billed(book(tariff(volume((None, "1")))), [sample("2026-12-01", 1, 1, network="zz")], *DECEMBER)
    assert (str(invoice.total), invoice.unpriced) == ("0.00", ("zz",))


def test_every_problem_is_reported_at_once() -> None:
    prices = book(tariff(volume((None, "1"), destination="x"), fixed("1", each="attachment")))
    rows = [
        sample("2026-12-01", 2, 1, destination="y", line=2),
        sample("2026-12-01", 1, 1, destination="y", line=3),
    ]
    with pytest.raises(BadInputError) as refusal:
        billed(prices, rows, *DECEMBER)
    assert len(refusal.value.problems) == 4  # overlap, attachments, two unknown classes
