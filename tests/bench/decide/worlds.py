"""Worlds of the benchmark, by seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from switcher.decide.board import Floats, Ints
from switcher.model import Uplink
from switcher.objects.load import book_from_documents
from switcher.simulate import Site, World
from tests.bench.decide import pricing, recorded, traffic

START = datetime(2026, 11, 2, tzinfo=UTC)
"""A Monday."""
MEAN_BPS = 4e6
"""Of a workload."""
BURST = timedelta(minutes=10)
ANNOUNCED = timedelta(hours=3)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a world is made of."""

    seed: int
    workloads: int = 1000
    parts: int = 1
    """So many of them each are one source's equal parts: what it sends is split among them."""
    networks: int = 6
    days: float = 3.5
    slot: timedelta = timedelta(minutes=5)
    staleness: timedelta = timedelta(0)
    move_hours: float = 1.0
    """Cost of a move, in hours of the workload's mean GB, at 0.01 money per GB."""
    ahead: timedelta = ANNOUNCED
    """How long before a price changes it is known."""
    demand_share: float = 0.62
    """Mean traffic as a share of all capacity that ``shed`` leaves after the mean foreign load."""
    background: float = 0.2
    fill: str = "0.80"
    shed: str = "0.85"
    shape: traffic.Shape = field(default_factory=traffic.Shape)
    policy: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slots(self) -> int:
        """How many."""
        return round(timedelta(days=self.days) / self.slot)


def market(recipe: Recipe) -> World:
    """Prices that change, capacities that bind, foreign load: the world of decision.md, section 4."""
    rng = np.random.default_rng([recipe.seed, 1])
    out = MEAN_BPS * traffic.gravity(rng, recipe.workloads, recipe.slots, recipe.slot, recipe.shape)
    capacity, foreign = _uplinks(rng, recipe, out)
    span = START, START + recipe.slots * recipe.slot
    lists = pricing.changing(rng, pricing.levels(rng, recipe.networks), span, recipe.ahead)
    return assemble(recipe, lists, capacity, (out, foreign), _anywhere(rng, recipe, capacity))


def uncapped(recipe: Recipe) -> World:
    """The same where every network could carry everything."""
    crowded = market(recipe)
    site = replace(crowded.site, capacity=crowded.site.capacity * 100)
    return replace(crowded, site=site)


def by_night(recipe: Recipe) -> World:
    """Prices by the time of day."""
    rng = np.random.default_rng([recipe.seed, 2])
    out = MEAN_BPS * traffic.gravity(rng, recipe.workloads, recipe.slots, recipe.slot, recipe.shape)
    capacity, foreign = _uplinks(rng, recipe, out)
    lists = pricing.nightly(rng, recipe.networks)
    return assemble(recipe, lists, capacity, (out, foreign), _anywhere(rng, recipe, capacity))


def by_volume(recipe: Recipe, lists: Callable[[np.random.Generator, int, float], list[dict[str, Any]]]) -> World:
    """Prices by the volume of a billing period, which the world is: a day or a week; no foreign load."""
    rng = np.random.default_rng([recipe.seed, 3])
    out = MEAN_BPS * traffic.gravity(rng, recipe.workloads, recipe.slots, recipe.slot, recipe.shape)
    capacity, foreign = _uplinks(rng, replace(recipe, background=0.0), out)
    gigabytes = float(out.sum()) * recipe.slot.total_seconds() / 8e9
    unit = "day" if recipe.days <= 1 else "week"
    priced = [pricing.in_periods(each, unit) for each in lists(rng, recipe.networks, gigabytes)]
    return assemble(recipe, priced, capacity, (out, foreign), _anywhere(rng, recipe, capacity))


