"""Files that are none, and YAML that is meant to hurt: refused soon, in lines that can be printed."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from switcher.objects.load import load, parse_documents
from switcher.objects.rows import read_period, read_rates, read_stays
from switcher.objects.sample_rows import read_samples
from tests.unit.pricing import at, fixed, tariff, volume
from tests.unit.refusing import GOOD, HEADER, csv, problems

START = at("2026-12-01")


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


def test_an_unknown_column_hides_no_other_problem(tmp_path: Path) -> None:
    file = csv(tmp_path, "2026-12-01T00:00:00Z,60,p,out,-1,x", header=f"{HEADER},moon")
    found = [problem.partition("use.csv")[2] for problem in problems(read_samples, file)]
    assert found == [
        ":1: moon: unknown column 'moon': known are start, seconds, network, direction, bytes, destination, node",
        ":2: bytes: '-1' must not be negative",
    ]


def test_both_ends_of_a_period_are_told() -> None:
    assert [problem.partition(" must")[0] for problem in problems(read_period, "2026-12/x")] == [
        "--period: start: '2026-12'",
        "--period: end: 'x'",
    ]
    assert problems(read_period, "2026-12")[0].startswith("--period: '2026-12' must be START/END, like 2026-")


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
