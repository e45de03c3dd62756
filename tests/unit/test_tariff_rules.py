"""Rules of tariffs and bills that no other test stands for (tariffs.yaml)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from switcher.errors import BadInputError
from switcher.objects.load import book_from_documents
from switcher.objects.sample_rows import read_samples
from switcher.objects.values import duration, rate
from switcher.objects.words import Mode
from tests.unit.pricing import at, billed, book, fixed, percentile, quota, sample, tariff, total, volume

DECEMBER = ("2026-12-01", "2027-01-01")
NIGHT = [{"from": "22:00", "to": "06:00", "multiply": "0.5"}]
BLOCKS = {"block": "1", "price": "1"}
HEADER = "start,seconds,network,direction,bytes"


def test_a_class_listed_with_price_zero_is_free() -> None:
    prices = book(tariff(volume((None, "1"), destination="internet"), volume((None, "0"), destination="moon")))
    rows = [sample("2026-12-01", 1, 5, destination="internet"), sample("2026-12-01", 1, 9, destination="moon")]
    assert total(prices, rows, *DECEMBER) == "5.00"


def test_lists_that_differ_in_one_of_the_two_times_are_taken() -> None:
    same: dict[str, Any] = {"contract": "k", "recordedAt": "2026-02-01T00:00:00Z"}
    lists = [
        tariff(fixed("1", "month"), name="a", **same),
        tariff(fixed("2", "month"), name="b", **{**same, "recordedAt": "2026-03-01T00:00:00Z"}),
        tariff(fixed("3", "month"), name="c", validFrom="2025-01-01T00:00:00Z", **same),
    ]
    assert total(book(*lists), [], *DECEMBER) == "2.00"
    with pytest.raises(BadInputError, match="a second price list of contract 'k'"):
        book(*lists, tariff(fixed("4", "month"), name="d", **same))


def test_a_list_without_recorded_at_was_known_always() -> None:
    prices = book(tariff(fixed("1", "month")))
    assert total(prices, [], *DECEMBER, known="1970-01-01") == "1.00"
    with pytest.raises(BadInputError, match="no tariff is given, or none was known at that time"):
        billed(book(tariff(fixed("1"), recordedAt="2026-01-01T00:00:00Z")), [], *DECEMBER, known="2025-12-31")


def test_daily_sums_of_two_lists_in_proportion_of_their_seconds() -> None:
    old = tariff(fixed("1", "day"), name="old", contract="k")
    new = tariff(fixed("2", "day"), name="new", contract="k", validFrom="2026-12-11T12:00:00Z")
    assert total(book(old, new), [], *DECEMBER) == "51.50"  # 10.5 x 1 + 20.5 x 2


def test_a_quotas_price_is_due_in_each_period() -> None:
    prices = book(tariff(quota("50", "65", {"stop": True}), billingPeriod={"unit": "week"}))
    assert total(prices, [], "2026-11-30", "2026-12-21") == "195.00"  # three weeks


@pytest.mark.parametrize(
    ("charge", "expected"),
    [
        (fixed("1", "day", schedule=NIGHT), "fixed.schedule: is allowed on fixed prices per hour only"),
        (fixed("1", "month", schedule=NIGHT), "fixed.schedule: is allowed on fixed prices per hour only"),
        (volume((None, "1"), mode="allUnits", schedule=NIGHT), "volume.schedule: is not allowed with mode allUnits"),
        (volume((None, "1"), mode="stepFee", schedule=NIGHT), "volume.schedule: is not allowed with mode stepFee"),
        (
            quota("1", "1", {"block": "1", "price": "1"}, schedule=NIGHT),
            "quota.schedule: is allowed on a quota's overage",
        ),
        (quota("1", "1", {"throttle": "1Mbps"}, schedule=NIGHT), "quota.schedule: is allowed on a quota's overage"),
        (percentile(schedule=NIGHT), "percentile.schedule: unknown field 'schedule'"),
    ],
)
def test_a_schedule_elsewhere_is_refused_by_name(charge: dict[str, Any], expected: str) -> None:
    with pytest.raises(BadInputError) as refusal:
        book(tariff(charge))
    assert any(expected in str(problem) for problem in refusal.value.problems), refusal.value.problems


def test_amounts_of_lines_are_not_rounded() -> None:
    (entry,) = billed(book(tariff(fixed("0.0049", "month"))), [], *DECEMBER).entries
    assert (str(entry.lines[0].amount), str(entry.total)) == ("0.0049", "0.00")


def test_a_csv_of_only_a_header_and_blank_lines_are_accepted(tmp_path: Path) -> None:
    file = tmp_path / "use.csv"
    file.write_text(f"{HEADER}\n")
    assert read_samples(file) == []
    file.write_text(f"{HEADER}\n\n  \n2026-12-01T00:00:00Z,60,p,out,1\n,,,,\n\n")
    assert [row.line for row in read_samples(file)] == [4]


def test_columns_count_by_their_names(tmp_path: Path) -> None:
    file = tmp_path / "use.csv"
    file.write_text("node,bytes,direction,network,start,seconds\nn1,7,in,p,2026-12-01T01:00:00+01:00,60\n")
    (row,) = read_samples(file)
    assert (row.node, row.bytes, row.direction, row.network) == ("n1", Decimal(7), "in", "p")
    assert (row.start, row.end) == (at("2026-12-01"), at("2026-12-01 00:01"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90), ("5m", 300), ("1h", 3600), ("2d", 172_800), ("1h30m", 5400), ("500ms", 0.5)],
)
def test_durations(text: str, expected: float) -> None:
    assert duration(text) == timedelta(seconds=expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1bps", 1), ("1kbps", 1e3), ("100Mbps", 1e8), ("2.5Gbps", 2.5e9), ("1Tbps", 1e12)],
)
def test_rates_of_a_line(text: str, expected: float) -> None:
    assert rate(text) == expected
    with pytest.raises(PydanticCustomError):
        rate(text.upper())


@pytest.mark.parametrize("field", ["physicalNetworks", "currency", "billingPeriod", "validFrom", "charges"])
def test_what_a_tariff_needs(field: str) -> None:
    document = tariff(fixed("1"))
    del document["spec"][field]
    with pytest.raises(BadInputError, match=f"spec.{field}: required, but missing"):
        book_from_documents([document])


def test_what_a_tariff_has_by_default() -> None:
    (one,) = book(tariff(volume((None, "1")), name="port")).tariffs
    assert (one.contract, one.spec.timezone, one.spec.billing_period.anchor) == ("port", "UTC", 1)
    charge = one.spec.charges[0].volume
    assert charge is not None
    assert (charge.mode, charge.destination, charge.schedule) == (Mode.GRADUATED, None, ())
    with pytest.raises(BadInputError, match=r"billingPeriod.unit: required, but missing"):
        book(tariff(fixed("1"), billingPeriod={"anchor": 1}))


def test_valid_to_is_exclusive() -> None:
    first = tariff(volume((None, "1")), name="a", contract="k", validTo="2026-12-02T00:00:00Z")
    after = tariff(volume((None, "3")), name="b", contract="k", validFrom="2026-12-02T00:00:00Z")
    assert total(book(first, after), [sample("2026-12-01", 48, 2)], *DECEMBER) == "4.00"


@pytest.mark.parametrize("kinds", [{}, {**fixed("1"), **volume((None, "1"))}])
def test_a_charge_has_exactly_one_kind(kinds: dict[str, Any]) -> None:
    with pytest.raises(BadInputError, match="needs exactly one of fixed, volume, percentile and quota"):
        book(tariff(kinds))
