"""Percentile charges in decisions: the ledger, bursts, and how near a bill comes to the least that is possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import sqrt
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
from switcher.model import Ledger, Memory, MoveReason, Snapshot
from switcher.objects.words import Direction
from switcher.tariff.marginal import Mark
from tests.support.scenes import MBPS, NOTHING, book, minutes, network, per_gb, policy, snapshot, targets, workload
from tests.unit.pricing import percentile, steps, tariff

DAY = datetime(2026, 11, 20, tzinfo=UTC)
QUICK = {"cooldown": "0s", "minimumAge": "0s", "moveCost": "0"}


def _link(name: str, price: str | None = "1", **more: Any) -> dict[str, Any]:
    return tariff(
        percentile(price, direction="max", **more),
        name=name,
        physicalNetworks=[f"p{name}"],
        billingPeriod={"unit": "day"},
    )


def _ledger(name: str, **fields: Any) -> Mapping[tuple[str, str], Ledger]:
    known = {
        "networks": (f"p{name}",),
        "direction": Direction.MAX,
        "level": 0.0,
        "aim": 10 * MBPS,
        "free": 0,
        "raising": 5,
        "begun": 0.0,
        "left": 1.0,
        "useful": timedelta(hours=10),
        "rest": timedelta(hours=10),
    }
    return {(name, "c0"): Ledger(**{**known, **fields})}


def _seen(loads: Mapping[str, Sequence[float]], **fields: Any) -> Snapshot:
    """Networks of 100 Mbps with a workload of each of these sizes in Mbps."""
    return snapshot(
        [network(name, used_bps=sum(sizes) * MBPS, **fields) for name, sizes in loads.items()],
        [
            workload(f"{name}{number}", name, size * MBPS)
            for name, sizes in loads.items()
            for number, size in enumerate(sizes)
        ],
    )


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

    (ledger,) = ledgers(book(_link("a")), DAY + minutes(5 * 21), {"pa": 1e9}, _of({"pa": today}, {"pa": []})).values()

    assert ledger.level == 7 * MBPS
    assert ledger.aim >= ledger.level
    assert ledger.networks == ("pa",)


def test_links_aim_together_at_the_quantile_of_the_last_period() -> None:
    yesterday = {"pa": list(range(288)), "pb": [0] * 288}

    found = ledgers(book(_link("a"), _link("b")), DAY, {"pa": 1e9, "pb": 1e9}, _of({"pa": [], "pb": []}, yesterday))

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
        book(_link("a")), DAY + timedelta(hours=12), {"pa": 1e9}, _of({"pa": today}, {"pa": yesterday})
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
    found = ledgers(book(_link("a")), DAY + timedelta(hours=hours), {"pa": 1e9}, _of({"pa": today}, {"pa": []}))

    ledger = found["a", "c0"]
    assert ledger.aim == pytest.approx(aim * MBPS, rel=0.05)
    assert ledger.free == pytest.approx(14, abs=13 if hours == 12 else 0)  # of 14


def test_the_ledger_knows_how_the_wave_of_the_day_goes_on() -> None:
    yesterday = [*range(100, 244), *range(244, 100, -1)]
    at = DAY + timedelta(hours=6)

    (ledger,) = ledgers(book(_link("a")), at, {"pa": 1e9}, _of({"pa": [100] * 72}, {"pa": yesterday})).values()

    assert ledger.trend == pytest.approx(1 / 171)
    assert ledger.swing < 0.001


def test_the_hours_before_a_contract_began_speak_for_its_first_period() -> None:
    """The traffic is in the history though nobody priced it: here the last 8 hours of the day before."""
    yesterday = [*[np.nan] * 192, *range(96)]
    found = ledgers(book(_link("a")), DAY + minutes(10), {"pa": 1e9}, _of({"pa": [1, 1]}, {"pa": yesterday}))

    # 0.92 x 14 of the 286 samples to come may be above: 4.4 of the 98 known
    assert found["a", "c0"].aim == pytest.approx(91 * MBPS)


def test_the_cheapest_level_is_aimed_at_and_a_commit_first_of_all() -> None:
    prices = book(_link("a", "2"), _link("b", "1"), _link("c", "3", commit="50"))
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
    prices = book(_link("a"), per_gb("pb", "0.09"), policy(**QUICK))

    decision = decide(_seen({"a": [2, 3], "b": [4, 4]}), Memory(ledgers=_ledger("a")), prices)

    assert targets(decision) == {"b0": "a"}  # 2 + 3 + 4 of 10; the next 4 Mbps would raise the level


@pytest.mark.parametrize(("hours", "moves"), [(240, 1), (10, 0)])
def test_a_link_that_nobody_used_is_taken_up_when_the_rest_of_the_period_is_worth_its_level(
    hours: int, moves: int
) -> None:
    # 1 Mbps costs 1 USD to the period's end, or 0.45 GB/h x 0.09 USD = 0.0405 USD/h elsewhere: 25 hours
    idle = _ledger("a", aim=0.0, rest=timedelta(hours=hours))

    decision = decide(
        _seen({"a": [], "b": [1]}), Memory(ledgers=idle), book(_link("a"), per_gb("pb", "0.09"), policy(**QUICK))
    )

    assert len(decision.moves) == moves


def test_without_a_ledger_a_percentile_has_no_price() -> None:
    decision = decide(_seen({"a": [2], "b": [4]}), NOTHING, book(_link("a"), per_gb("pb", "0.09"), policy(**QUICK)))

    assert not decision.moves


def test_what_is_above_the_aim_goes_where_another_level_has_room() -> None:
    known = Memory(ledgers={**_ledger("a"), **_ledger("b")})

    decision = decide(_seen({"a": [3, 3, 3, 3], "b": [3]}), known, book(_link("a"), _link("b"), policy(**QUICK)))

    (move,) = decision.moves
    assert (move.source, move.target, move.reason) == ("a", "b", MoveReason.SAVINGS)
    assert move.saving_per_hour == Decimal(2)  # 2 Mbps above the aim at 1 USD, which would be due at once


def test_a_burst_goes_to_one_link_that_has_free_samples() -> None:
    known = {**_ledger("a", free=3), **_ledger("b", free=5), **_ledger("c")}
    board = lay_out(_seen({"a": [10], "b": [10], "c": [25]}))

    found = marks(board, project(board, NOTHING, book(), Settings()), known)

    assert found["b", "c0"].free_bps > 25 * MBPS
    assert found["a", "c0"].free_bps < 10 * MBPS
    assert found["c", "c0"].free_bps < 10 * MBPS


def test_a_burst_stays_where_it_is_while_the_links_have_about_as_many_free_samples() -> None:
    known = {**_ledger("a", free=97), **_ledger("b", free=100)}
    seen = _seen({"a": [10, 10, 10], "b": [9]})

    assert not decide(seen, Memory(ledgers=known), book(_link("a"), _link("b"), policy(**QUICK))).moves


def test_who_aims_high_keeps_its_free_samples_for_the_first_moments_of_bursts() -> None:
    known = {**_ledger("a", free=100), **_ledger("b", free=98, aim=1 * MBPS)}
    board = lay_out(_seen({"a": [30], "b": [0]}))

    found = marks(board, project(board, NOTHING, book(), Settings()), known)

    assert found["b", "c0"].free_bps > 20 * MBPS
    assert found["a", "c0"].free_bps < 10 * MBPS


def _marked(known: Mapping[tuple[str, str], Ledger], loads: Mapping[str, Sequence[float]]) -> Mapping[str, Mark]:
    board = lay_out(_seen(loads))
    return {key[0]: mark for key, mark in marks(board, project(board, NOTHING, book(), Settings()), known).items()}


def _straying(name: str, aim: float, free: int = 9) -> Mapping[tuple[str, str], Ledger]:
    """A link of a family that changes by a twentieth of all it carries; beyond the aim each Mbps costs 1 USD."""
    return _ledger(name, aim=aim * MBPS, free=free, swing=0.05, steep=1 / Decimal(MBPS))


def test_what_is_left_of_all_aims_is_kept_free_where_links_stray() -> None:
    found = _marked({**_straying("a", 90), **_straying("b", 10)}, {"a": [1] * 72, "b": [1] * 8})

    # of 80 that change by 4 the 80 that may be on a do by 4, the 10 that may be on b by sqrt(10 / 80) of that
    assert found["a"].free_bps == pytest.approx((90 - 3 * 4) * MBPS)
    assert found["b"].free_bps == pytest.approx((10 - 3 * sqrt(2)) * MBPS)
    assert found["b"].raise_bps == pytest.approx(3 * sqrt(2) * MBPS)
    assert float(found["a"].raise_money) == pytest.approx(0.1 * 3 * 4)  # a tenth of what so much more would cost
    assert float(found["b"].raise_money) == pytest.approx(0.1 * 3 * 4)  # and as much where it is soon gone
    assert found["b"].expected_bps == 10 * MBPS  # what the period is billed for all the same


def test_a_link_of_small_workloads_needs_little_kept_free() -> None:
    small, large = ([0.5] * 20, [5, 5]), ([5, 5], [0.5] * 20)
    ledgers_of_both = {**_straying("a", 50), **_straying("b", 50)}

    widths = [_marked(ledgers_of_both, {"a": a, "b": b})["a"].raise_bps for a, b in (small, large)]

    assert widths[0] == pytest.approx(widths[1] / 10**0.5)


def test_load_that_will_grow_is_free_to_less_and_load_that_will_shrink_to_more() -> None:
    def free(trend: float) -> float:
        return _marked(_ledger("a", free=9, trend=trend), {"a": [5.0]})["a"].free_bps

    assert free(0.0) == 10 * MBPS
    assert free(0.01) == pytest.approx(10 * MBPS / 1.01)
    assert free(-0.01) == pytest.approx(10 * MBPS / 0.99)


def test_no_more_is_kept_free_than_the_aim() -> None:
    found = _marked({**_straying("a", 90), **_straying("b", 0.1)}, {"a": [10], "b": [10]})

    assert found["b"].free_bps == 0.0
    assert found["b"].raise_bps == pytest.approx(0.1 * MBPS)


@pytest.mark.parametrize("swing", [0.0, 0.002])
def test_in_a_burst_links_are_kept_as_far_below_their_aims_as_they_stray(swing: float) -> None:
    """Of 120 one link takes what is too much for both; nobody knows how far they stray: 7 % are kept free."""
    known = {**_ledger("a", aim=90 * MBPS, free=9, swing=swing), **_ledger("b", aim=10 * MBPS, free=9, swing=swing)}

    found = _marked(known, {"a": [1] * 100, "b": [1] * 10})

    stray = swing * sqrt(90 / 110) * 110
    kept = 3 * stray if swing else 0.07 * 90
    spare = 3 * swing * 110 if swing else 0.07 * 110
    assert found["a"].free_bps == pytest.approx((90 - kept) * MBPS)
    assert found["b"].free_bps == pytest.approx((110 - (90 - kept) + spare) * MBPS)


def test_where_more_than_one_link_would_be_above_one_takes_it_all() -> None:
    """Of three links that are all but full one above is fewer than are to be expected."""
    known = {name: each for link in "abc" for name, each in _straying(link, 30).items()}

    found = _marked(known, {"a": [29.9], "b": [29.9], "c": [29.9]})

    assert sorted(mark.free_bps > 30 * MBPS for mark in found.values()) == [False, False, True]


def test_a_link_that_is_above_in_this_sample_already_takes_the_rest_of_it() -> None:
    known = {**_ledger("a", free=1, begun=12 * MBPS, left=0.5), **_ledger("b", free=9)}

    assert _marked(known, {"a": [9], "b": [18]})["a"].free_bps > 17 * MBPS


def test_up_to_a_commit_a_link_is_kept_below_its_aim_in_a_burst_too() -> None:
    known = {**_straying("a", 40), **_straying("b", 10, free=0)}

    found = _marked(known, {"a": [60], "b": [9]})

    assert found["a"].free_bps > 60 * MBPS
    assert found["b"].raise_bps > 0
    assert found["b"].raise_money > 0  # though a commit's next Mbps is paid for already


def test_the_last_free_samples_are_kept_where_one_too_few_would_be_dear() -> None:
    known = {**_ledger("a", free=40, raising=1), **_ledger("b", free=3, aim=0.0, raising=9)}

    found = _marked(known, {"a": [30], "b": [0]})

    assert found["a"].free_bps > 20 * MBPS
    assert found["b"].free_bps == 0.0


def test_a_charge_that_drops_no_sample_takes_bursts_last() -> None:
    known = {**_ledger("a", free=0, raising=5), **_ledger("b", free=0, raising=None)}

    found = _marked(known, {"a": [9], "b": [30]})

    assert found["a"].raise_bps > 19 * MBPS
    assert found["b"].raise_bps == 0.0


def test_without_free_samples_the_level_that_rises_for_the_least_money_takes_the_burst() -> None:
    known = {**_ledger("a", raising=7), **_ledger("b", raising=2)}
    board = lay_out(_seen({"a": [30], "b": [9]}))

    found = marks(board, project(board, NOTHING, book(), Settings()), known)

    assert found["a", "c0"].raise_bps == 0
    assert found["b", "c0"].raise_bps > 19 * MBPS


def test_who_rests_at_the_aim_does_not_wander() -> None:
    known = Memory(ledgers={**_ledger("a"), **_ledger("b")})

    decision = decide(_seen({"a": [5, 5], "b": [1]}), known, book(_link("a"), _link("b"), policy(**QUICK)))

    assert not decision.moves


def test_samples_between_snapshots_fill_the_slots() -> None:
    prices, memory, before = book(_link("a")), NOTHING, None
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
    prices, memory, before = book(_link("a")), NOTHING, None
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
    prices = book(*(_link(name, sample="1m") for name in links))
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
