"""``python -m tests.bench.decide``: runs every policy in every scenario and writes figures, a table and a chart.

Ours runs in a process of its own, so that its peak of memory is its own; ``--jobs`` processes at a time. Each run's
figures are kept under ``runs/``: with ``--resume`` a run that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tests.bench.decide import chart, report
from tests.bench.decide.one import BOUND, Task
from tests.bench.decide.scenarios import SEEDS, SIZES, Scenario, scenarios
from tests.bench.decide.targets import TARGETS

OURS = "ours"


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when one of :data:`tests.bench.decide.targets.TARGETS` is missed."""
    given = _parser().parse_args(arguments)
    chosen = [each for each in scenarios(SIZES[given.size]) if not given.only or given.only in each.name]
    seeds = tuple(given.seeds or SEEDS)
    runs = given.out / "runs"
    if not given.resume and not given.no_run:
        shutil.rmtree(runs, ignore_errors=True)
    runs.mkdir(parents=True, exist_ok=True)
    if not given.no_run:
        _run(given.size, _tasks(chosen, seeds, runs), given.jobs, runs)
    results = {
        (each.name, what, seed): json.loads(_kept(runs, each.name, what, seed).read_text(encoding="utf-8"))
        for each in chosen
        for seed in seeds[: each.seeds]
        for what in (BOUND, *each.policies)
        if _kept(runs, each.name, what, seed).exists() and _kept(runs, each.name, BOUND, seed).exists()
    }
    rows = report.rows(chosen, results)
    report.write(given.out, chosen, rows)
    chart.draw(rows, given.out / "chart.png")
    told = [target.told(rows) for target in TARGETS if target.row(rows) is not None]
    sys.stdout.write(report.table(rows) + report.notes(rows) + "\n" + "\n".join(text for _, text in told) + "\n")
    return 0 if all(kept for kept, _ in told) or given.report_only else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.decide", description=__doc__)
    parser.add_argument("--size", choices=tuple(SIZES), default="small")
    parser.add_argument("--out", type=Path, default=Path("build/bench-decide"))
    parser.add_argument("--seeds", type=int, nargs="*", help=f"default: {' '.join(map(str, SEEDS))}")
    parser.add_argument("--only", help="scenarios whose name contains this")
    parser.add_argument("--resume", action="store_true", help="keep the runs that are there")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--no-run", action="store_true", help="tell of the runs that are there")
    parser.add_argument("--report-only", action="store_true", help="exit 0 although a target is missed")
    return parser


def _tasks(chosen: Sequence[Scenario], seeds: Sequence[int], runs: Path) -> list[Task]:
    """What is not there yet, the longest scenarios first."""
    tasks = []
    for each in chosen:
        for seed in seeds[: each.seeds]:
            others = (BOUND, *(name for name in each.policies if name != OURS))
            for what in ((OURS,), others):
                missing = tuple(name for name in what if not _kept(runs, each.name, name, seed).exists())
                if missing:
                    tasks.append(Task(scenario=each.name, seed=seed, what=missing))
    return tasks


def _kept(runs: Path, scenario: str, what: str, seed: int) -> Path:
    return runs / f"{scenario}.{what}.{seed}.json"


def _run(size: str, tasks: Sequence[Task], jobs: int, runs: Path) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(_apart, size, task): task for task in tasks}
        for number, done in enumerate(as_completed(waiting), 1):
            task = waiting[done]
            for what, figures in done.result().items():
                kept = _kept(runs, task.scenario, what, task.seed)
                kept.write_text(json.dumps(figures) + "\n", encoding="utf-8")
            seconds = time.monotonic() - started
            told = f"{number} of {len(tasks)} processes, {seconds:.0f} s: {task.scenario} {task.seed}"
            sys.stderr.write(f"\r{told:100}")
            sys.stderr.flush()
    sys.stderr.write("\n")


def _apart(size: str, task: Task) -> dict[str, dict[str, Any]]:
    """The figures of one process, by what. Raises CalledProcessError, after it has said why, when it fails."""
    command = [sys.executable, "-m", "tests.bench.decide.one", size, task.scenario, str(task.seed), *task.what]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    figures: dict[str, dict[str, Any]] = json.loads(told.stdout)
    return figures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
