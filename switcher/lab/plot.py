"""Draws a run: each network's price and utilisation with its thresholds, who was on it, and every move with its reason.

Colours are those of Okabe and Ito, which colour-blind people can tell apart; networks differ by line and label too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from switcher.lab.blueprint import CURRENCY, PHYSICAL_NETWORKS, PhysicalNetwork
from switcher.lab.money import Span, spent_spans
from switcher.lab.report import MoveRow, Report
from switcher.lab.run import Run
from switcher.lab.shaper import UplinkPoint
from switcher.lab.story import FILL, SHED, Story

COLOURS = {"phynet2": "#0072B2", "phynet1": "#E69F00", "phynet0": "#009E73"}
INK = "#333333"
ON_COLOUR = {"phynet2": "white", "phynet1": "black", "phynet0": "white"}
FAINT = "#999999"
ALARM = "#D55E00"
MARKS = {"Savings": ("v", "white"), "Safety": ("D", ALARM)}
OTHER_MARK = ("o", FAINT)
DOTS_PER_INCH = 150
LEAST_NAMED = 0.15
"""A stay shorter than this share of the run is known by its colour alone."""


def draw_chart(run: Run, report: Report, path: Path) -> None:
    """Write the chart; the suffix says the format."""
    story, end = run.story, run.ended - run.story.start
    spans = spent_spans(run.bed.blueprint, list(run.bed.watch.switches.values()), story.start, run.ended)
    workloads = run.bed.blueprint.workloads
    drawn = Drawn(
        story=story,
        end=end,
        points=run.bed.sampler.points,
        spans=spans,
        moves=report.moves,
        workloads=[workload.name for workload in workloads],
        marked=frozenset(workload.name for workload in workloads if workload.do_not_move),
    )
    chart(drawn, title_of(report), path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What is drawn. ``end`` is in seconds since the story's start; ``marked`` are the workloads that may not move."""

    story: Story
    end: float
    points: Sequence[UplinkPoint]
    spans: Sequence[Span]
    moves: Sequence[MoveRow]
    workloads: Sequence[str]
    marked: frozenset[str] = frozenset()


def title_of(report: Report) -> str:
    """The run in one line."""
    money = report.money
    return (
        f"{len(report.moves)} live moves, {report.lost} packets lost while moving, {report.resets} connections reset;"
        f" spent {money.spent} {CURRENCY} (nothing moved: {money.if_nothing_had_moved}, optimum: {money.clairvoyant})"
    )


def chart(drawn: Drawn, title: str, path: Path) -> None:
    """Draw three panels of utilisation and price, and below them who was where."""
    rcParams["svg.hashsalt"] = "lab"
    height = 7.0 + 0.24 * len(drawn.workloads)
    ratios = [1.5, 1.5, 1.5, 0.5 + 0.24 * len(drawn.workloads)]
    figure = Figure(figsize=(11, height), layout="constrained")
    axes = figure.subplots(4, 1, sharex=True, height_ratios=ratios)
    for axis, network in zip(axes, PHYSICAL_NETWORKS, strict=False):
        _utilisation(axis, network, drawn)
    _placements(axes[3], drawn)
    for axis in axes:
        _turns(axis, drawn.story)
        axis.spines[["top", "right"]].set_visible(False)
    axes[3].set_xlabel("seconds since the start")
    axes[3].set_xlim(0, drawn.end)
    figure.suptitle(title, fontsize=11)
    figure.savefig(path, dpi=DOTS_PER_INCH, metadata={"Date": None} if path.suffix == ".svg" else None)


def _utilisation(axis: Any, network: PhysicalNetwork, drawn: Drawn) -> None:
    colour = COLOURS[network.name]
    by_node: dict[str, list[tuple[float, float]]] = {}
    for point in drawn.points:
        if point.physical_network == network.name:
            share = 100 * point.load_bps / network.capacity_bps
            by_node.setdefault(point.node, []).append((point.at - drawn.story.start, share))
    for series in by_node.values():
        axis.plot(*zip(*series, strict=True), color=colour, linewidth=1.2, alpha=0.8)
    highest = max((share for series in by_node.values() for _, share in series), default=0.0)
    if highest > 20:
        for level, name in ((FILL, "fill"), (SHED, "shed")):
            axis.axhline(100 * float(level), color=ALARM if name == "shed" else INK, linestyle="--", linewidth=0.9)
            axis.text(0.003, 100 * float(level) + 1, f"{name} {level:.0%}", transform=axis.get_yaxis_transform(),
                      fontsize=8, color=ALARM if name == "shed" else INK, va="bottom")  # fmt: skip
        axis.set_ylim(0, 110)
    else:
        axis.set_ylim(0, max(1.0, 1.3 * highest))
        axis.text(0.003, 0.95, f"fill {FILL:.0%} and shed {SHED:.0%} are far above", transform=axis.transAxes,
                  fontsize=8, color=FAINT, va="top")  # fmt: skip
    axis.set_ylabel("utilisation, %\n(a line per node)", fontsize=9)
    axis.set_title(f"{network.name}: {network.capacity}, SLA {network.sla} %", loc="left", fontsize=10, color=colour)
    _price(axis.twinx(), network, drawn)


