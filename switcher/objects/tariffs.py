"""Tariffs and exchange rates (api.md, Objects; meaning in tariffs.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from switcher.errors import quoted
from switcher.objects.base import CLUSTER_METADATA, KubeObject, Metadata, Strictly
from switcher.objects.charges import Charge, Percentile, Quota, Volume, not_below
from switcher.objects.values import (
    Count,
    Currency,
    Day,
    Money,
    Name,
    PositiveQuantity,
    Text,
    Time,
    Zone,
    duration,
    wrong,
)
from switcher.objects.wholes import (
    Handler,
    Raw,
    beside,
    distinct,
    fault,
    given,
    listed,
    of_fields,
    part,
    repeated,
    unknown,
)
from switcher.objects.words import PeriodUnit


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


MOST_SAMPLES = 1_000_000
LONGEST = {
    PeriodUnit.HOUR: timedelta(hours=1),
    PeriodUnit.DAY: timedelta(hours=25),
    PeriodUnit.WEEK: timedelta(hours=169),
    PeriodUnit.MONTH: timedelta(hours=745),
    PeriodUnit.YEAR: timedelta(days=366),
}


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
