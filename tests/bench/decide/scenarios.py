"""What is compared with what: each scenario makes a world by seed, and names the bound that holds in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from switcher.simulate import World
from tests.bench.decide import pricing, worlds
from tests.bench.decide.worlds import Recipe

TUNING_SEEDS = (1, 2, 3, 4, 5, 6)
"""On these the policy of the benchmark was chosen."""
SEEDS = (101, 102, 103, 104, 105)
"""On these it is reported."""
MINUTE = timedelta(minutes=1)
PEERS = ("static", "static-hindsight", "genie-code", "genie-readme", "sd-wan", "best-of-two", "reoptimise", "ours")
LEARNING = timedelta(weeks=1)
SETTLING = timedelta(hours=2)
"""Everyone starts anywhere; what it takes to get away from there is no policy's everyday. Shorter worlds: a third.

Not so where prices depend on the volume: the bill of a part of a billing period is no part of its bill.
"""
COMMITS = (0.0, 0.6)
"""Of links billed by a percentile: parts of the mean traffic, over all of them."""
PARTS = 10
FILLS = ("0.65", "0.75", "0.80", "0.84")


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
    main: bool = False
    """One that a target is about, and that differs much from seed to seed."""

    def made(self, seed: int) -> World:
        """The world of a seed."""
        return self.world(replace(self.recipe, seed=seed))


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large worlds are."""

    market: tuple[int, float]
    """Workloads and days of the scenarios that are decided every minute on a market."""
    other: tuple[int, float]
    """Of those in slots of five minutes."""
    herd: tuple[int, float]
    percentile: tuple[int, int]
    """Workloads, for two weeks: so many that the traffic is as good as splittable, and few."""
    large: Sequence[int]
    seeds: tuple[int, int]
    """Of the main scenarios, and of the others."""


SIZES: Mapping[str, Size] = {
    "small": Size(
        market=(200, 0.05), other=(100, 0.5), herd=(1000, 0.01), percentile=(50, 12), large=(1000,), seeds=(1, 1)
    ),
    "report": Size(
        market=(1000, 0.35),
        other=(300, 1.0),
        herd=(10_000, 0.04),
        percentile=(1000, 40),
        large=(10_000, 100_000),
        seeds=(2, 2),
    ),
    "full": Size(
        market=(1000, 3.5),
        other=(1000, 3.5),
        herd=(10_000, 1.0),
        percentile=(1000, 40),
        large=(10_000, 100_000),
        seeds=(5, 3),
    ),
}
"""``report`` is behind the table of docs/benchmark.md; ``full`` takes an hour or two."""
TUNED: Mapping[float, tuple[str, Mapping[str, str]]] = {
    0.0: ("0.83", {"cooldown": "15m"}),
    1.0: ("0.83", {"cooldown": "2h"}),
    4.0: ("0.83", {"cooldown": "1h", "horizon": "4h"}),
}
"""By the cost of a move in hours: ``fill`` and the policy of the markets, chosen on the tuning seeds, with a margin
below what may be overloaded: it differs much from seed to seed."""
OTHERS: tuple[str, Mapping[str, str]] = ("0.84", {"cooldown": "1h"})
"""Of all other scenarios, where a move costs one hour."""
FAR: tuple[str, Mapping[str, str]] = ("0.84", {"cooldown": "1h", "horizon": "24h", "payback": "3h"})
"""Of those whose prices depend on the volume: over three hours every free tier is free until it is used up, and all
go from one to the next."""

FLAP = {"factor": "1", "halfLife": "2h"}


def scenarios(size: Size) -> list[Scenario]:
    """All of a size."""
    workloads, days = size.other
    base = _with(Recipe(seed=0, workloads=workloads, days=days), 1.0, OTHERS)
    period = _with(replace(base, days=1.0 if days <= 1 else 7.0), 1.0, FAR)
    found = [
        *(_market(size, hours) for hours in TUNED),
        Scenario(
            name="unannounced",
            about="as market-1h, every five minutes, and no price is known before it changes",
            world=worlds.market,
            recipe=replace(base, ahead=timedelta(0)),
            learning=_settling(days),
        ),
        Scenario(
            name="uncapped",
            about="no capacity binds; prices are announced; against the dynamic programme",
            world=worlds.uncapped,
            recipe=base,  # from the first slot on: the bound pays for the way from where everyone starts
            bound=Bound.DYNAMIC,
            main=True,
        ),
        Scenario(
            name="night",
            about="prices by the time of day",
            world=worlds.by_night,
            recipe=base,
            learning=_settling(days),
        ),
        Scenario(
            name="recorded",
            about="recorded traffic at list prices: bursts of one slot, which nobody can foresee",
            world=worlds.replayed,
            recipe=replace(base, workloads=min(10 * workloads, 3000), demand_share=0.5, fill="0.70"),
            learning=_settling(days),
        ),
        Scenario(
            name="distant",
            about="latency costs money too",
            world=worlds.distant,
            recipe=base,
            learning=_settling(days),
        ),
        Scenario(
            name="graduated",
            about="tiers of public clouds; one billing period",
            world=lambda recipe: worlds.by_volume(recipe, pricing.graduated),
            recipe=period,
            bound=Bound.VOLUMES,
        ),
        Scenario(
            name="quota",
            about="bundles with blocks or overage; one billing period",
            world=lambda recipe: worlds.by_volume(recipe, pricing.quotas),
            recipe=period,
            bound=Bound.VOLUMES,
        ),
        *(_percentile(size, commit) for commit in COMMITS),
        *(_whole(size, commit) for commit in COMMITS),
        _parts(size, max(COMMITS)),
        *(_stale(size, seconds) for seconds in (0, 60, 300)),
        *(_herd(size, seconds) for seconds in (0, 60, 300)),
        *(_pareto(base, fill) for fill in FILLS),
        *(_large(count) for count in size.large),
    ]
    main, others = size.seeds
    return [replace(each, seeds=min(each.seeds, main if each.main else others)) for each in found]


