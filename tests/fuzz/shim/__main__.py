"""``python -m tests.fuzz.shim``: the shim's readers of foreign bytes under libFuzzer, with sanitizers.

Each target is a binary ``build/fuzz-shim-NAME``. What it found worth keeping stays in ``build/fuzz/shim/NAME``, from
which the next run goes on; an input that breaks something is kept beside it and named.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from tests.contract.test_shim_fuzz import INPUTS, REPLIES
from tests.support.shim import ROOT

ENVIRONMENT = b"CNI_COMMAND=ADD\0CNI_NETNS=/proc/self/ns/net\0CNI_PATH=bin:/usr/lib/cni\0CNI_ARGS=A=1;B=2\0\n{}"
SEEDS = {"json": INPUTS, "request": (ENVIRONMENT,), "reply": REPLIES}
LONGEST = {"json": 4096, "request": 8192, "reply": 4096}
"""Bytes of an input: what longer ones could show, shorter ones show sooner."""


def main() -> int:
    """Exit status 1 when any target found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.shim", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    failed = [name for name in SEEDS if not _run(name, options.seconds, options.seed)]
    for name in failed:
        print(f"{name}: see build/fuzz/shim/{name}-*; again with build/fuzz-shim-{name} FILE", file=sys.stderr)
    return int(bool(failed))


def _run(name: str, seconds: int, seed: int) -> bool:
    kept = ROOT / "build/fuzz/shim" / name
    kept.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(SEEDS[name]):
        (kept / f"seed-{number}").write_bytes(data)
    options = {
        "max_total_time": seconds,
        "seed": seed,
        "max_len": LONGEST[name],
        "artifact_prefix": f"{kept}-",
        "timeout": 10,
        "print_final_stats": 1,
        "verbosity": 0,
    }
    command = [f"build/fuzz-shim-{name}", str(kept), *(f"-{key}={value}" for key, value in options.items())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    runs = [line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line]
    print(f"{name}: {' '.join(runs) or 'no'} inputs, exit status {done.returncode}", file=sys.stderr)
    if done.returncode != 0:
        print(done.stderr[-4000:], file=sys.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
