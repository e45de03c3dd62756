"""The end of a run, for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from switcher.lab.blueprint import CURRENCY
from switcher.lab.report import Report
from switcher.lab.run import Run
from switcher.model import StayReason


def lines(run: Run, report: Report) -> list[tuple[str, str]]:
    """What the run shows, as label and value."""
    money = report.money
    saved = 1 - float(money.spent / money.if_nothing_had_moved) if money.if_nothing_had_moved else 0.0
    optimum = float(money.spent / money.clairvoyant) if money.clairvoyant else 1.0
    by_reason: dict[str, int] = {}
    for move in report.moves:
        by_reason[move.reason] = by_reason.get(move.reason, 0) + 1
    moves = ", ".join(f"{count} {reason}" for reason, count in sorted(by_reason.items())) or "none"
    sent = sum(stream.sent for stream in report.streams)
    lost = sum(stream.lost for stream in report.streams)
    gap = max((move.largest_gap for move in report.moves), default=0.0)
    return [
        ("moves", f"{len(report.moves)} ({moves})"),
        ("stayed, marked do-not-move", _do_not_move(run)),
        ("spent", f"{money.spent} {CURRENCY}"),
        ("if nothing had moved", f"{money.if_nothing_had_moved} {CURRENCY} (saved {saved:.0%})"),
        ("clairvoyant optimum", f"{money.clairvoyant} {CURRENCY} (spent {optimum:.3f} times that)"),
        ("traffic above shed", f"{report.overload_percent:.2f} %"),
        ("packets and requests", f"{sent:,} sent, {lost} lost, {report.resets} connections reset"),
        ("lost while moving", str(report.lost)),
        ("largest gap while moving", f"{gap * 1000:.0f} ms"),
        ("leaked", str(len(report.leaks.everything()))),
    ]


def _do_not_move(run: Run) -> str:
    stays = run.bed.watch.stays
    marked = [
        f"{name} on {stay.network.removeprefix('cni:')}: {stay.reason.value}"
        for name, stay in sorted(stays.items())
        if stay.reason is StayReason.DO_NOT_MOVE
    ]
    return ", ".join(marked) or "none"


def show(console: Console, run: Run, report: Report) -> None:
    """Print the summary and what went wrong."""
    pairs = lines(run, report)
    if console.is_terminal:
        table = Table(show_header=False)
        for label, value in pairs:
            table.add_row(label, value)
        console.print(table)
    else:
        for label, value in pairs:
            console.print(f"{label}\t{value}", markup=False, highlight=False, soft_wrap=True)
    for entry in report.leaks.lines():
        console.print(f"leaked: {entry}", markup=False, highlight=False, soft_wrap=True)
    for stream in report.streams:
        for at, why in stream.resets:
            text = f"reset: {stream.workload} {stream.protocol} at {at - run.story.start:.1f} s: {why}"
            console.print(text, markup=False, highlight=False, soft_wrap=True)
    for failure in report.failures:
        console.print(f"FAILED: {failure}", style="bold red", markup=False, highlight=False)
