"""What is spent hour by hour is the bill in the end, whatever the tariff is made of."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switcher.model import Memory, Snapshot, Usage
from switcher.objects.model import Book
from switcher.shares import by_workload
from switcher.spending import Market, spending
from switcher.tariff import Sample, Stay, bill
from tests.unit.pricing import at, book, fixed, percentile, quota, tariff, volume
from tests.unit.steady import HOUR, ledgers, uplink, workloads

START, HOURS = at("2026-12-01"), 24
PERIOD = START, START + timedelta(hours=HOURS)
CENT = Decimal("0.01")
MBPS = 10**6
Rates = tuple[tuple[int, int], ...]
"""Of each workload, in and out, bits per second."""
amounts = st.integers(0, 3000).map(lambda cents: f"{cents / 100:.2f}")
directions = st.sampled_from(["in", "out", "sum", "max"])


@st.composite
def tiers(draw: st.DrawFn) -> list[tuple[str | None, str]]:
    tops = draw(st.lists(st.integers(1, 800), unique=True, max_size=3).map(sorted))
    return [(top, draw(amounts)) for top in [*map(str, tops), None]]


@st.composite
def charges(draw: st.DrawFn) -> dict[str, Any]:
    beyond = st.sampled_from([{"block": "50", "price": "25"}, {"overage": "0.5"}])
    match draw(st.sampled_from(["fixed", "volume", "percentile", "quota"])):
        case "fixed":
            each = draw(st.sampled_from(["network", "node", "attachment"]))
            return fixed(draw(amounts), per=draw(st.sampled_from(["hour", "day"])), each=each)
        case "volume":
            mode = draw(st.sampled_from(["graduated", "allUnits", "stepFee"]))
            return volume(*draw(tiers()), direction=draw(directions), mode=mode)
        case "percentile":
            steps = [{"upTo": top, "price": price} if top else {"price": price} for top, price in draw(tiers())]
            commit = draw(st.sampled_from(["0", "5", "500"]))
            return percentile(None, direction=draw(directions), tiers=steps, commit=commit)
        case _:
            return quota(str(draw(st.integers(0, 500))), draw(amounts), draw(beyond), direction=draw(directions))


@st.composite
def tariffs(draw: st.DrawFn) -> dict[str, Any]:
    low, high = sorted(draw(st.tuples(st.integers(0, 60_000), st.integers(0, 60_000))))
    limits = {"minimum": str(low), "maximum": str(high)}
    kept = draw(st.lists(st.sampled_from(sorted(limits)), unique=True))
    some = draw(st.lists(charges(), min_size=1, max_size=4))
    return tariff(*some, billingPeriod={"unit": "day"}, **{name: limits[name] for name in kept})


def market(prices: Book, rates: Rates, hour: int) -> Market:
    """The site so many hours into the period, with a load that is all ours."""
    into, out = (sum(each[side] for each in rates) for side in (0, 1))
    seconds = hour * 3600
    usage = Usage(in_bytes=Decimal(into) * seconds / 8, out_bytes=Decimal(out) * seconds / 8)
    now = START + hour * HOUR
    memory = Memory(usage={("p", "t"): usage}, ledgers=ledgers(prices, lambda _: (into, out)))
    networks = (uplink("p", "n1", (into, out), now),)
    placed = workloads(("p", "n1", each) for each in rates)
    return Market(Snapshot(now=now, networks=networks, workloads=placed), memory, prices, None)


def due(document: dict[str, Any], rates: Rates) -> Decimal:
    """The day's bill."""
    prices = book(document)
    rows = [
        Sample(start=PERIOD[0], end=PERIOD[1], network="p", direction=direction, bytes=amount, node="n1")
        for side, direction in enumerate(("in", "out"))
        for amount in [Decimal(sum(each[side] for each in rates)) * HOURS * 3600 / 8]
    ]
    stays = [Stay(attachment=f"w{n}", network="p", start=PERIOD[0], end=PERIOD[1]) for n in range(len(rates))]
    return bill(prices.tariffs, rows, PERIOD, stays).total


rates_of = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda pair: (pair[0] * MBPS, pair[1] * MBPS)),
    min_size=1,
    max_size=3,
).map(tuple)


@settings(max_examples=60, deadline=None)
@given(document=tariffs(), rates=rates_of)
def test_a_day_of_spending_is_what_the_workloads_add_to_the_bill(document: dict[str, Any], rates: Rates) -> None:
    prices = book(document)
    spent = shared = Decimal(0)
    for hour in range(HOURS):
        now = market(prices, rates, hour)
        spent += spending(now).now or 0
        shared += sum(cost or 0 for cost in by_workload(now).values())
    assert shared == pytest.approx(spent, abs=Decimal("1e-9"))
    assert abs(spent - (due(document, rates) - due(document, ()))) <= 2 * CENT
