"""How large a bill may be: what would take hours or all memory is refused before it begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from switcher.errors import Problem
from switcher.objects.tariffs import LONGEST, Tariff
from switcher.tariff.periods import Span

MOST_PERIODS = 100_000
"""Billing periods of all contracts together; an hourly one has 87,600 in ten years."""
MOST_SAMPLES = 20_000_000
"""Samples of all percentiles together; of five minutes there are 105,120 in a year."""


def too_large(contracts: Mapping[str, Sequence[Tariff]], period: Span) -> Iterator[Problem]:
    """Why [start, end) is too long for these contracts, if it is."""
    length = period[1] - period[0]
    periods = sum(length // LONGEST[lists[0].spec.billing_period.unit] for lists in contracts.values())
    if periods > MOST_PERIODS:
        text = f"{_shown(period)} has about {periods:,} billing periods, more than {MOST_PERIODS:,}"
        yield Problem("--period", 0, "", f"{text}: ask for a shorter one")
    charges = (charge for lists in contracts.values() for tariff in lists for charge in tariff.spec.charges)
    samples = sum(length // charge.percentile.sample for charge in charges if charge.percentile is not None)
    if samples > MOST_SAMPLES:
        text = f"{_shown(period)} has about {samples:,} samples of percentiles, more than {MOST_SAMPLES:,}"
        yield Problem("--period", 0, "", f"{text}: ask for a shorter one")


def _shown(period: Span) -> str:
    return f"{period[0].isoformat()}/{period[1].isoformat()}"
