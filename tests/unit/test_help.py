"""Every command says what it does and has an example that can be typed (api.md, Commands)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from switcher.cli import COMMANDS, app


def commands() -> Iterator[tuple[str, ...]]:
    """All of them, groups too."""
    root: Any = typer.main.get_command(app)
    yield ()
    for name in COMMANDS:
        yield (name,)
        yield from ((name, inner) for inner in getattr(root.get_command(None, name), "commands", {}))


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_help_has_an_example(command: tuple[str, ...]) -> None:
    answer = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "400", "NO_COLOR": "1"})
    assert answer.exit_code == 0, answer.output
    (example,) = re.findall(r"Example: (switcher .*?)\s*$", answer.output, re.MULTILINE)
    assert tuple(shlex.split(example)[1 : len(command) + 1]) == command


@pytest.mark.parametrize("command", [("nosuch",), ("bill",), ("check",), ("explain",), ("db", "nosuch")], ids=" ".join)
def test_wrong_usage_is_bad_input(command: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, list(command)).exit_code == 2