def by_percentile(recipe: Recipe, commit: float) -> World:
    """Links billed by the 95th percentile; each can carry the peak. ``commit``: of the mean, over all links.

    Two weeks, of which the first is there to learn from: what is reported is the second one.
    """
    rng = np.random.default_rng([recipe.seed, 4])
    sources = traffic.gravity(rng, recipe.workloads // recipe.parts, recipe.slots, recipe.slot, recipe.shape)
    out = np.repeat(MEAN_BPS / recipe.parts * sources, recipe.parts, axis=0)
    capacity = np.full(recipe.networks, 2.5 * out.sum(axis=0).max())
    lists = pricing.percentiles(recipe.networks, commit * float(out.sum(axis=0).mean()) / recipe.networks / 1e6)
    foreign = np.zeros((recipe.networks, recipe.slots))
    return assemble(recipe, lists, capacity, (out, foreign), _anywhere(rng, recipe, capacity))


def replayed(recipe: Recipe) -> World:
    """Recorded traffic at list prices, which change as in ``market``."""
    rng = np.random.default_rng([recipe.seed, 5])
    out = MEAN_BPS * recorded.workloads(rng, recipe.workloads, recipe.slots)
    capacity, foreign = _uplinks(rng, recipe, out)
    span = START, START + recipe.slots * recipe.slot
    bases = rng.choice(recorded.internet_prices(), recipe.networks, replace=False).tolist()
    lists = pricing.changing(rng, bases, span, recipe.ahead)
    return assemble(recipe, lists, capacity, (out, foreign), _anywhere(rng, recipe, capacity))


def distant(recipe: Recipe) -> World:
    """Networks differ in round-trip time, 5 to 80 ms, which costs 0.0005 per GB and ms."""
    near = replace(recipe, policy={**recipe.policy, "penalties": {"latency": "0.0005"}})
    world = market(near)
    rng = np.random.default_rng([recipe.seed, 6])
    latency = np.exp(rng.uniform(np.log(5), np.log(80), recipe.networks))
    return replace(world, site=replace(world.site, latency_ms=latency))


def herd(recipe: Recipe) -> World:
    """One price everywhere, and a foreign burst on each uplink in turn: only congestion moves workloads."""
    rng = np.random.default_rng([recipe.seed, 7])
    out = MEAN_BPS * traffic.gravity(rng, recipe.workloads, recipe.slots, recipe.slot, recipe.shape)
    capacity, foreign = _uplinks(rng, recipe, out)
    turn = np.arange(recipe.slots) // round(BURST / recipe.slot) % recipe.networks
    foreign[turn, np.arange(recipe.slots)] += 0.35 * capacity[turn]
    lists = [pricing.tariff(f"p{number}", pricing.per_gb(pricing.TYPICAL)) for number in range(recipe.networks)]
    return assemble(recipe, lists, capacity, (out, foreign), _anywhere(rng, recipe, capacity))


def _uplinks(rng: np.random.Generator, recipe: Recipe, out: Floats) -> tuple[Floats, Floats]:
    """(capacity, foreign load), so that all traffic takes the recipe's share of what is usable."""
    share = rng.uniform(0.5, 1.5, recipe.networks)
    usable = out.sum(axis=0).mean() / recipe.demand_share / (float(recipe.shed) - recipe.background)
    capacity: Floats = share / share.sum() * usable
    return capacity, traffic.background(rng, capacity, recipe.slots, recipe.slot, recipe.background)


def _anywhere(rng: np.random.Generator, recipe: Recipe, capacity: Floats) -> Ints:
    """Where workloads start: at random, by capacity."""
    return rng.choice(recipe.networks, recipe.workloads, p=capacity / capacity.sum()).astype(np.int64)


def assemble(
    recipe: Recipe,
    lists: Sequence[Mapping[str, Any]],
    capacity: Floats,
    flows: tuple[Floats, Floats],
    start: Ints,
) -> World:
    """The world of a recipe. ``flows``: what workloads send, and foreign load; a quarter of it comes back."""
    out, foreign = flows
    names = tuple(f"n{number}" for number in range(len(capacity)))
    gigabytes = out.mean(axis=1) * 3600 / 8e9
    costs = [Decimal(f"{gb * pricing.MOVED * recipe.move_hours:.6f}") for gb in gigabytes]
    site = Site(
        networks=names,
        uplinks=tuple(Uplink(f"p{number}", None) for number in range(len(names))),
        capacity=capacity,
        workloads=tuple(f"w{number:06}" for number in range(len(out))),
        node=(None,) * len(out),
        uplink=np.tile(np.arange(len(names)), (len(out), 1)),
        move_cost=tuple(costs),
        book=book_from_documents([*lists, threshold(recipe), policy(recipe)], "benchmark"),
    )
    return World(
        site=site,
        start=START,
        slot=recipe.slot,
        into=0.25 * out,
        out=out,
        background_in=0.25 * foreign,
        background_out=foreign,
        at_start=np.asarray(start, dtype=np.int64),
        staleness=recipe.staleness,
    )


def threshold(recipe: Recipe) -> dict[str, Any]:
    """The one of all networks."""
    return {
        "kind": "CongestionThreshold",
        "metadata": {"name": "default"},
        "spec": {"fill": recipe.fill, "shed": recipe.shed},
    }


OPEN = (
    {"moves": "100%", "per": "1m", "reasons": ["Savings"]},
    {"moves": "100%", "per": "1m", "reasons": ["Safety"]},
)


def policy(recipe: Recipe) -> dict[str, Any]:
    """Ours, as tuned; see docs/benchmark.md."""
    spec = {"horizon": "3h", "minimumAge": "0s", "budgets": list(OPEN), **recipe.policy}
    return {"kind": "SwitchPolicy", "metadata": {"name": "all"}, "spec": spec}
