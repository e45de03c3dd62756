"""Draws a comparison: what the workloads added to the bill over time, and what was on uplinks that were too full.

A column per case. Colours are those of Okabe and Ito, which colour-blind people can tell apart; lines differ by their
strokes too, and each is named at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import cycle
from pathlib import Path
from typing import Any

from matplotlib import rcParams
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from switcher.backtest.compare import ACTUAL, STATIC, Comparison, Row
from switcher.backtest.contenders import OURS

COLOURS = {ACTUAL: "#000000", STATIC: "#999999", OURS: "#0072B2"}
OTHERS = ("#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B8A800")
STROKES = {ACTUAL: "-", STATIC: "--", OURS: "-"}
OTHER_STROKES = ("-.", (0, (4, 1, 1, 1, 1, 1)), (0, (6, 2)), (0, (2, 1)))
BOUND = "#009E73"
INK = "#333333"
DOTS_PER_INCH = 150
WIDTH = 7.5
APART = 0.045
"""Of the height: names at the ends of lines are so far apart."""


def draw_chart(found: Sequence[Comparison], path: Path) -> None:
    """Write the chart; the suffix says the format."""
    rcParams["svg.hashsalt"] = "backtest"
    figure = Figure(figsize=(WIDTH * len(found) + 1, 7), layout="constrained")
    axes = figure.subplots(2, len(found), sharex=True, sharey="row", squeeze=False, height_ratios=[2, 1])
    styles = _styles(found)
    for column, one in enumerate(found):
        money, overload = axes[0][column], axes[1][column]
        _money(money, one, styles)
        _overload(overload, one, styles)
        for axis in (money, overload):
            axis.spines[["top", "right"]].set_visible(False)
            axis.grid(axis="y", color="#DDDDDD", linewidth=0.6)
        locator: Any = AutoDateLocator(maxticks=7)  # type: ignore[no-untyped-call] # matplotlib types it not
        overload.xaxis.set_major_locator(locator)
        overload.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call] # nor this
        name = one.case.name
        money.set_title(f"if {name}" if name else "the configuration as it is", loc="left", fontsize=11, color=INK)
    currency = found[0].case.paid.currency
    axes[0][0].set_ylabel(f"added to the bill so far, with moves, {currency}", fontsize=9)
    axes[1][0].set_ylabel("traffic on uplinks\nabove shed, %", fontsize=9)
    axes[1][0].set_xlabel("UTC", fontsize=9, loc="left")
    _limits(axes, found)
    figure.savefig(path, dpi=DOTS_PER_INCH, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


def _styles(found: Sequence[Comparison]) -> dict[str, dict[str, Any]]:
    """By policy, the same in every case."""
    colours, strokes = cycle(OTHERS), cycle(OTHER_STROKES)
    styles: dict[str, dict[str, Any]] = {}
    for row in (row for one in found for row in one.rows):
        if row.policy not in styles:
            known = row.policy in COLOURS
            styles[row.policy] = {
                "color": COLOURS[row.policy] if known else next(colours),
                "linestyle": STROKES[row.policy] if known else next(strokes),
                "linewidth": 2.4 if row.policy == OURS else 1.6,
            }
    return styles


def _money(axis: Any, one: Comparison, styles: dict[str, dict[str, Any]]) -> None:
    start = one.case.world.start
    ends = []
    for row in one.rows:
        if row.course is not None:
            axis.plot(_steps(start, row.course.times), [0.0, *row.course.money], **styles[row.policy])
            ratio = "" if row.ratio is None else f", R {row.ratio:.2f}"
            ends.append((row.course.money[-1], f"{row.policy}{ratio}", styles[row.policy]["color"]))
    if one.bound is not None and one.bound.money > 0:
        axis.axhline(one.bound.money, color=BOUND, linestyle=":", linewidth=1.6)
        ends.append((one.bound.money, "bound at the end", BOUND))
    _name_ends(axis, one.case.world.end, ends)


def _name_ends(axis: Any, end: datetime, ends: list[tuple[float, str, str]]) -> None:
    """Names at the right, in the order of the lines, pushed apart where they would overlap."""
    low, high = min(0.0, *(money for money, _, _ in ends)), max(money for money, _, _ in ends)
    least, at = APART * max(high - low, 1e-9), float("-inf")
    for money, name, colour in sorted(ends):
        at = max(money, at + least)
        axis.annotate(
            name,
            (end, money),
            xytext=(1.015, at),
            textcoords=axis.get_yaxis_transform(),
            fontsize=9,
            color=colour,
            va="center",
            annotation_clip=False,
        )


def _overload(axis: Any, one: Comparison, styles: dict[str, dict[str, Any]]) -> None:
    for row in one.rows:
        if row.course is not None:
            percent = row.course.overloaded_percent
            steps = _steps(one.case.world.start, row.course.times)
            axis.step(steps, [*percent[:1], *percent], where="pre", **styles[row.policy])


def _steps(start: datetime, times: Sequence[datetime]) -> list[datetime]:
    return [start, *times]


def _limits(axes: Any, found: Sequence[Comparison]) -> None:
    """From the start to the end, and never an axis of noise where nothing was too full."""
    rows: list[Row] = [row for one in found for row in one.rows]
    highest = max((max(row.course.overloaded_percent) for row in rows if row.course is not None), default=0.0)
    axes[1][0].set_ylim(0, max(1.0, 1.05 * highest))
    axes[0][0].set_xlim(found[0].case.world.start, found[0].case.world.end)
    axes[0][0].set_ylim(bottom=0 if all(min(r.course.money) >= 0 for r in rows if r.course is not None) else None)
