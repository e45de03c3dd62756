"""Thresholds and policies: what SREs and platform owners set (api.md, Objects)."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from cni.wire import DrainEnd, MoveReason
from switcher.objects import cron
from switcher.objects.base import KubeObject, LabelSelector, Strictly
from switcher.objects.values import (
    Count,
    Duration,
    Fraction,
    Money,
    Name,
    NetworkName,
    PositiveDuration,
    PositiveQuantity,
    Quantity,
    Share,
    Target,
    Text,
    Zone,
    wrong,
)
from switcher.objects.wholes import distinct, together


class PolicyMode(StrEnum):
    """Whether moves are made."""

    OFF = "off"
    RECOMMEND = "recommend"
    AUTO = "auto"


class Loss(StrEnum):
    """Losses that a workload can bear."""

    BOUND_SOCKET = "BoundSocket"


class Confirm(Strictly):
    """``at_least`` of the last ``of`` samples must be above ``shed``."""

    at_least: Count = Field(default=1, ge=1, le=1000)
    of: Count = Field(default=1, ge=1, le=1000, validate_default=True)

    @field_validator("of")
    @classmethod
    def _enough(cls, of: int, info: Any) -> int:
        if of < info.data.get("at_least", 1):
            raise wrong("confirm", f"must be at least atLeast, which is {info.data['at_least']}")
        return of


class ThresholdSpec(Strictly):
    """Fractions of an uplink's capacity: arrivals fit under ``fill``; what is there may stay up to ``shed``."""

    physical_networks: tuple[Name, ...] | None = Field(default=None, min_length=1)
    fill: Fraction = Decimal("0.70")
    shed: Fraction = Field(default=Decimal("0.85"), validate_default=True)
    confirm: Confirm = Confirm()
    latency: PositiveDuration | None = None
    loss: Fraction | None = None
    stale_after: PositiveDuration = timedelta(minutes=10)

    @field_validator("shed")
    @classmethod
    def _fill_below_shed(cls, shed: Decimal, info: Any) -> Decimal:
        fill = info.data.get("fill")
        if fill is not None and fill >= shed:
            raise wrong("fill", f"of shed must be above fill, which is {fill}")
        return shed


class CongestionThreshold(KubeObject):
    """When a physical network counts as full."""

    kind: Literal["CongestionThreshold"] = "CongestionThreshold"
    spec: ThresholdSpec


class Penalties(Strictly):
    """Money that bad quality is worth: per GB per ms of latency; per GB at 100 % loss."""

    latency: Money = Decimal(0)
    loss: Money = Decimal(0)


class Flap(Strictly):
    """Past moves make the next dearer: factor x moves, each halved per half-life."""

    factor: Quantity = Decimal(1)
    half_life: PositiveDuration = timedelta(hours=1)


class Budget(Strictly):
    """A limit on moves in flight plus moves finished within ``per``, always or while its schedule is open."""

    moves: Share
    per: PositiveDuration = timedelta(hours=1)
    reasons: tuple[MoveReason, ...] = ()
    schedule: Text | None = None
    duration: PositiveDuration | None = None
    timezone: Zone = "UTC"

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, schedule: str | None) -> str | None:
        try:
            if schedule is not None:
                cron.parse(schedule)
        except cron.CronError as error:
            raise wrong("cron", f"is no cron expression: {error}") from error
        return schedule

    _has_duration = together("schedule", "duration")

    def limit(self, attachments: int) -> int:
        """How many moves it allows among so many attachments; percentages round up."""
        if not self.moves.endswith("%"):
            return int(self.moves)
        share = Decimal(self.moves[:-1]) * attachments / 100
        return int(share.to_integral_value(ROUND_CEILING))

    def names(self, reason: MoveReason) -> bool:
        """Whether moves of this reason count against it. Without reasons all do, but never Safety."""
        return reason in self.reasons if self.reasons else reason is not MoveReason.SAFETY

    def active(self, now: datetime) -> bool:
        """Whether it applies now: always without a schedule."""
        if self.schedule is None or self.duration is None:
            return True
        return cron.parse(self.schedule).open_at(now, self.duration, ZoneInfo(self.timezone))

    @property
    def freezes(self) -> bool:
        """Whether it allows nothing at all (FreezeWindow rather than BudgetSpent)."""
        return self.moves in ("0", "0%")


SAVINGS_BUDGET = Budget(moves="10%", per=timedelta(hours=1), reasons=(MoveReason.SAVINGS,))
SAFETY_BUDGET = Budget(moves="10%", per=timedelta(minutes=5), reasons=(MoveReason.SAFETY,))


class VerifySettings(Strictly):
    """How the new path is proven."""

    targets: tuple[Target, ...] = ()
    successes: Count = Field(default=3, ge=1, le=1000)
    deadline: PositiveDuration = timedelta(seconds=5)
    settle: Duration = timedelta(seconds=30)


class DrainSettings(Strictly):
    """How the old path is given up."""

    deadline: PositiveDuration = timedelta(seconds=60)
    minimum: Duration = timedelta(seconds=5)
    quiet: Duration = timedelta(seconds=1)
    then: DrainEnd = DrainEnd.CLOSE


class PolicySpec(Strictly):
    """Which attachments, where to, and how eagerly."""

    priority: Count = 0
    namespace_selector: LabelSelector = LabelSelector()
    pod_selector: LabelSelector = LabelSelector()
    attachments: tuple[Name, ...] | None = Field(default=None, min_length=1)
    candidates: tuple[NetworkName, ...] | None = Field(default=None, min_length=1)
    """Networks; None: the policy names none (a snapshot may)."""
    mode: PolicyMode = PolicyMode.AUTO
    horizon: PositiveDuration = timedelta(hours=1)
    payback: PositiveDuration | None = None
    move_cost: Money | None = None
    move_rate: Money = Decimal("0.0001")
    """Money per second of switching, where ``move_cost`` is absent."""
    penalties: Penalties = Penalties()
    flap: Flap | None = None
    cooldown: Duration = timedelta(minutes=15)
    minimum_age: Duration = timedelta(minutes=5)
    budgets: tuple[Budget, ...] = ()
    verify: VerifySettings = VerifySettings()
    drain: DrainSettings = DrainSettings()
    accept: tuple[Loss, ...] = ()
    disruption_threshold: PositiveQuantity | None = None

    _distinct = distinct("attachments", "candidates")


class SwitchPolicy(KubeObject):
    """What may be moved, and when."""

    kind: Literal["SwitchPolicy"] = "SwitchPolicy"
    spec: PolicySpec

    @property
    def payback(self) -> timedelta:
        """Within what time a move must have paid for itself; default: the horizon."""
        return self.spec.payback or self.spec.horizon

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """The budgets in force: a reason that no unscheduled budget covers keeps its default."""
        given = self.spec.budgets
        always = [budget for budget in given if budget.schedule is None]
        defaults = ((MoveReason.SAVINGS, SAVINGS_BUDGET), (MoveReason.SAFETY, SAFETY_BUDGET))
        return given + tuple(
            default for reason, default in defaults if not any(budget.names(reason) for budget in always)
        )
