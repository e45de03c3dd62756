"""The charges of a tariff, each of exactly one kind (api.md, Objects; meaning in tariffs.md)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator
from pydantic_core import InitErrorDetails

from switcher.objects.base import Strictly
from switcher.objects.prices import MOST_TIERS, MOST_WINDOWS, Schedule, Tiers, in_order
from switcher.objects.values import (
    Count,
    Money,
    Name,
    Percent,
    PositiveDuration,
    PositiveQuantity,
    Quantity,
    Rate,
    Text,
    wrong,
)
from switcher.objects.wholes import (
    MOST_NAMED,
    Handler,
    Raw,
    beside,
    empty_if,
    exactly_one,
    fault,
    given,
    listed,
    of_fields,
    part,
    unknown,
)
from switcher.objects.words import Direction, Each, Mode, Per, RateUnit, Unit


class Nth(Strictly):
    """The ``start``-th and later ones of what a fixed price is due for cost ``multiply`` times the price."""

    start: Count = Field(alias="from", ge=2)
    multiply: Quantity


class Fixed(Strictly):
    """A sum per time, used or not. ``schedule`` only per hour."""

    price: Money
    per: Per
    each: Each = Each.NETWORK
    nth: tuple[Nth, ...] = Field(default=(), max_length=MOST_TIERS)
    schedule: Schedule = Field(default=(), max_length=MOST_WINDOWS)

    @field_validator("nth", mode="wrap")
    @classmethod
    def _nth_in_order(cls, nth: Any, handler: Handler) -> Any:
        starts = [start for step in listed(nth) if type(start := part(step, "from", "start")) is int]
        falls = any(later <= earlier for earlier, later in pairwise(starts))
        shown = f"{', '.join(map(str, starts[:MOST_NAMED]))}{', ...' if len(starts) > MOST_NAMED else ''}"
        return beside([fault(f"out of order: from must grow, but is {shown}", nth)] if falls else (), nth, handler)

    @field_validator("schedule", mode="wrap")
    @classmethod
    def _hourly(cls, schedule: Any, handler: Handler, info: Any) -> Any:
        refused = info.data.get("per") not in (None, Per.HOUR)
        return empty_if(refused, "is allowed on fixed prices per hour only", schedule, handler)


TotalDirection = Literal[Direction.IN, Direction.OUT, Direction.SUM, Direction.MAX]
"""What can be counted without samples."""


def one_total(direction: Any) -> Any:
    """The direction; the one that is for percentiles has its own message."""
    if direction == Direction.MAX_OF_PERCENTILES:
        raise wrong("direction", "is for percentile charges only: one of in, out, sum, max")
    return direction


def not_below(maximum: Decimal | None, info: Any) -> Decimal | None:
    """The maximum, when it is not below the minimum beside it."""
    minimum = info.data.get("minimum")
    if maximum is not None and minimum is not None and maximum < minimum:
        raise wrong("maximum", f"is below the minimum {minimum}")
    return maximum


class Volume(Strictly):
    """A price per unit that flowed. ``minimum`` and ``maximum`` are quantities, in ``unit``."""

    direction: TotalDirection
    destination: Name | None = None
    unit: Unit
    mode: Mode = Mode.GRADUATED
    tiers: Tiers = Field(min_length=1, max_length=MOST_TIERS)
    schedule: Schedule = Field(default=(), max_length=MOST_WINDOWS)
    minimum: Quantity | None = None
    maximum: Quantity | None = None

    _ordered = field_validator("tiers")(in_order)

    _bounds = field_validator("maximum")(not_below)
    _one_total = field_validator("direction", mode="before")(one_total)

    @field_validator("schedule", mode="wrap")
    @classmethod
    def _graduated(cls, schedule: Any, handler: Handler, info: Any) -> Any:
        mode = info.data.get("mode", Mode.GRADUATED)
        why = f"is not allowed with mode {mode}, only with graduated"
        return empty_if(mode is not Mode.GRADUATED, why, schedule, handler)


class Percentile(Strictly):
    """A price on the q-th percentile of the samples of a period."""

    q: Percent
    sample: PositiveDuration
    direction: Direction
    destination: Name | None = None
    missing: Literal["zero", "skip"] = "zero"
    unit: RateUnit
    price: Money | None = None
    mode: Mode = Mode.GRADUATED
    tiers: Tiers = Field(default=(), max_length=MOST_TIERS)
    commit: Quantity = Decimal(0)
    overage: Money | None = None

    _ordered = field_validator("tiers")(in_order)

    _priced_once = exactly_one("price", "tiers")


def _one_way(model: type[BaseModel], raw: Raw) -> Iterator[InitErrorDetails]:
    blocks = given(raw, ("block", "price"))
    ways = len(given(raw, ("overage", "throttle", "stop"))) + bool(blocks)
    if ways > 1 or (ways == 0 and not unknown(model, raw)):
        yield fault("needs exactly one of block with price, overage, throttle and stop", raw)
    elif len(blocks) == 1 and not unknown(model, raw):
        yield fault("block and price go together", raw)


class Beyond(Strictly):
    """What happens past a quota: exactly one way."""

    block: PositiveQuantity | None = None
    price: Money | None = None
    overage: Money | None = None
    throttle: Rate | None = None
    stop: Literal[True] | None = None

    _one_way = of_fields(_one_way)


class Quota(Strictly):
    """A price per period that includes a quantity."""

    included: Quantity
    unit: Unit
    direction: TotalDirection
    destination: Name | None = None
    price: Money
    beyond: Beyond
    schedule: Schedule = Field(default=(), max_length=MOST_WINDOWS)

    _one_total = field_validator("direction", mode="before")(one_total)

    @field_validator("schedule", mode="wrap")
    @classmethod
    def _on_overage(cls, schedule: Any, handler: Handler, info: Any) -> Any:
        beyond = info.data.get("beyond")
        refused = beyond is not None and beyond.overage is None
        why = "is allowed on a quota's overage only, not on blocks, throttle or stop"
        return empty_if(refused, why, schedule, handler)


class Charge(Strictly):
    """One line of a tariff: exactly one kind."""

    name: Text
    fixed: Fixed | None = None
    volume: Volume | None = None
    percentile: Percentile | None = None
    quota: Quota | None = None

    _one_kind = exactly_one("fixed", "volume", "percentile", "quota")
