"""From a decision to orders: pure. Each move becomes one idempotent order for the node that has the workload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from cni.wire import Drain, MoveReason, SwitchOrder, Verify
from switcher.decide.rules import applied, policy_of
from switcher.model import Decision, Snapshot, WorkloadState
from switcher.objects.model import Book, SwitchPolicy
from switcher.ports import RecordedMove
from switcher.workloads import Workloads

DEADLINE = timedelta(minutes=2)
"""How long a switch may take until it has shifted (NetworkSwitch ``spec.deadline``)."""


def plan(decision: Decision, seen: Snapshot, book: Book) -> Sequence[RecordedMove]:
    """One order per move of ``decision``, in its order."""
    workloads = Workloads.of(seen.workloads)
    rows = np.array([workloads.row_of[move.workload] for move in decision.moves], dtype=np.int64)
    moving = workloads.take(rows)
    policies, number = applied(moving, book)
    manners = [Manner.of(policy) for policy in (*policies, None)]  # NOWHERE finds the last one
    moment = _moment(decision.now)
    return [
        RecordedMove(
            node=node or "",
            order=_order(moment, (move.workload, source), move.target, move.reason, manners[policy]),
            policy=manners[policy].policy,
            decided_at=decision.now,
            saving_per_hour=format(move.saving_per_hour, "f"),
            explanation=move.explanation,
        )
        for move, node, source, policy in zip(decision.moves, moving.node, moving.network, number.tolist(), strict=True)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a policy wants a switch to be made; without a policy, the defaults."""

    policy: str
    verify: Verify
    drain: Drain
    accept: tuple[str, ...]

    @classmethod
    def of(cls, policy: SwitchPolicy | None) -> Manner:
        """A policy's."""
        if policy is None:
            return cls(policy="", verify=Verify(), drain=Drain(), accept=())
        accept = tuple(str(loss) for loss in policy.spec.accept)
        return cls(policy=policy.name, verify=_verify(policy), drain=_drain(policy), accept=accept)


def _moment(now: datetime) -> str:
    """As the ids of orders begin."""
    return f"{now:%Y%m%dT%H%M%S.%f}"


def _order(moment: str, of: tuple[str, str], target: str, reason: MoveReason, manner: Manner) -> SwitchOrder:
    """The order to move a workload (its id, and where it is). The order's id is the time and the attachment's:
    no two share one.
    """
    workload, source = of
    name, attachment = workload.rsplit(":", 1)
    return SwitchOrder(
        id=f"{moment}-{workload}",
        workload=name,
        attachment=attachment,
        source=source,
        target=target,
        reason=reason,
        deadline_seconds=DEADLINE.total_seconds(),
        verify=manner.verify,
        drain=manner.drain,
        accept=manner.accept,
    )


def manual_move(now: datetime, workload: WorkloadState, target: str, node: str, book: Book) -> RecordedMove:
    """A move by hand, with the verification and drain of the attachment's policy."""
    manner = Manner.of(policy_of(workload, book))
    return RecordedMove(
        node=node,
        order=_order(_moment(now), (workload.id, workload.network), target, MoveReason.MANUAL, manner),
        policy=manner.policy,
        decided_at=now,
        saving_per_hour=format(Decimal(0), "f"),
        explanation="moved by hand",
    )


def _verify(policy: SwitchPolicy) -> Verify:
    verify = policy.spec.verify
    return Verify(
        targets=tuple(verify.targets),
        successes=verify.successes,
        deadline_seconds=verify.deadline.total_seconds(),
        settle_seconds=verify.settle.total_seconds(),
    )


def _drain(policy: SwitchPolicy) -> Drain:
    drain = policy.spec.drain
    return Drain(
        deadline_seconds=drain.deadline.total_seconds(),
        minimum_seconds=drain.minimum.total_seconds(),
        quiet_seconds=drain.quiet.total_seconds(),
        then=drain.then,
    )
