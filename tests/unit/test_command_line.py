"""What a shell may do to a command: closed and full streams, other encodings, misspelt names."""

from __future__ import annotations

import os
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
