"""The comparison: in every case what was paid, nothing moved, the chosen policies, and the bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from switcher.backtest.bound import Bound, best_bound
from switcher.backtest.case import Case, column_in, move_costs, only
from switcher.backtest.contenders import OURS, PEERS, contender
from switcher.backtest.course import Course, course
from switcher.backtest.past import Past
from switcher.simulate import Account, Policy, World, account, run
from switcher.simulate.account import foreign_invoice
from switcher.simulate.policy import Recorded

ACTUAL, STATIC = "actual", "static"
Told = Callable[[str, int, int], None]
"""Hears what is being computed, and how many slots of how many are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One policy in one case. Money in the currency of the case's invoice."""

    policy: str
    account: Account
    bill: Decimal
    """Of everything on the uplinks, as the invoice has it; of it ``account.bill`` is what the workloads added."""
    ratio: float | None
    """R: what the workloads added, with penalties and moves, over the bound. None: there is no bound above nothing."""
    course: Course | None

    @property
    def total(self) -> Decimal:
        """The bill, penalties and moves."""
        return self.bill + self.account.penalties + self.account.move_money


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All rows of one case."""

    case: Case
    foreign: Decimal
    """The bill of the foreign load alone."""
    rows: tuple[Row, ...]
    bound: Bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be compared."""

    policies: Sequence[str]
    draw: bool
    """Whether the course over time is wanted."""
    stopwatch: Callable[[], float]
    told: Told


def compare(past: Past, case: Case, asked: Asked) -> Comparison:
    """The rows of a case, one policy after the other: only one trail is in memory at a time."""
    world, label = case.world, f"{case.name}: " if case.name else ""
    alone = foreign_invoice(world)
    foreign = alone.total
    bound = best_bound(world, alone, lambda done: asked.told(f"{label}bound", done, world.slots))
    rows = []
    for name, there, policy in _contenders(past, case, asked.policies):
        title = f"{label}{name}"

        def told(done: int, title: str = title) -> None:
            asked.told(title, done, world.slots)

        trail = replace(run(there, policy, asked.stopwatch, told), policy=name)
        told_of = account(there, trail, foreign)
        if name == ACTUAL:  # to the microsecond and the byte, not by slots
            told_of = replace(told_of, bill=case.paid.total - foreign)
        rows.append(
            Row(
                policy=name,
                account=told_of,
                bill=told_of.bill + foreign,
                ratio=float(told_of.total) / bound.money if bound.money > 0 else None,
                course=course(there, trail) if asked.draw else None,
            )
        )
    return Comparison(case=case, foreign=foreign, rows=tuple(rows), bound=bound)


def _contenders(past: Past, case: Case, names: Sequence[str]) -> Iterator[tuple[str, World, Policy]]:
    """Each with the world that it acts in: a policy of the configuration that is named acts alone."""
    yield ACTUAL, case.world, Recorded(column_in(case.world, past))
    for name in dict.fromkeys((STATIC, *names)):
        alone = None if name in PEERS or name == OURS else case.world.site.book.policy(name)
        world = case.world
        if alone is not None:
            world = only(world, alone, move_costs(past, replace(world.site.book, policies=(alone,))))
        yield name, world, contender(name, world)
