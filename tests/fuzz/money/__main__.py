"""``python -m tests.fuzz.money --seed 1 --count 100000``: tariffs and CSV files, changed, checked and billed."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.money.cases import Case, cases
from tests.fuzz.money.trial import run

ROUND = 1000
KEPT_OF_A_KIND = 5
TWICE_EVERY = 4
"""The second computation takes ten times as long as all the rest."""
PROGRESS_SECONDS = 2.0 if sys.stderr.isatty() else 60.0


def main() -> int:
    """Exit status 1 when anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.money", description="Fuzzes tariffs and bills.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--out", type=Path, default=Path("build/fuzz-money"), help="the report, and failing inputs")
    options = parser.parse_args()
    out = options.out / f"seed-{options.seed}"
    out.mkdir(parents=True, exist_ok=True)
    outcomes, failures = Counter[str](), Counter[str]()
    begun = told = time.monotonic()
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="fuzz-money-") as name:
        directory = Path(name)

        def attempt(case: Case) -> None:
            trial = run(case, directory, twice=outcomes.total() % TWICE_EVERY == 0)
            outcomes[trial.outcome] += 1
            for complaint in trial.complaints:
                kind = complaint.partition(": {")[0]
                if failures[kind] < KEPT_OF_A_KIND:
                    keep(case, out / f"failure-{failures.total()}", complaint)
                failures[kind] += 1

        number = 0
        with contextlib.suppress(KeyboardInterrupt):
            while outcomes.total() < options.count:
                number += 1
                several(min(ROUND, options.count - outcomes.total()), options.seed * 1_000_003 + number, attempt)
                if time.monotonic() - told > PROGRESS_SECONDS:
                    told = time.monotonic()
                    print(f"{outcomes.total()} of {options.count}, {dict(outcomes)}", file=sys.stderr)
    report = {"outcomes": outcomes, "failures": failures, "seconds": round(time.monotonic() - begun)}
    text = json.dumps(report, indent=1)
    (out / "report.json").write_text(f"{text}\n")
    print(text)
    return int(bool(failures))


def several(count: int, number: int, attempt: object) -> None:
    """Cases by a number: the same every time."""
    quick = settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    seed(number)(quick(given(cases())(attempt)))()  # type: ignore[operator]


def keep(case: Case, directory: Path, complaint: str) -> None:
    """The files of a case that failed."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, value in vars(case).items():
        if value is not None:
            (directory / name).write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    (directory / "complaint").write_text(complaint + "\n")


if __name__ == "__main__":
    sys.exit(main())
