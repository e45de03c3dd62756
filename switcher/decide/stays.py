"""Why everyone stays who does not move: one reason each, the first that is enough."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from switcher.decide.board import NOWHERE, Bools, Floats
from switcher.decide.budgets import Budgets
from switcher.decide.choose import Chosen
from switcher.decide.eligibility import natural_reason
from switcher.decide.explain import Words, cheapest_column
from switcher.decide.tick import Tick
from switcher.model import MoveReason, Stay, StayReason
from switcher.objects.model import PolicyMode


def stays(tick: Tick, chosen: Chosen, words: Words, budgets: Budgets) -> Iterator[Stay]:
    """A stay for every workload without a move, in the order of their names."""
    tier = chosen.rooms.next_tier()
    quoted = _wish(tick)
    wish = quoted & ~_dear(tick, tier)
    tempting = cheapest_column(tick.prices.cost, quoted)
    anywhere = cheapest_column(tick.prices.cost, wish)
    addressed = cheapest_column(tick.prices.cost, wish & chosen.rooms.addressed())
    fitting = cheapest_column(tick.prices.cost, wish & chosen.rooms.fitting())
    for row, state in enumerate(tick.board.workloads):
        if row in chosen.reason:
            continue
        reason, better = _reason(tick, row, chosen), NOWHERE
        if reason is None and anywhere[row] == NOWHERE and tempting[row] != NOWHERE:
            reason, better = StayReason.BEST, int(tempting[row])
        elif reason is None and anywhere[row] == NOWHERE:
            reason = natural_reason(tick.standing, tick.rules, row)
        elif reason is None and fitting[row] == NOWHERE:
            reason = StayReason.NO_ADDRESS if addressed[row] == NOWHERE else StayReason.NO_CAPACITY
            better = int(anywhere[row])
        elif reason is None:
            reason, better = _withheld(tick, row, budgets), int(fitting[row])
        more = 0.0 if better == NOWHERE else float(tier[row, better])
        told = words.stay(row, reason, better, more)
        yield Stay(workload=state.id, network=state.network, reason=reason, explanation=told)


def _dear(tick: Tick, tier: Floats) -> Bools:
    """W x C: not worth a move at the price that holds once the cheaper tier is taken."""
    rules = tick.rules
    saving = (tick.standing.saving - tier) * np.minimum(rules.horizon, rules.payback)[:, None]
    dear: Bools = (tier > 0) & (saving <= rules.move_cost[:, None])
    return dear


def _wish(tick: Tick) -> Bools:
    """W x C: where a workload would be better off; where only a recommendation is made, also off a full uplink."""
    full = [
        bool(shedding) and policy is not None and policy.spec.mode is PolicyMode.RECOMMEND
        for shedding, policy in zip(tick.shedding, tick.rules.policy, strict=True)
    ]
    must = np.array(full, dtype=np.bool_)
    return tick.standing.open & (tick.standing.worth | must[:, None])


def _reason(tick: Tick, row: int, chosen: Chosen) -> StayReason | None:
    """A hold, or why a move that was due is not made."""
    hold = tick.standing.hold[row]
    return hold if hold is not None else chosen.refused.get(row)


def _withheld(tick: Tick, row: int, budgets: Budgets) -> StayReason:
    """Why it stays though it would be better off on a network that has room for it."""
    policy, gate = tick.rules.policy[row], tick.standing.gate[row]
    recommends = policy is not None and policy.spec.mode is PolicyMode.RECOMMEND
    safety = bool(tick.shedding[row]) and recommends
    refusal = None if policy is None else budgets.why_not(policy, MoveReason.SAFETY if safety else MoveReason.SAVINGS)
    if gate is not None and not safety:
        return gate
    if refusal is not None:
        return refusal
    return StayReason.RECOMMEND_ONLY if recommends else StayReason.NO_CAPACITY
