"""From the wanted assignment to the moves of this tick: Safety first, then Savings, as far as rooms and budgets go.

Safety: from every uplink above ``shed`` those of cheapest regret leave until it is at ``fill``. Savings: the best
saving for its disruption first. Whatever is given up makes room or leaves a hole, so arrivals are checked again at the
end: no uplink to which anything moves is above ``fill`` then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from switcher.decide.assign import Wanted, may_save
from switcher.decide.board import Bools, Ints
from switcher.decide.budgets import Budgets
from switcher.decide.flow import OVERFLOW
from switcher.decide.rooms import Rooms
from switcher.decide.tick import Tick
from switcher.model import MoveReason, StayReason


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """The moves of a tick, and why others are not made."""

    rooms: Rooms
    reason: dict[int, MoveReason] = field(default_factory=dict)
    """Row -> reason of every move."""
    refused: dict[int, StayReason] = field(default_factory=dict)
    """Row -> why a move that was due is not made."""


def choose(tick: Tick, wanted: Wanted, budgets: Budgets) -> Chosen:
    """Pick the moves of this tick."""
    chosen = Chosen(rooms=Rooms(tick, wanted.ceiling))
    saving = may_save(tick, budgets)
    placed = wanted.column != OVERFLOW
    chosen.rooms.put_all(wanted.rows[placed], wanted.column[placed])
    _drop_overfull(tick, chosen, budgets)
    _name_reasons(tick, wanted, chosen, saving)
    planned = dict(chosen.rooms.moved)
    _spend(tick, chosen, budgets)
    _drop_overfull(tick, chosen, budgets)
    _offer_again(tick, planned, chosen, budgets)
    _fill_in(tick, wanted, chosen, budgets)
    for row in wanted.rows[~placed].tolist():
        if row not in chosen.reason:
            chosen.refused.setdefault(row, StayReason.NO_CAPACITY)
    return chosen


def _name_reasons(tick: Tick, wanted: Wanted, chosen: Chosen, saving: Bools) -> None:
    """Safety for those who must leave, Savings for those whom it pays; no one else moves."""
    for row in _safety(tick, wanted, chosen.rooms):
        chosen.reason[row] = MoveReason.SAFETY
    rows, columns = chosen.rooms.planned()
    pays = saving[rows] & tick.standing.worth[rows, columns]
    for row, worth in zip(rows.tolist(), pays.tolist(), strict=True):
        if row in chosen.reason:
            continue
        if worth:
            chosen.reason[row] = MoveReason.SAVINGS
        else:
            chosen.rooms.stay(row)


def _safety(tick: Tick, wanted: Wanted, rooms: Rooms) -> set[int]:
    """Who must leave so that on each shedding uplink only what may remain does: as few as do, of cheapest regret."""
    leaving: set[int] = set()
    if not tick.projection.shedding.any():
        return leaving
    home = tick.home_uplink
    taking_part: dict[int, list[int]] = {}
    for row in wanted.rows[tick.shedding[wanted.rows]].tolist():
        taking_part.setdefault(int(home[row]), []).append(row)
    for uplink in np.flatnonzero(tick.projection.shedding).tolist():
        rows = taking_part.get(uplink, [])
        _push_out(tick, rooms, uplink, rows)
        planned = [row for row in rows if row in rooms.moved and _leaves(tick, rooms, row)]
        planned.sort(key=lambda row: (-tick.regret_per_bps(row, rooms.moved[row]), row))
        leaving.update(_needed(rooms, uplink, planned))
    return leaving


def _push_out(tick: Tick, rooms: Rooms, uplink: int, rows: list[int]) -> None:
    """Where rounding left the uplink too full, more leave, cheapest regret first, as long as they find room."""
    if not rooms.excess(uplink):
        return
    staying = np.array([row for row in rows if row not in rooms.moved], dtype=np.int64)
    number, columns = (tick.standing.open[staying] & (tick.board.uplink[staying] != uplink)).nonzero()
    options = staying[number]
    order = np.lexsort((columns, options, tick.regrets[options, columns]))
    for row, column in rooms.open_in_turn(options[order], columns[order]):
        if row not in rooms.moved and rooms.fits(row, column):
            rooms.put(row, column)
            if not rooms.excess(uplink):
                return


def _leaves(tick: Tick, rooms: Rooms, row: int) -> bool:
    return rooms.uplink(row, rooms.moved[row]) != rooms.uplink(row, int(tick.board.here[row]))


def _needed(rooms: Rooms, uplink: int, planned: list[int]) -> list[int]:
    """Of those planned to leave, dearest first, the ones without whose leaving more remains than may."""
    columns = {row: rooms.moved[row] for row in planned}
    needed = []
    for row in planned:
        if rooms.excess_with(uplink, row):
            needed.append(row)
        else:
            rooms.stay(row)
    for row in planned:
        if row not in rooms.moved and rooms.fits(row, columns[row]):
            rooms.put(row, columns[row])  # it may still leave to save money
    return needed


def _spend(tick: Tick, chosen: Chosen, budgets: Budgets) -> None:
    """Let each move pay from its policy's budgets, the best first; the rest stays."""
    moves = chosen.rooms.moved
    safety = [row for row, reason in chosen.reason.items() if reason is MoveReason.SAFETY]
    safety.sort(key=lambda row: (tick.regret_per_bps(row, moves[row]), row))
    rows, columns = chosen.rooms.planned()
    ranked_rows = rows[_best_first(tick, rows, columns)].tolist()
    savings = [row for row in ranked_rows if chosen.reason[row] is MoveReason.SAVINGS]
    for reason, ranked in ((MoveReason.SAFETY, safety), (MoveReason.SAVINGS, savings)):
        refused = dict(_refused(tick, budgets, reason, ranked))
        chosen.refused.update(refused)
        for row in refused:
            del chosen.reason[row]
        chosen.rooms.stay_all(list(refused))


