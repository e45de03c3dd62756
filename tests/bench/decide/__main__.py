"""``python -m tests.bench.decide``: runs every policy in every scenario and writes figures, a table and a chart.

Each run has a process of its own, so that its peak of memory is its own; ``--jobs`` of them at a time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tests.bench.decide import chart, report
from tests.bench.decide.one import BOUND, Task
from tests.bench.decide.scenarios import SEEDS, SIZES, scenarios
from tests.bench.decide.targets import TARGETS


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when one of :data:`tests.bench.decide.targets.TARGETS` is missed."""
    given = _parser().parse_args(arguments)
    chosen = [each for each in scenarios(SIZES[given.size]) if not given.only or given.only in each.name]
    seeds = tuple(given.seeds or SEEDS)
    tasks = [
        (each.name, name, seed)
        for each in chosen
        for seed in seeds[: each.seeds]
        for name in (BOUND, *(name for name in each.policies if not given.policy or name in given.policy))
    ]
    results = _run(given.size, tasks, given.jobs)
    rows = report.rows(chosen, results)
    report.write(given.out, chosen, rows)
    chart.draw(rows, given.out / "chart.png")
    told = [target.told(rows) for target in TARGETS if target.row(rows) is not None]
    sys.stdout.write(report.table(rows) + "\n" + "\n".join(text for _, text in told) + "\n")
    return 0 if all(kept for kept, _ in told) or given.report_only else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.decide", description=__doc__)
    parser.add_argument("--size", choices=tuple(SIZES), default="small")
    parser.add_argument("--out", type=Path, default=Path("build/bench-decide"))
    parser.add_argument("--seeds", type=int, nargs="*", help=f"default: {' '.join(map(str, SEEDS))}")
    parser.add_argument("--only", help="scenarios whose name contains this")
    parser.add_argument("--policy", nargs="*", help="these policies only")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--report-only", action="store_true", help="exit 0 although a target is missed")
    return parser


def _run(size: str, tasks: Sequence[Task], jobs: int) -> dict[Task, dict[str, Any]]:
    found: dict[Task, dict[str, Any]] = {}
    started = time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(_apart, size, task): task for task in tasks}
        for done in as_completed(waiting):
            found[waiting[done]] = done.result()
            seconds = time.monotonic() - started
            told = f"{len(found)} of {len(tasks)} runs, {seconds:.0f} s: {' '.join(map(str, waiting[done]))}"
            sys.stderr.write(f"\r{told:100}")
            sys.stderr.flush()
    sys.stderr.write("\n")
    return {task: found[task] for task in tasks}


def _apart(size: str, task: Task) -> dict[str, Any]:
    """The figures of one run. Raises CalledProcessError, after the run has said why, when it fails."""
    command = [sys.executable, "-m", "tests.bench.decide.one", size, *map(str, task)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    figures: dict[str, Any] = json.loads(told.stdout)
    return figures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
