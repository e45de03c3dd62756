"""Percentile charges in decisions: the ledger, bursts, and how near a bill comes to the least that is possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from switcher.decide import Before, decide, remember
from switcher.decide.aims import flat_until
from switcher.decide.board import lay_out
from switcher.decide.ledger import ledgers
from switcher.decide.marks import marks
from switcher.decide.projection import project
from switcher.decide.samples import Slots
from switcher.decide.settings import Settings
from switcher.model import Ledger, Memory, MoveReason
from tests.support.scenes import MBPS, NOTHING, book, minutes, network, per_gb, policy, snapshot, targets
from tests.unit.links import carrying, ledger_of, link
from tests.unit.pricing import percentile, steps, tariff

DAY = datetime(2026, 11, 20, tzinfo=UTC)
QUICK = {"cooldown": "0s", "minimumAge": "0s", "moveCost": "0"}


def _of(values: Mapping[str, Sequence[float]], last: Mapping[str, Sequence[float]]) -> Any:
    """The slots of today and yesterday, in Mbps."""

    def slots(name: str, start: datetime, end: datetime, slot: timedelta) -> Slots:
        known = np.array((values if start == DAY else last)[name], dtype=np.float64) * MBPS
        count = (end - start) // slot
        padded = np.concatenate([known, np.full(max(count - len(known), 0), np.nan)])[:count]
        return Slots(into=padded, out=padded * 0)

    return slots


def test_the_level_is_what_is_left_when_the_free_samples_are_dropped() -> None:
    today = [*range(1, 21), 900.0]  # of 288 samples 14 are free: the 15th largest of these is 7

    (ledger,) = ledgers(book(link("a")), DAY + minutes(5 * 21), {"pa": 1e9}, _of({"pa": today}, {"pa": []})).values()

    assert ledger.level == 7 * MBPS
    assert ledger.aim >= ledger.level
    assert ledger.networks == ("pa",)


def test_links_aim_together_at_the_quantile_of_the_last_period() -> None:
    yesterday = {"pa": list(range(288)), "pb": [0] * 288}

    found = ledgers(book(link("a"), link("b")), DAY, {"pa": 1e9, "pb": 1e9}, _of({"pa": [], "pb": []}, yesterday))

    # 2 links x 14 free samples x 0.92: 25 may be above, and the 26th largest of 0..287 is 262
    assert sum(ledger.aim for ledger in found.values()) == pytest.approx(262 * MBPS)
    assert {key[0]: ledger.free for key, ledger in found.items()} == {"a": 14, "b": 14}
    assert found["a", "c0"].aim == pytest.approx(262 * MBPS)  # where the traffic was: nothing needs to move


@pytest.mark.parametrize(("bursts", "aim"), [(0, 131), (7, 137), (11, 141), (14, 143)])
def test_what_is_left_of_the_free_samples_is_for_the_rest_of_the_period(bursts: int, aim: float) -> None:
    """Bursts that came more often than yesterday raise the aim before the last free sample is spent."""
    yesterday = [*range(144), *range(144)]  # 0.92 of (14 - bursts) samples of the second half may be above
    today = [*[100] * (144 - bursts), *[200] * bursts]
    found = ledgers(
        book(link("a")), DAY + timedelta(hours=12), {"pa": 1e9}, _of({"pa": today}, {"pa": yesterday})
    ).values()

    (ledger,) = found
    assert ledger.aim == pytest.approx(aim * MBPS)


@pytest.mark.parametrize(
    ("hours", "aim"),
    [
        pytest.param(1, 12, id="less than a quarter of it: the largest so far"),
        pytest.param(5, 60, id="the largest so far, still"),
        pytest.param(12, 132, id="later what the free samples of all of it leave"),
    ],
)
def test_the_first_period_learns_from_itself_as_it_grows(hours: int, aim: float) -> None:
    """Load that rises all morning is no burst: no free sample is spent on it before it is known what a day is like."""
    today = list(range(1, 12 * hours + 1))
    found = ledgers(book(link("a")), DAY + timedelta(hours=hours), {"pa": 1e9}, _of({"pa": today}, {"pa": []}))

    ledger = found["a", "c0"]
    assert ledger.aim == pytest.approx(aim * MBPS, rel=0.05)
    assert ledger.free == pytest.approx(14, abs=13 if hours == 12 else 0)  # of 14


def test_the_ledger_knows_how_the_wave_of_the_day_goes_on() -> None:
    yesterday = [*range(100, 244), *range(244, 100, -1)]
    at = DAY + timedelta(hours=6)

    (ledger,) = ledgers(book(link("a")), at, {"pa": 1e9}, _of({"pa": [100] * 72}, {"pa": yesterday})).values()

    assert ledger.trend == pytest.approx(1 / 171)
    assert ledger.swing < 0.001


def test_the_hours_before_a_contract_began_speak_for_its_first_period() -> None:
    """The traffic is in the history though nobody priced it: here the last 8 hours of the day before."""
    yesterday = [*[np.nan] * 192, *range(96)]
    found = ledgers(book(link("a")), DAY + minutes(10), {"pa": 1e9}, _of({"pa": [1, 1]}, {"pa": yesterday}))

    # 0.92 x 14 of the 286 samples to come may be above: 4.4 of the 98 known
    assert found["a", "c0"].aim == pytest.approx(91 * MBPS)


def test_the_cheapest_level_is_aimed_at_and_a_commit_first_of_all() -> None:
    prices = book(link("a", "2"), link("b", "1"), link("c", "3", commit="50"))
    yesterday = {"pa": [100] * 288, "pb": [0] * 288, "pc": [0] * 288}

    found = ledgers(
        prices, DAY, {"pa": 1e9, "pb": 40 * MBPS, "pc": 1e9}, _of({name: [] for name in yesterday}, yesterday)
    )

    aims = {key[0]: ledger.aim / MBPS for key, ledger in found.items()}
    assert aims == pytest.approx({"a": 10, "b": 40, "c": 50})


@pytest.mark.parametrize(
    ("charge", "level", "free_to"),
    [
        pytest.param(percentile("1", commit="50"), 20, 50, id="a commit"),
        pytest.param(percentile(None, mode="stepFee", tiers=steps(("100", "0"), (None, "9"))), 20, 100, id="a step"),
        pytest.param(percentile(None, tiers=steps(("100", "0"), (None, "9"))), 120, 120, id="a price"),
    ],
)
def test_load_is_free_up_to_where_the_price_rises(charge: dict[str, Any], level: float, free_to: float) -> None:
    found = book(tariff(charge)).tariffs[0].spec.charges[0].percentile
    assert found is not None

    assert flat_until(found, level * MBPS) == free_to * MBPS


def test_below_the_aim_a_percentile_link_costs_nothing_more() -> None:
    prices = book(link("a"), per_gb("pb", "0.09"), policy(**QUICK))

    decision = decide(carrying({"a": [2, 3], "b": [4, 4]}), Memory(ledgers=ledger_of("a")), prices)

    assert targets(decision) == {"b0": "a"}  # 2 + 3 + 4 of 10; the next 4 Mbps would raise the level


@pytest.mark.parametrize(("hours", "moves"), [(240, 1), (10, 0)])
def test_a_link_that_nobody_used_is_taken_up_when_the_rest_of_the_period_is_worth_its_level(
    hours: int, moves: int
) -> None:
    # 1 Mbps costs 1 USD to the period's end, or 0.45 GB/h x 0.09 USD = 0.0405 USD/h elsewhere: 25 hours
    idle = ledger_of("a", aim=0.0, rest=timedelta(hours=hours))

    decision = decide(
        carrying({"a": [], "b": [1]}), Memory(ledgers=idle), book(link("a"), per_gb("pb", "0.09"), policy(**QUICK))
    )

    assert len(decision.moves) == moves


def test_without_a_ledger_a_percentile_has_no_price() -> None:
    decision = decide(carrying({"a": [2], "b": [4]}), NOTHING, book(link("a"), per_gb("pb", "0.09"), policy(**QUICK)))

    assert not decision.moves


def test_what_is_above_the_aim_goes_where_another_level_has_room() -> None:
    known = Memory(ledgers={**ledger_of("a"), **ledger_of("b")})

    decision = decide(carrying({"a": [3, 3, 3, 3], "b": [3]}), known, book(link("a"), link("b"), policy(**QUICK)))

    (move,) = decision.moves
    assert (move.source, move.target, move.reason) == ("a", "b", MoveReason.SAVINGS)
    assert move.saving_per_hour == Decimal(2)  # 2 Mbps above the aim at 1 USD, which would be due at once


def test_a_burst_goes_to_one_link_that_has_free_samples() -> None:
    known = {**ledger_of("a", free=3), **ledger_of("b", free=5), **ledger_of("c")}
    board = lay_out(carrying({"a": [10], "b": [10], "c": [25]}))

    found = marks(board, project(board, NOTHING, book(), Settings()), known)

    assert found["b", "c0"].free_bps > 25 * MBPS
    assert found["a", "c0"].free_bps < 10 * MBPS
    assert found["c", "c0"].free_bps < 10 * MBPS


def test_a_burst_stays_where_it_is_while_the_links_have_about_as_many_free_samples() -> None:
    known = {**ledger_of("a", free=97), **ledger_of("b", free=100)}
    seen = carrying({"a": [10, 10, 10], "b": [9]})

    assert not decide(seen, Memory(ledgers=known), book(link("a"), link("b"), policy(**QUICK))).moves


def test_who_aims_high_keeps_its_free_samples_for_the_first_moments_of_bursts() -> None:
    known = {**ledger_of("a", free=100), **ledger_of("b", free=98, aim=1 * MBPS)}
    board = lay_out(carrying({"a": [30], "b": [0]}))

    found = marks(board, project(board, NOTHING, book(), Settings()), known)

    assert found["b", "c0"].free_bps > 20 * MBPS
    assert found["a", "c0"].free_bps < 10 * MBPS


def test_who_rests_at_the_aim_does_not_wander() -> None:
    known = Memory(ledgers={**ledger_of("a"), **ledger_of("b")})

    decision = decide(carrying({"a": [5, 5], "b": [1]}), known, book(link("a"), link("b"), policy(**QUICK)))

    assert not decision.moves


def test_samples_between_snapshots_fill_the_slots() -> None:
    prices, memory, before = book(link("a")), NOTHING, None
    for minute in range(0, 12, 2):
        now = DAY + minutes(minute)
        seen = snapshot([network("a", used_bps=minute * MBPS, sampled_at=now)], [], now)
        memory = remember(memory, before, seen, prices)
        before = Before(seen, decide(seen, memory, prices))

    (slots,) = memory.carried.values()
    means = np.frombuffer(slots.into) / MBPS
    # 2 min of 2, 2 of 4, 1 of 6; then 1 of 6, 2 of 8, 2 of 10
    assert means == pytest.approx([(2 * 2 + 2 * 4 + 6) / 5, (6 + 2 * 8 + 2 * 10) / 5])
    assert memory.ledgers["a", "c0"].aim == pytest.approx(max(means) * MBPS)


def test_the_ledger_starts_anew_with_the_billing_period_and_remembers_the_last() -> None:
    prices, memory, before = book(link("a")), NOTHING, None
    for hour in range(27):
        now = DAY + timedelta(hours=hour)
        seen = snapshot([network("a", used_bps=(50 if hour <= 24 else 1) * MBPS, sampled_at=now)], [], now)
        memory = remember(memory, before, seen, prices)
        before = Before(seen, decide(seen, memory, prices))

    ledger = memory.ledgers["a", "c0"]
    assert (ledger.level, ledger.aim) == (1 * MBPS, 50 * MBPS)


@pytest.mark.parametrize("seed", [11, 12])
def test_bills_come_within_two_per_cent_of_the_closed_form(seed: int) -> None:
    """Equal samples, three links that can each carry the peak, traffic that may be split: a day after a day.

    The closed form: the levels add up to at least the (1 - 3 x 5 %) quantile of the total, whatever is done.
    """
    random, count, links = np.random.default_rng(seed), 1440, ("a", "b", "c")
    total = 100 * MBPS * (1 + 0.5 * np.sin(np.arange(2 * count) * 2 * np.pi / count))
    total *= np.exp(random.normal(0, 0.1, 2 * count))
    prices = book(*(link(name, sample="1m") for name in links))
    carried = np.zeros((2 * count, len(links)))

    def slots(name: str, start: datetime, end: datetime, slot: timedelta) -> Slots:
        first, number = (start - DAY) // slot, (end - start) // slot
        part = carried[max(first, 0) : first + number, links.index(name[1:])]
        values = part if first >= 0 else np.full(number, np.nan)
        return Slots(into=values, out=values)

    for step in range(2 * count):
        found = ledgers(prices, DAY + minutes(step), dict.fromkeys(("pa", "pb", "pc"), 1e12), slots)
        carried[step] = _split(float(total[step]), [found[name, "c0"] for name in links])

    today = carried[count:]
    dropped = count * 5 // 100
    billed = sum(np.sort(today[:, link])[::-1][dropped] for link in range(len(links)))
    least = np.sort(today.sum(axis=1))[::-1][len(links) * dropped]
    assert today.sum() == pytest.approx(total[count:].sum())
    assert billed <= 1.02 * least


def _split(total: float, links: Sequence[Ledger]) -> Sequence[float]:
    """As the marks say: up to the aims, and what is more to one link."""
    aims = [link.aim for link in links]
    if total <= sum(aims):
        return [aim * total / sum(aims) for aim in aims]
    order = sorted(range(len(links)), key=lambda each: (links[each].free <= 0, -links[each].free, links[each].raising))
    takes = order[0]
    return [aim * 0.93 if each != takes else total - 0.93 * (sum(aims) - aim) for each, aim in enumerate(aims)]
