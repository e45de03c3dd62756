"""The controller's settings are taken whole or refused whole, every problem with its line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from switcher.errors import BadInputError
from switcher.keeping import Keep
from switcher.settings import load_settings

GOOD = """\
database: sqlite:////var/lib/switcher/history.db
objects: [/etc/switcher/objects]
listen: unix:/run/switcher/switcher.sock
nodes: {n1: "unix:/run/genie/agent.sock"}
tick: 5s
"""


def written(directory: Path, text: str) -> Path:
    path = directory / "config.yaml"
    path.write_text(text)
    return path


def test_good_settings_with_their_defaults(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, GOOD))
    assert settings.tick == timedelta(seconds=5)
    assert settings.stale_after == timedelta(minutes=10)
    assert settings.objects == (Path("/etc/switcher/objects"),)
    assert settings.nodes == {"n1": "unix:/run/genie/agent.sock"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("tikc: 5s", "config.yaml:6: tikc: unknown setting", id="misspelt"),
        pytest.param("window: 5", "window", id="duration without unit"),
        pytest.param("staleAfter: 0s", "longer than zero", id="zero"),
        pytest.param("settlementCurrency: dollars", "currency", id="no currency"),
        pytest.param("tokenFile: 7", "tokenFile", id="path that is none"),
        pytest.param("keep: {fives: 5d}", "must not grow shorter", id="coarser for shorter"),
        pytest.param("keep: {samples: 5m}", "an hour at least", id="samples too short"),
        pytest.param("keep: {moves: 1h}", "cooldowns and budgets", id="moves too short"),
        pytest.param("keep: {decissions: 5d}", "decissions", id="unknown resolution"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(BadInputError) as caught:
        load_settings(written(tmp_path, GOOD + line + "\n"))
    (problem,) = caught.value.problems
    assert said.replace("unknown setting", "unknown field") in str(problem)
    assert problem.line == 6


def test_all_problems_are_reported_together(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as caught:
        load_settings(written(tmp_path, "database: mongo://x\nobjects: []\nnodes: {n1: /run/x}\ntick: soon\n"))
    assert {problem.path for problem in caught.value.problems} == {"database", "objects", "nodes.n1", "tick"}


def test_a_tcp_address_needs_a_token(tmp_path: Path) -> None:
    text = GOOD.replace("unix:/run/switcher/switcher.sock", "127.0.0.1:8080")
    with pytest.raises(BadInputError, match="needs a tokenFile"):
        load_settings(written(tmp_path, text))
    assert load_settings(written(tmp_path, text + "tokenFile: /etc/switcher/token\n")).listen == "127.0.0.1:8080"


def test_a_file_that_is_not_there_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"absent\.yaml: cannot be read.*--config or SWITCHER_CONFIG"):
        load_settings(tmp_path / "absent.yaml")


@pytest.mark.parametrize("text", ["", "[]", "a: b: c", "7"])
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInputError):
        load_settings(written(tmp_path, text))


def test_what_is_not_said_about_keeping_has_its_default(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, GOOD + "keep: {decisions: 7d, minutes: 50d}\n"))
    assert settings.keep.keep == Keep(decisions=timedelta(days=7), minutes=timedelta(days=50))
    assert settings.keep.keep.samples == timedelta(days=2)
