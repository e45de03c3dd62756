"""The chart of a run: money against overload for every policy, and what headroom costs.

Colours are those of Okabe and Ito, which colour-blind people can tell apart; policies differ by mark and label too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rcParams
from matplotlib.figure import Figure

from tests.bench.decide.report import Row

MARKS = {
    "static": ("s", "#999999"),
    "static-hindsight": ("D", "#555555"),
    "genie-code": ("v", "#D55E00"),
    "genie-readme": ("^", "#E69F00"),
    "sd-wan": ("P", "#CC79A7"),
    "best-of-two": ("X", "#56B4E9"),
    "reoptimise": ("h", "#0072B2"),
    "ours": ("o", "#009E73"),
}
BELOW = {"ours", "genie-readme", "static-hindsight"}
"""Labels that stand below their mark: others are beside it."""
LEAST = 0.01
"""Percent: the axis of overload is logarithmic, and below this it is all the same."""
MARKET = "market-1h"
FILL = "fill-"
INK = "#333333"
TICKS = (1, 1.2, 1.5, 2, 3, 5, 10, 20)


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the chart; the suffix says the format."""
    rcParams["svg.hashsalt"] = "bench-decide"
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    policies, headroom = figure.subplots(1, 2)
    _policies(policies, [row for row in rows if row.scenario == MARKET])
    _headroom(headroom, [row for row in rows if row.scenario.startswith(FILL)])
    for axis in (policies, headroom):
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)


def _policies(axis: Any, rows: Sequence[Row]) -> None:
    for row in rows:
        if row.ratio is None or row.policy not in MARKS:
            continue
        mark, colour = MARKS[row.policy]
        at = max(row.overloaded_percent, LEAST)
        axis.scatter(at, row.ratio, marker=mark, color=colour, edgecolor=INK, s=70, zorder=3)
        offset = (6, -12 if row.policy in BELOW else 5)
        axis.annotate(row.policy, (at, row.ratio), xytext=offset, textcoords="offset points", fontsize=8, color=INK)
    axis.axhline(1.06, color=INK, linestyle="--", linewidth=0.9)
    axis.axvline(0.10, color=INK, linestyle="--", linewidth=0.9)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_ylim(bottom=0.8)
    axis.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axis.set_yticks([], minor=True)
    axis.set_xlabel("our traffic on overloaded uplinks, %")
    axis.set_ylabel("bill and moves / least bill with free moves")
    axis.set_title("every policy, prices and capacities (dashed: the targets)", loc="left", fontsize=10)


def _headroom(axis: Any, rows: Sequence[Row]) -> None:
    points = [(row.overloaded_percent, row.ratio or 0.0, row.scenario.removeprefix(FILL)) for row in rows]
    if points:
        axis.plot(*zip(*[point[:2] for point in points], strict=True), color=MARKS["ours"][1], marker="o")
    for over, ratio, fill in points:
        axis.annotate(f"fill {fill}", (over, ratio), xytext=(6, 4), textcoords="offset points", fontsize=8, color=INK)
    axis.set_xlabel("our traffic on overloaded uplinks, %")
    axis.set_ylabel("bill and moves / least bill with free moves")
    axis.set_title("what headroom costs: ours with different fill", loc="left", fontsize=10)
