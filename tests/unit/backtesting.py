"""Backtests as users run them: files in the current directory, and the command's answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
import yaml
from typer.testing import CliRunner

from switcher.commands.backtest import backtest
from switcher.commands.bill import bill
from switcher.errors import BadInputError

HOUR = "2026-11-02T00:00:00Z/2026-11-02T01:00:00Z"
HEADER = "start,seconds,workload,network,direction,bytes"
GB = 10**9
Run = Callable[..., Any]
"""Runs a command; what comes back has ``stdout``, ``output``, ``exit_code`` and ``exception``."""


def runner() -> Run:
    """Runs the command, as ``bill`` beside it."""
    app = typer.Typer()
    app.command()(backtest)
    app.command()(bill)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def objects(name: str, *documents: dict[str, Any]) -> str:
    """A file of objects; its name."""
    Path(name).write_text(yaml.safe_dump_all(documents))
    return name


def csv(name: str, *lines: str) -> str:
    """A file of rows; its name."""
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text("\n".join(lines) + "\n")
    return name


def physical(name: str, capacity: str = "1Gbps") -> dict[str, Any]:
    """A physical network."""
    return {"kind": "PhysicalNetwork", "metadata": {"name": name}, "spec": {"refer_nic": "eth1", "capacity": capacity}}


def slots(count: int, first: int = 0) -> list[str]:
    """The starts of so many slots."""
    return [f"2026-11-02T00:{5 * number:02}:00Z" for number in range(first, first + count)]


def rows(workload: str, network: str, times: list[str], count: int) -> list[str]:
    """What a workload sent on a network in slots, so many bytes in each."""
    return [f"{at},300,{workload},{network},out,{count}" for at in times]


def asked(run: Run, *arguments: str) -> dict[str, Any]:
    """The answer as JSON. Raises what the command raises."""
    done = run("backtest", "--period", HOUR, "--json", *arguments)
    if done.exception is not None:
        raise done.exception
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def by_policy(case: dict[str, Any]) -> dict[str, Any]:
    """The rows of a case."""
    return {row["policy"]: row for row in case["rows"]}


def refused(result: Any) -> list[str]:
    """The problems for which a command was refused."""
    assert isinstance(result.exception, BadInputError), result.output
    return [str(problem) for problem in result.exception.problems]
