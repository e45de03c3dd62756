"""What is kept between snapshots where there is no history: ``switcher decide``. What a snapshot says always wins.

A move counts as made when the next snapshot shows it, not when it was decided. When exactly it was made between two
snapshots is not known; it is taken as made at the earlier one, so samples that end later see it landed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from switcher.decide.board import same_network
from switcher.decide.carried import Sampled, carried, slots_of
from switcher.decide.drift import learn
from switcher.decide.ledger import ledgers
from switcher.decide.projection import above_shed, fillable, total_bps
from switcher.decide.rules import policy_of
from switcher.model import (
    Decision,
    Memory,
    MoveReason,
    NetworkState,
    PastMove,
    Placement,
    Snapshot,
    Uplink,
    Usage,
    WorkloadState,
)
from switcher.objects.model import Book
from switcher.tariff import metered_periods

ALWAYS = datetime.min.replace(tzinfo=UTC)
LOOK_BACK = timedelta(days=1)
HALF_LIVES = 10
"""After so many half-lives a past move is forgotten."""


@dataclass(frozen=True, slots=True)
class Before:
    """The snapshot before, and what was decided on it."""

    seen: Snapshot
    decision: Decision


def remember(memory: Memory, before: Before | None, seen: Snapshot, book: Book) -> Memory:
    """The memory with what the new snapshot shows. Call it before :func:`switcher.decide.decide`."""
    known = {} if before is None else {state.id: state for state in before.seen.workloads}
    moves = _moves(memory, before, known, seen, book)
    slots = carried(memory.carried, book, seen.now, _sampled(before, seen))
    return Memory(
        moves=moves,
        placements={state.id: _placements(memory, before, known.get(state.id), state) for state in seen.workloads},
        over_shed=_over_shed(memory, seen, book),
        drift=learn(memory.drift, seen, moves),
        usage=_usage(memory, before, seen, book),
        ledgers=ledgers(book, seen.now, fillable(seen, book), slots_of(slots)),
        carried=slots,
        first_seen=_first_seen(memory, before, known, seen),
    )


def _moves(
    memory: Memory, before: Before | None, known: Mapping[str, WorkloadState], seen: Snapshot, book: Book
) -> tuple[PastMove, ...]:
    since = seen.now - look_back(book)
    kept = tuple(move for move in memory.moves if move.at >= since)
    if before is None:
        return kept
    decided = {move.workload: move for move in before.decision.moves}
    made = []
    for state in sorted(seen.workloads, key=lambda state: state.id):
        old = known.get(state.id)
        if old is None or same_network(old.network, state.network):
            continue
        move, policy = decided.get(state.id), policy_of(state, book)
        as_decided = move is not None and same_network(move.target, state.network)
        made.append(
            PastMove(
                workload=state.id,
                policy=policy.name if policy is not None else "",
                source=old.network,
                target=state.network,
                reason=move.reason if move is not None and as_decided else MoveReason.MANUAL,
                at=before.seen.now,
            )
        )
    return (*kept, *made)


def look_back(book: Book) -> timedelta:
    """As long as any rule looks back, and at least a day."""
    return max(LOOK_BACK, reach(book))


def reach(book: Book) -> timedelta:
    """How long ago a move may have ended and still count for a policy: for a cooldown, a budget or a flap penalty."""
    spans = [timedelta(0)]
    for policy in book.policies:
        spans += [policy.spec.cooldown, *(budget.per for budget in policy.budgets)]
        if policy.spec.flap is not None:
            spans.append(max(LOOK_BACK, HALF_LIVES * policy.spec.flap.half_life))
    return max(spans)


def _placements(
    memory: Memory, before: Before | None, old: WorkloadState | None, state: WorkloadState
) -> tuple[Placement, ...]:
    past = memory.placements.get(state.id, ())
    if before is None:
        return (Placement(network=state.network, since=state.since or ALWAYS),)
    if old is None or not past:
        return (Placement(network=state.network, since=state.since or before.seen.now),)
    if same_network(past[-1].network, state.network):
        return past
    recent = [place for place in past[:-1] if before.seen.now - place.since <= LOOK_BACK]
    return (*recent, past[-1], Placement(network=state.network, since=before.seen.now))


def _over_shed(memory: Memory, seen: Snapshot, book: Book) -> Mapping[Uplink, tuple[tuple[datetime, bool], ...]]:
    """One more sample per uplink; one that was seen before adds none."""
    over = dict(memory.over_shed)
    for uplink, state in seen.newest.items():
        spec = book.threshold_for(uplink.physical_network)
        past = over.get(uplink, ())
        if not past or past[-1][0] < state.sampled_at:
            past = (*past, (state.sampled_at, above_shed(state, spec)))
        over[uplink] = past[-spec.confirm.of :]
    return over


def _first_seen(
    memory: Memory, before: Before | None, known: Mapping[str, WorkloadState], seen: Snapshot
) -> Mapping[str, datetime]:
    """When each workload appeared; of those in the first snapshot the age is not known, and they count as old."""
    if before is None:
        return {}
    new = {state.id for state in seen.workloads if state.id not in known}
    here = {state.id for state in seen.workloads}
    kept = {name: at for name, at in memory.first_seen.items() if name in here and name not in new}
    return {**kept, **dict.fromkeys(sorted(new), seen.now)}


def _sampled(before: Before | None, seen: Snapshot) -> Iterator[Sampled]:
    """Every new sample of an uplink, with the time since which it is a mean: when the one before was taken."""
    older = {} if before is None else before.seen.newest
    for uplink, state in sorted(seen.newest.items(), key=lambda item: str(item[0])):
        if uplink in older and older[uplink].sampled_at < state.sampled_at:
            yield state, older[uplink].sampled_at


def _usage(memory: Memory, before: Before | None, seen: Snapshot, book: Book) -> Mapping[tuple[str, str], Usage]:
    """The volume counters of each contract's running billing period, with what the new samples add.

    A contract has one counter for all its networks (a pool): each of them is told the sum.
    """
    if before is None:
        return {}
    usage: dict[tuple[str, str], Usage] = {}
    older, newer = before.seen.newest, seen.newest
    for running in metered_periods(book, seen.now):
        names = running.physical_networks
        told = (one for (_, contract), one in memory.usage.items() if contract == running.contract)
        count = next(told, Usage()) if before.seen.now >= running.start else Usage()
        for uplink, state in sorted(newer.items(), key=lambda item: str(item[0])):
            if uplink.physical_network in names:
                since = max(older[uplink].sampled_at if uplink in older else state.sampled_at, running.start)
                count = _added(count, state, state.sampled_at - since)
        usage |= {(name, running.contract): count for name in names}
    return usage


def _added(usage: Usage, state: NetworkState, span: timedelta) -> Usage:
    seconds = Decimal(max(span, timedelta(0)) // timedelta(microseconds=1)) / 1_000_000
    into, out = (Decimal(str(rate)) / 8 * seconds for rate in total_bps(state))
    return Usage(
        in_bytes=usage.in_bytes + into,
        out_bytes=usage.out_bytes + out,
        both_bytes=usage.both_bytes + (Decimal(0) if state.split else into),
    )
