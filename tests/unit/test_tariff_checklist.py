"""tariffs.yaml: every rule of a bill has a test that is there."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
CASES: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "tariffs.yaml").read_text())


def lacking(cases: dict[str, dict[str, Any]], directory: Path) -> list[str]:
    """The cases that no test stands for, and the tests that are not there."""
    found = []
    for key, case in cases.items():
        if not case.get("means") or bool(case.get("tests")) == bool(case.get("reason")):
            found.append(f"{key} has neither a test nor a reason, or both")
        for named in case.get("tests", ()):
            module, _, name = named.partition("::")
            if name not in names(directory / f"{module}.py"):
                found.append(f"{key}: there is no {named}")
    return found


def names(file: Path) -> set[str]:
    """The tests of a file."""
    if not file.is_file():
        return set()
    return {
        node.name
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_rule_has_a_test() -> None:
    assert lacking(CASES, HERE) == []
    assert len(CASES) > 90


@pytest.mark.parametrize(
    ("case", "told"),
    [
        pytest.param({"means": "a"}, "M1 has neither", id="no test"),
        pytest.param({"means": "a", "tests": ["test_a::test_it"], "reason": "b"}, "or both", id="a test and a reason"),
        pytest.param({"means": "a", "tests": ["test_a::test_that"]}, "M1: there is no test_a::test_that", id="renamed"),
        pytest.param({"means": "a", "tests": ["test_b::test_it"]}, "M1: there is no test_b::test_it", id="no file"),
    ],
)
def test_what_lacks_is_told(tmp_path: Path, case: dict[str, Any], told: str) -> None:
    (tmp_path / "test_a.py").write_text("def test_it():\n    pass\n")
    assert any(told in each for each in lacking({"M1": case}, tmp_path))
    assert lacking({"M1": {"means": "a", "tests": ["test_a::test_it"]}}, tmp_path) == []
