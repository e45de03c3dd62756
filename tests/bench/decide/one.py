"""``python -m tests.bench.decide.one SIZE SCENARIO POLICY SEED``: one run, in a process of its own; JSON on stdout."""

from __future__ import annotations

import json
import sys

from tests.bench.decide import contenders
from tests.bench.decide.scenarios import SIZES, scenarios

BOUND = "bound"
Task = tuple[str, str, int]
"""Scenario, policy or :data:`BOUND`, seed."""


def main(size: str, name: str, what: str, seed: str) -> None:
    """Print the figures of one task."""
    scenario = next(each for each in scenarios(SIZES[size]) if each.name == name)
    told = contenders.bound(scenario, int(seed)) if what == BOUND else contenders.compete(scenario, what, int(seed))
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
