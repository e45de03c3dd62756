"""Percentiles in decisions against the second computation of bills: what a mark prices, what a ledger says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switcher.decide.aims import MOST, cost_of
from switcher.decide.ledger import ledgers
from switcher.decide.samples import Slots
from switcher.objects.load import book_from_documents
from switcher.tariff import Flow, Quote, Sample, quote
from switcher.tariff.marginal import Mark
from tests.oracle import bill as oracle
from tests.oracle.bill import Question
from tests.oracle.questions import SCALES, Maker
from tests.unit.pricing import tariff

QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large)
DAY = datetime(2026, 4, 23, tzinfo=UTC), datetime(2026, 4, 24, tzinfo=UTC)
SCALE = next(scale for scale in SCALES if scale.unit == "day")
MBPS = 1_000_000
megabits = st.integers(0, 400)


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One percentile charge of a day."""

    document: dict[str, Any]
    sample: timedelta

    @property
    def count(self) -> int:
        return (DAY[1] - DAY[0]) // self.sample

    @property
    def dropped(self) -> int:
        """The floor(n (100 - q) / 100) of the text."""
        percentile = self.document["spec"]["charges"][0]["percentile"]
        return floor(self.count * (100 - Fraction(percentile["q"])) / 100)

    def bill(self, loads: Sequence[tuple[int, int]]) -> Fraction:
        """Of so many Mbps in and out in each sample; of those that are missing nothing flowed."""
        rows = [
            Sample(
                start=DAY[0] + number * self.sample,
                end=DAY[0] + (number + 1) * self.sample,
                network="p",
                direction=way,
                bytes=Decimal(load * MBPS) / 8 * Decimal(self.sample.total_seconds()),
            )
            for number, both in enumerate(loads)
            for way, load in zip(("in", "out"), both, strict=True)
        ]
        asked = Question(documents=[self.document], rows=rows, period=DAY, step=SCALE.step, stays=[])
        return sum((due.exact for due in oracle.bill(asked)), Fraction(0))


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    charge = Maker(draw, SCALE, *DAY, (None,)).percentile(None)["percentile"]
    document = tariff(
        {"percentile": {**charge, "missing": "zero"}}, name="k", physicalNetworks=["p"], billingPeriod={"unit": "day"}
    )
    return Contract(document=document, sample=timedelta(minutes=int(charge["sample"].removesuffix("m"))))


@settings(max_examples=80, deadline=None, suppress_health_check=QUIET)
@given(
    contract=contracts(),
    base=st.tuples(megabits, megabits),
    extra=st.tuples(megabits, megabits),
    part=st.floats(0, 1),
)
def test_what_a_mark_prices_is_the_difference_of_two_bills(
    contract: Contract, base: tuple[int, int], extra: tuple[int, int], part: float
) -> None:
    """A load that flows all day, and another for some samples: free as long as those are dropped, else due at once."""
    samples = max(round(part * contract.count), 1)
    both = base[0] + extra[0], base[1] + extra[1]
    loads = [both] * samples + [base] * (contract.count - samples)
    difference = contract.bill(loads) - contract.bill([base] * contract.count)

    book = book_from_documents([contract.document], "test")
    asked = quote(book, "p", DAY[0], DAY[0] + samples * contract.sample)
    assert isinstance(asked, Quote)
    mark = Mark(free_bps=MOST if samples <= contract.dropped else 0.0)
    said = asked.marginal({}, _flow(base), _flow(extra), {("k", "c0"): mark})

    assert isinstance(said, Decimal)
    assert abs(Fraction(said) - difference) < Fraction(1, 10**9)


def _flow(both: tuple[int, int]) -> Flow:
    return Flow(in_bps=float(both[0] * MBPS), out_bps=float(both[1] * MBPS))


@settings(max_examples=60, deadline=None, suppress_health_check=QUIET)
@given(contract=contracts(), data=st.data())
def test_the_level_costs_what_the_bill_comes_to_if_nothing_more_flows(contract: Contract, data: st.DataObject) -> None:
    loads = data.draw(st.lists(st.tuples(megabits, megabits), min_size=1, max_size=contract.count - 1))
    book = book_from_documents([contract.document], "test")

    def slots(_name: str, start: datetime, end: datetime, slot: timedelta) -> Slots:
        known = np.array(loads if start == DAY[0] else [], dtype=np.float64).reshape(-1, 2) * MBPS
        padded = np.concatenate([known, np.full(((end - start) // slot - len(known), 2), np.nan)])
        return Slots(into=padded[:, 0], out=padded[:, 1])

    found = ledgers(book, DAY[0] + len(loads) * contract.sample, {"p": 1e12}, slots)["k", "c0"]
    charge = book.tariffs[0].spec.charges[0].percentile
    assert charge is not None

    assert found.dropped == contract.dropped
    assert Fraction(cost_of(charge, found.level)) == contract.bill(loads)
    assert found.level <= found.aim
    assert found.level <= found.heading
