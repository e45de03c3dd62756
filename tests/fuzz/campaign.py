"""A long run of the fuzzer: rounds of cases, a progress line, and a report that a later run goes on with.

A complaint is shrunk once, kept as a file that reproduces it, and from then on only counted.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import Flaky

from tests.fuzz.case import Case
from tests.fuzz.strategies import cases
from tests.fuzz.trial import Trial, run, shape_of
from tests.fuzz.world import World

ROUND = 500
"""Cases between two looks at the agent's memory and files."""
SPARE_FILES = 16
MOST_KILOBYTES = 200_000
PROGRESS_SECONDS = 2.0 if sys.stderr.isatty() else 60.0
LINE = "\r{}  " if sys.stderr.isatty() else "{}\n"


class FoundError(AssertionError):
    """A case with a complaint that is not known yet."""


@dataclass
class Report:
    """What is known so far. Kept in ``report.json``; ``messages`` are the errors' texts without what varies."""

    path: Path
    seed: int
    round: int = 0
    requests: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: dict[str, dict[str, Any]] = field(default_factory=dict)
    messages: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, path: Path, number: int) -> Report:
        """The one in the directory, where it is of this seed; else a new one."""
        path.mkdir(parents=True, exist_ok=True)
        report = cls(path, number)
        with contextlib.suppress(FileNotFoundError):
            kept = json.loads((path / "report.json").read_text())
            if kept["seed"] == number:
                report.round, report.requests, report.failures = kept["round"], kept["requests"], kept["failures"]
                report.outcomes, report.messages = Counter(kept["outcomes"]), Counter(kept["messages"])
        return report

    def save(self) -> None:
        """Whole or not at all."""
        shown = {**vars(self), "messages": dict(self.messages.most_common())}
        del shown["path"]
        new = self.path / "report.new"
        new.write_text(json.dumps(shown, indent=1, sort_keys=True) + "\n")
        new.rename(self.path / "report.json")

    def count(self, case: Case, trial: Trial) -> None:
        """One more request."""
        self.requests += 1
        command = case.command if case.command.isalpha() and len(case.command) < 8 else "odd"
        outcome = "closed" if trial.said.closed else "done" if trial.said.status == 0 else "refused"
        self.outcomes[f"{command} {outcome}"] += 1
        with contextlib.suppress(ValueError, KeyError, TypeError):
            error = json.loads(trial.said.stdout)
            if trial.said.status:
                self.messages[f"{error['code']} {shape_of(str(error['msg']))}"] += 1

    def keep(self, signature: str, why: str, case: Case | None = None) -> None:
        """One more failure, and the case that shows it best."""
        known = self.failures.setdefault(signature, {"times": 0, "why": why[:2000]})
        known["times"] += 1
        if case is not None:
            file = self.path / f"failure-{sorted(self.failures).index(signature)}-{self.requests}.json"
            case.save(file, why[:2000])
            known["file"] = str(file)


@dataclass
class Round:
    """Some hundred cases by one seed of Hypothesis."""

    world: World
    report: Report
    shrink: float
    """Seconds for making a new failure's case small."""
    hunted: str = ""
    since: float = 0.0
    best: tuple[int, Case, str] | None = None
    told: float = 0.0

    def run(self, number: int, count: int) -> None:
        """Raises nothing that a case could cause."""

        @seed(number)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
            report_multiple_bugs=False,
        )
        @given(cases())
        def attempt(case: Case) -> None:
            self.attempt(case)

        with contextlib.suppress(FoundError, Flaky):  # Flaky: it could not be found again
            attempt()
        if self.best is not None:
            self.report.keep(self.hunted, self.best[2], self.best[1])

    def attempt(self, case: Case) -> None:
        """Run one. Raises FoundError for a complaint that is new, and while shrinking for that one alone."""
        if self.hunted and time.monotonic() - self.since > self.shrink:
            return
        trial = run(self.world, case)
        if not self.hunted:
            self.report.count(case, trial)
            self._progress()
        signature = trial.signature
        if not signature:
            return
        if not self.hunted and signature in self.report.failures:
            self.report.keep(signature, trial.complaints[0])
            return
        if not self.hunted:
            self.hunted, self.since = signature, time.monotonic()
        if signature == self.hunted:
            size = len(case.body()) + sum(len(data) for data in (*case.confs.values(), *case.objects.values()))
            if self.best is None or size <= self.best[0]:
                self.best = (size, case, "\n".join(trial.complaints))
            raise FoundError(signature)

    def _progress(self) -> None:
        if time.monotonic() - self.told < PROGRESS_SECONDS:
            return
        self.told = time.monotonic()
        times = sum(each["times"] for each in self.report.failures.values())
        refused = sum(many for what, many in self.report.outcomes.items() if what.endswith("refused"))
        text = (
            f"{self.report.requests} requests, {refused} refused, {times} failures of {len(self.report.failures)} kinds"
            f", agent {self.world.weight()['kilobytes'] // 1024} MB"
        )
        print(LINE.format(text), end="", file=sys.stderr, flush=True)


def campaign(world: World, report: Report, count: int, shrink: float) -> None:
    """Rounds until ``count`` requests are done, those of earlier runs included."""
    before = world.weight()
    while report.requests < count:
        Round(world, report, shrink).run(report.seed * 1_000_003 + report.round, min(ROUND, count - report.requests))
        report.round += 1
        weight = world.weight()
        if weight["files"] > before["files"] + SPARE_FILES or weight["kilobytes"] > MOST_KILOBYTES:
            report.keep("the agent grows", f"from {before} to {weight}")
        world.forget_log()
        report.save()
    print(file=sys.stderr)
