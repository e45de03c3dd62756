"""What the README shows works: its objects are valid, its commands and documents exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from switcher.cli import app
from switcher.objects.load import parse_documents

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = sorted(set(re.findall(r"^switcher ([a-z]+)", README, re.MULTILINE)))
LINKS = sorted(set(re.findall(r"\]\((?!http)([^)#]+)\)", README)))


def test_the_objects_are_valid() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        assert parse_documents(block, "README.md")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_exist_and_their_help_has_an_example(command: str) -> None:
    answer = CliRunner().invoke(app, [command, "--help"])
    assert answer.exit_code == 0
    assert "Example" in answer.output


@pytest.mark.parametrize("link", LINKS)
def test_the_links_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()
