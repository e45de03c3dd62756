"""``python -m tests.fuzz --seed 1 --count 100000 --out build/fuzz``, inside ``tools/sandbox``; or ``--replay FILE``."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

from tests.fuzz.campaign import Report, campaign
from tests.fuzz.case import load
from tests.fuzz.trial import run
from tests.fuzz.world import world


def main() -> int:
    """Exit status 1 when anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzzes the node's agent.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100_000, help="requests, those of earlier runs included")
    parser.add_argument(
        "--shrink", type=float, default=20.0, metavar="SECONDS", help="to make each failure's case small"
    )
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"), help="the report and what reproduces failures")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run this one case and tell all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/run", prefix="fuzz-") as directory, world(Path(directory)) as made:
        if options.replay is not None:
            trial = run(made, load(options.replay))
            print(trial.said.status, trial.said.stdout.decode("utf-8", "replace"), *trial.complaints, sep="\n")
            return int(bool(trial.complaints))
        report = Report.of(options.out / f"seed-{options.seed}", options.seed)
        with contextlib.suppress(KeyboardInterrupt):  # the next run goes on with the last round
            campaign(made, report, options.count, options.shrink)
    for signature, failure in sorted(report.failures.items()):
        print(f"{failure['times']} x {signature}\n    {failure.get('file', '')}")
    print(f"{report.requests} requests, {len(report.failures)} kinds of failures; see {report.path}/report.json")
    return int(bool(report.failures))


if __name__ == "__main__":
    sys.exit(main())
