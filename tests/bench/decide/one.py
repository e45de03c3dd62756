"""``python -m tests.bench.decide.one SIZE SCENARIO SEED WHAT...``: runs in one process; JSON on stdout, by what."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

from tests.bench.decide import contenders
from tests.bench.decide.scenarios import SIZES, scenarios

BOUND = "bound"


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one process does: policies, or :data:`BOUND`, in one world."""

    scenario: str
    seed: int
    what: tuple[str, ...]


def main(size: str, name: str, seed: str, *what: str) -> None:
    """Print the figures of one task."""
    scenario = next(each for each in scenarios(SIZES[size]) if each.name == name)
    told = {
        each: contenders.bound(scenario, int(seed)) if each == BOUND else contenders.compete(scenario, each, int(seed))
        for each in what
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
