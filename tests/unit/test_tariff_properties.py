"""What holds for every bill: it does not depend on how rows are cut or ordered, and it grows with traffic."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as replaced

from switcher.model import Usage
from switcher.objects.model import Book
from switcher.tariff import Flow, Sample, Stay, bill, billing_period, marginal
from switcher.tariff.money import tidy
from tests.unit.pricing import GB, at, book, fixed, quota, tariff, volume

START, END = at("2026-12-01"), at("2026-12-05")
prices = st.integers(0, 300).map(lambda cents: f"{cents / 100:.2f}")


@st.composite
def charges(draw: st.DrawFn, rising: bool) -> dict[str, Any]:
    tops = draw(st.lists(st.integers(1, 400), unique=True, max_size=3).map(sorted))
    each = [draw(prices) for _ in range(len(tops) + 1)]
    steps = list(zip([*map(str, tops), None], sorted(each, key=Decimal) if rising else each, strict=True))
    schedule = [{"from": "22:00", "to": "06:00", "multiply": "0.4"}, {"from": "08:00", "to": "09:30", "price": "2.5"}]
    return volume(
        *steps,
        direction=draw(st.sampled_from(["in", "out", "sum"] if rising else ["in", "out", "sum", "max"])),
        schedule=draw(st.sampled_from([[], schedule, schedule[:1]])),
    )


@st.composite
def books(draw: st.DrawFn, rising: bool = False) -> Book:
    unit = draw(st.sampled_from([{"unit": "day"}, {"unit": "month"}, {"unit": "week", "anchor": 3}]))
    common: dict[str, Any] = {"contract": "k", "timezone": "Europe/Berlin", "billingPeriod": unit}
    lists = [tariff(draw(charges(rising)), fixed(draw(prices), each="attachment"), name="a", **common)]
    if draw(st.booleans()):
        lists.append(tariff(draw(charges(rising)), name="b", validFrom="2026-12-02T17:20:00Z", **common))
    return book(*lists, tariff(draw(charges(rising)), name="other"))


@st.composite
def rows(draw: st.DrawFn) -> list[Sample]:
    found = []
    for node in ("n1", "n2"):
        for direction in ("in", "out"):
            at_minute = draw(st.integers(0, 600))
            for _ in range(draw(st.integers(0, 4))):
                length = draw(st.integers(1, 2000))
                begin = START + timedelta(minutes=at_minute)
                amount = Decimal(draw(st.integers(0, 200))) * GB
                end = begin + timedelta(minutes=length)
                found.append(Sample(start=begin, end=end, network="p", direction=direction, bytes=amount, node=node))
                at_minute += length + draw(st.integers(0, 300))
    return found


def total(prices_of: Book, samples: list[Sample]) -> Decimal:
    invoice = bill(prices_of.tariffs, samples, (START, END), [])
    return tidy(sum((line.amount for entry in invoice.entries for line in entry.lines), Decimal(0)))


@settings(max_examples=30, deadline=None)
@given(prices_of=books(), samples=rows(), seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(prices_of: Book, samples: list[Sample], seed: int) -> None:
    shuffled = list(samples)
    Random(seed).shuffle(shuffled)
    assert bill(prices_of.tariffs, shuffled, (START, END), []) == bill(prices_of.tariffs, samples, (START, END), [])


@settings(max_examples=30, deadline=None)
@given(prices_of=books(), samples=rows(), cut=st.fractions(0, 1))
def test_a_row_cut_in_two_costs_the_same(prices_of: Book, samples: list[Sample], cut: Any) -> None:
    halves = []
    for row in samples:
        middle = row.start + timedelta(minutes=int((row.end - row.start) / timedelta(minutes=1) * cut))
        if row.start < middle < row.end:
            part = row.bytes * int((middle - row.start).total_seconds()) / int((row.end - row.start).total_seconds())
            halves += [replaced(row, end=middle, bytes=part), replaced(row, start=middle, bytes=row.bytes - part)]
        else:
            halves.append(row)
    assert abs(total(prices_of, halves) - total(prices_of, samples)) < Decimal("1e-12")


@settings(max_examples=30, deadline=None)
@given(prices_of=books(rising=True), samples=rows(), more=st.integers(1, 100))
def test_more_traffic_never_costs_less_where_tiers_rise(prices_of: Book, samples: list[Sample], more: int) -> None:
    """Falling tiers with a schedule are the exception: a cheap hour may use up the dear tier."""
    bigger = [replaced(row, bytes=row.bytes + more * GB) for row in samples]
    assert total(prices_of, bigger) >= total(prices_of, samples)


def constant(flow: Flow, start_minute: int, end_minute: int, label: str) -> list[Sample]:
    """A flow as rows: whole bytes a second, so that nothing is lost."""
    begin, end = START + timedelta(minutes=start_minute), START + timedelta(minutes=end_minute)
    rates = (("in", flow.in_bps), ("out", flow.out_bps))
    return [
        Sample(
            start=begin,
            end=end,
            network="p",
            direction=way,
            bytes=Decimal(rate) / 8 * (end_minute - start_minute) * 60,
            node=label,
        )
        for way, rate in rates
        if start_minute < end_minute
    ]


flows = st.tuples(st.integers(0, 400), st.integers(0, 400)).map(lambda pair: (pair[0] * 8e5, pair[1] * 8e5))


@settings(max_examples=60, deadline=None)
@given(
    prices_of=books(),
    rates=st.tuples(flows, flows, flows),
    minutes=st.tuples(st.integers(0, 240), st.integers(1, 150)).map(lambda pair: (pair[0] * 10, pair[1] * 10)),
)
def test_the_marginal_price_is_the_difference_of_two_bills(
    prices_of: Book, rates: tuple[tuple[float, float], ...], minutes: tuple[int, int]
) -> None:
    before, base, extra = (Flow(in_bps=into, out_bps=out) for into, out in rates)
    start, length = minutes
    window = START + timedelta(minutes=start), START + timedelta(minutes=start + length)
    first, last = -40 * 24 * 60, 80 * 24 * 60
    all_the_time = [*constant(before, first, start, "past"), *constant(base, start, last, "base")]
    added = constant(extra, start, start + length, "extra")
    stays = [Stay(attachment="x", network="p", start=window[0], end=window[1])]
    span = (START + timedelta(minutes=first), START + timedelta(minutes=last))
    with_extra = bill(prices_of.tariffs, [*all_the_time, *added], span, stays)
    without = bill(prices_of.tariffs, all_the_time, span, [])
    usage = {each.contract: _usage(each, before, window[0]) for each in prices_of.tariffs}
    said = marginal(prices_of, "p", *window, usage, base, replace(extra, attachments=1))
    assert isinstance(said, Decimal)
    if _turns(prices_of):
        return  # what flowed before the window is then taken at the list's plain prices
    assert abs(said - (_unrounded(with_extra) - _unrounded(without))) < Decimal("1e-9")


@st.composite
def whole_charges(draw: st.DrawFn) -> dict[str, Any]:
    """Charges that look at the whole period: allUnits, stepFee, quantities at least and at most, quotas."""
    direction = draw(st.sampled_from(["in", "out", "sum"]))
    if draw(st.booleans()):
        beyond = draw(st.sampled_from([{"overage": "2"}, {"block": "30", "price": "7"}]))
        night = [{"from": "22:00", "to": "06:00", "price": "0.4"}]
        more = {"schedule": night} if "overage" in beyond and draw(st.booleans()) else {}
        return quota(str(draw(st.integers(0, 5000))), "65", beyond, direction, **more)
    tops = draw(st.lists(st.integers(1, 5000), unique=True, max_size=3).map(sorted))
    each = [draw(prices) for _ in range(len(tops) + 1)]
    least = draw(st.integers(0, 4000))
    bounds = {"minimum": str(least), "maximum": str(least + draw(st.integers(1, 4000)))}
    return volume(
        *zip([*map(str, tops), None], each, strict=True),
        direction=direction,
        mode=draw(st.sampled_from(["graduated", "allUnits", "stepFee"])),
        **draw(st.sampled_from([{}, bounds, {"minimum": bounds["minimum"]}, {"maximum": bounds["maximum"]}])),
    )


@st.composite
def whole_books(draw: st.DrawFn) -> Book:
    """One list with bounds, and a contract whose list changes."""
    common: dict[str, Any] = {"timezone": "Europe/Berlin", "billingPeriod": {"unit": "month"}}
    least = draw(st.integers(0, 3000))
    spec = {"minimum": str(least), "maximum": str(least + draw(st.integers(1, 3000)))}
    plain = volume(("1000", draw(prices)), (None, draw(prices)))
    bounded = tariff(plain, fixed(draw(prices), each="attachment"), fixed("3", "day"), name="bounded", **common, **spec)
    changing = draw(whole_charges())
    lists = [tariff(changing, name=name, contract="k", **common, **more) for name, more in LISTS.items()]
    return book(bounded, tariff(draw(whole_charges()), name="one", **common), *lists)


LISTS: dict[str, dict[str, Any]] = {"a": {}, "b": {"validFrom": "2026-12-02T17:20:00Z"}}


@settings(max_examples=80, deadline=None)
@given(
    prices_of=whole_books(),
    rates=st.tuples(flows, flows, flows),
    minutes=st.tuples(st.integers(0, 240), st.integers(1, 150)).map(lambda pair: (pair[0] * 10, pair[1] * 10)),
)
def test_the_marginal_price_of_charges_on_the_whole_period_is_the_difference_of_two_bills(
    prices_of: Book, rates: tuple[tuple[float, float], ...], minutes: tuple[int, int]
) -> None:
    before, base, extra = (Flow(in_bps=into / 25, out_bps=out / 25) for into, out in rates)
    start, length = minutes
    window = START + timedelta(minutes=start), START + timedelta(minutes=start + length)
    first, last = -40 * 24 * 60, 80 * 24 * 60
    all_the_time = [*constant(before, first, start, "past"), *constant(base, start, last, "base")]
    added = constant(extra, start, start + length, "extra")
    span = (START + timedelta(minutes=first), START + timedelta(minutes=last))
    stays = [Stay(attachment="x", network="p", start=window[0], end=window[1])]
    with_extra = bill(prices_of.tariffs, [*all_the_time, *added], span, stays)
    without = bill(prices_of.tariffs, all_the_time, span, [])
    usage = {each.contract: _usage(each, before, window[0]) for each in prices_of.tariffs}
    said = marginal(prices_of, "p", *window, usage, base, replace(extra, attachments=1))
    assert isinstance(said, Decimal)
    # each of the bills' entries is rounded: three contracts, some months
    assert abs(said - (with_extra.total - without.total)) < Decimal("0.061")


@settings(max_examples=40, deadline=None)
@given(prices_of=whole_books(), samples=rows())
def test_a_contract_costs_no_less_than_its_minimum_and_no_more_than_its_maximum(
    prices_of: Book, samples: list[Sample]
) -> None:
    (bounded,) = (each.spec for each in prices_of.tariffs if each.name == "bounded")
    december = billing_period(prices_of.tariffs[0], START)
    entries = [each for each in bill(prices_of.tariffs, samples, december, []).entries if each.contract == "bounded"]
    assert bounded.minimum is not None
    assert bounded.maximum is not None
    assert [bounded.minimum <= entry.total <= bounded.maximum for entry in entries] == [True]
    assert entries[0].adjustment is None or entries[0].total in (bounded.minimum, bounded.maximum)


def _unrounded(invoice: Any) -> Decimal:
    return sum((line.amount for entry in invoice.entries for line in entry.lines), Decimal(0))


def _usage(each: Any, before: Flow, now: Any) -> Usage:
    passed = Decimal((now - billing_period(each, now)[0]).total_seconds()) / 8
    return Usage(in_bytes=Decimal(before.in_bps) * passed, out_bytes=Decimal(before.out_bps) * passed)


def _turns(prices_of: Book) -> bool:
    """Whether a charge on the larger direction may change its direction."""
    charged = [charge.volume for each in prices_of.tariffs for charge in each.spec.charges]
    return any(volume.direction == "max" for volume in charged if volume)
