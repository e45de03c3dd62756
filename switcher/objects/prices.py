"""What a unit costs: tiers, and windows of a schedule in which it has another price (tariffs.md)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import Field, field_validator

from switcher.objects.base import Strictly
from switcher.objects.values import Money, PositiveQuantity, Quantity, WallTime, wrong
from switcher.objects.wholes import exactly_one
from switcher.objects.words import WEEK, Weekday


class Window(Strictly):
    """When a unit price is another one: on ``days`` from ``start`` to ``end``, local wall time in minutes."""

    days: tuple[Weekday, ...] = Field(default=WEEK, min_length=1)
    start: WallTime = Field(alias="from")
    end: WallTime = Field(alias="to")
    multiply: Quantity | None = None
    price: Money | None = None

    @field_validator("end")
    @classmethod
    def _has_length(cls, end: int, info: Any) -> int:
        start = info.data.get("start")
        if start == 24 * 60:
            raise wrong("window", 'from must be before "24:00": write "00:00" of the next day')
        if start == end:
            raise wrong("window", 'from and to are the same: a whole day is from "00:00" to "24:00"')
        return end

    _one_effect = exactly_one("multiply", "price")


class Tier(Strictly):
    """One step of a price: up to and including ``up_to`` units; the last has none."""

    up_to: PositiveQuantity | None = None
    price: Money


MOST_TIERS = 1_000
MOST_WINDOWS = 100
Schedule = tuple[Window, ...]
Tiers = tuple[Tier, ...]


def in_order(tiers: Tiers) -> Tiers:
    """The tiers, when each ends above the one before and only the last is open."""
    before = Decimal(0)
    for number, tier in enumerate(tiers[:-1]):
        if tier.up_to is None:
            raise wrong("tiers", f"tier {number} has no upTo, but only the last may be without")
        if tier.up_to <= before:
            raise wrong("tiers", f"out of order: upTo {tier.up_to} of tier {number} does not exceed {before}")
        before = tier.up_to
    if tiers and tiers[-1].up_to is not None:
        raise wrong(
            "tiers", f"the last tier has upTo {tiers[-1].up_to}: it must have none, so that every unit has a price"
        )
    return tiers
