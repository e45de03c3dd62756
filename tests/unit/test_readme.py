"""What the README shows works: its objects are valid, its commands and documents exist."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

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


def test_the_first_real_use_works_as_it_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """10 h x 6.90 + 50 GB x 0.085 are 73.25; the snapshot is that of docs/decision.md."""
    monkeypatch.chdir(tmp_path)
    Path("objects").mkdir()
    (objects,) = re.findall(r"```yaml\n# (objects/.*?)\n(.*?)```", README, re.DOTALL)
    (tables,) = re.findall(r"```csv\n(.*?)```", README, re.DOTALL)
    (snapshot,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs/decision.md").read_text(), re.DOTALL)
    Path(objects[0]).write_text(objects[1])
    for name, lines in re.findall(r"^# (\S+\.csv):.*?\n((?:[^#].*\n)+)", tables, re.MULTILINE):
        Path(name).write_text(lines)
    Path("snapshots.jsonl").write_text(snapshot.replace("\n", " ") + "\n")
    (first, *_) = re.findall(r"```sh\n\. \.venv/bin/activate\n(.*?)```", README, re.DOTALL)
    answers = [run(line) for line in first.splitlines()]
    assert [answer.exit_code for answer in answers] == [0, 0, 0], [answer.output for answer in answers]
    assert "73.25 USD" in answers[1].output
    assert sum(json.loads(answers[2].stdout)["stays"].values()) == 1


def run(line: str) -> Any:
    """A command of the page."""
    words = shlex.split(line, comments=True)
    assert words[0] == "switcher"
    return CliRunner().invoke(app, words[1:])


@pytest.mark.parametrize("link", LINKS)
def test_the_links_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()
