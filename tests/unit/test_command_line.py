"""What a shell may do to a command: closed and full streams, other encodings, misspelt names."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from tests.unit.pricing import tariff, volume

PROGRAM = Path(sys.executable).with_name("switcher")


def shell(directory: Path, line: str, **env: str) -> subprocess.CompletedProcess[str]:
    """``line`` run by a shell; ``$S`` is the program."""
    return subprocess.run(
        ["sh", "-c", line],
        cwd=directory, env={**os.environ, "S": str(PROGRAM), **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(tariff(volume((None, "1")), name="good")))
    return tmp_path


def test_nowhere_to_answer_to_is_a_failure_in_one_line(prices: Path) -> None:
    done = shell(prices, "$S check t.yaml >&-")
    assert (done.returncode, done.stderr) == (1, "switcher: standard output: Bad file descriptor\n")


@pytest.mark.parametrize("end", ["2>&-", "2>/dev/full"])
def test_problems_that_nobody_hears_are_not_answers(prices: Path, end: str) -> None:
    done = shell(prices, f"$S check nosuch.yaml {end}")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


def test_nothing_to_read_from_is_nothing_to_decide_on(prices: Path) -> None:
    done = shell(prices, "$S decide --config t.yaml --snapshots - <&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_name_that_the_terminal_cannot_show_is_escaped(prices: Path) -> None:
    (prices / "t.yaml").rename(prices / "nörd.yaml")
    done = shell(prices, "$S check nörd.yaml", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, r"Tariff	good	n\xf6rd.yaml")


@pytest.mark.parametrize("source", ["s.jsonl", "- <s.jsonl"])
def test_snapshots_are_utf8_with_or_without_a_mark_whatever_the_locale(prices: Path, source: str) -> None:
    line = '{"now": "2026-12-01T00:00:00Z", "networks": [], "workloads": [], "zürich": 1}'
    (prices / "s.jsonl").write_bytes(b"\xef\xbb\xbf" + line.encode())
    done = shell(prices, f"$S decide --config t.yaml --snapshots {source}", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout) == (2, "")
    assert r"unknown field 'z\xfcrich'" in done.stderr


def test_a_misspelt_command_is_told_the_nearest(tmp_path: Path) -> None:
    done = shell(tmp_path, "$S spendings")
    assert done.returncode == 2
    assert "Did you mean 'spending'?" in done.stderr


def test_the_version_is_told(tmp_path: Path) -> None:
    done = shell(tmp_path, "$S --version")
    assert (done.returncode, done.stdout) == (0, f"switcher {version('genie-switcher')}\n")


def test_a_dash_is_standard_input(prices: Path) -> None:
    row = "2026-12-01T00:00:00Z,60,p,out,5000000000"
    (prices / "use.csv").write_text(f"start,seconds,network,direction,bytes\n{row}\n")
    bill = "$S bill --period 2026-12-01T00:00:00Z/2027-01-01T00:00:00Z"
    for line in (f"{bill} --tariff t.yaml --samples - <use.csv", f"{bill} --tariff - --samples use.csv <t.yaml"):
        done = shell(prices, line)
        assert (done.returncode, done.stdout.splitlines()[-1].split("\t")[-1]) == (0, "5.00 USD"), done.stderr
    assert shell(prices, "$S check - <t.yaml").stdout.splitlines()[-1] == "Tariff\tgood\t/dev/stdin"
    assert shell(prices, "cat t.yaml | $S check -").stdout.splitlines()[-1] == "Tariff\tgood\t/dev/stdin"


def test_both_inputs_of_a_decision_are_told(prices: Path) -> None:
    done = shell(prices, "$S decide --config none.yaml --snapshots none.jsonl")
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        [f"none.{end}: cannot be read: No such file or directory" for end in ("yaml", "jsonl")],
    )


@pytest.mark.parametrize("field", ["capacity_bps", "used_bps", "in_bps", "latency_ms"])
def test_absurd_numbers_of_a_snapshot_are_refused(prices: Path, field: str) -> None:
    given = {
        "name": "p",
        "physicalNetwork": "p",
        "capacity_bps": 1,
        "used_bps": 1,
        "sampled_at": "2026-12-01T00:00:00Z",
    }
    line = {"now": "2026-12-01T00:00:00Z", "networks": [{**given, field: 1e30}], "workloads": []}
    (prices / "s.jsonl").write_text(json.dumps(line))
    done = shell(prices, "$S decide --config t.yaml --snapshots s.jsonl")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"s.jsonl:1: networks[0].{field}: 1e+30 must be less than or equal to 1000000000000000000"
    )


def test_a_history_and_a_chart_that_cannot_be_are_told_before_anything_is_computed(prices: Path) -> None:
    period = "2026-12-01T00:00:00Z/2026-12-02T00:00:00Z"
    done = shell(prices, f"$S backtest --config t.yaml --history none.csv --period {period} --plot none/x.png")
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (
        2,
        "",
        ["--plot: 'none/x.png': none is no directory", "none.csv: cannot be read: No such file or directory"],
    )


@pytest.mark.parametrize(("columns", "boxed"), [("80", False), ("200", True)])
def test_a_table_that_is_wider_than_the_terminal_loses_nothing(prices: Path, columns: str, boxed: bool) -> None:
    name = f"{'long' * 20}.yaml"
    (prices / "t.yaml").rename(prices / name)
    terminal, end = pty.openpty()
    env = {**os.environ, "COLUMNS": columns, "TERM": "xterm"}
    done = subprocess.run([PROGRAM, "check", name], cwd=prices, env=env, stdout=end, check=False)
    os.close(end)
    said = os.read(terminal, 65_536).decode()
    os.close(terminal)
    assert (done.returncode, "│" in said) == (0, boxed)
    assert [line.split() for line in said.replace("│", " ").splitlines() if name in line] == [["Tariff", "good", name]]