def _with(recipe: Recipe, hours: float, tuned: tuple[str, Mapping[str, str]]) -> Recipe:
    fill, policy = tuned
    return replace(recipe, move_hours=hours, fill=fill, policy=policy)


def _market(size: Size, hours: float) -> Scenario:
    workloads, days = size.market
    return Scenario(
        name=f"market-{hours:g}h",
        about=f"prices change, capacities bind, a move costs {hours:g} h; decided every minute",
        world=worlds.market,
        recipe=_with(Recipe(seed=0, workloads=workloads, days=days, slot=MINUTE), hours, TUNED[hours]),
        learning=_settling(days),
        main=True,
    )


def _settling(days: float) -> timedelta:
    return min(SETTLING, round(days * 24 * 60 / 3) * MINUTE)


def _percentile(size: Size, commit: float) -> Scenario:
    """The target's: equal samples, links that carry the peak, and traffic as good as splittable.

    The largest of a thousand workloads is 0.5 to 1.7 % of the traffic, of forty 7 to 12 %.
    """
    return Scenario(
        name="percentile-commit" if commit else "percentile",
        about=f"three links by the 95th percentile, commit {commit:.0%} of the mean; the second week is reported",
        world=lambda recipe: worlds.by_percentile(recipe, commit),
        recipe=Recipe(
            seed=0,
            workloads=size.percentile[0],
            networks=3,
            days=14,
            move_hours=0,
            fill="0.84",
            policy={"cooldown": "0s"},
        ),
        bound=Bound.PERCENTILE,
        policies=("static", "genie-code", "reoptimise", "ours"),
        learning=LEARNING,
    )


def _whole(size: Size, commit: float) -> Scenario:
    """The same with few workloads, which no target is about: the closed form splits them."""
    many = _percentile(size, commit)
    return replace(
        many,
        name=f"{many.name}-whole",
        about=f"{many.about}; few workloads, not splittable",
        recipe=replace(many.recipe, workloads=size.percentile[1]),
    )


def _parts(size: Size, commit: float) -> Scenario:
    """Their very traffic, split: what is left of the loss is that nobody knows the next sample."""
    few = _whole(size, commit)
    return replace(
        few,
        name=f"{_percentile(size, commit).name}-parts",
        about=f"the same, each of {PARTS} equal parts",
        recipe=replace(few.recipe, workloads=few.recipe.workloads * PARTS, parts=PARTS),
        policies=("ours",),
    )


def _stale(size: Size, seconds: int) -> Scenario:
    workloads, days = min(size.market[0], 300), min(size.market[1], 0.25)
    tuned = _with(
        Recipe(seed=0, workloads=workloads, days=days, slot=MINUTE, staleness=timedelta(seconds=seconds)), 1.0, OTHERS
    )
    return Scenario(
        name=f"stale-{seconds}s",
        about=f"as market-1h with few workloads, a flap penalty, and samples that are {seconds} s old",
        world=worlds.market,
        recipe=replace(tuned, policy={**tuned.policy, "flap": FLAP}),
        policies=("static", "sd-wan", "reoptimise", "ours"),
        learning=_settling(days),
        main=True,
    )


def _herd(size: Size, seconds: int) -> Scenario:
    workloads, days = size.herd
    return Scenario(
        name=f"herd-{seconds}s",
        about=f"{workloads:,} workloads, one price, a flap penalty; every minute, on samples that are {seconds} s old",
        world=worlds.herd,
        recipe=Recipe(
            seed=0,
            workloads=workloads,
            days=days,
            slot=MINUTE,
            staleness=timedelta(seconds=seconds),
            demand_share=0.8,
            fill="0.84",
            policy={"flap": FLAP},
        ),
        bound=Bound.NONE,
        policies=("static", "genie-code", "threshold", "threshold-damped", "best-of-two", "ours"),
        seeds=1,
    )


def _pareto(base: Recipe, fill: str) -> Scenario:
    return Scenario(
        name=f"fill-{fill}",
        about=f"as market-1h, every five minutes, with fill {fill}: what headroom costs",
        world=worlds.market,
        recipe=replace(base, fill=fill),
        policies=("ours",),
        learning=_settling(base.days),
    )


def _large(count: int) -> Scenario:
    return Scenario(
        name=f"large-{count}",
        about=f"{count:,} workloads x 10 networks, some ticks: time and memory",
        world=worlds.market,
        recipe=Recipe(seed=0, workloads=count, networks=10, days=0.03, slot=timedelta(minutes=5)),
        policies=("ours",),
        seeds=1,
    )
