"""Figures of a run of the benchmark: one JSON per policy and scenario, a table, and the chart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from tests.bench.decide.scenarios import Scenario

MEANS = (
    "overloaded_percent",
    "overloaded_minutes",
    "moves_per_workload_week",
    "returns_percent",
    "decision_p50_ms",
    "decision_p99_ms",
)
NOTED = ("least", "informed")
"""Figures of :mod:`tests.bench.decide.unavoidable`."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One policy in one scenario: means over seeds, and the worst of the peaks."""

    scenario: str
    policy: str
    seeds: Sequence[int]
    ratio: float | None
    """(bill + penalties + move money) / bound."""
    bill_ratio: float | None
    overloaded_percent: float
    overloaded_minutes: float
    moves_per_workload_week: float
    returns_percent: float
    decision_p50_ms: float
    decision_p99_ms: float
    peak_rss_mb: float | None
    """None where the process was not its own."""
    runs: Sequence[Mapping[str, Any]]


def rows(scenarios: Sequence[Scenario], results: Mapping[tuple[str, str, int], Mapping[str, Any]]) -> list[Row]:
    """A row per scenario and policy, in the order of the scenarios."""
    found = []
    for scenario in scenarios:
        bounds = {seed: one for (name, what, seed), one in results.items() if name == scenario.name and what == "bound"}
        for policy in scenario.policies:
            runs = [one for (name, what, _), one in results.items() if (name, what) == (scenario.name, policy)]
            if runs:
                found.append(_row(scenario, policy, runs, bounds))
    return found


def _row(
    scenario: Scenario, policy: str, runs: Sequence[Mapping[str, Any]], bounds: Mapping[int, Mapping[str, Any]]
) -> Row:
    told = [{**one, "bound": bounds[one["seed"]]} for one in runs]
    for one in told:
        money = one["bound"]["money"]
        one["ratio"] = None if money is None else float(one["total"]) / money
        one["bill_ratio"] = None if money is None else float(one["bill"]) / money
    known = [one for one in told if one["ratio"] is not None]
    return Row(
        scenario=scenario.name,
        policy=policy,
        seeds=[one["seed"] for one in told],
        ratio=fmean(one["ratio"] for one in known) if known else None,
        bill_ratio=fmean(one["bill_ratio"] for one in known) if known else None,
        peak_rss_mb=max(one["peak_rss_mb"] for one in told) if policy == "ours" else None,
        runs=told,
        **{name: fmean(one[name] for one in told) for name in MEANS},
    )


def write(directory: Path, scenarios: Sequence[Scenario], found: Sequence[Row]) -> None:
    """Everything but the chart, which :mod:`tests.bench.decide.chart` draws from it."""
    directory.mkdir(parents=True, exist_ok=True)
    about = {scenario.name: scenario.about for scenario in scenarios}
    for row in found:
        text = json.dumps({"about": about[row.scenario], **asdict(row)}, indent=1)
        (directory / f"{row.scenario}.{row.policy}.json").write_text(text + "\n", encoding="utf-8")
    (directory / "table.md").write_text(table(found) + notes(found), encoding="utf-8")


def table(found: Sequence[Row]) -> str:
    """Markdown."""
    head = (
        "| scenario | policy | R | bill / bound | overload % | moves/workload/week | returns % | p50 ms | p99 ms | MB |"
    )
    lines = [head, "|---" * 2 + "|--:" * 8 + "|"]
    for row in found:
        ratio = ["", ""] if row.ratio is None else [f"{row.ratio:.4f}", f"{row.bill_ratio:.4f}"]
        figures = [
            *ratio,
            f"{row.overloaded_percent:.3f}",
            f"{row.moves_per_workload_week:.1f}",
            f"{row.returns_percent:.2f}",
            f"{row.decision_p50_ms:.1f}",
            f"{row.decision_p99_ms:.1f}",
            "" if row.peak_rss_mb is None else f"{row.peak_rss_mb:.0f}",
        ]
        lines.append(f"| {row.scenario} | {row.policy} | " + " | ".join(figures) + " |")
    return "\n".join(lines) + "\n"


def notes(found: Sequence[Row]) -> str:
    """How much overload is nobody's fault, where the bounds say so: a line per scenario."""
    lines = []
    for row in found:
        bounds = [run["bound"] for run in row.runs if "least_overload_percent" in run["bound"]]
        if row.policy == "ours" and bounds:
            least, informed = (fmean(each[f"{name}_overload_percent"] for each in bounds) for name in NOTED)
            lines.append(
                f"{row.scenario}: overloaded at least {least:.3f} % with the future known, "
                f"{informed:.3f} % by samples as old, ours {row.overloaded_percent:.3f} %"
            )
    return "".join(f"\n{line}\n" for line in lines)
