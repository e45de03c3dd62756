"""From a decision to orders: pure. Each move becomes one idempotent order for the node that has the workload."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from cni.wire import Drain, MoveReason, SwitchOrder, Verify
from switcher.model import Decision, Snapshot, WorkloadState
from switcher.objects.model import Book, SwitchPolicy
from switcher.ports import RecordedMove
from switcher.workloads import Workloads

DEADLINE = timedelta(minutes=2)
"""How long a switch may take until it has shifted (NetworkSwitch ``spec.deadline``)."""


def plan(decision: Decision, seen: Snapshot, book: Book) -> Sequence[RecordedMove]:
    """One order per move of ``decision``, in its order."""
    workloads = Workloads.of(seen.workloads)
    planned = []
    for move in decision.moves:
        workload = workloads[workloads.row_of[move.workload]]
        policy = policy_of(workload, book)
        order = switch_order(decision.now, workload, move.target, move.reason, policy)
        planned.append(
            RecordedMove(
                node=workload.node or "",
                order=order,
                policy=policy.name if policy is not None else "",
                decided_at=decision.now,
                saving_per_hour=format(move.saving_per_hour, "f"),
                explanation=move.explanation,
            )
        )
    return planned


def policy_of(workload: WorkloadState, book: Book) -> SwitchPolicy | None:
    """The policy that applies to an attachment, by name where the snapshot names one."""
    if workload.policy is not None:
        return book.policy(workload.policy)
    return book.policy_for(workload.namespace, workload.labels, workload.attachment, workload.primary)


def switch_order(
    now: datetime, workload: WorkloadState, target: str, reason: MoveReason, policy: SwitchPolicy | None
) -> SwitchOrder:
    """The order to move ``workload`` to ``target``. Its id is the tick's time and the attachment: no two share one."""
    name, attachment = workload.id.rsplit(":", 1)
    return SwitchOrder(
        id=f"{now:%Y%m%dT%H%M%S.%f}-{workload.id}",
        workload=name,
        attachment=attachment,
        source=workload.network,
        target=target,
        reason=reason,
        deadline_seconds=DEADLINE.total_seconds(),
        verify=_verify(policy),
        drain=_drain(policy),
        accept=tuple(str(loss) for loss in policy.spec.accept) if policy is not None else (),
    )


def manual_move(now: datetime, workload: WorkloadState, target: str, node: str, book: Book) -> RecordedMove:
    """A move by hand, with the verification and drain of the attachment's policy."""
    policy = policy_of(workload, book)
    return RecordedMove(
        node=node,
        order=switch_order(now, workload, target, MoveReason.MANUAL, policy),
        policy=policy.name if policy is not None else "",
        decided_at=now,
        saving_per_hour=format(Decimal(0), "f"),
        explanation="moved by hand",
    )


def _verify(policy: SwitchPolicy | None) -> Verify:
    if policy is None:
        return Verify()
    verify = policy.spec.verify
    return Verify(
        targets=tuple(verify.targets),
        successes=verify.successes,
        deadline_seconds=verify.deadline.total_seconds(),
        settle_seconds=verify.settle.total_seconds(),
    )


def _drain(policy: SwitchPolicy | None) -> Drain:
    if policy is None:
        return Drain()
    drain = policy.spec.drain
    return Drain(
        deadline_seconds=drain.deadline.total_seconds(),
        minimum_seconds=drain.minimum.total_seconds(),
        quiet_seconds=drain.quiet.total_seconds(),
        then=drain.then,
    )
