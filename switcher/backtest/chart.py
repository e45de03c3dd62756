"""Draws a comparison: money over time, what it is less than if nothing had moved, and what was on too full uplinks.

A column per case. Colours are those of Okabe and Ito, which colour-blind people can tell apart; lines differ by their
strokes too, and each is named at its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from matplotlib import rcParams
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from switcher.backtest.compare import ACTUAL, STATIC, Comparison
from switcher.backtest.contenders import OURS
from switcher.backtest.course import Course

COLOURS = {ACTUAL: "#000000", STATIC: "#999999", OURS: "#0072B2"}
OTHERS = ("#E69F00", "#CC79A7", "#56B4E9", "#D55E00", "#B8A800")
STROKES = {ACTUAL: "-", STATIC: "--", OURS: "-"}
OTHER_STROKES = ("-.", (0, (4, 1, 1, 1, 1, 1)), (0, (6, 2)), (0, (2, 1)))
BOUND = "#009E73"
INK, FAINT = "#333333", "#DDDDDD"
DOTS_PER_INCH = 150
WIDTH = 6.5
APART = 0.075
"""Of a panel's height: names at the ends of lines are so far apart."""
Style = Mapping[str, Any]
End = tuple[float, str, str]
"""Where a line ends, its name and its colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    name: str
    course: Course
    ratio: float | None
    style: Style


def draw_chart(found: Sequence[Comparison], path: Path) -> None:
    """Write the chart; the suffix says the format."""
    rcParams["svg.hashsalt"] = "backtest"
    figure = Figure(figsize=(WIDTH * len(found) + 2, 8), layout="constrained")
    axes = figure.subplots(3, len(found), sharex=True, sharey="row", squeeze=False, height_ratios=[3, 3, 2])
    styles = _styles(found)
    ends: list[tuple[Any, list[End]]] = []
    for column, one in enumerate(found):
        lines = [
            _Line(name=row.policy, course=row.course, ratio=row.ratio, style=styles[row.policy])
            for row in one.rows
            if row.course is not None
        ]
        ends += [(axes[0][column], _money(axes[0][column], one, lines))]
        ends += [(axes[1][column], _saved(axes[1][column], one, lines))]
        _overload(axes[2][column], one, lines)
        _frame([row[column] for row in axes], one)
    for axis, names in ends:  # once the axes that they share have their limits
        _name_ends(axis, names)
    currency = found[0].case.paid.currency
    axes[0][0].set_ylabel(f"added to the bill\nso far, with moves, {currency}", fontsize=9)
    axes[1][0].set_ylabel(f"less than if nothing\nhad moved, {currency}", fontsize=9)
    axes[2][0].set_ylabel("traffic on uplinks\nabove shed, %", fontsize=9)
    axes[2][0].set_ylim(0, max(1.0, axes[2][0].get_ylim()[1]))
    figure.savefig(path, dpi=DOTS_PER_INCH, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


def _styles(found: Sequence[Comparison]) -> dict[str, Style]:
    """By policy, the same in every case."""
    colours, strokes = cycle(OTHERS), cycle(OTHER_STROKES)
    styles: dict[str, Style] = {}
    for name in dict.fromkeys(row.policy for one in found for row in one.rows):
        styles[name] = {
            "color": COLOURS[name] if name in COLOURS else next(colours),
            "linestyle": STROKES[name] if name in STROKES else next(strokes),
            "linewidth": 2.6 if name == OURS else 1.6,
        }
    return styles


def _frame(axes: Sequence[Any], one: Comparison) -> None:
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color=FAINT, linewidth=0.6)
    axes[0].set_title(f"if {one.case.name}" if one.case.name else "as it is", loc="left", fontsize=11, color=INK)
    axes[0].set_xlim(one.case.world.start, one.case.world.end)
    locator: Any = AutoDateLocator(maxticks=7)  # type: ignore[no-untyped-call] # matplotlib has no type for it
    axes[-1].xaxis.set_major_locator(locator)
    axes[-1].xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call] # nor this
    axes[-1].set_xlabel("UTC", fontsize=9)


def _money(axis: Any, one: Comparison, lines: Sequence[_Line]) -> list[End]:
    ends: list[End] = []
    start = one.case.world.start
    for line in lines:
        axis.plot([start, *line.course.times], [0.0, *line.course.money], **line.style)
        ends.append((line.course.money[-1], f"{line.name} {line.course.money[-1]:,.2f}", line.style["color"]))
    if one.bound.money > 0:
        axis.plot([one.case.world.end], [one.bound.money], marker="D", color=BOUND, markersize=6, clip_on=False)
        ends.append((one.bound.money, f"bound {one.bound.money:,.2f}", BOUND))
    return ends


def _saved(axis: Any, one: Comparison, lines: Sequence[_Line]) -> list[End]:
    """Against the row in which nothing moved."""
    still = next(line.course.money for line in lines if line.name == STATIC)
    ends: list[End] = []
    for line in lines:
        saved = [kept - money for kept, money in zip(still, line.course.money, strict=True)]
        axis.plot([one.case.world.start, *line.course.times], [0.0, *saved], **line.style)
        ratio = "" if line.ratio is None else f", R {line.ratio:.3f}"
        ends.append((saved[-1], f"{line.name}{ratio}", line.style["color"]))
    if one.bound.money > 0:
        most = still[-1] - one.bound.money
        axis.plot([one.case.world.end], [most], marker="D", color=BOUND, markersize=6, clip_on=False)
        ends.append((most, "bound", BOUND))
    return ends


def _overload(axis: Any, one: Comparison, lines: Sequence[_Line]) -> None:
    for line in lines:
        percent = line.course.overloaded_percent
        axis.step([one.case.world.start, *line.course.times], [*percent[:1], *percent], where="pre", **line.style)
    if not any(max(line.course.overloaded_percent) for line in lines):
        axis.text(0.5, 0.5, "no uplink was above shed", transform=axis.transAxes, ha="center", fontsize=9, color=INK)


def _name_ends(axis: Any, ends: Sequence[End]) -> None:
    """Names at the right, in the order of the lines, pushed apart where they would overlap, and inside the panel."""
    low, high = axis.get_ylim()
    ordered = sorted(ends)
    places = [(money - low) / max(high - low, 1e-12) for money, _, _ in ordered]
    for number in range(1, len(places)):
        places[number] = max(places[number], places[number - 1] + APART)
    for number in reversed(range(len(places))):
        above = places[number + 1] if number + 1 < len(places) else 1.0 + APART
        places[number] = min(places[number], above - APART)
    for at, (_, name, colour) in zip(places, ordered, strict=True):
        axis.text(1.02, at, name, transform=axis.transAxes, fontsize=9, color=colour, va="center")
