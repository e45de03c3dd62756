"""Bills in several currencies: dated rates, and refusals where one is missing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from switcher.commands.bill import bill
from switcher.errors import BadInputError
from switcher.objects.model import Book
from switcher.tariff import Exchange
from switcher.tariff.unrated import refuse_unrated, unrated_now
from tests.unit.pricing import at, billed, book, fixed, rate, tariff, total

DECEMBER = ("2026-12-01", "2027-01-01")
DOLLARS = tariff(fixed("100", "month"), name="a")
EUROS = tariff(fixed("10.05", "month"), name="b", currency="EUR")


def test_the_latest_rate_dated_on_or_before_the_billing_periods_last_day() -> None:
    rates = [
        rate("EUR", "USD", "1.10", "2026-11-30"),
        rate("EUR", "USD", "1.17", "2026-12-31"),
        rate("EUR", "USD", "9", "2027-01-01"),
    ]
    invoice = billed(book(DOLLARS, EUROS, *rates), [], *DECEMBER)
    # 100 + 10.05 x 1.17 = 11.7585 -> 11.76, rounded once, in the total's currency
    assert (invoice.currency, str(invoice.total)) == ("USD", "111.76")
    assert [(each.currency, str(each.total), str(each.rate)) for each in invoice.entries] == [
        ("USD", "100.00", "1"),
        ("EUR", "11.76", "1.17"),
    ]


def test_each_billing_period_has_its_own_rate() -> None:
    rates = [rate("EUR", "USD", "2", "2026-11-01"), rate("EUR", "USD", "3", "2026-12-15")]
    assert total(book(DOLLARS, EUROS, *rates), [], "2026-11-01", "2027-01-01") == "250.25"  # 200 + 20.10 + 30.15


def test_the_last_day_is_the_contracts_local_one() -> None:
    berlin = tariff(fixed("10", "month"), currency="EUR", timezone="Europe/Berlin")
    rates = [rate("EUR", "USD", "2", "2026-12-01"), rate("EUR", "USD", "3", "2027-01-01")]
    span = ("2026-12-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00")
    assert total(book(berlin, *rates), [], *span, settlement="USD") == "20.00"


def test_a_missing_rate_is_refused_with_its_day() -> None:
    late = rate("EUR", "USD", "1.17", "2027-01-01")
    with pytest.raises(BadInputError, match="no rate from EUR to USD dated on or before 2026-12-31"):
        billed(book(DOLLARS, EUROS, late), [], *DECEMBER)
    with pytest.raises(BadInputError, match="currencies EUR, USD are never added"):
        billed(book(DOLLARS, EUROS), [], *DECEMBER)


def test_a_rate_is_never_turned_round() -> None:
    with pytest.raises(BadInputError, match="no rate from EUR to USD"):
        billed(book(DOLLARS, EUROS, rate("USD", "EUR", "0.9", "2026-01-01")), [], *DECEMBER, settlement="USD")


def test_the_settlement_currency_decides_where_rates_lead_both_ways() -> None:
    rates = [rate("EUR", "USD", "1.25", "2026-01-01"), rate("USD", "EUR", "0.8", "2026-01-01")]
    prices = book(DOLLARS, EUROS, *rates)
    with pytest.raises(BadInputError, match="never added"):
        billed(prices, [], *DECEMBER)
    assert total(prices, [], *DECEMBER, settlement="EUR") == "90.05"


def test_a_total_in_a_third_currency_with_its_own_minor_unit() -> None:
    rates = [rate("EUR", "JPY", "160", "2026-01-01"), rate("USD", "JPY", "150.003", "2026-01-01")]
    # 15,000.3 -> 15,000; 10.05 x 160 = 1,608
    assert total(book(DOLLARS, EUROS, *rates), [], *DECEMBER) == "16608"


def test_two_rates_for_one_day_are_refused() -> None:
    with pytest.raises(BadInputError, match="a second rate from EUR to USD dated 2026-01-01: 3 here, and 2"):
        book(rate("EUR", "USD", "2", "2026-01-01"), rate("EUR", "USD", "3", "2026-01-01"))


def ask(*lines: str, more: Sequence[dict[str, Any]] = ()) -> Any:
    Path("t.yaml").write_text(yaml.safe_dump_all([DOLLARS, EUROS, *more]))
    Path("use.csv").write_text("start,seconds,network,direction,bytes\n")
    Path("rates.csv").write_text("\n".join(lines) + "\n")
    app = typer.Typer()
    app.command()(bill)
    period = "2026-12-01T00:00:00Z/2027-01-01T00:00:00Z"
    options = ["--tariff", "t.yaml", "--samples", "use.csv", "--period", period, "--rates", "rates.csv", "--json"]
    return CliRunner().invoke(app, options)


def test_rates_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = json.loads(ask("from,to,rate,date", "EUR,USD,1.17,2026-12-01").stdout)
    assert (answer["currency"], answer["total"]) == ("USD", "111.76")
    assert [(each["currency"], each["exchangeRate"]) for each in answer["tariffs"]] == [("USD", None), ("EUR", "1.17")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("EUR,USD,0,2026-12-01", "rates.csv:2: rate: '0' must be above zero"),
        ("EUR,USD,NaN,2026-12-01", "rates.csv:2: rate: 'NaN' must be a decimal number"),
        ("EUR,USD,1,2026-13-01", "rates.csv:2: date: '2026-13-01' is no such date"),
        ("Euro,USD,1,2026-12-01", "rates.csv:2: from: 'Euro' is no currency code"),
        ("USD,USD,1,2026-12-01", "rates.csv:2: to: 'USD' is the same currency as from"),
        ("EUR,USD,1", "rates.csv:2: 'EUR,USD,1' has 3 columns"),
        (
            "EUR,USD,1,2026-12-01\nEUR,USD,2,2026-12-01",
            "rates.csv:3: rate: two rates for EUR to USD dated 2026-12-01: 1 and 2; line 2 has the first",
        ),
        ("EUR,USD,1,2026-12-01\nEUR,USD,2,2026-12-01\nUSD,EUR,x,", "rates.csv:3: rate: two rates for EUR to USD"),
    ],
)
def test_wrong_rates_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, expected: str) -> None:
    monkeypatch.chdir(tmp_path)
    refusal = ask("from,to,rate,date", line).exception
    assert isinstance(refusal, BadInputError)
    assert any(expected in str(problem) for problem in refusal.problems), refusal.problems


def test_a_rate_of_a_file_that_contradicts_an_object_is_refused_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    known = rate("EUR", "USD", "1.1", "2026-12-01")
    refusal = ask("from,to,rate,date", "", "EUR,USD,1.2,2026-12-01", more=[known]).exception
    assert isinstance(refusal, BadInputError)
    assert [str(problem) for problem in refusal.problems] == [
        "rates.csv:3: rate: two rates for EUR to USD dated 2026-12-01: 1.1 and 1.2;"
        " an ExchangeRate object has the first"
    ]
    assert json.loads(ask("from,to,rate,date", "EUR,USD,1.10,2026-12-01", more=[known]).stdout)["total"] == "111.06"


def test_a_currency_of_the_bill_is_the_totals_before_a_third_one() -> None:
    """All have rates into both USD and JPY."""
    pairs = [("EUR", "USD", "2"), ("EUR", "JPY", "160"), ("USD", "JPY", "150")]
    invoice = billed(book(DOLLARS, EUROS, *(rate(*pair, "2026-01-01") for pair in pairs)), [], *DECEMBER)
    assert (invoice.currency, str(invoice.total)) == ("USD", "120.10")


def test_a_currency_that_only_some_have_rates_into_is_no_ones_total() -> None:
    with pytest.raises(BadInputError, match="currencies EUR, USD are never added"):
        billed(book(DOLLARS, EUROS, rate("EUR", "GBP", "0.9", "2026-01-01")), [], *DECEMBER)


def test_one_currency_needs_no_rate_and_is_not_turned_into_another() -> None:
    prices = book(EUROS, rate("EUR", "USD", "2", "2026-01-01"))
    assert billed(prices, [], *DECEMBER).currency == "EUR"
    assert total(prices, [], *DECEMBER) == "10.05"


def unrated(prices: Book, start: str, end: str, known: str | None = None) -> list[str]:
    """The rates that a bill of [start, end) would lack, before anything else is known of it."""
    try:
        refuse_unrated(prices.tariffs, (at(start), at(end)), at(known) if known else None, Exchange.of(prices))
    except BadInputError as refusal:
        return [problem.text.partition(", ")[0].partition(" of ")[0] for problem in refusal.problems]
    return []


def test_what_a_bill_lacks_is_known_before_its_rows_are() -> None:
    late = rate("EUR", "USD", "1.17", "2026-11-30")
    assert unrated(book(DOLLARS, EUROS, late), "2026-10-10", "2026-12-10") == [
        "no rate from EUR to USD dated on or before 2026-10-31"
    ]
    assert unrated(book(DOLLARS, EUROS), *DECEMBER) == ["currencies EUR"]


@pytest.mark.parametrize(
    ("spec", "start", "end"),
    [
        pytest.param({"validFrom": "2026-12-10T00:00:00Z"}, "2026-12-01", "2026-12-10", id="not valid yet"),
        pytest.param({"validTo": "2026-12-10T00:00:00Z"}, "2026-12-10", "2027-01-01", id="valid no more"),
        pytest.param({"recordedAt": "2026-12-10T00:00:00Z"}, "2026-12-01", "2027-01-01", id="not known"),
        pytest.param({}, "1970-01-01", "2199-01-01", id="too long, which the bill says"),
    ],
)
def test_what_is_not_billed_needs_no_rate(spec: dict[str, str], start: str, end: str) -> None:
    hourly = {"billingPeriod": {"unit": "hour"}} if start < "2000" else {}
    euros = {**EUROS, "spec": {**EUROS["spec"], **spec, **hourly}}
    prices = book(DOLLARS, euros)
    assert unrated(prices, start, end, known="2026-12-09") == []
    if spec:
        assert unrated(prices, "2026-12-01", "2027-01-01") == ["currencies EUR"]


def test_what_is_unknown_now_for_want_of_a_rate() -> None:
    berlin = {**EUROS, "spec": {**EUROS["spec"], "timezone": "Europe/Berlin"}}
    prices = book(DOLLARS, berlin, rate("EUR", "USD", "2", "2026-12-02"))
    (told,) = unrated_now(prices, at("2026-12-01 22:59"), None)
    assert told.text.startswith("no rate from EUR to USD dated on or before 2026-12-01, for what contract")
    assert list(unrated_now(prices, at("2026-12-01 23:00"), None)) == []  # it is the 2nd in Berlin
    assert len(list(unrated_now(prices, at("2026-12-03"), "GBP"))) == 2
