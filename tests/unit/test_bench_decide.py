"""The benchmark's own parts: worlds by seed, figures to rows, rows to a table, a chart and a verdict."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from switcher.simulate import World, account, run
from switcher.simulate.bounds import percentile_bound
from tests.bench.decide import chart, contenders, hindsight, report, unavoidable, worlds
from tests.bench.decide.scenarios import PARTS, SEEDS, SIZES, TUNING_SEEDS, Bound, Scenario, Size, scenarios
from tests.bench.decide.targets import TARGETS, Target

TINY = Size(market=(12, 0.01), other=(12, 0.05), herd=(20, 0.01), percentile=(8, 4), seeds=(1, 1), large=(10,))


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


def test_the_bound_that_pays_for_moves_is_compared_from_where_everyone_starts() -> None:
    """Else it pays for a way that the policy has made before it is counted, and is no bound."""
    assert [each.learning for each in scenarios(SIZES["report"]) if each.bound is Bound.DYNAMIC] == [timedelta(0)]


def test_parts_are_the_same_traffic_and_the_target_is_about_neither_them_nor_whole_ones() -> None:
    whole, parts = (_named(name).made(1) for name in ("percentile-commit-whole", "percentile-commit-parts"))

    assert len(parts.site.workloads) == PARTS * len(whole.site.workloads)
    assert parts.out.sum(axis=0) == pytest.approx(whole.out.sum(axis=0))
    assert parts.out[:PARTS] == pytest.approx(np.tile(whole.out[0] / PARTS, (PARTS, 1)))
    assert float(percentile_bound(parts)) == pytest.approx(float(percentile_bound(whole)))
    assert {each.scenario for each in TARGETS if each.scenario.startswith("percentile")} == {
        "percentile",
        "percentile-commit",
    }
    assert SIZES["report"].percentile[0] >= 1000


def test_with_hindsight_the_levels_of_percentile_links_are_what_is_billed() -> None:
    """And no sum of levels is below the closed form's."""
    scenario = _named("percentile-commit")
    scenario = dataclasses.replace(scenario, recipe=dataclasses.replace(scenario.recipe, workloads=6))
    world = scenario.made(1)
    week = world.between(world.slots // 2, world.slots, world.at_start)
    known = hindsight.levels(week, np.tile(week.at_start, (week.slots, 1)))
    aims = np.array([known.least + 4e6 - 2 * known.commit, known.commit, known.commit])

    trail = run(week, hindsight.Hindsight(week, aims, 0.14), lambda: 0.0)

    found = hindsight.levels(week, trail.places)
    excess = sum(max(level - found.commit, 0.0) for level in found.level.tolist()) / 1e6
    assert float(account(week, trail).bill) == pytest.approx(1.4 * excess, abs=0.01)
    assert np.maximum(found.level, found.commit).sum() >= found.least


def test_overload_that_nobody_can_avoid() -> None:
    """Two uplinks of 100 under 0.85, a burst that fills one up: what fits nowhere, and what no sample shows yet."""
    roomy, crowded = (_two_uplinks(demand) for demand in (80.0, 120.0))
    assert unavoidable.clairvoyant(roomy) == 0
    # In the last three slots one uplink has no room: 120 - 85 must be above.
    assert unavoidable.clairvoyant(crowded) == pytest.approx(100 * 3 * 35 / (6 * 120))
    # Half of it is on that uplink in the first of them: its sample is one slot old.
    assert unavoidable.informed(roomy) == pytest.approx(100 * 1 * 40 / (6 * 80))
    older = dataclasses.replace(roomy, staleness=roomy.slot)
    assert unavoidable.informed(older) == pytest.approx(100 * 2 * 40 / (6 * 80))


def _two_uplinks(demand: float) -> World:
    """One workload that may be split, six slots, and from the fourth on a foreign load of 90 on the first uplink."""
    world = dataclasses.replace(_named("herd-0s").recipe, workloads=1, networks=2, staleness=timedelta(0))
    made = worlds.herd(dataclasses.replace(world, days=6 / 1440))
    foreign = np.zeros((2, 6))
    foreign[0, 3:] = 90.0
    site = dataclasses.replace(made.site, capacity=np.full(2, 100.0))
    out = np.full((1, 6), demand)
    return dataclasses.replace(
        made, site=site, into=0.25 * out, out=out, background_in=0.25 * foreign, background_out=foreign
    )


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
