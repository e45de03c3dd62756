"""A market is solved part by part: the parts have no uplink in common, and their optimum is that of the whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from switcher.decide.flow import OVERFLOW, cheapest, cheapest_in_parts
from switcher.decide.market import Market, Tier
from switcher.decide.parts import labels, parts, undivided
from switcher.decide.units import in_units

NODES, EACH, COLUMNS = 4, 12, 3


def market(seed: int, *, grouped: bool = False) -> Market:
    """Nodes with uplinks of their own; ``grouped``: the first network's price rises with the load of all nodes."""
    rng = np.random.default_rng(seed)
    node = np.repeat(np.arange(NODES), EACH)
    demand = rng.integers(1, 20, NODES * EACH) * 1e6
    home = rng.integers(0, COLUMNS, NODES * EACH)
    uplink = node[:, None] * COLUMNS + np.arange(COLUMNS)
    residents = np.bincount(uplink[np.arange(len(home)), home], weights=demand, minlength=NODES * COLUMNS)
    group = np.where(np.arange(NODES * COLUMNS) % COLUMNS == 0, 0, -1) if grouped else None
    return Market(
        demand=demand,
        cost=demand[:, None] * rng.random((NODES * EACH, COLUMNS)) * 1e-8,
        home=home,
        uplink=uplink,
        room=residents * rng.uniform(0.8, 1.5, NODES * COLUMNS),
        tolerated=residents,
        group=group,
        tiers=(Tier(0, 40e6, 0.0), Tier(0, np.inf, 5e-9)) if grouped else (),
    )


def spent(given: Market, choice: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    at = np.where(choice == OVERFLOW, given.home, choice)
    return float(given.cost[np.arange(len(at)), at].sum())


def test_uplinks_of_different_nodes_are_different_parts() -> None:
    assert labels(market(1)).tolist() == [node * COLUMNS for node in range(NODES) for _ in range(COLUMNS)]
    found = parts(market(1))
    assert np.diff(found.uplinks).tolist() == [COLUMNS] * NODES
    assert np.diff(found.rows).tolist() == [EACH] * NODES
    assert sorted(found.order.tolist()) == list(range(NODES * EACH))


def test_a_price_that_rises_with_a_networks_load_ties_its_uplinks_together() -> None:
    assert len(parts(market(1, grouped=True))) == 1


def test_a_group_within_one_part_keeps_its_tiers() -> None:
    given = market(2, grouped=True)
    alone = np.where(np.arange(NODES * COLUMNS) == COLUMNS, 0, -1)
    found = parts(replace(given, group=alone))
    assert [found.groups(part)[1] for part in range(len(found))] == [(), given.tiers, (), ()]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("grouped", [False, True])
def test_part_by_part_costs_what_the_whole_costs(seed: int, grouped: bool) -> None:
    """Whole workloads and rounding apart: both round to the largest share, so a split one may fall either way."""
    given = market(seed, grouped=grouped)
    assert spent(given, cheapest(given)) == pytest.approx(
        spent(given, cheapest_in_parts(given, undivided(given))), rel=0.02
    )


@pytest.mark.parametrize("seed", range(20))
def test_each_part_is_counted_as_if_it_were_alone(seed: int) -> None:
    """On a scale of its own, to the last unit, with and without tiers; the prices of the last node are far higher."""
    given = market(seed, grouped=True)
    last = np.arange(NODES * EACH) >= (NODES - 1) * EACH
    alone = np.where(np.arange(NODES * COLUMNS) == COLUMNS, 0, -1)
    given = replace(given, group=alone, cost=np.where(last[:, None], 1e3, 1.0) * given.cost)
    for number, whole in enumerate(in_units(parts(given)).parts):
        rows = slice(number * EACH, (number + 1) * EACH)
        uplinks = slice(number * COLUMNS, (number + 1) * COLUMNS)
        part = Market(
            demand=given.demand[rows],
            cost=given.cost[rows],
            home=given.home[rows],
            uplink=given.uplink[rows] - number * COLUMNS,
            room=given.room[uplinks],
            tolerated=given.tolerated[uplinks],
            group=alone[uplinks],
            tiers=given.tiers if number == 1 else (),
        )
        (expected,) = in_units(undivided(part)).parts
        for name in whole.__slots__:
            np.testing.assert_array_equal(getattr(whole, name), getattr(expected, name), err_msg=name)
