"""The policies by name, one run of one of them, and the bounds by name."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from switcher.backtest.bound import best_bound
from switcher.simulate import Policy, World, account, run
from switcher.simulate.account import foreign_bill, foreign_invoice
from switcher.simulate.bounds import dynamic_bound, free_moves_bound, paid_moves_bound, percentile_bound
from switcher.simulate.ours import Ours
from switcher.simulate.peers import BestOfTwo, GenieReadme, LeastUsed, SdWan, ThresholdToLeastBusy
from switcher.simulate.planned import Reoptimise, StaticHindsight
from switcher.simulate.policy import Static
from tests.bench.decide import unavoidable
from tests.bench.decide.scenarios import Bound, Scenario

DAMPED = timedelta(minutes=15)
POLICIES: Mapping[str, Callable[[World, int], Policy]] = {
    "static": lambda _world, _seed: Static(),
    "static-hindsight": lambda world, _: StaticHindsight(world),
    "genie-code": lambda _, __: LeastUsed(),
    "genie-readme": lambda _, __: GenieReadme(),
    "threshold": lambda world, _: ThresholdToLeastBusy(world.site),
    "threshold-damped": lambda world, _: ThresholdToLeastBusy(world.site, DAMPED, 0.20),
    "sd-wan": lambda world, _: SdWan(world.site),
    "best-of-two": lambda _, seed: BestOfTwo(seed),
    "reoptimise": lambda _, __: Reoptimise(),
    "ours": lambda world, _: Ours(world.site, world.start),
}


def compete(scenario: Scenario, policy: str, seed: int) -> dict[str, Any]:
    """One policy in one world: figures as JSON has them; money as strings."""
    world = scenario.made(seed)
    # Time of the processor: on a machine that does other things too, the clock measures those.
    trail = run(world, POLICIES[policy](world, seed), time.process_time)
    first = scenario.learning // world.slot
    if first:
        world = world.between(first, world.slots, trail.places[first - 1])
        trail = trail.between(first, first + world.slots)
    told = account(world, trail)
    foreign = foreign_bill(world)
    return {
        "seed": seed,
        "bill": str(told.bill),
        "foreign_bill": str(foreign),
        "penalties": str(told.penalties),
        "move_money": str(told.move_money),
        "total": str(told.total),
        "moves": told.moves,
        "moves_per_workload_week": told.moves_per_workload_week,
        "returns_percent": told.returns_percent,
        "overloaded_percent": told.overloaded_percent,
        "overloaded_minutes": told.overloaded_minutes,
        "decision_p50_ms": told.p50_ms,
        "decision_p99_ms": told.p99_ms,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def bound(scenario: Scenario, seed: int) -> dict[str, Any]:
    """The bounds that hold in a world; ``money`` is the one that the scenario compares with.

    None where it is overload that is compared.
    """
    world = scenario.made(seed)
    first = scenario.learning // world.slot
    world = world.between(first, world.slots, world.at_start) if first else world
    match scenario.bound:
        case Bound.FREE_MOVES:
            free = free_moves_bound(world)
            # Where not everything finds room nobody can keep to shed, and the money that it would take means nothing.
            # A bound that few steps have found may be below the one without moves, which holds too.
            paid = None if free.no_room_percent else max(paid_moves_bound(world), free.money)
            others = {"dynamic": dynamic_bound(world), "no_room_percent": free.no_room_percent, "paid_moves": paid}
            return {"seed": seed, "money": free.money, **others}
        case Bound.DYNAMIC:
            return {"seed": seed, "money": dynamic_bound(world), "free_moves": free_moves_bound(world).money}
        case Bound.PERCENTILE:
            return {"seed": seed, "money": float(percentile_bound(world) - foreign_bill(world))}
        case Bound.VOLUMES:
            return {"seed": seed, "money": best_bound(world, foreign_invoice(world), lambda _: None).money}
        case Bound.NONE:
            least, informed = unavoidable.clairvoyant(world), unavoidable.informed(world)
            return {"seed": seed, "money": None, "least_overload_percent": least, "informed_overload_percent": informed}
