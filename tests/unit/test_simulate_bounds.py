"""Bounds are bounds: on tiny random worlds the exact optimum is above each of them, and no policy is below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache

import numpy as np
import pytest
from ortools.linear_solver import pywraplp

from switcher.simulate import Account, Policy, World, account, run
from switcher.simulate.account import foreign_bill
from switcher.simulate.bounds import (
    dynamic_bound,
    exact_optimum,
    free_moves_bound,
    paid_moves_bound,
    percentile_bound,
)
from switcher.simulate.ours import Ours
from switcher.simulate.peers import BestOfTwo, GenieReadme, LeastUsed, SdWan, ThresholdToLeastBusy
from switcher.simulate.planned import Reoptimise, StaticHindsight
from switcher.simulate.policy import Recorded, Static
from tests.support.scenes import per_gb
from tests.support.worlds import GB_PER_SLOT, world

POLICIES: dict[str, Callable[[World], Policy]] = {
    "static": lambda _: Static(),
    "hindsight": StaticHindsight,
    "genie-code": lambda _: LeastUsed(),
    "genie-readme": lambda _: GenieReadme(),
    "threshold": lambda seen: ThresholdToLeastBusy(seen.site),
    "sd-wan": lambda seen: SdWan(seen.site),
    "best-of-two": lambda _: BestOfTwo(1),
    "reoptimise": lambda _: Reoptimise(),
    "ours": lambda seen: Ours(seen.site, seen.start),
}
ROUNDED = 1e-5
"""The exact optimum is found in whole numbers."""
ROUNDING = 0.01
"""Money: bills are rounded to the cent."""


def _random(seed: int, capacity: float, varying: bool = True) -> World:
    """4 workloads, 3 networks, 6 slots of some GB each; the prices of two networks change in the middle."""
    rng = np.random.default_rng(seed)
    middle = "2026-11-02T00:15:00Z"
    lists = []
    for name in "abc":
        first, second = (f"{price:.3f}" for price in rng.uniform(0.1, 2.0, 2))
        lists.append([per_gb(f"p{name}", first), per_gb(f"p{name}", second, validFrom=middle)])
    sizes = np.clip(rng.lognormal(0, 0.4, (4, 6 if varying else 1)), 0.5, 2.5)
    out = GB_PER_SLOT * sizes * np.ones((4, 6))
    return world(out, lists, capacity=capacity * GB_PER_SLOT, move_cost="0.5", at_start=np.arange(4) % 3)


def _spent(seen: World, policy: Policy) -> Account:
    return account(seen, run(seen, policy, lambda: 0.0))


@pytest.mark.parametrize("seed", range(12))
def test_the_optimum_is_above_the_bounds(seed: int) -> None:
    seen = _random(seed, capacity=4)
    optimum = exact_optimum(seen)
    assert optimum >= free_moves_bound(seen).money * (1 - ROUNDED)
    assert optimum >= dynamic_bound(seen) * (1 - ROUNDED)
    paid = paid_moves_bound(seen)
    assert paid <= optimum * (1 + ROUNDED)
    assert paid >= free_moves_bound(seen).money * 0.99  # paying for moves is never less; its prices are found by steps


@pytest.mark.parametrize(("move_cost", "least"), [("0.5", 5.3), ("3", 7.2)])
def test_who_is_in_the_way_later_leaves_or_is_not_there_at_first(move_cost: str, least: float) -> None:
    """Room for two at 0.20 per GB, for one after three of six slots; at 1.00 on the other network there is always some.

    One stays for 6 x 0.20. The other leaves in the middle, for 3 x 0.20 + 3 x 1.00 and the move, or pays 6 x 1.00.
    """
    foreign = np.zeros((2, 6))
    foreign[0, 3:] = GB_PER_SLOT
    capacity = 2 * GB_PER_SLOT / 0.85
    rates = [[GB_PER_SLOT] * 6] * 2
    seen = world(rates, ["0.2", "1.0"], capacity=capacity, move_cost=move_cost, background_out=foreign)
    assert free_moves_bound(seen).money == pytest.approx(4.8)
    assert paid_moves_bound(seen) == pytest.approx(least, rel=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_where_no_capacity_binds_the_dynamic_programme_is_the_optimum(seed: int) -> None:
    seen = _random(seed, capacity=1e6)
    assert dynamic_bound(seen) == pytest.approx(exact_optimum(seen), rel=1e-5)


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("seed", range(6))
def test_no_policy_that_keeps_to_shed_is_below_the_optimum(name: str, seed: int) -> None:
    seen = _random(seed, capacity=4, varying=False)
    told = _spent(seen, POLICIES[name](seen))
    assert float(told.total) >= dynamic_bound(seen) - ROUNDING  # holds for every policy: capacity is no part of it
    if name in ("static", "ours"):
        assert told.overloaded_percent == 0
    if told.overloaded_percent == 0:
        assert float(told.total) >= _optimum_of_steady(seed) - ROUNDING


@cache
def _optimum_of_steady(seed: int) -> float:
    return exact_optimum(_random(seed, capacity=4, varying=False))


def test_a_bound_without_room_says_so() -> None:
    seen = world([[GB_PER_SLOT] * 2] * 4, ["1", "2"], capacity=GB_PER_SLOT)
    bound = free_moves_bound(seen)
    assert bound.no_room_percent == pytest.approx(100 * (1 - 2 * 0.85 / 4))
    with pytest.raises(ValueError, match="cannot be kept"):
        exact_optimum(seen)


def _by_percentile(name: str, **more: str) -> dict[str, object]:
    charge = {"q": "95", "sample": "5m", "direction": "out", "unit": "Mbps", "price": "1.00", **more}
    return {
        "kind": "Tariff",
        "metadata": {"name": name},
        "spec": {
            "physicalNetworks": [name],
            "currency": "USD",
            "billingPeriod": {"unit": "day"},
            "validFrom": "2026-01-01T00:00:00Z",
            "charges": [{"name": "transit", "percentile": charge}],
        },
    }


@pytest.mark.parametrize("terms", [{}, {"commit": "5"}, {"commit": "5", "overage": "3.00"}, {"overage": "3.00"}])
def test_the_closed_form_of_percentiles_is_reached_by_bursts_on_free_samples(terms: dict[str, str]) -> None:
    """Two links and one flow: 10 Mbps, but 28 samples of a day at 50. Each link takes 14 bursts for nothing."""
    out = np.full((1, 288), 10e6)
    bursts = np.arange(28) * 10
    out[0, bursts] = 50e6
    seen = world(out, [_by_percentile("pa", **terms), _by_percentile("pb", **terms)])
    places = np.zeros((288, 1), dtype=np.int64)
    places[bursts[14:]] = 1
    bound = percentile_bound(seen)
    best = _spent(seen, Recorded(places)).bill + _foreign(seen)
    assert best >= bound
    if "commit" not in terms:
        assert best == bound  # one link carries all: nothing is left to split
    assert _spent(seen, Static()).bill + _foreign(seen) > bound


def _foreign(seen: World) -> Decimal:
    """The commits are due without our traffic; the closed form counts them."""
    return foreign_bill(seen)


def _least_levels(totals: Sequence[float], free: int, commit: float, overage: float) -> float:
    """The least bill of two links by mixed-integer programme: each drops its own samples, traffic may be split."""
    solver = pywraplp.Solver.CreateSolver("SCIP")
    most = max(totals)
    levels = [solver.NumVar(0, most, "") for _ in range(2)]
    excess = [solver.NumVar(0, most, "") for _ in range(2)]
    dropped = [[solver.BoolVar("") for _ in totals] for _ in range(2)]
    for level, over, drops in zip(levels, excess, dropped, strict=True):
        solver.Add(over >= level - commit)
        solver.Add(solver.Sum(drops) <= free)
    for slot, total in enumerate(totals):
        loads = [solver.NumVar(0, total, "") for _ in range(2)]
        solver.Add(solver.Sum(loads) == total)
        for load, level, drops in zip(loads, levels, dropped, strict=True):
            solver.Add(load <= level + total * drops[slot])
    solver.Minimize(solver.Sum(excess) * overage)
    assert solver.Solve() == pywraplp.Solver.OPTIMAL
    return 2 * commit + float(solver.Objective().Value())


@pytest.mark.parametrize("commit", [0, 3, 8])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_closed_form_of_percentiles_is_the_optimum_of_split_traffic(commit: int, seed: int) -> None:
    """With commits too: of what is above all of them together it does not matter which link carries it."""
    totals = np.random.default_rng(seed).uniform(2, 30, 20).round(1)
    terms = {"q": "90", "commit": f"{commit}", "overage": "1.40"} if commit else {"q": "90"}
    seen = world(totals[None, :] * 1e6, [_by_percentile("pa", **terms), _by_percentile("pb", **terms)])

    exact = _least_levels(totals.tolist(), 2, commit, 1.4 if commit else 1.0)

    assert float(percentile_bound(seen)) == pytest.approx(exact, abs=1e-4)
