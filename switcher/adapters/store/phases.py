"""What a new status of a switch means for the stored one: pure, shared by every history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cni.wire import Phase, SwitchOrder, SwitchStatus
from switcher.adapters.store.instants import micros, micros_of, moment_of
from switcher.ports import RecordedMove

RANK: Mapping[Phase, int] = {
    Phase.PREFLIGHT: 0,
    Phase.ATTACH: 1,
    Phase.VERIFY: 2,
    Phase.SHIFT: 3,
    Phase.DRAIN: 4,
    Phase.RETURNING: 5,  # out of Drain, before the Detach that ends it
    Phase.UNDOING: 6,  # out of any phase before Shift is done
    Phase.DETACH: 7,
    Phase.DONE: 8,
}
"""A switch never goes back in this order, so that a report which arrives late is told by it."""


def is_news(stored: SwitchStatus | None, status: SwitchStatus) -> bool:
    """Whether ``status`` replaces ``stored``: an outcome is final, and phases only go forward."""
    if stored is None:
        return True
    if stored.outcome is not None or stored == status:
        return False
    return status.outcome is not None or RANK[status.phase] >= RANK[stored.phase]


def phase_times(stored: Mapping[Phase, int], status: SwitchStatus, learned: datetime) -> dict[Phase, int]:
    """When each phase began, in microseconds: ``stored``, and what this status adds or says exactly.

    ``learned`` stands in for a phase whose time the node does not say.
    """
    times = {status.phase: micros(learned), **stored}
    if status.started_at > 0:
        times[Phase.PREFLIGHT] = micros_of(status.started_at)
    if status.shifted_at is not None:
        times[Phase.SHIFT] = micros_of(status.shifted_at)
    if status.finished_at is not None:
        times[Phase.DONE] = micros_of(status.finished_at)
    return times


def own_move(status: SwitchStatus, node: str, learned: datetime) -> RecordedMove:
    """A switch that a node made by itself, as far as its status tells what was ordered."""
    order = SwitchOrder(
        id=status.id,
        workload=status.workload,
        attachment=status.attachment,
        source=status.source,
        target=status.target,
        reason=status.reason,
    )
    return RecordedMove(
        node=node,
        order=order,
        policy="",
        decided_at=moment_of(micros_of(status.started_at)) if status.started_at > 0 else learned,
        saving_per_hour="0",
        explanation="the node made this move by itself",
    )
