"""All kinds of bad input to the real commands: exit 2, nothing on stdout, every problem with its place on stderr."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.pricing import fixed, percentile, rate, tariff, volume
from tests.unit.refusing import network, policy, threshold

PERIOD = "2026-12-01T00:00:00Z/2027-01-01T00:00:00Z"
PRICES = tariff(volume((None, "1")), name="good")


def switcher(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("switcher")
    return subprocess.run([program, *arguments], cwd=directory, capture_output=True, text=True, check=False)


def refused(directory: Path, *arguments: str) -> list[str]:
    """What a command complains of, line by line."""
    done = switcher(directory, *arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    return done.stderr.splitlines()


def objects(directory: Path, name: str, *documents: dict[str, Any]) -> str:
    (directory / name).write_text(yaml.safe_dump_all(documents))
    return name


def csv(directory: Path, name: str, *lines: str) -> str:
    (directory / name).write_text("\n".join(lines) + "\n")
    return name


WRONG: list[tuple[dict[str, Any], str]] = [
    (tariff(fixed("NaN"), name="a"), "spec.charges[0].fixed.price: 'NaN' must be a decimal number"),
    (tariff(fixed("-1"), name="b"), "spec.charges[0].fixed.price: '-1' must not be negative"),
    (tariff(percentile("1e30"), name="c"), "spec.charges[0].percentile.price: '1e30' must be a decimal number"),
    (tariff(volume(("9", "1"), ("8", "1"), (None, "1")), name="d"), "tiers[1].upTo: '8' is out of order: it must be"),
    (tariff(fixed("1"), name="e", timezone="Mars/X"), "spec.timezone: 'Mars/X' is no known time zone"),
    (tariff(fixed("1"), name="f", contract="k"), ""),
    (tariff(fixed("2"), name="g", contract="k"), "spec.validFrom: a second price list of contract 'k' valid from"),
    (network(capacity="0bps"), "spec.capacity: '0bps' must be above zero"),
    (threshold(fill="NaN"), "spec.fill: 'NaN' must be a decimal number"),
    (policy(moveCost="1e30"), "spec.moveCost: '1e30' must be a decimal number"),
    (policy(moveCost="-1"), "spec.moveCost: '-1' must not be negative"),
    (rate("EUR", "USD", "NaN", "2026-12-01"), "spec.rate: 'NaN' must be a decimal number"),
    (rate("EUR", "USD", "-1", "2026-12-01"), "spec.rate: '-1' must"),
    (rate("EUR", "USD", "1e30", "2026-12-01"), "spec.rate: '1e30' must be a decimal number"),
]


@pytest.mark.parametrize("command", ["check", "bill", "decide", "backtest"])
def test_every_wrong_object_is_told_by_every_command_that_reads_objects(tmp_path: Path, command: str) -> None:
    objects(tmp_path, "o.yaml", *(document for document, _ in WRONG))
    csv(tmp_path, "use.csv", "start,seconds,network,direction,bytes")
    arguments = {
        "check": ["check", "o.yaml"],
        "bill": ["bill", "--tariff", "o.yaml", "--samples", "use.csv", "--period", PERIOD],
        "decide": ["decide", "--config", "o.yaml", "--snapshots", "use.csv"],
        "backtest": ["backtest", "--config", "o.yaml", "--history", "use.csv", "--period", PERIOD],
    }
    found = refused(tmp_path, *arguments[command])
    for number, (_, expected) in enumerate(WRONG, 1):
        if expected:
            told = [line for line in found if expected in line and line.startswith("o.yaml:")]
            assert any(number == 1 or f"(document {number})" in line for line in told), (expected, found)


def test_every_wrong_row_of_every_table_is_told_at_once(tmp_path: Path) -> None:
    objects(tmp_path, "o.yaml", PRICES)
    start = "2026-12-01T00:00:00Z"
    rows = [f"{start},60,p,out,{number}" for number in ("NaN", "-1", "1e30")]
    csv(tmp_path, "use.csv", "start,seconds,network,direction,bytes", *rows, f"{start},-60,p,out,1")
    rates = [f"EUR,USD,{number},2026-12-01" for number in ("NaN", "-1", "1e30", "0", "1", "2")]
    csv(tmp_path, "rates.csv", "from,to,rate,date", *rates)
    csv(tmp_path, "on.csv", "attachment,network,start,end", f"a,p,{start},{start}")
    tables = ["--samples", "use.csv", "--rates", "rates.csv", "--attachments", "on.csv"]
    found = refused(tmp_path, "bill", "--tariff", "o.yaml", *tables, "--period", PERIOD)
    assert [" ".join(line.split(" ")[:3]) for line in found] == [
        "use.csv:2: bytes: 'NaN'",
        "use.csv:3: bytes: '-1'",
        "use.csv:4: bytes: '1e30'",
        "use.csv:5: seconds: '-60'",
        f"on.csv:2: end: '{start}'",
        "rates.csv:2: rate: 'NaN'",
        "rates.csv:3: rate: '-1'",
        "rates.csv:4: rate: '1e30'",
        "rates.csv:5: rate: '0'",
        "rates.csv:7: rate: two",
    ]


def test_currencies_without_a_rate_and_times_without_a_price_are_refused_and_gaps_of_samples_told(
    tmp_path: Path,
) -> None:
    euros = tariff(volume((None, "1")), name="euros", physicalNetworks=["q"], currency="EUR")
    late = tariff(volume((None, "1")), name="late", physicalNetworks=["r"], validFrom="2026-12-02T00:00:00Z")
    header = "start,seconds,network,direction,bytes"
    csv(tmp_path, "use.csv", header, *(f"2026-12-01T00:00:00Z,172800,{name},out,1" for name in "pqr"))
    bill = ["bill", "--samples", "use.csv", "--period", PERIOD, "--tariff"]
    (mixed,) = refused(tmp_path, *bill, objects(tmp_path, "mixed.yaml", euros, PRICES))
    line = (tmp_path / "mixed.yaml").read_text().splitlines().index("  currency: USD") + 1
    assert mixed.startswith(f"mixed.yaml:{line}: spec.currency: currencies EUR, USD are never added without a")
    (unpriced,) = refused(tmp_path, *bill, objects(tmp_path, "late.yaml", PRICES, late))
    times = "from 2026-12-01T00:00:00+00:00 to 2026-12-02T00:00:00+00:00"
    assert unpriced == f"use.csv:4: network: 'r': contract 'late' has no valid price list {times}"
    done = switcher(tmp_path, *bill, objects(tmp_path, "good.yaml", PRICES))
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "not billed, because no tariff names them: q, r",
        "no samples of p from 2026-12-03T00:00:00Z to 2027-01-01T00:00:00Z",
    ]


def test_a_missing_rate_is_told_beside_all_that_is_wrong_with_other_inputs(tmp_path: Path) -> None:
    euros = tariff(volume((None, "1")), name="euros", physicalNetworks=["q"], currency="EUR")
    prices = objects(tmp_path, "mixed.yaml", PRICES, euros, rate("EUR", "USD", "1.17", "2027-01-01"))
    late = "no rate from EUR to USD dated on or before 2026-12-31, the last day of a billing period of contract 'euros'"
    header = "start,seconds,network,direction,bytes"
    start = "2026-12-01T00:00:00Z"
    bill = ["bill", "--tariff", prices, "--period", PERIOD, "--samples"]

    row, told = refused(tmp_path, *bill, csv(tmp_path, "use.csv", header, f"{start},60,p,out,NaN"))
    assert row.startswith("use.csv:2: bytes: 'NaN'")
    assert told.startswith("mixed.yaml:")
    assert f": spec.currency: {late}" in told
    assert told.endswith("(document 2)")

    twice = csv(tmp_path, "twice.csv", header, f"{start},60,p,out,1", f"{start},60,p,out,1")
    found = refused(tmp_path, *bill, twice)
    assert [late in line for line in found] == [False, True], "and beside what only the bill finds"

    history = csv(
        tmp_path, "attachments.csv", "start,seconds,workload,network,direction,bytes", f"{start},60,w,p,out,-1"
    )
    found = refused(tmp_path, "backtest", "--config", prices, "--history", history, "--period", PERIOD)
    assert sum(late in line for line in found) == 1
    assert sum(line.startswith("attachments.csv:2: bytes: '-1'") for line in found) == 1


def test_a_missing_rate_is_not_told_of_a_period_that_is_none(tmp_path: Path) -> None:
    euros = tariff(volume((None, "1")), name="euros", physicalNetworks=["q"], currency="EUR")
    prices = objects(tmp_path, "mixed.yaml", PRICES, euros)
    samples = csv(tmp_path, "use.csv", "start,seconds,network,direction,bytes")
    (period,) = refused(tmp_path, "bill", "--tariff", prices, "--samples", samples, "--period", "now")
    assert period.startswith("--period")
