"""tools/checklist: it must find what is missing, or it proves nothing."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.shim import ROOT

CASES = 'T01: {means: "one"}\nT02: {means: "two", reason: "no hardware"}\nN1: {means: "three"}\n'

Compare = Callable[..., int]


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    """Compare a list and one file of tests."""
    main = runpy.run_path(str(ROOT / "tools/checklist"))["main"]

    def of(tests: str, *prefixes: str, cases: str = CASES) -> int:
        (tmp_path / "tests/conformance").mkdir(parents=True, exist_ok=True)
        (tmp_path / "tests/conformance/checklist.yaml").write_text(cases)
        (tmp_path / "tests/test_it.py").write_text(tests)
        return int(main(tmp_path, prefixes or ("",)))

    return of


@pytest.mark.parametrize(
    "tests",
    [
        pytest.param("def test_T01_N1_both(): pass", id="names"),
        pytest.param('x = param(1, id="T01 so")\ny = ["a", param(2, id="N1")]', id="one parameter's id"),
        pytest.param('@parametrize("a", [1, 2], ids=["T01-a", "of N1"])\ndef test_it(a): pass', id="a list of ids"),
    ],
)
def test_ids_in_names_and_in_parameters_count(compare: Compare, tests: str) -> None:
    assert compare(tests) == 0


@pytest.mark.parametrize(
    ("tests", "told"),
    [
        pytest.param("def test_N1(): pass", "T01 has no test: one", id="missing"),
        pytest.param("def test_T01_T02_N1(): pass", "T02: ", id="a reason and a test"),
        pytest.param("def test_T01_N1_T99(): pass", "T99 is not in", id="unknown"),
        pytest.param('def test_N1():\n    """T01"""', "T01 has no test", id="a docstring"),
        pytest.param("# T01\ndef test_N1(): assert 'T01'", "T01 has no test", id="a comment, a text"),
        pytest.param("def help_T01(): pass\ndef test_N1(): pass", "T01 has no test", id="no test"),
        pytest.param("def test_T010_xT01_T01x_N1(): pass", "T01 has no test", id="part of a word"),
    ],
)
def test_what_differs_is_told(compare: Compare, capsys: pytest.CaptureFixture[str], tests: str, told: str) -> None:
    assert compare(tests) == 1
    assert told in capsys.readouterr().out


def test_only_what_is_asked_for_counts(compare: Compare, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare("def test_T01(): pass", "T") == 0
    assert compare("def test_T01(): pass", "T", "N") == 1
    assert "N1 has no test" in capsys.readouterr().out
