"""The comparison: in every case what was paid, nothing moved, the chosen policies, and the bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from switcher.backtest.bound import Bound, best_bound
from switcher.backtest.case import Case
from switcher.backtest.contenders import OURS, PEERS, contender
from switcher.backtest.course import Course, course
from switcher.backtest.past import Past
from switcher.backtest.stages import only
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
    notes: tuple[str, ...]
    """The case's, and of what was asked."""
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
    for name, there, policy in _contenders(past, world, asked.policies):
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
    notes = (*case.notes, *_not_always(world, asked.policies))
    return Comparison(case=case, notes=notes, foreign=foreign, rows=tuple(rows), bound=bound)


def _contenders(past: Past, world: World, names: Sequence[str]) -> Iterator[tuple[str, World, Policy]]:
    """Each with the world that it acts in: a policy of the configuration that is named acts alone."""
    assert world.refuge is not None  # noqa: S101 - told to the type checker
    yield ACTUAL, world, Recorded(world.refuge)
    for name in dict.fromkeys((STATIC, *names)):
        there = only(world, past, name) if _is_own(name) else world
        yield name, there, contender(name, there)


def _is_own(name: str) -> bool:
    """Whether it is the name of one policy of the configuration."""
    return name not in PEERS and name != OURS


def _not_always(world: World, names: Sequence[str]) -> Iterator[str]:
    """Named policies that were not in force all the time."""
    for name in dict.fromkeys(filter(_is_own, names)):
        ends = [*(stage.first for stage in world.stages[1:]), world.slots]
        without = [
            f"from {world.time(stage.first).isoformat()} to {world.time(end).isoformat()}"
            for stage, end in zip(world.stages, ends, strict=True)
            if stage.site.book.policy(name) is None
        ]
        if without:
            yield f"policy {name} was not in force {', '.join(without)}: it moves nothing then"