def _price(axis: Any, network: PhysicalNetwork, drawn: Drawn) -> None:
    story = drawn.story
    times = [0.0, drawn.end]
    if story.price_at is not None and story.price_at - story.start < drawn.end:
        times.insert(1, story.price_at - story.start)
    prices = [float(story.price(network, story.start + at)) for at in times]
    axis.step(times, prices, where="post", color=INK, linewidth=1.6, linestyle=":")
    for at, price in ((times[1], prices[0]), (drawn.end, prices[-1])):
        axis.annotate(
            f"{price:.2f}", (at, price), xytext=(-4, 3), textcoords="offset points", fontsize=8, color=INK, ha="right"
        )
    axis.set_ylim(0, 17)
    axis.set_ylabel(f"price (dotted)\n{CURRENCY} per hour", fontsize=9)
    axis.spines["top"].set_visible(False)


def _placements(axis: Any, drawn: Drawn) -> None:
    rows = {name: index for index, name in enumerate(reversed(drawn.workloads))}
    for span in drawn.spans:
        _bar(axis, rows[span.workload], span, drawn)
    seen: set[str] = set()
    for move in drawn.moves:
        marker, fill = MARKS.get(move.reason, OTHER_MARK)
        seen.add(move.reason)
        row = rows[move.workload.rpartition("/")[2]]
        decided = move.decided_at - drawn.story.start
        if move.finished_at is not None:
            axis.plot([decided, move.finished_at - drawn.story.start], [row, row], color=INK, linewidth=1.0)
        axis.plot(decided, row, marker=marker, color=fill, markeredgecolor=INK, markersize=6, zorder=5)
    labels = [f"{name} (do-not-move)" if name in drawn.marked else name for name in reversed(drawn.workloads)]
    axis.set_yticks(range(len(labels)), labels, fontsize=8)
    axis.set_ylim(-0.6, len(labels) - 0.4)
    axis.set_title("who was on which network, and every move with its reason", loc="left", fontsize=10, color=INK)
    axis.legend(handles=_legend(seen), loc="upper center", bbox_to_anchor=(0.5, -0.22 * 4 / max(4, len(labels) * 0.5)),
                ncols=8, fontsize=8, frameon=False)  # fmt: skip


def _bar(axis: Any, row: int, span: Span, drawn: Drawn) -> None:
    start, length = span.start - drawn.story.start, span.end - span.start
    axis.barh(row, length, left=start, height=0.72, color=COLOURS[span.physical_network])
    if length > LEAST_NAMED * drawn.end:
        middle = start + length / 2
        axis.text(
            middle,
            row,
            span.physical_network,
            fontsize=7,
            color=ON_COLOUR[span.physical_network],
            ha="center",
            va="center",
        )


def _legend(reasons: set[str]) -> list[Any]:
    handles: list[Any] = [Patch(color=colour, label=name) for name, colour in COLOURS.items()]
    for reason in sorted(reasons):
        marker, fill = MARKS.get(reason, OTHER_MARK)
        handles.append(
            Line2D(
                [], [], marker=marker, color="none", markerfacecolor=fill, markeredgecolor=INK, label=f"move: {reason}"
            )
        )
    handles.append(Line2D([], [], color=INK, linewidth=1.0, label="switch under way"))
    return handles


def _turns(axis: Any, story: Story) -> None:
    for at, text in ((story.load_at, "foreign load"), (story.price_at, "announced price")):
        if at is not None:
            axis.axvline(at - story.start, color=FAINT, linewidth=1.0)
            if axis.get_subplotspec().is_first_row():
                axis.text(at - story.start, 1.02, text, transform=axis.get_xaxis_transform(), fontsize=8, color=INK,
                          ha="center")  # fmt: skip
