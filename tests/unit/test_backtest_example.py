"""The example of docs/backtest.md: its files are what the tool makes, and its table is what the command prints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from switcher.commands.backtest import backtest

ROOT = Path(__file__).parents[2]
PERIOD = "2026-11-02T00:00:00Z/2026-11-03T00:00:00Z"


def test_the_files_are_what_the_tool_makes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(ROOT / "tools/backtest-example"), str(tmp_path)], check=True)
    made = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert made == {file.name: file.read_text() for file in (ROOT / "docs/backtest").iterdir()}
    assert set(made) == {"attachments.csv", "uplinks.csv", "networks.csv", "workloads.csv"}


def run(*arguments: str) -> str:
    app = typer.Typer()
    app.command()(backtest)
    words = ["--config", str(ROOT / "config/examples"), "--history", str(ROOT / "docs/backtest"), "--period", PERIOD]
    done = CliRunner().invoke(app, [*words, *arguments])
    assert done.exception is None, done.exception
    return done.stdout


@pytest.fixture(scope="module")
def printed() -> str:
    return run("--policy", "ours", "sd-wan")


def ratio(table: str, case: str) -> float:
    """R of ours."""
    header, *rows = (line.split("\t") for line in table.splitlines())
    (found,) = (row for row in rows if "ours" in row and (not case or row[0] == case))
    return float(found[header.index("R")])


def test_the_peers_and_the_bound_are_as_the_page_shows(printed: str) -> None:
    """What does not hang on how well ours decides, which may get better: the money of all others, to the cent."""
    page = (ROOT / "docs/backtest.md").read_text().splitlines()
    shown = {
        line.split()[0]: line.split() for line in page if line and line.split()[0] in ("actual", "static", "bound")
    }
    found = {line.split()[0]: line.split() for line in printed.splitlines()}
    assert {name: found[name] for name in shown} == shown
    assert list(found) == ["policy", "actual", "static", "ours", "sd-wan", "bound"]


def test_ours_is_cheaper_than_what_was_paid_and_hardly_above_shed(printed: str) -> None:
    total, overload = {}, {}
    for line in printed.splitlines()[1:]:
        cells = line.split("\t")
        total[cells[0]], overload[cells[0]] = float(cells[3]), cells[5]
    assert total["bound"] < total["ours"] < 0.6 * total["actual"]
    assert float(overload["ours"]) < float(overload["sd-wan"])


def test_what_if_the_budget_did_not_limit(printed: str) -> None:
    """As the page says: the budget is what keeps ours far from the bound."""
    eager = ratio(run("--what-if", str(ROOT / "docs/backtest-eager.yaml")), "backtest-eager")
    assert eager < 1.15 < ratio(printed, "")
