"""What binds a workload: which uplink is full, which budget is spent, which window is open until when. For people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from switcher.decide.account import Account, Side
from switcher.decide.board import NOWHERE
from switcher.decide.budgets import Budgets
from switcher.decide.tick import Tick
from switcher.model import Memory, MoveReason, StayReason
from switcher.objects import cron
from switcher.objects.model import Budget, SwitchPolicy


def constraints(
    tick: Tick, memory: Memory, budgets: Budgets, of: tuple[int, Account], reason: StayReason | None
) -> Iterator[str]:
    """One sentence for each thing that keeps a workload (its row and account) from something better.

    ``reason``: why it stays; None: it moves.
    """
    row, told = of
    policy = tick.rules.policy[row]
    if policy is not None and reason is StayReason.COOLDOWN:
        yield from _cooldown(memory, told.workload, policy)
    if policy is not None and reason is StayReason.TOO_YOUNG:
        yield from _young(tick, memory, row, policy)
    if policy is not None and reason in (StayReason.BUDGET_SPENT, StayReason.FREEZE_WINDOW):
        spent = budgets.spent(policy, MoveReason.SAFETY if tick.shedding[row] else MoveReason.SAVINGS)
        yield from (_budget(budget, policy, memory, tick.board.seen.now) for budget in spent)
    if reason is StayReason.STALE_SAMPLES:
        yield from _stale(tick, row)
    leaves = bool(tick.shedding[row])
    full = [side for side in told.sides if side.verdict.startswith("no room")]
    yield from (_full(side, told) for side in full if leaves or side.verdict.endswith("worth a move"))


def _young(tick: Tick, memory: Memory, row: int, policy: SwitchPolicy) -> Iterator[str]:
    state, age = tick.board.workloads[row], policy.spec.minimum_age
    born = state.since or memory.first_seen.get(state.id)
    if born is not None:
        yield f"it is younger than {span(age)} until {clock(born + age)}"


def _cooldown(memory: Memory, workload: str, policy: SwitchPolicy) -> Iterator[str]:
    last = max((move.at for move in memory.moves if move.workload == workload), default=None)
    rest = policy.spec.cooldown
    if last is not None:
        yield f"it moved at {clock(last)}; its cooldown of {span(rest)} ends {clock(last + rest)}"


def _budget(budget: Budget, policy: SwitchPolicy, memory: Memory, now: datetime) -> str:
    if budget.freezes:
        return f"a freeze window of policy {policy.name} is open{_until(budget, now)}"
    moved = sorted(move.at for move in memory.moves if move.policy == policy.name and budget.names(move.reason))
    counted = [at for at in moved if now - at < budget.per]
    share = f"{budget.moves} of its workloads" if budget.moves.endswith("%") else f"{budget.moves} moves"
    said = f"the budget of policy {policy.name}, {share} per {span(budget.per)}, is spent"
    if not counted:
        return f"{said} by moves of this tick or in flight"
    return f"{said} ({len(counted)} made); the oldest stops counting {clock(counted[0] + budget.per)}"


def _until(budget: Budget, now: datetime) -> str:
    if budget.schedule is None or budget.duration is None:
        return ", always"
    day = now.astimezone(ZoneInfo(budget.timezone)).date()
    schedule, ends = cron.parse(budget.schedule), []
    while day >= (now - budget.duration).astimezone(ZoneInfo(budget.timezone)).date():
        starts = schedule.times(day, ZoneInfo(budget.timezone)) if schedule.fires_on(day) else ()
        ends += [at + budget.duration for at in starts if at <= now < at + budget.duration]
        day -= timedelta(days=1)
    return f" until {clock(max(ends))}" if ends else ""


def _stale(tick: Tick, row: int) -> Iterator[str]:
    home = int(tick.board.here[row])
    if home == NOWHERE:
        yield f"no node reports the network {tick.board.workloads.network[row]}"
        return
    state = tick.board.networks[int(tick.board.network[row, home])]
    if state.capacity_bps <= 0:
        yield f"the uplink of {state.name} was never sampled"
    else:
        yield f"the last sample of the uplink of {state.name} ended {clock(state.sampled_at)}"


def _full(side: Side, told: Account) -> str:
    limit, capacity = float(side.limit_bps), max(float(side.capacity_bps), 1.0)
    return (
        f"the uplink {side.physical_network}{'' if told.node is None else f' on {told.node}'} is full:"
        f" {mbps(float(side.load_bps))} of {mbps(limit)} Mbps that arrivals may fill"
        f" ({limit / capacity:.0%} of {mbps(capacity)}), and this needs {mbps(float(told.demand_bps))} more"
    )


def clock(moment: datetime) -> str:
    """A moment for people."""
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def span(length: timedelta) -> str:
    """A length of time as it is written in objects."""
    seconds = round(length.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def mbps(rate: float) -> str:
    """Megabits per second, three figures."""
    return f"{rate / 1e6:.3g}" if rate < 1e9 else f"{rate / 1e6:.0f}"
