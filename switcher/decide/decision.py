"""One tick, pure: the same snapshot, memory and book give the same decision, in whatever order their rows are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from switcher.decide.assign import assign
from switcher.decide.board import lay_out
from switcher.decide.budgets import Budgets
from switcher.decide.choose import Chosen, choose
from switcher.decide.eligibility import natural_reason, standing
from switcher.decide.explain import Words, saving_per_hour, surcharges
from switcher.decide.prices import prices
from switcher.decide.projection import project
from switcher.decide.rules import rules
from switcher.decide.settings import Settings
from switcher.decide.tick import Tick
from switcher.model import Decision, Memory, Move, MoveReason, Snapshot, Stay, StayReason
from switcher.objects.model import Book, PolicyMode, SwitchPolicy

DEFAULTS = Settings()


def decide(seen: Snapshot, memory: Memory, book: Book, settings: Settings = DEFAULTS) -> Decision:
    """A move or a stay, with its reason and its sum in money, for every workload of the snapshot.

    Money is in the settlement currency. Rules and objective: docs/decision.md.
    """
    board = lay_out(seen)
    ruled = rules(board, memory, book, settings)
    projection = project(board, memory, book, settings)
    priced = prices(board, ruled, projection, memory, (book, settings.settlement_currency))
    stand = standing(board, ruled, projection, priced, memory)
    tick = Tick(board=board, rules=ruled, projection=projection, prices=priced, standing=stand)

    budgets = Budgets(board, ruled, memory)
    wanted = assign(tick, budgets)
    chosen = choose(tick, wanted, budgets)

    words = Words(tick=tick, surcharge=wanted.surcharge, currency=_currency(book, settings))
    return Decision(
        now=seen.now,
        moves=tuple(_moves(tick, chosen, words)),
        stays=tuple(_stays(tick, chosen, words, budgets)),
        surcharge=surcharges(tick, wanted.surcharge),
    )


def _currency(book: Book, settings: Settings) -> str:
    present = sorted({tariff.spec.currency for tariff in book.tariffs})
    return settings.settlement_currency or (present[0] if len(present) == 1 else "money")


def _moves(tick: Tick, chosen: Chosen, words: Words) -> Iterator[Move]:
    board = tick.board
    for row in sorted(chosen.reason, key=lambda row: (chosen.reason[row] is not MoveReason.SAFETY, row)):
        column = chosen.rooms.moved[row]
        yield Move(
            workload=board.workloads[row].id,
            source=board.workloads[row].network,
            target=board.names[column],
            reason=chosen.reason[row],
            saving_per_hour=saving_per_hour(tick, row, column),
            explanation=words.move(row, column, chosen.reason[row]),
        )


def _stays(tick: Tick, chosen: Chosen, words: Words, budgets: Budgets) -> Iterator[Stay]:
    stand = tick.standing
    better = np.any(stand.worth & stand.open, axis=1)
    shedding = tick.shedding
    for row, state in enumerate(tick.board.workloads):
        if row in chosen.reason:
            continue
        hold = stand.hold[row]
        target: int | None = None
        if hold is not None:
            reason = hold
        elif row in chosen.refused and (better[row] or shedding[row]):
            reason = chosen.refused[row]
        elif better[row] or (shedding[row] and _recommends(tick.rules.policy[row])):
            reason, target = _kept(tick, row, chosen, budgets)
        else:
            reason = natural_reason(stand, tick.rules, row)
        yield Stay(workload=state.id, network=state.network, reason=reason, explanation=words.stay(row, reason, target))


def _recommends(policy: SwitchPolicy | None) -> bool:
    return policy is not None and policy.spec.mode is PolicyMode.RECOMMEND


def _kept(tick: Tick, row: int, chosen: Chosen, budgets: Budgets) -> tuple[StayReason, int | None]:
    """Why a workload that would be better off elsewhere stays, and where it would be."""
    stand, policy = tick.standing, tick.rules.policy[row]
    safety = bool(tick.shedding[row]) and _recommends(policy)
    options = np.flatnonzero(stand.open[row] if safety else stand.open[row] & stand.worth[row]).tolist()
    options.sort(key=lambda column: (tick.regret(row, column), column))
    fitting = [column for column in options if chosen.rooms.fits(row, column)]
    if not fitting:
        full = options and all(not chosen.rooms.has_address(row, column) for column in options)
        reason = StayReason.NO_ADDRESS if full else StayReason.NO_CAPACITY if options else StayReason.BEST
        return reason, options[0] if options else None
    kind = MoveReason.SAFETY if safety else MoveReason.SAVINGS
    refusal = budgets.why_not(policy, kind) if policy is not None else None
    gate = None if safety else stand.gate[row]
    if gate is not None or refusal is not None:
        return gate or refusal or StayReason.BEST, fitting[0]
    return (StayReason.RECOMMEND_ONLY if _recommends(policy) else StayReason.NO_CAPACITY), fitting[0]
