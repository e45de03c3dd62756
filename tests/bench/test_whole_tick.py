"""A whole tick on a real SQLite history: read, decide, plan, record; 10,000 against 100,000 attachments x 10 networks.

Times are of one core (processor time), since this is a machine with other work; asserted are growth and memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pytest

pytestmark = pytest.mark.bench
PER_NODE = 100


def _ticked(directory: Path, nodes: int) -> dict[str, Any]:
    """In a process of its own, so that its peak of memory is the tick's; the history is made in another one."""
    file = str(directory / f"{nodes}.db")
    fill = "import sys; from tests.bench.whole_tick import fill; fill(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))"
    sizes = [str(nodes), str(PER_NODE)]
    subprocess.run([sys.executable, "-c", fill, f"sqlite:///{file}", *sizes], check=True)
    command = [sys.executable, "-m", "tests.bench.whole_tick", file, *sizes]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def _steady(found: dict[str, Any]) -> float:
    """The median of the ticks after the first one, which is cold."""
    return median(tick["seconds"] for tick in found["ticks"][1:])


def test_a_whole_tick_of_100_000_attachments(tmp_path: Path) -> None:
    small, large = _ticked(tmp_path, 100), _ticked(tmp_path, 1_000)
    print("\n" + json.dumps({"10000x10": small, "100000x10": large}))
    ratio = _steady(large) / _steady(small) / 10
    figures = {"steady_s": [_steady(small), _steady(large)], "per_workload_100000_over_10000": round(ratio, 2)}
    print(json.dumps(figures))
    assert large["ticks"][-1]["stays"] > 80_000
    assert ratio < 1.5
    assert large["peak_mb"] < 600
