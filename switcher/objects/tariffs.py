"""Tariffs and exchange rates (api.md, Objects; meaning in tariffs.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from switcher.objects.base import KubeObject, Strictly
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
    wrong,
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

    @model_validator(mode="after")
    def _one_effect(self) -> Window:
        if (self.multiply is None) == (self.price is None):
            raise wrong("window", "needs exactly one of multiply and price")
        return self


class Tier(Strictly):
    """One step of a price: up to and including ``up_to`` units; the last has none."""

    up_to: PositiveQuantity | None = None
    price: Money


MOST_SAMPLES = 1_000_000
MOST_TIERS = 1_000
MOST_NAMED = 10
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

    @field_validator("nth")
    @classmethod
    def _nth_in_order(cls, nth: tuple[Nth, ...]) -> tuple[Nth, ...]:
        starts = [step.start for step in nth]
        if any(later <= earlier for earlier, later in pairwise(starts)):
            raise wrong("nth", f"out of order: from must grow, but is {', '.join(map(str, starts))}")
        return nth

    @field_validator("schedule")
    @classmethod
    def _hourly(cls, schedule: Schedule, info: Any) -> Schedule:
        if schedule and info.data.get("per") not in (None, Per.HOUR):
            raise wrong("schedule", "is allowed on fixed prices per hour only")
        return schedule


def one_total(direction: Direction) -> Direction:
    """The direction, when it can be counted without samples."""
    if direction is Direction.MAX_OF_PERCENTILES:
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

    direction: Direction
    destination: Name | None = None
    unit: Unit
    mode: Mode = Mode.GRADUATED
    tiers: Tiers = Field(min_length=1, max_length=MOST_TIERS)
    schedule: Schedule = Field(default=(), max_length=MOST_WINDOWS)
    minimum: Quantity | None = None
    maximum: Quantity | None = None

    _ordered = field_validator("tiers")(in_order)

    _bounds = field_validator("maximum")(not_below)
    _one_total = field_validator("direction")(one_total)

    @field_validator("schedule")
    @classmethod
    def _graduated(cls, schedule: Schedule, info: Any) -> Schedule:
        if schedule and info.data.get("mode") not in (None, Mode.GRADUATED):
            raise wrong("schedule", f"is not allowed with mode {info.data['mode']}, only with graduated")
        return schedule


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

    @model_validator(mode="after")
    def _priced_once(self) -> Percentile:
        if (self.price is None) == (not self.tiers):
            raise wrong("percentile", "needs exactly one of price and tiers")
        return self


class Beyond(Strictly):
    """What happens past a quota: exactly one way."""

    block: PositiveQuantity | None = None
    price: Money | None = None
    overage: Money | None = None
    throttle: Rate | None = None
    stop: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Beyond:
        if (self.block is None) != (self.price is None):
            raise wrong("beyond", "block and price go together")
        if sum(way is not None for way in (self.block, self.overage, self.throttle, self.stop)) != 1:
            raise wrong("beyond", "needs exactly one of block with price, overage, throttle and stop")
        return self


class Quota(Strictly):
    """A price per period that includes a quantity."""

    included: Quantity
    unit: Unit
    direction: Direction
    destination: Name | None = None
    price: Money
    beyond: Beyond
    schedule: Schedule = Field(default=(), max_length=MOST_WINDOWS)

    _one_total = field_validator("direction")(one_total)

    @field_validator("schedule")
    @classmethod
    def _on_overage(cls, schedule: Schedule, info: Any) -> Schedule:
        beyond = info.data.get("beyond")
        if schedule and beyond is not None and beyond.overage is None:
            raise wrong("schedule", "is allowed on a quota's overage only, not on blocks, throttle or stop")
        return schedule


class Charge(Strictly):
    """One line of a tariff: exactly one kind."""

    name: Text
    fixed: Fixed | None = None
    volume: Volume | None = None
    percentile: Percentile | None = None
    quota: Quota | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Charge:
        if sum(kind is not None for kind in (self.fixed, self.volume, self.percentile, self.quota)) != 1:
            raise wrong("charge", "needs exactly one of fixed, volume, percentile and quota")
        return self


def _repeated(names: Iterable[str]) -> list[str]:
    """Those that come more than once; of many only the first."""
    return sorted(name for name, times in Counter(names).items() if times > 1)[:MOST_NAMED]


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

    @field_validator("physical_networks")
    @classmethod
    def _distinct(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        twice = _repeated(names)
        if twice:
            raise wrong("physical_networks", f"names {', '.join(twice)} twice")
        return names

    @field_validator("valid_to")
    @classmethod
    def _after_start(cls, valid_to: datetime | None, info: Any) -> datetime | None:
        valid_from = info.data.get("valid_from")
        if valid_to is not None and valid_from is not None and valid_to <= valid_from:
            raise wrong("valid_to", f"must be after validFrom, which is {valid_from.isoformat()}")
        return valid_to

    @field_validator("charges")
    @classmethod
    def _names_differ(cls, charges: tuple[Charge, ...]) -> tuple[Charge, ...]:
        twice = _repeated(charge.name for charge in charges)
        if twice:
            raise wrong("charges", f"two charges have the same name: {', '.join(twice)}")
        return charges

    _bounds = field_validator("maximum")(not_below)

    @field_validator("charges")
    @classmethod
    def _samples_fit(cls, charges: tuple[Charge, ...], info: Any) -> tuple[Charge, ...]:
        period = info.data.get("billing_period")
        for charge in charges if period else ():
            if charge.percentile is not None and LONGEST[period.unit] / charge.percentile.sample > MOST_SAMPLES:
                text = f"percentile {charge.name!r} has more than {MOST_SAMPLES:,} samples in a {period.unit}"
                raise wrong("sample", f"{text}: take a longer sample")
        return charges

    @property
    def metered(self) -> tuple[Volume | Percentile | Quota, ...]:
        """Its charges on what flows."""
        kinds = (charge.volume or charge.percentile or charge.quota for charge in self.charges)
        return tuple(kind for kind in kinds if kind is not None)


class Tariff(KubeObject):
    """What a physical network costs, as one price list of a contract has it."""

    kind: Literal["Tariff"] = "Tariff"
    spec: TariffSpec

    @model_validator(mode="after")
    def _has_contract(self) -> Tariff:
        if not (self.spec.contract or self.name):
            raise wrong("incomplete", "needs metadata.name or spec.contract")
        return self

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
