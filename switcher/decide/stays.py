"""Why everyone stays who does not move: one reason each, the first that is enough."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress

import numpy as np

from switcher.columns import Column
from switcher.decide.board import NOWHERE, Bools, Floats, Ints
from switcher.decide.budgets import Budgets
from switcher.decide.choose import Chosen
from switcher.decide.eligibility import REASONS, code, natural_reasons
from switcher.decide.explain import Words, cheapest_column
from switcher.decide.tick import Tick
from switcher.model import MoveReason, StayReason, Stays
from switcher.objects.model import PolicyMode


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdicts:
    """By workload: why it stays, were it not to move."""

    reason: Ints
    """Index into :data:`REASONS`."""
    better: Ints
    """The column where it would go, NOWHERE where the cheapest alternative is the one to show."""
    tier: Floats
    """Money per hour that it would pay there beyond the quoted price, because others have taken the cheaper tier."""


def stays(tick: Tick, chosen: Chosen, words: Words, budgets: Budgets) -> Stays:
    """A stay for every workload without a move, in the order of their names."""
    verdicts = _verdicts(tick, chosen, budgets)
    staying = np.ones(len(tick.board.workloads), dtype=np.bool_)
    staying[list(chosen.reason)] = False
    rows = np.flatnonzero(staying)
    workloads = tick.board.workloads

    def tell(number: int) -> str:
        row = int(rows[number])
        reason = REASONS[verdicts.reason[row]]
        assert reason is not None  # noqa: S101 - every workload has a verdict; this tells the type checker
        return words.stay(row, reason, int(verdicts.better[row]), float(verdicts.tier[row]))

    return Stays(
        workloads=list(compress(workloads.id, staying.tolist())),
        networks=workloads.network.take(rows),
        reasons=Column(tuple(StayReason), (verdicts.reason[rows] - 1).astype(np.int32)),  # 0 is no reason
        tell=tell,
    )


def _verdicts(tick: Tick, chosen: Chosen, budgets: Budgets) -> Verdicts:
    tier = chosen.rooms.next_tier()
    quoted, too_dear = _wish(tick), dear(tick, tier)
    wish = quoted & ~too_dear
    tempting = cheapest_column(tick.prices.cost, quoted)
    anywhere = cheapest_column(tick.prices.cost, wish) if too_dear.any() else tempting
    with_address = wish & chosen.rooms.addressed()
    addressed = anywhere if np.array_equal(with_address, wish) else cheapest_column(tick.prices.cost, with_address)
    fitting = cheapest_column(tick.prices.cost, wish & chosen.rooms.fitting())

    tempted = (anywhere == NOWHERE) & (tempting != NOWHERE)
    full = (anywhere != NOWHERE) & (fitting == NOWHERE)
    cases = [tempted, anywhere == NOWHERE, full & (addressed == NOWHERE), full]
    best, no_address, no_capacity = map(code, (StayReason.BEST, StayReason.NO_ADDRESS, StayReason.NO_CAPACITY))
    natural = natural_reasons(tick.standing, tick.rules)
    reason = np.select(cases, [best, natural, no_address, no_capacity], _withheld(tick, budgets))
    better = np.select(cases, [tempting, NOWHERE, anywhere, anywhere], fitting)

    settled = _settled(tick, chosen)
    better = np.where(settled > 0, NOWHERE, better)
    there = tier[np.arange(len(tier)), better] if tier.shape[1] else np.zeros(len(tier))
    return Verdicts(
        reason=np.where(settled > 0, settled, reason),
        better=better,
        tier=np.where(better == NOWHERE, 0.0, there),
    )


def _settled(tick: Tick, chosen: Chosen) -> Ints:
    """W: a hold, or why a move that was due is not made; 0 where neither is."""
    refused = np.zeros(len(tick.board.workloads), dtype=np.int64)
    for row, reason in chosen.refused.items():
        refused[row] = code(reason)
    return np.where(tick.standing.hold > 0, tick.standing.hold, refused)


def dear(tick: Tick, tier: Floats) -> Bools:
    """W x C: not worth a move at the price that holds once the cheaper tier is taken."""
    if not tier.any():
        return np.zeros(tier.shape, dtype=np.bool_)
    rules = tick.rules
    saving = (tick.standing.saving - tier) * np.minimum(rules.horizon, rules.payback)[:, None]
    dear: Bools = (tier > 0) & (saving <= rules.move_cost[:, None])
    return dear


def _recommends(tick: Tick) -> Bools:
    return tick.rules.flags(lambda policy: policy.spec.mode is PolicyMode.RECOMMEND)


def _wish(tick: Tick) -> Bools:
    """W x C: where a workload would be better off; where only a recommendation is made, also off a full uplink."""
    must = tick.shedding & _recommends(tick)
    return tick.standing.open & (tick.standing.worth | must[:, None])


def _withheld(tick: Tick, budgets: Budgets) -> Ints:
    """W: why it stays though it would be better off on a network that has room for it."""
    recommends, gate = _recommends(tick), tick.standing.gate
    safety = tick.shedding & recommends
    spent = {reason: _spent(tick, budgets, reason) for reason in (MoveReason.SAFETY, MoveReason.SAVINGS)}
    refusal = np.where(safety, spent[MoveReason.SAFETY], spent[MoveReason.SAVINGS])
    otherwise = np.where(recommends, code(StayReason.RECOMMEND_ONLY), code(StayReason.NO_CAPACITY))
    return np.select([(gate > 0) & ~safety, refusal > 0], [gate, refusal], otherwise)


def _spent(tick: Tick, budgets: Budgets, reason: MoveReason) -> Ints:
    """W: why the policy's budgets allow no move for this reason; 0 where they do."""
    said = [budgets.why_not(policy, reason) for policy in tick.rules.policies]
    codes = np.array([*(0 if refusal is None else code(refusal) for refusal in said), 0], dtype=np.int64)
    return codes[tick.rules.number]
