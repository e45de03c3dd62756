"""Bad numbers and times: refused whole, with the place and what was written."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from switcher.objects.rows import read_period
from switcher.objects.sample_rows import read_samples
from tests.unit.pricing import billed, book, fixed, percentile, quota, rate, sample, tariff, total, volume
from tests.unit.refusing import GOOD, csv, policy, problems, refused, threshold

DECEMBER = ("2026-12-01", "2027-01-01")


BAD_NUMBERS = [
    *(
        "NaN",
        "nan",
        "sNaN",
        "Infinity",
        "-Infinity",
        "inf",
        "1e30",
        "1e-30",
        "1E3",
        "-1",
        "-0.01",
        "",
        " ",
        "1,5",
        "1.5.1",
    ),
    *("0x10", "1_000", "+1", ".5", "5.", "½", "٣", "1 000", "1" + "0" * 30, "0." + "0" * 40 + "1", "9" * 100_000),
]
NUMBER_FIELDS: dict[str, Callable[[str], dict[str, Any]]] = {
    "spec.charges[0].fixed.price": lambda number: tariff(fixed(number)),
    "spec.charges[0].fixed.nth[0].multiply": lambda number: tariff(fixed("1", nth=[{"from": 2, "multiply": number}])),
    "spec.charges[0].volume.tiers[0].upTo": lambda number: tariff(volume((number or " ", "1"), (None, "1"))),
    "spec.charges[0].volume.tiers[0].price": lambda number: tariff(volume((None, number))),
    "spec.charges[0].volume.minimum": lambda number: tariff(volume((None, "1"), minimum=number)),
    "spec.charges[0].volume.maximum": lambda number: tariff(volume((None, "1"), maximum=number)),
    "spec.charges[0].volume.schedule[0].multiply": lambda number: tariff(
        volume((None, "1"), schedule=[{"from": "22:00", "to": "06:00", "multiply": number}])
    ),
    "spec.charges[0].percentile.q": lambda number: tariff(percentile(q=number)),
    "spec.charges[0].percentile.price": lambda number: tariff(percentile(number)),
    "spec.charges[0].percentile.commit": lambda number: tariff(percentile(commit=number)),
    "spec.charges[0].percentile.overage": lambda number: tariff(percentile(overage=number)),
    "spec.charges[0].quota.included": lambda number: tariff(quota(number, "1", {"stop": True})),
    "spec.charges[0].quota.price": lambda number: tariff(quota("1", number, {"stop": True})),
    "spec.charges[0].quota.beyond.block": lambda number: tariff(quota("1", "1", {"block": number, "price": "1"})),
    "spec.charges[0].quota.beyond.overage": lambda number: tariff(quota("1", "1", {"overage": number})),
    "spec.minimum": lambda number: tariff(fixed("1"), minimum=number),
    "spec.maximum": lambda number: tariff(fixed("1"), maximum=number),
    "spec.rate": lambda number: rate("EUR", "USD", number, "2026-12-01"),
    "spec.fill": lambda number: threshold(fill=number),
    "spec.shed": lambda number: threshold(shed=number),
    "spec.moveCost": lambda number: policy(moveCost=number),
    "spec.penalties.latency": lambda number: policy(penalties={"latency": number}),
    "spec.flap.factor": lambda number: policy(flap={"factor": number}),
}


@pytest.mark.parametrize("path", NUMBER_FIELDS)
def test_a_bad_number_is_refused_wherever_money_or_a_quantity_stands(path: str) -> None:
    for number in BAD_NUMBERS:
        found = refused(NUMBER_FIELDS[path](number))
        told = [problem for problem in found if problem.startswith(f"f.yaml: {path}: ")]
        assert len(told) == len(found) == 1, (number[:40], found)
        assert repr(number[:40])[1:-1].strip() in told[0]
        assert len(told[0]) < 400


@pytest.mark.parametrize("value", [1, 0, 1.5, 1e30, float("nan"), float("inf"), True, None, [], {}, ["1"]])
def test_a_number_that_is_no_text_is_refused(value: Any) -> None:
    assert len(refused(tariff(fixed(value)))) == 1


@pytest.mark.parametrize("number", [each for each in BAD_NUMBERS if each.strip()])
def test_a_bad_number_of_bytes_is_refused(tmp_path: Path, number: str) -> None:
    quoted = f'"{number}"' if "," in number else number
    (found,) = problems(read_samples, csv(tmp_path, f"2026-12-01T00:00:00Z,60,p,out,{quoted}"))
    assert f"use.csv:2: bytes: {number[:40]!r}"[:-1] in found
    assert len(found) < 400


def test_the_largest_and_the_smallest_numbers_that_are_accepted_are_computed() -> None:
    most, least = "1" + "0" * 15, "0." + "0" * 35 + "1"
    night = [{"from": "00:00", "to": "12:00", "multiply": most}]
    many = [{"from": 2, "multiply": most}]
    prices = book(
        tariff(fixed(most, nth=many, schedule=night), volume((least, most), (None, least)), name="a"),
        tariff(quota(least, most, {"block": least, "price": most}), name="b", currency="EUR"),
        tariff(percentile(None, tiers=[{"upTo": least, "price": most}, {"price": most}], unit="kbps"), name="c"),
        rate("EUR", "USD", most, "2026-01-01"),
    )
    rows = [sample("2026-12-01", 1, Decimal(most) / 10**9), sample("2026-12-02", 1, Decimal(least))]
    found = billed(prices, [row for row in rows if row.bytes], *DECEMBER, settlement="USD")
    assert found.total > 10**30
    assert found.total.as_tuple().exponent == -2


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("0001-01-01T00:00:00+14:00", "is no such time"),
        ("9999-12-31T23:59:59-12:00", "is no such time"),
        ("10000-01-01T00:00:00Z", "must be a time with its zone"),
        ("0000-01-01T00:00:00Z", "is no such time"),
        ("2026-02-29T00:00:00Z", "is no such time"),
        ("2026-12-01T24:00:00Z", "is no such time"),
        ("2026-12-01T00:00:60Z", "is no such time"),
        ("2026-12-01T00:00:00", "must be a time with its zone"),
        ("2026-12-01", "must be a time with its zone"),
        ("now", "must be a time with its zone"),
    ],
)
def test_a_time_that_is_none_is_refused(tmp_path: Path, time: str, expected: str) -> None:
    for field in ("validFrom", "validTo", "recordedAt"):
        (found,) = refused(tariff(fixed("1"), **{field: time}))
        assert found.startswith(f"f.yaml: spec.{field}: {time!r} {expected}")
    (found,) = problems(read_samples, csv(tmp_path, f"{time},60,p,out,1"))
    assert f"use.csv:2: start: {time!r} {expected}" in found
    assert problems(read_period, f"{time}/x")[0].startswith(f"--period: start: {time!r} {expected}")


def test_prices_of_the_year_1_and_of_the_year_9999_are_valid_and_rows_of_them_are_not(tmp_path: Path) -> None:
    always = tariff(fixed("1", "month"), validFrom="0001-01-01T00:00:00Z", validTo="9999-12-31T23:59:59Z")
    assert total(book(always), [], *DECEMBER) == "1.00"
    assert total(book(always), [], *DECEMBER, known="0001-01-01") == "1.00"
    for year in ("0001", "1969", "2201", "9999"):
        row = GOOD.replace("2026", year)
        assert "must be from the year 1970 to 2200" in problems(read_samples, csv(tmp_path, row))[0]
        assert "must be from the year" in problems(read_period, f"{year}-01-01T00:00:00Z/{year}-02-01T00:00:00Z")[0]


@pytest.mark.parametrize(
    "zone",
    [
        *("Mars/Base", "", "..", "../../etc/passwd", "/etc/localtime", "Europe", "a\0b", "x" * 500),
        *("localtime", "posixrules", "Factory", "right/Europe/Berlin", "posix/Europe/Berlin"),
    ],
)
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    (found,) = refused(tariff(fixed("1"), timezone=zone))
    assert found.startswith("f.yaml: spec.timezone: ")
    assert "is no known time zone" in found
    assert found.isprintable()


def test_centuries_by_the_hour_are_refused_with_their_number() -> None:
    hourly = book(tariff(fixed("1"), billingPeriod={"unit": "hour"}))
    (found,) = problems(billed, hourly, [], "1970-01-01", "2200-01-01")
    assert "has about 2,016,144 billing periods, more than 100,000: ask for a shorter one" in found
    seconds = book(tariff(percentile(sample="1s"), billingPeriod={"unit": "day"}))
    assert (
        "samples of percentiles, more than 20,000,000" in problems(billed, seconds, [], "1970-01-01", "1980-01-01")[0]
    )
