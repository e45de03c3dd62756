"""The short form of ``python -m tests.fuzz.money``: the same cases every time."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings

from tests.fuzz.money.cases import Case, cases
from tests.fuzz.money.trial import run

QUIET = list(HealthCheck)


def test_whatever_is_written_is_billed_or_refused_in_words(tmp_path: Path) -> None:
    outcomes: set[str] = set()

    @settings(max_examples=600, derandomize=True, database=None, deadline=None, suppress_health_check=QUIET)
    @given(case=cases())
    def attempt(case: Case) -> None:
        trial = run(case, tmp_path)
        outcomes.add(trial.outcome)
        assert not trial.complaints

    attempt()
    assert outcomes == {"refused", "billed", "billed twice"}
