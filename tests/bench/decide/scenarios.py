"""What is compared with what: each scenario makes a world by seed, and names the bound that holds in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from switcher.simulate import World
from tests.bench.decide import pricing, worlds
from tests.bench.decide.worlds import Recipe

TUNING_SEEDS = (1, 2, 3)
"""On these the policy of the benchmark was chosen."""
SEEDS = (101, 102, 103, 104, 105)
"""On these it is reported."""
MINUTE = timedelta(minutes=1)
PEERS = ("static", "static-hindsight", "genie-code", "genie-readme", "sd-wan", "best-of-two", "reoptimise", "ours")
LEARNING = timedelta(weeks=1)
FILLS = ("0.60", "0.70", "0.75", "0.80", "0.82", "0.84")


class Bound(StrEnum):
    """Against what the money is compared."""

    FREE_MOVES = "free-moves"
    DYNAMIC = "dynamic"
    PERCENTILE = "percentile"
    VOLUMES = "volumes"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """``learning``: what of the world's beginning is not reported."""

    name: str
    about: str
    world: Callable[[Recipe], World]
    recipe: Recipe
    bound: Bound = Bound.FREE_MOVES
    policies: Sequence[str] = PEERS
    learning: timedelta = timedelta(0)
    seeds: int = 5

    def made(self, seed: int) -> World:
        """The world of a seed."""
        return self.world(replace(self.recipe, seed=seed))


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large worlds are."""

    workloads: int
    days: float
    short_days: float
    herd: int
    herd_days: float
    percentile: int
    seeds: int
    large: Sequence[int]


SIZES: Mapping[str, Size] = {
    "small": Size(
        workloads=200, days=0.5, short_days=0.1, herd=2000, herd_days=0.02, percentile=40, seeds=2, large=(1000,)
    ),
    "full": Size(
        workloads=1000, days=3.5, short_days=0.5, herd=10_000, herd_days=0.25, percentile=200, seeds=5,
        large=(1000, 10_000, 100_000),
    ),
}  # fmt: skip


def scenarios(size: Size) -> list[Scenario]:
    """All of a size."""
    base = Recipe(seed=0, workloads=size.workloads, days=size.days)
    found = [
        *(_market(base, hours) for hours in (0.0, 1.0, 4.0)),
        Scenario(
            name="unannounced",
            about="the same as market-1h, but no price is known before it changes",
            world=worlds.market,
            recipe=replace(base, ahead=timedelta(0)),
        ),
        Scenario(
            name="uncapped",
            about="no capacity binds; prices are announced; against the dynamic programme",
            world=worlds.uncapped,
            recipe=base,
            bound=Bound.DYNAMIC,
        ),
        Scenario(name="night", about="prices by the time of day", world=worlds.by_night, recipe=base),
        Scenario(name="recorded", about="recorded traffic at list prices", world=worlds.replayed, recipe=base),
        Scenario(name="distant", about="latency costs money too", world=worlds.distant, recipe=base),
        Scenario(
            name="graduated",
            about="tiers of public clouds",
            world=lambda recipe: worlds.by_volume(recipe, pricing.graduated),
            recipe=base,
            bound=Bound.VOLUMES,
        ),
        Scenario(
            name="quota",
            about="bundles with blocks or overage",
            world=lambda recipe: worlds.by_volume(recipe, pricing.quotas),
            recipe=base,
            bound=Bound.VOLUMES,
        ),
        *(_percentile(size, commit) for commit in (0.0, 0.6)),
        *(_stale(size, seconds) for seconds in (0, 60, 300)),
        *(_herd(size, seconds) for seconds in (0, 60, 300)),
        *(_pareto(base, fill) for fill in FILLS),
        *(_large(count) for count in size.large),
    ]
    return [replace(each, seeds=min(each.seeds, size.seeds)) for each in found]


def _market(base: Recipe, hours: float) -> Scenario:
    return Scenario(
        name=f"market-{hours:g}h",
        about=f"prices change, capacities bind, a move costs {hours:g} h",
        world=worlds.market,
        recipe=replace(base, move_hours=hours),
    )


def _percentile(size: Size, commit: float) -> Scenario:
    return Scenario(
        name="percentile-commit" if commit else "percentile",
        about=f"three links by the 95th percentile, commit {commit:.0%} of the mean; the second week is reported",
        world=lambda recipe: worlds.by_percentile(recipe, commit),
        recipe=Recipe(seed=0, workloads=size.percentile, networks=3, days=14, move_hours=0, fill="0.84"),
        bound=Bound.PERCENTILE,
        policies=("static", "genie-code", "reoptimise", "ours"),
        learning=LEARNING,
        seeds=3,
    )


def _stale(size: Size, seconds: int) -> Scenario:
    return Scenario(
        name=f"stale-{seconds}s",
        about=f"decided every minute on samples that are {seconds} s old",
        world=worlds.market,
        recipe=Recipe(
            seed=0, workloads=size.workloads, days=size.short_days, slot=MINUTE, staleness=timedelta(seconds=seconds)
        ),
        seeds=3,
    )


def _herd(size: Size, seconds: int) -> Scenario:
    return Scenario(
        name=f"herd-{seconds}s",
        about=f"{size.herd:,} workloads, one price; decided every minute on samples that are {seconds} s old",
        world=worlds.herd,
        recipe=Recipe(
            seed=0,
            workloads=size.herd,
            days=size.herd_days,
            slot=MINUTE,
            staleness=timedelta(seconds=seconds),
            demand_share=0.80,
        ),
        bound=Bound.NONE,
        policies=("static", "genie-code", "threshold", "threshold-damped", "best-of-two", "ours"),
        seeds=1,
    )


def _pareto(base: Recipe, fill: str) -> Scenario:
    return Scenario(
        name=f"fill-{fill}",
        about=f"market-1h with fill {fill}: what headroom costs",
        world=worlds.market,
        recipe=replace(base, fill=fill, workloads=min(base.workloads, 300), days=min(base.days, 1.5)),
        policies=("ours",),
        seeds=2,
    )


def _large(count: int) -> Scenario:
    return Scenario(
        name=f"large-{count}",
        about=f"{count:,} workloads x 10 networks, some ticks: time and memory",
        world=worlds.market,
        recipe=Recipe(seed=0, workloads=count, networks=10, days=0.03),
        policies=("ours",),
        seeds=1,
    )