def _refused(
    tick: Tick, budgets: Budgets, reason: MoveReason, ranked: Sequence[int]
) -> Iterator[tuple[int, StayReason]]:
    """Count the first of each policy for which its budgets have room; the others, and why they may not move."""
    by_policy: dict[int, list[int]] = {}
    for row, number in zip(ranked, tick.rules.number[list(ranked)].tolist(), strict=True):
        by_policy.setdefault(number, []).append(row)
    for number, rows in by_policy.items():
        policy = tick.rules.policies[number]
        granted, refusal = budgets.grant(policy, reason, len(rows))
        if refusal is not None:
            yield from ((row, refusal) for row in rows[granted:])


def _best_first(tick: Tick, rows: Ints, columns: Ints) -> Ints:
    """The order of these savings: the best for its disruption first, then the largest, then by name."""
    return np.lexsort((columns, rows, -tick.standing.saving[rows, columns], tick.rank(rows, columns)))


def _drop_overfull(tick: Tick, chosen: Chosen, budgets: Budgets) -> None:
    """Give up arrivals, the least valuable first, until nothing that arrives is above ``fill``."""
    rooms = chosen.rooms
    while True:
        overfull, short = rooms.overfull(), set(rooms.short_of_addresses())
        full = {uplink: rows for uplink, rows in sorted(rooms.arrivals(overfull).items())}
        moved = rooms.moved.items() if short else ()
        crowded = [row for row, column in moved if tick.board.network[row, column] in short]
        if not full and not crowded:
            return
        for uplink, rows in full.items():
            rows.sort(key=lambda row: _value(tick, chosen, row))
            for row in rows:
                if not rooms.over(uplink):
                    break
                _give_up(tick, chosen, budgets, row)
        for row in sorted(crowded, key=lambda row: _value(tick, chosen, row)):
            if row in rooms.moved and tick.board.network[row, rooms.moved[row]] in rooms.short_of_addresses():
                _give_up(tick, chosen, budgets, row)


def _value(tick: Tick, chosen: Chosen, row: int) -> tuple[bool, float, int]:
    safety = chosen.reason.get(row) is MoveReason.SAFETY
    return safety, -tick.regret_per_bps(row, chosen.rooms.moved[row]), -row


def _give_up(tick: Tick, chosen: Chosen, budgets: Budgets, row: int) -> None:
    reason, policy = chosen.reason.pop(row, None), tick.rules.policy[row]
    if reason is not None and policy is not None:
        budgets.give_back(policy, reason)
        chosen.refused[row] = StayReason.NO_CAPACITY
    chosen.rooms.stay(row)


def _offer_again(tick: Tick, planned: Mapping[int, int], chosen: Chosen, budgets: Budgets) -> None:
    """What given-up moves left of budgets goes to others that must leave, cheapest regret first, if they find room.

    Those that it would pay have their turn with all others, in :func:`_fill_in`.
    """
    if StayReason.NO_CAPACITY not in chosen.refused.values():
        return  # none was given up
    rooms = chosen.rooms
    kept = [row for row, reason in chosen.refused.items() if reason is StayReason.BUDGET_SPENT]
    for row in sorted(kept, key=lambda row: (tick.regret_per_bps(row, planned[row]), row)):
        policy = tick.rules.policies[tick.rules.number[row]]
        must = tick.shedding[row] and rooms.excess(int(tick.home_uplink[row]))
        if budgets.why_not(policy, MoveReason.SAFETY if must else MoveReason.SAVINGS) is not None:
            continue
        del chosen.refused[row]  # no budget keeps it: if anything does, it is room
        if must and rooms.fits(row, planned[row]):
            budgets.take(policy, MoveReason.SAFETY)
            rooms.put(row, planned[row])
            chosen.reason[row] = MoveReason.SAFETY
        elif must:
            chosen.refused[row] = StayReason.NO_CAPACITY


def _fill_in(tick: Tick, wanted: Wanted, chosen: Chosen, budgets: Budgets) -> None:
    """Use what room and budgets are left for savings that rounding or a given-up move kept out."""
    rooms, standing, saving = chosen.rooms, tick.standing, may_save(tick, budgets)
    if not saving[wanted.rows].any():
        return
    useful = (standing.worth & standing.open & rooms.fitting() & saving[:, None])[wanted.rows]
    settled = np.zeros(len(standing.worth), dtype=np.bool_)
    settled[list(rooms.moved)] = True
    settled[[row for row, reason in chosen.refused.items() if reason is StayReason.BUDGET_SPENT]] = True
    useful[settled[wanted.rows]] = False
    number, columns = useful.nonzero()
    rows = wanted.rows[number]
    order, spent = _best_first(tick, rows, columns), set[str]()
    for row, column in rooms.open_in_turn(rows[order], columns[order]):
        policy = tick.rules.policy[row]
        if row in rooms.moved or policy is None or policy.name in spent:
            continue
        if not (rooms.fits(row, column) and rooms.at_price(row, column)):
            continue
        refusal = budgets.take(policy, MoveReason.SAVINGS)
        if refusal is not None:
            chosen.refused[row] = refusal
            spent.add(policy.name)  # and so for all that follow: why they stay is found with the others (stays.py)
            if len(spent) == len(tick.rules.policies):
                return
            continue
        rooms.put(row, column)
        chosen.reason[row] = MoveReason.SAVINGS
        chosen.refused.pop(row, None)
