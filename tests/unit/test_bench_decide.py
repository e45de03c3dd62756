"""The benchmark's own parts: worlds by seed, figures to rows, rows to a table, a chart and a verdict."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bench.decide import chart, contenders, report
from tests.bench.decide.scenarios import SEEDS, SIZES, TUNING_SEEDS, Scenario, Size, scenarios
from tests.bench.decide.targets import TARGETS, Target

TINY = Size(market=(12, 0.01), other=(12, 0.05), herd=(20, 0.01), percentile=4, seeds=(1, 1), large=(10,))


def _named(name: str) -> Scenario:
    return next(each for each in scenarios(TINY) if each.name == name)


def test_seeds_for_tuning_are_not_those_that_are_reported() -> None:
    assert not set(SEEDS) & set(TUNING_SEEDS)


@pytest.mark.parametrize("size", SIZES)
def test_every_scenario_has_a_name_of_its_own_and_known_policies(size: str) -> None:
    found = scenarios(SIZES[size])
    assert len({each.name for each in found}) == len(found)
    assert {name for each in found for name in each.policies} <= set(contenders.POLICIES)


@pytest.mark.parametrize("name", ["market-1h", "recorded", "herd-60s"])
def test_a_seed_is_a_world(name: str) -> None:
    one, same, other = (_named(name).made(seed) for seed in (1, 1, 2))
    assert np.array_equal(one.out, same.out)
    assert one.site.move_cost == same.site.move_cost
    assert not np.array_equal(one.out, other.out)


@pytest.mark.parametrize("scenario", scenarios(TINY), ids=lambda each: each.name)
def test_every_scenario_runs_and_its_bound_holds(scenario: Scenario) -> None:
    short = dataclasses.replace(scenario.recipe, days=min(scenario.recipe.days, 8.0))
    tried = dataclasses.replace(scenario, recipe=short)
    bound = contenders.bound(tried, 1)["money"]
    static = contenders.compete(tried, "static", 1)
    if bound is not None and static["overloaded_percent"] == 0:
        assert float(static["total"]) >= bound - 0.01


def _run(seed: int, total: str, overloaded: float) -> dict[str, Any]:
    figures = dict.fromkeys(report.MEANS, 0.0)
    return {
        **figures,
        "seed": seed,
        "bill": total,
        "total": total,
        "overloaded_percent": overloaded,
        "peak_rss_mb": 90.0,
    }


def test_figures_become_rows_a_table_a_chart_and_a_verdict(tmp_path: Path) -> None:
    scenario = _named("market-1h")
    results = {
        ("market-1h", "bound", 1): {"money": 10.0},
        ("market-1h", "bound", 2): {"money": 20.0},
        ("market-1h", "ours", 1): _run(1, "11.00", 0.0),
        ("market-1h", "ours", 2): _run(2, "21.00", 0.4),
    }
    rows = report.rows([scenario], results)
    report.write(tmp_path, [scenario], rows)
    chart.draw(rows, tmp_path / "chart.png")
    assert rows[0].ratio == pytest.approx((1.1 + 1.05) / 2)
    assert "| market-1h | ours | 1.0750 | 1.0750 | 0.200 |" in (tmp_path / "table.md").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"market-1h.ours.json", "table.md", "chart.png"}
    verdicts = [target.told(rows) for target in TARGETS if target.row(rows) is not None]
    assert [kept for kept, _ in verdicts] == [False, False]
    assert Target(scenario="market-1h", figure="ratio", most=1.08).told(rows)[0]
