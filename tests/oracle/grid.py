"""Whether the second computation can answer a question: all edges on one grid of not too many steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import gcd
from typing import Any

from switcher.objects.tariffs import ExchangeRate
from switcher.tariff import Sample, Stay
from tests.oracle import clock
from tests.oracle.account import Span, moment
from tests.oracle.bill import Question, contract_of, written

MOST_STEPS = 800
MOST_PERIODS = 40
DAYS = {"hour": 1 / 24, "day": 1, "week": 7, "month": 28, "year": 365}
YEARS = range(2000, 2100)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
HOUR = 3600


def of(  # the question has these parts
    *,
    documents: Sequence[Mapping[str, Any]],
    rows: Sequence[Sample],
    stays: Sequence[Stay] | None,
    rates: Sequence[ExchangeRate],
    period: Span,
    known_at: str | None,
    settlement: str,
) -> Question | None:
    """The question, or None where it has no grid, is too large, or has what the text leaves open."""
    tariffs = [document for document in documents if document["kind"] == "Tariff"]
    step = _step(tariffs, period)
    if step is None or _open(tariffs) or not _near([*rows, *(stays or ())]):
        return None
    more = [
        {
            "kind": "ExchangeRate",
            "spec": {
                "from": each.spec.source,
                "to": each.spec.target,
                "rate": str(each.spec.rate),
                "date": each.dated.isoformat(),
            },
        }
        for each in rates
    ]
    return Question(
        documents=[*documents, *more],
        rows=rows,
        period=period,
        step=timedelta(seconds=step),
        stays=stays,
        known_at=None if known_at is None else moment(known_at),
        settlement=settlement,
    )


def _step(tariffs: Sequence[Mapping[str, Any]], period: Span) -> int | None:
    """Seconds in which every edge lies on the grid."""
    edges = list(period)
    step, length = HOUR, (period[1] - period[0]).total_seconds()
    for tariff in tariffs:
        spec = written(tariff["spec"])
        edges += [moment(spec[name].strip()) for name in ("validFrom", "validTo") if spec.get(name)]
        for seconds in _lengths(spec):
            if seconds is None:
                return None
            step = gcd(step, seconds)
        if length / 86400 / DAYS[spec["billingPeriod"]["unit"]] > MOST_PERIODS:
            return None
        length = max(length, clock.REACH[spec["billingPeriod"]["unit"]] * 86400)
    for at in edges:
        if at.microsecond or at.year not in YEARS:
            return None
        step = gcd(step, int((at - EPOCH).total_seconds()))
    return step if step and length / step <= MOST_STEPS else None


def _lengths(spec: Mapping[str, Any]) -> Iterator[int | None]:
    """Seconds of samples and of times of day; None: no whole number of them."""
    for charge in spec["charges"]:
        for kind in ("fixed", "volume", "percentile", "quota"):
            body = charge.get(kind) or {}
            if "sample" in body:
                number, unit = body["sample"][:-1], body["sample"][-1]
                yield int(number) * SECONDS[unit] if number.isdigit() and unit in SECONDS else None
            for entry in body.get("schedule") or ():
                for name in ("from", "to"):
                    hours, minutes = entry[name].split(":")
                    yield int(hours) * 3600 + int(minutes) * 60


def _open(tariffs: Sequence[Mapping[str, Any]]) -> bool:
    """Lists of one contract with other networks, or with quantities at least or at most: the text does not say how."""
    seen: dict[str, Mapping[str, Any]] = {}
    for tariff in tariffs:
        spec = written(tariff["spec"])
        bounded = any("minimum" in (charge.get("volume") or {}) or "maximum" in (charge.get("volume") or {})
                      for charge in spec["charges"])  # fmt: skip
        other = seen.setdefault(contract_of(tariff), spec)
        if other is not spec and (bounded or other["physicalNetworks"] != spec["physicalNetworks"]):
            return True
    return False


def _near(rows: Sequence[Sample | Stay]) -> bool:
    return all(row.start.year in YEARS and row.end.year in YEARS for row in rows)
