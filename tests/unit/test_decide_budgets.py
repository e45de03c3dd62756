"""No policy makes more moves than its budgets allow, and nobody waits for one that is not spent."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st

from switcher.decide import decide
from switcher.model import MoveReason, Snapshot, StayReason
from switcher.objects.model import Book
from tests.support.scenes import MBPS, NOTHING, book, network, per_gb, policy, snapshot, workload

NAMES = ("a", "b", "c", "d")
PRICES = ("0.09", "0.05", "0.03", "0.02")
POLICIES = ("first", "second")
LIMITS = {MoveReason.SAVINGS: 4, MoveReason.SAFETY: 3}


def _crowded(rng: Random) -> Snapshot:
    """Whole workloads of which some fill half a network, a few addresses, and networks above ``shed``."""
    rates = [rng.lognormvariate(0.5, 1.2) * MBPS for _ in range(24)]
    on = [rng.choice(NAMES) for _ in rates]
    networks = [
        network(
            name,
            capacity_bps=sum(rates) * rng.uniform(0.2, 0.6),
            used_bps=sum(rate for rate, place in zip(rates, on, strict=True) if place == name),
            free_addresses=rng.choice([None, 0, 2, 5]),
        )
        for name in NAMES
    ]
    return snapshot(
        networks,
        [
            workload(f"w{number:02}", place, rate, policy=rng.choice(POLICIES))
            for number, (rate, place) in enumerate(zip(rates, on, strict=True))
        ],
    )


def _terms() -> Book:
    budgets = [{"moves": str(count), "per": "1h", "reasons": [reason]} for reason, count in LIMITS.items()]
    policies = [{**policy(budgets=budgets), "metadata": {"name": name}} for name in POLICIES]
    return book(*(per_gb(f"p{name}", price) for name, price in zip(NAMES, PRICES, strict=True)), *policies)


@given(seed=st.integers(0, 10_000))
@example(98)  # a move is given up after the budget refused another one that finds room
@example(1360)
@example(1444)
def test_no_budget_is_overspent_and_none_is_said_to_be_spent_that_is_not(seed: int) -> None:
    seen = _crowded(Random(seed))
    by_policy = {each.id: each.policy for each in seen.workloads}

    decision = decide(seen, NOTHING, _terms())

    made = Counter((by_policy[move.workload], move.reason) for move in decision.moves)
    assert all(count <= LIMITS[reason] for (_, reason), count in made.items())
    waiting = {by_policy[stay.workload] for stay in decision.stays if stay.reason is StayReason.BUDGET_SPENT}
    assert waiting <= {name for (name, reason), count in made.items() if count == LIMITS[reason]}
