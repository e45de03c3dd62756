"""``python -m tests.fuzz.money --seed 1 --count 100000``: tariffs and CSV files, changed, checked and billed."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.fuzz.money.cases import Case, made
from tests.fuzz.money.trial import Trial, run

KEPT_OF_A_KIND = 5
TWICE_EVERY = 8
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
    report = Report(out)
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm", prefix="fuzz-money-") as name,
        contextlib.suppress(KeyboardInterrupt),
    ):
        for number in range(options.count):
            case = made(Random(f"{options.seed} {number}"))
            report.count(number, case, run(case, Path(name), twice=number % TWICE_EVERY == 0))
    text = json.dumps({"outcomes": report.outcomes, "failures": report.failures, "seconds": report.seconds}, indent=1)
    (out / "report.json").write_text(f"{text}\n")
    print(text)
    return int(bool(report.failures))


@dataclass
class Report:
    """What came out so far; each kind of failure with the files of its first cases."""

    directory: Path
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    begun: float = field(default_factory=time.monotonic)
    told: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> int:
        """Since the beginning."""
        return round(time.monotonic() - self.begun)

    def count(self, number: int, case: Case, trial: Trial) -> None:
        """One more case."""
        self.outcomes[trial.outcome] += 1
        for complaint in trial.complaints:
            kind = complaint.partition(": {")[0]
            if self.failures[kind] < KEPT_OF_A_KIND:
                keep(case, self.directory / f"failure-{number}", complaint)
            self.failures[kind] += 1
        if time.monotonic() - self.told > PROGRESS_SECONDS:
            self.told = time.monotonic()
            print(f"{number + 1} cases, {dict(self.outcomes)}, {self.failures.total()} failures", file=sys.stderr)


def keep(case: Case, directory: Path, complaint: str) -> None:
    """The files of a case that failed."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, value in vars(case).items():
        if value is not None:
            (directory / name).write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    (directory / "complaint").write_text(complaint + "\n")


if __name__ == "__main__":
    sys.exit(main())
