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


def _ticked(directory: Path, nodes: int, *how: str, moves: int = 0) -> dict[str, Any]:
    """In a process of its own, so that its peak of memory is the tick's; the history is made in another one."""
    file = str(directory / "-".join([str(nodes), *how, str(moves)]))
    fill = "import sys; from tests.bench.whole_tick import fill; fill(sys.argv[1], *map(int, sys.argv[2:]))"
    sizes = [str(nodes), str(PER_NODE)]
    subprocess.run([sys.executable, "-c", fill, f"sqlite:///{file}", *sizes, str(moves)], check=True)
    command = [sys.executable, "-m", "tests.bench.whole_tick", file, *sizes, *how]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def _steady(found: dict[str, Any]) -> float:
    """The median of the ticks after the first one, which is cold."""
    return median(tick["seconds"] for tick in found["ticks"][1:])


def test_a_whole_tick_of_100_000_attachments(tmp_path: Path) -> None:
    small, large = _ticked(tmp_path, 100), _ticked(tmp_path, 1_000)
    busy = _ticked(tmp_path, 1_000, "busy")
    print("\n" + json.dumps({"10000x10": small, "100000x10": large, "100000x10 busy": busy}))
    ratio = _steady(large) / _steady(small) / 10
    steady = {"10000x10": _steady(small), "100000x10": _steady(large), "100000x10 busy": _steady(busy)}
    figures = {"steady_s": steady, "per_workload_100000_over_10000": round(ratio, 2)}
    print(json.dumps(figures))
    assert large["ticks"][-1]["stays"] > 80_000
    assert ratio < 1.5
    assert min(tick["moves"] for tick in busy["ticks"]) > 500
    assert max(large["peak_mb"], busy["peak_mb"]) < 600


def test_moves_of_the_day_before_hardly_count(tmp_path: Path) -> None:
    """As many as there are workloads, against a hundredth of that; nobody may move to save money, so that little else
    differs.
    """
    few, many = (_ticked(tmp_path, 100, "frozen", moves=count) for count in (100, 10_000))
    ratio = _steady(many) / _steady(few)
    print("\n" + json.dumps({"steady_s": {"100 moves": _steady(few), "10000 moves": _steady(many)}, "ratio": ratio}))
    assert max(tick["moves"] for tick in [*few["ticks"], *many["ticks"]]) < 500
    assert ratio < 1.6
