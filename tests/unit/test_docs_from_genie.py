"""docs/from-genie.md: each of CNI-Genie's faults in it has a test that carries its number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs/from-genie.md").read_text().partition("## Its faults")[2]
FAULTS = [int(number) for number in re.findall(r"^\| (\d+) \|", TABLE, re.MULTILINE)]
TESTS = [path.read_text() for path in sorted((ROOT / "tests").rglob("test_*.py"))]
NAMED = {
    int(number)
    for text in TESTS
    for numbers in re.findall(r"(?:def test_fault|id=\"[^\"]*fault|ids=\"fault)[_ ](\d+(?:_\d+)*)", text)
    for number in numbers.split("_")
}


def test_the_list_is_whole() -> None:
    assert list(range(1, 24)) == FAULTS


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_a_test(fault: int) -> None:
    assert fault in NAMED
