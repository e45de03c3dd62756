"""Bad prices, rows, rates, thresholds and files: refused whole, with the place and what was written, soon."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from switcher.errors import BadInputError
from switcher.objects.load import book_from_documents, load, parse_documents
from switcher.objects.rows import read_period, read_rates, read_samples, read_stays
from tests.unit.pricing import at, billed, book, fixed, percentile, quota, rate, sample, tariff, total, volume

START = at("2026-12-01")
DECEMBER = ("2026-12-01", "2027-01-01")
HEADER = "start,seconds,network,direction,bytes"
GOOD = "2026-12-01T00:00:00Z,60,p,out,1"


def problems(ask: Callable[..., object], *arguments: Any) -> list[str]:
    with pytest.raises(BadInputError) as refusal:
        ask(*arguments)
    return [str(problem) for problem in refusal.value.problems]


def refused(*documents: dict[str, Any]) -> list[str]:
    return problems(book_from_documents, documents, "f.yaml")


def csv(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    file = tmp_path / "use.csv"
    file.write_text("\n".join([header, *lines]) + "\n")
    return file


# --- numbers ---------------------------------------------------------------------------------------

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


def threshold(**spec: Any) -> dict[str, Any]:
    return {"kind": "CongestionThreshold", "metadata": {"name": "x"}, "spec": spec}


def policy(**spec: Any) -> dict[str, Any]:
    return {"kind": "SwitchPolicy", "metadata": {"name": "x"}, "spec": spec}


def network(**spec: Any) -> dict[str, Any]:
    return {"kind": "PhysicalNetwork", "metadata": {"name": "p"}, "spec": {"refer_nic": "eth1", **spec}}


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


# --- times -----------------------------------------------------------------------------------------


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
    assert f"'{time}/x' " in problems(read_period, f"{time}/x")[0]


def test_prices_of_the_year_1_and_of_the_year_9999_are_valid_and_rows_of_them_are_not(tmp_path: Path) -> None:
    always = tariff(fixed("1", "month"), validFrom="0001-01-01T00:00:00Z", validTo="9999-12-31T23:59:59Z")
    assert total(book(always), [], *DECEMBER) == "1.00"
    assert total(book(always), [], *DECEMBER, known="0001-01-01") == "1.00"
    for year in ("0001", "1969", "2201", "9999"):
        row = GOOD.replace("2026", year)
        assert "must be from the year 1970 to 2200" in problems(read_samples, csv(tmp_path, row))[0]
        assert "must be from the year" in problems(read_period, f"{year}-01-01T00:00:00Z/{year}-02-01T00:00:00Z")[0]


@pytest.mark.parametrize(
    "zone", ["Mars/Base", "", "..", "../../etc/passwd", "/etc/localtime", "Europe", "a\0b", "x" * 500]
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


# --- objects ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(
            tariff(volume(("9", "1"), ("8", "1"), (None, "1"))), "tiers[1].upTo: '8' is out of order", id="falling"
        ),
        pytest.param(
            tariff(volume(("9", "1"), ("9.0", "1"), (None, "1"))), "tiers[1].upTo: '9.0' is out of order", id="equal"
        ),
        pytest.param(
            tariff(volume((None, "1"), (None, "1"))), "tiers[0].upTo: required, but missing", id="open too early"
        ),
        pytest.param(tariff(volume(("9", "1"))), "tiers[0].upTo: '9' on the last tier", id="closed"),
        pytest.param(
            tariff(percentile(None, tiers=[{"upTo": "9", "price": "1"}, {"upTo": "8", "price": "1"}, {"price": "1"}])),
            "percentile.tiers[1].upTo: '8' is out of order",
            id="of a percentile",
        ),
        pytest.param(
            tariff(volume(*((str(number), "1") for number in range(1, 1002)), (None, "1"))),
            "volume.tiers: has too many elements",
            id="thousands",
        ),
        pytest.param(
            tariff(fixed("1", schedule=[{"from": "22:00", "to": "06:00", "multiply": "1"}] * 101)),
            "fixed.schedule: has too many elements",
            id="windows",
        ),
        pytest.param(tariff(fixed("1"), billingPeriod={"unit": "month", "anchor": 0}), "anchor: 0 must", id="anchor"),
        pytest.param(network(capacity="0bps"), "spec.capacity: '0bps' must be above zero", id="zero capacity"),
        pytest.param(network(capacity="0.0Gbps"), "spec.capacity: '0.0Gbps' must be above zero", id="also zero"),
        pytest.param(network(capacity="-1Gbps"), "spec.capacity: '-1Gbps' must be a rate", id="negative capacity"),
        pytest.param(network(capacity="1e30bps"), "spec.capacity: '1e30bps' must be a rate", id="absurd capacity"),
        pytest.param(network(capacity="9" * 400 + "bps"), "must be above zero and at most", id="huge capacity"),
        pytest.param(network(capacity="NaNbps"), "spec.capacity: 'NaNbps' must be a rate", id="no capacity"),
        pytest.param(network(sla="101"), "spec.sla: '101' must be a percentage", id="sla"),
        pytest.param(threshold(fill="0", shed="1"), "spec.fill: '0' must be a fraction", id="fill of nothing"),
        pytest.param(threshold(fill="0.9", shed="0.9"), "spec.shed: '0.9' of shed must be above fill", id="equal shed"),
        pytest.param(threshold(confirm={"atLeast": 0, "of": 5}), "confirm.atLeast: 0 must be", id="confirmed by none"),
        pytest.param(policy(horizon="1e30s"), "spec.horizon: '1e30s' must be a duration", id="horizon"),
        pytest.param(policy(horizon="9" * 400 + "d"), "is absurdly long: at most 3660d", id="absurd horizon"),
        pytest.param(policy(budgets=[{"moves": "-1"}]), "budgets[0].moves: '-1' must be a count", id="budget"),
        pytest.param(policy(mode="on"), "spec.mode: 'on' is not one of off, recommend, auto", id="mode"),
        pytest.param(rate("EUR", "USD", "0", "2026-01-01"), "spec.rate: '0' must be above zero", id="rate of nothing"),
        pytest.param(rate("EUR", "USD", "1", "2026-02-30"), "'2026-02-30' is no such date", id="no such day"),
        pytest.param(rate("EUR", "EURO", "1", "2026-01-01"), "spec.to: 'EURO' is no currency code", id="currency"),
    ],
)
def test_objects_that_mean_nothing_are_refused(document: dict[str, Any], expected: str) -> None:
    found = refused(document)
    assert any(expected in problem for problem in found), found


def test_two_lists_with_one_contract_valid_from_and_recorded_at_are_refused_in_any_way_of_writing_it() -> None:
    same = {"contract": "k", "recordedAt": "2026-01-01T00:00:00Z"}
    again = {**same, "validFrom": "2026-01-01T02:00:00+02:00", "recordedAt": "2025-12-31T23:00:00-01:00"}
    found = refused(tariff(fixed("1"), name="a", **same), tariff(fixed("2"), name="b", **again))
    assert any("a second price list of contract 'k' valid from 2026-01-01" in problem for problem in found)
    found = refused(tariff(fixed("1"), name="k"), tariff(fixed("1"), name="b", contract="k"))
    assert any("recorded at no stated time" in problem for problem in found)


def test_several_currencies_without_a_rate_are_refused() -> None:
    prices = book(tariff(fixed("1"), name="a"), tariff(fixed("1"), name="b", currency="EUR"))
    assert "currencies EUR, USD are never added" in problems(billed, prices, [], *DECEMBER)[0]
    known = book(*prices_and(rate("EUR", "USD", "1.1", "2027-01-01")))
    assert "no rate from EUR to USD dated on or before 2026-12-31" in problems(billed, known, [], *DECEMBER)[0]


def prices_and(*more: dict[str, Any]) -> list[dict[str, Any]]:
    return [tariff(fixed("1"), name="a"), tariff(fixed("1"), name="b", currency="EUR"), *more]


def test_gaps_in_prices_are_refused_with_their_times_and_gaps_in_samples_are_listed() -> None:
    lists = [
        tariff(volume((None, "1")), name="a", contract="k", validTo="2026-12-05T00:00:00Z"),
        tariff(volume((None, "1")), name="b", contract="k", validFrom="2026-12-06T12:00:00Z"),
    ]
    (found,) = problems(billed, book(*lists), [sample("2026-12-04", 72, 1, line=7)], *DECEMBER)
    times = "from 2026-12-05T00:00:00+00:00 to 2026-12-06T12:00:00+00:00"
    assert found == f"samples:7: network: 'p': contract 'k' has no valid price list {times}"
    around = [sample("2026-12-04", 24, 1), sample("2026-12-06 12:00", 12, 1)]
    gaps = billed(book(*lists), around, "2026-12-04", "2026-12-07").gaps
    assert gaps == ()  # in the time without a list nothing is needed
    invoice = billed(book(*lists), around, "2026-12-03", "2026-12-08")
    assert [(gap.start, gap.end) for gap in invoice.gaps] == [
        (at("2026-12-03"), at("2026-12-04")),
        (at("2026-12-07"), at("2026-12-08")),
    ]


def test_one_bad_object_refuses_all_and_every_problem_is_told(tmp_path: Path) -> None:
    bad = tariff(fixed("-1"), volume(("9", "x"), ("8", "1"), (None, "1")), name="b", currency="usd", timezone="Mars")
    (tmp_path / "a.yaml").write_text(yaml.safe_dump_all([tariff(fixed("1"), name="a"), bad]))
    (tmp_path / "b.json").write_text('{"kind": "ExchangeRate", "spec": {"from": "EUR", "to": "USD", "rate": 1}}')
    found = problems(load, [tmp_path])
    paths = [problem.split(": ")[1] for problem in found]
    assert sorted(paths) == [
        "spec.charges[0].fixed.price",
        "spec.charges[1].volume.tiers[0].price",
        "spec.charges[1].volume.tiers[1].upTo",
        "spec.currency",
        "spec.date",
        "spec.rate",
        "spec.timezone",
    ]
    assert all("(document 2)" in problem for problem in found if "a.yaml" in problem)


# --- YAML ------------------------------------------------------------------------------------------


def test_keys_twice_are_refused_at_every_depth() -> None:
    text = (
        "kind: Tariff\nkind: Tariff\nmetadata: {name: t, name: t}\nspec: {charges: [{fixed: {price: '1', price: '2'}}]}"
    )
    found = [problem for problem in problems(parse_documents, text, "f.yaml") if "is given twice" in problem]
    assert [problem.partition(" '")[0] for problem in found] == [
        "f.yaml:2: kind:",
        "f.yaml:3: metadata.name:",
        "f.yaml:4: spec.charges[0].fixed.price:",
    ]


def bomb(levels: int, wide: int) -> str:
    """Aliases of aliases: wide ** levels texts, were they all written out."""
    lines = ["a0: &a0 [" + ", ".join(["x"] * wide) + "]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * wide)}]" for level in range(1, levels)]
    return "\n".join(lines) + f"\nkind: Tariff\nspec: *a{levels - 1}\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(bomb(9, 9), id="aliases of aliases"),
        pytest.param("a: &a {<<: *a}\n", id="a merge of itself"),
        pytest.param("&a [*a]", id="a list in itself"),
        pytest.param("[" * 100_000, id="lists"),
        pytest.param("- " * 100_000 + "x", id="dashes"),
        pytest.param('{"a":' * 100_000, id="mappings"),
        pytest.param('{"a":' * 61 + "1" + "}" * 61, id="a level too many"),
        pytest.param("? " * 50_000, id="keys of keys"),
        pytest.param("kind: Tariff\nspec: {a: [" + "1, " * 3_000_000 + "]}", id="very many values"),
        pytest.param("a: !!python/object/apply:os.system [x]", id="an object of a program"),
        pytest.param("kind: Tariff\nspec: \0", id="a zero"),
    ],
)
def test_yaml_that_is_meant_to_hurt_is_refused_soon(text: str) -> None:
    began = time.process_time()
    found = problems(parse_documents, text, "f.yaml")
    assert found
    assert all(problem.isprintable() and len(problem) < 1000 for problem in found)
    assert time.process_time() - began < 20


def test_anchors_are_taken_where_they_only_save_writing() -> None:
    text = yaml.safe_dump(tariff(fixed("1")))
    shared = text.replace("currency: USD", "currency: &c USD\n  provider: *c")
    (document,) = parse_documents(shared, "f.yaml")
    assert document["spec"]["provider"] == "USD"


# --- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp037"])
def test_other_encodings_are_refused(tmp_path: Path, encoding: str) -> None:
    objects, rows = tmp_path / "t.yaml", tmp_path / "use.csv"
    objects.write_bytes(
        yaml.safe_dump(tariff(fixed("1"), provider="Zürich"), allow_unicode=True).encode(encoding, "ignore")
    )
    rows.write_bytes(f"{HEADER},node\n{GOOD},Zürich\n".encode(encoding))
    for read, argument in ((load, [objects]), (read_samples, rows)):
        found = problems(read, argument)
        assert all(problem.isprintable() for problem in found)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_byte_order_mark_and_any_ends_of_lines_are_taken(tmp_path: Path, mark: str, end: str) -> None:
    objects, rows, rates, stays = (tmp_path / name for name in ("t.yaml", "use.csv", "rates.csv", "on.csv"))
    text = yaml.safe_dump(tariff(volume((None, "1"))))
    objects.write_bytes((mark + text.replace("\n", end)).encode())
    rows.write_bytes(f"{mark}{HEADER}{end}{GOOD}{end}".encode())
    rates.write_bytes(f"{mark}from,to,rate,date{end}EUR,USD,1.1,2026-12-01{end}".encode())
    stays.write_bytes(
        f"{mark}attachment,network,start,end{end}a,p,2026-12-01T00:00:00Z,2026-12-02T00:00:00Z{end}".encode()
    )
    assert (
        len(load([objects]).tariffs) == len(read_samples(rows)) == len(read_rates(rates)) == len(read_stays(stays)) == 1
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "the header is missing"),
        (b"\n\n", "the header is missing"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (HEADER.encode() + b'\n"2026', "no valid CSV"),
        (HEADER.encode() + b"\n" + b"x" * 200_000 + b",1,p,out,1\n", "field larger than field limit"),
        (HEADER.encode() + b"\n\x1b[2J,1,p,out,1\n", r"start: '\x1b[2J' must be a time"),
        (b"start\x1b[2J,seconds\n", r"start\x1b[2J: unknown column"),
        (HEADER.encode() + b",bytes\n", "the column 'bytes' is given twice"),
    ],
)
def test_a_csv_that_is_none_is_refused(tmp_path: Path, data: bytes, expected: str) -> None:
    file = tmp_path / "use.csv"
    file.write_bytes(data)
    found = problems(read_samples, file)
    assert any(expected in problem for problem in found), found
    assert all(problem.isprintable() and len(problem) < 1000 for problem in found)


def test_a_directory_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    assert "cannot be read: Is a directory" in problems(read_samples, tmp_path)[0]
    assert "cannot be read: No such file" in problems(load, [tmp_path / "none.yaml"])[0]


def test_a_large_file_is_read_in_bounded_time_and_memory(tmp_path: Path) -> None:
    """100,000 rows of 4 MB."""
    starts = ((START + timedelta(seconds=each)).isoformat() for each in range(100_000))
    file = csv(tmp_path, *(f"{start},1,p,out,1" for start in starts))
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    rows = read_samples(file)
    assert len(rows) == 100_000
    assert time.process_time() - began < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB: 1 kB a row


# --- the command -----------------------------------------------------------------------------------


def switcher(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("switcher")
    return subprocess.run([program, *arguments], cwd=directory, capture_output=True, text=True, check=False)


def test_exit_codes_of_bill_and_check(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(yaml.safe_dump(tariff(volume((None, "1")))))
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(tariff(fixed("1e30"))))
    csv(tmp_path, GOOD)
    rest = ["--samples", "use.csv", "--period", "2026-12-01T00:00:00Z/2026-12-02T00:00:00Z"]
    done = switcher(tmp_path, "bill", "--tariff", "good.yaml", *rest)
    assert (done.returncode, "0.00 USD" in done.stdout) == (0, True)
    assert switcher(tmp_path, "check", "good.yaml").returncode == 0
    for command in (["check", "bad.yaml"], ["bill", "--tariff", "bad.yaml", *rest]):
        bad = switcher(tmp_path, *command)
        assert (bad.returncode, bad.stdout) == (2, "")
        assert "bad.yaml:11: spec.charges[0].fixed.price: '1e30' must be a decimal number" in bad.stderr
    assert switcher(tmp_path, "bill", "--tariff", "good.yaml").returncode == 2  # usage
    with Path("/dev/full").open("w") as full:
        failed = subprocess.run(
            [Path(sys.executable).with_name("switcher"), "check", "good.yaml"],
            cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert failed.returncode == 1
    assert b"Traceback" not in failed.stderr
