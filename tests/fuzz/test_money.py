"""The short form of ``python -m tests.fuzz.money``: the same cases every time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

from tests.fuzz.money.cases import made
from tests.fuzz.money.trial import run

CASES = 2000
TWICE_EVERY = 8


def test_whatever_is_written_is_billed_or_refused_in_words(tmp_path: Path) -> None:
    outcomes = Counter[str]()
    complaints = []
    for number in range(CASES):
        trial = run(made(Random(f"short {number}")), tmp_path, twice=number % TWICE_EVERY == 0)
        outcomes[trial.outcome] += 1
        complaints += [f"{number}: {each}" for each in trial.complaints]
    assert complaints == []
    assert all(outcomes[each] >= 20 for each in ("refused", "billed", "billed twice")), outcomes
