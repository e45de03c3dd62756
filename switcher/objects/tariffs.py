"""Tariffs and exchange rates (api.md, Objects; meaning in tariffs.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from switcher.errors import quoted
from switcher.objects.base import CLUSTER_METADATA, KubeObject, Metadata, Strictly
from switcher.objects.values import (
    Count,
    Currency,
    Day,
    Money,
    Name,
    Percent,
    PositiveDuration,
    PositiveQuantity,
    Quantity,
    Rate,
    Text,
    Time,
    WallTime,
    Zone,
    duration,
    wrong,
)
from switcher.objects.wholes import (
    MOST_NAMED,
    Handler,
    Raw,
    beside,
    distinct,
    empty_if,
    exactly_one,
    fault,
    given,
    listed,
    of_fields,
    part,
    repeated,
    unknown,
)
from switcher.objects.words import WEEK, Direction, Each, Mode, Per, PeriodUnit, RateUnit, Unit, Weekday


class BillingPeriod(Strictly):
    """``anchor``: for a week the day (1 is Monday), for a month its day, for a year the day of the year."""

    unit: PeriodUnit
    anchor: Count = 1

    @field_validator("anchor")
    @classmethod
    def _in_range(cls, anchor: int, info: Any) -> int:
        most = {"week": 7, "month": 31, "year": 366}.get(info.data.get("unit", "year"), 1)
        if not 1 <= anchor <= most:
            raise wrong("anchor", f"must be from 1 to {most} for this unit")
        return anchor


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


MOST_SAMPLES = 1_000_000
MOST_TIERS = 1_000
MOST_WINDOWS = 100
LONGEST = {
    PeriodUnit.HOUR: timedelta(hours=1),
    PeriodUnit.DAY: timedelta(hours=25),
    PeriodUnit.WEEK: timedelta(hours=169),
    PeriodUnit.MONTH: timedelta(hours=745),
    PeriodUnit.YEAR: timedelta(days=366),
}
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


def _too_short(charges: list[Any], period: PeriodUnit) -> list[InitErrorDetails]:
    """Samples of percentiles, as they were written, of which a billing period has too many."""
    faults = []
    for number, charge in enumerate(charges):
        written = part(part(charge, "percentile"), "sample")
        try:
            length = duration(written)
        except PydanticCustomError:
            continue  # absent, or the model says what is wrong with it
        if length and LONGEST[period] / length > MOST_SAMPLES:
            name = quoted(part(charge, "name") or number)
            text = f"is too short: percentile {name} has more than {MOST_SAMPLES:,} samples in a {period}"
            faults.append(fault(f"{text}: take a longer sample", written, number, "percentile", "sample"))
    return faults


class TariffSpec(Strictly):
    """A price list."""

    physical_networks: tuple[Name, ...] = Field(min_length=1)
    contract: Name | None = None
    provider: Text | None = None
    currency: Currency
    timezone: Zone = "UTC"
    billing_period: BillingPeriod
    valid_from: Time
    valid_to: Time | None = None
    recorded_at: Time | None = None
    source_url: Text | None = Field(default=None, alias="sourceURL")
    charges: tuple[Charge, ...] = Field(min_length=1)
    minimum: Money | None = None
    maximum: Money | None = None

    _distinct = distinct("physical_networks")

    @field_validator("valid_to")
    @classmethod
    def _after_start(cls, valid_to: datetime | None, info: Any) -> datetime | None:
        valid_from = info.data.get("valid_from")
        if valid_to is not None and valid_from is not None and valid_to <= valid_from:
            raise wrong("valid_to", f"must be after validFrom, which is {valid_from.isoformat()}")
        return valid_to

    _bounds = field_validator("maximum")(not_below)

    @field_validator("charges", mode="wrap")
    @classmethod
    def _fit_together(cls, charges: Any, handler: Handler, info: Any) -> Any:
        twice = repeated(part(charge, "name") for charge in listed(charges))
        faults = [fault(f"two charges have the same name: {', '.join(twice)}", charges)] if twice else []
        period = info.data.get("billing_period")
        return beside(faults + (_too_short(listed(charges), period.unit) if period else []), charges, handler)

    @property
    def metered(self) -> tuple[Volume | Percentile | Quota, ...]:
        """Its charges on what flows."""
        kinds = (charge.volume or charge.percentile or charge.quota for charge in self.charges)
        return tuple(kind for kind in kinds if kind is not None)


def _has_contract(model: type[BaseModel], raw: Raw) -> Iterator[InitErrorDetails]:
    metadata, spec = raw.get("metadata", {}), raw.get("spec")
    if not isinstance(metadata, Mapping) or not isinstance(spec, Mapping):
        return
    misspelt = unknown(Metadata, metadata.keys() - CLUSTER_METADATA) or unknown(TariffSpec, spec)
    if not (given(metadata, ["name"]) or given(spec, ["contract"]) or misspelt or unknown(model, raw)):
        yield fault("needs metadata.name or spec.contract", raw)


class Tariff(KubeObject):
    """What a physical network costs, as one price list of a contract has it."""

    kind: Literal["Tariff"] = "Tariff"
    spec: TariffSpec

    _has_contract = of_fields(_has_contract)

    @property
    def contract(self) -> str:
        """Lists of one contract replace each other; default: the object's name."""
        return self.spec.contract or self.name

    @property
    def order(self) -> tuple[datetime | None, datetime]:
        """(recordedAt, validFrom): of the lists valid at a moment the largest counts."""
        return self.spec.recorded_at, self.spec.valid_from


class ExchangeRateSpec(Strictly):
    """One unit of ``source`` buys ``rate`` units of ``target``, from ``date`` on."""

    source: Currency = Field(alias="from")
    target: Currency = Field(alias="to")
    rate: PositiveQuantity
    date: Day

    @field_validator("target")
    @classmethod
    def _differ(cls, target: str, info: Any) -> str:
        if target == info.data.get("source"):
            raise wrong("currency", "from and to are the same currency")
        return target


class ExchangeRate(KubeObject):
    """A dated exchange rate."""

    kind: Literal["ExchangeRate"] = "ExchangeRate"
    spec: ExchangeRateSpec

    @property
    def dated(self) -> date:
        """The first day on which it applies."""
        return self.spec.date
