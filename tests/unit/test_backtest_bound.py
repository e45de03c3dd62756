"""The bound of a backtest against every assignment there is, in worlds small enough to try them all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from switcher.backtest.bound import best_bound
from switcher.objects.charges import Volume
from switcher.simulate import World, account, run
from switcher.simulate.account import foreign_bill, foreign_invoice
from switcher.simulate.bounds import Metered, totals_bound
from switcher.simulate.policy import Recorded
from tests.support.scenes import per_attachment, per_gb
from tests.support.worlds import GB_PER_SLOT, Prices, world

OUT = np.array([[2.0, 1.0, 3.0], [1.0, 4.0, 0.5]]) * GB_PER_SLOT
QUOTA = {"included": "3", "unit": "GB", "direction": "out", "price": "1.00", "beyond": {"block": "2", "price": "0.30"}}


def charged(name: str, **charge: Any) -> dict[str, Any]:
    listed: dict[str, Any] = per_gb(name, "0")
    return {**listed, "spec": {**listed["spec"], "charges": [{"name": "traffic", **charge}]}}


def volume(mode: str, fees: tuple[str, str] = ("0.10", "0.04"), **more: Any) -> dict[str, Any]:
    tiers = [{"upTo": "4", "price": fees[0]}, {"price": fees[1]}]
    return {"volume": {"direction": "out", "unit": "GB", "mode": mode, "tiers": tiers, **more}}


def least(seen: World) -> float:
    """The cheapest of all assignments, moves free."""
    rows, columns, slots = len(seen.site.workloads), len(seen.site.networks), seen.slots
    foreign, best = foreign_bill(seen), np.inf
    for choice in product(range(columns), repeat=rows * slots):
        places = np.array(choice, dtype=np.int64).reshape(slots, rows)
        trail = run(seen, Recorded(places), lambda: 0.0)
        best = min(best, float(account(seen, trail, foreign).bill))
    return best


def bound(seen: World) -> float:
    return best_bound(seen, foreign_invoice(seen), lambda _: None).money


def spent(seen: World, columns: Sequence[int]) -> float:
    """The bill of one workload that was there, slot by slot."""
    trail = run(seen, Recorded(np.array(columns)[:, None]), lambda: 0.0)
    return float(account(seen, trail).bill)


@pytest.mark.parametrize(
    ("prices", "exact"),
    [
        pytest.param(["0.05", "0.02"], True, id="per GB"),
        pytest.param([per_attachment("pa", "6.00"), per_attachment("pb", "1.20")], True, id="per attachment"),
        pytest.param([per_attachment("pa", "0.60"), "0.02"], True, id="per attachment or per GB"),
        pytest.param([per_gb("pa", "0.01", ("4", "0.09")), "0.06"], False, id="falling tiers"),
        pytest.param([per_gb("pa", "0.09", ("4", "0")), "0.06"], False, id="free units first"),
        pytest.param([charged("pa", quota=QUOTA), "0.06"], False, id="a quota in blocks"),
        pytest.param([charged("pa", **volume("stepFee", ("0.04", "0.10"))), "0.06"], False, id="step fees"),
        pytest.param([charged("pa", **volume("graduated", minimum="5")), "0.06"], False, id="a minimum quantity"),
        pytest.param([{**per_gb("pa", "0.05"), "spec": {**per_gb("pa", "0.05")["spec"], "minimum": "0.30"}}, "0.06"],
                     False, id="a minimum of the bill"),
        pytest.param([charged("pa", percentile={"q": "60", "sample": "5m", "direction": "out", "unit": "Mbps",
                                                "price": "0.01"}), "0.06"], False, id="a percentile"),
    ],
)  # fmt: skip
def test_nothing_is_cheaper_than_the_bound(prices: list[Prices], exact: bool) -> None:
    foreign = np.array([[1.0, 0.0, 2.0], [0.5, 0.5, 0.5]]) * GB_PER_SLOT
    seen = world(OUT, prices, background_out=foreign)
    found = best_bound(seen, foreign_invoice(seen), lambda _: None)
    best = least(seen)
    assert found.exact is exact
    assert found.money <= best + 0.0101  # bills are rounded to the cent
    if exact:
        assert found.money == pytest.approx(best, abs=0.0101)


FALLING = [
    pytest.param([charged("pa", **volume("allUnits")), "0.06"], id="all units"),
    pytest.param([charged("pa", **volume("allUnits")), charged("pb", **volume("allUnits", ("0.08", "0.01")))],
                 id="both"),
    pytest.param([charged("pa", **volume("stepFee", ("0.90", "0.05"))), "0.06"], id="a fee that falls"),
    pytest.param([charged("pa", **volume("allUnits", minimum="2")), "0.06"], id="with a minimum quantity"),
    pytest.param([charged("pa", percentile={"q": "60", "sample": "5m", "direction": "out", "unit": "Mbps",
                                            "mode": "allUnits", "tiers": [{"upTo": "40", "price": "0.02"},
                                                                          {"price": "0.001"}]}), "0.06"],
                 id="a level"),
]  # fmt: skip


@pytest.mark.parametrize("prices", FALLING)
@pytest.mark.parametrize("foreign", [0.0, 1.5, 3.9])
def test_where_a_unit_more_can_lower_the_bill_nothing_is_cheaper_than_the_bound(
    prices: list[Prices], foreign: float
) -> None:
    seen = world(OUT, prices, background_out=np.full((2, 3), foreign / 3 * GB_PER_SLOT))
    found = best_bound(seen, foreign_invoice(seen), lambda _: None)
    assert not found.exact
    assert found.money <= least(seen) + 0.0101


@pytest.mark.parametrize(
    ("prices", "foreign"),
    [
        pytest.param([charged("pa", **volume("allUnits")), "0.06"], 0.0, id="all units"),
        pytest.param([charged("pa", **volume("allUnits")), "0.06"], 3.9, id="a discount for the foreign load"),
        pytest.param([charged("pa", **volume("stepFee", ("0.90", "0.05"))), "0.06"], 1.5, id="a fee that falls"),
        pytest.param([per_gb("pa", "0.01", ("4", "0.09")), "0.06"], 0.0, id="falling tiers"),
        pytest.param([charged("pa", **volume("stepFee", ("0.04", "0.40"))), "0.06"], 0.0, id="a fee that rises"),
        pytest.param([charged("pa", quota=QUOTA), "0.06"], 0.0, id="a quota in blocks"),
    ],
)
def test_one_workload_that_may_be_split_by_slots_reaches_the_bound(prices: list[Prices], foreign: float) -> None:
    """Six GB in slots of one: whole slots are fine enough for these tiers."""
    seen = world([[GB_PER_SLOT] * 6], prices, background_out=np.full((2, 6), foreign / 6 * GB_PER_SLOT))
    found = best_bound(seen, foreign_invoice(seen), lambda _: None)
    assert found.money == pytest.approx(least(seen), abs=0.0101)


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_cheaper_than_the_bound_under_lists_of_every_kind(seed: int) -> None:
    """Some charges on the total, some by the unit, in either direction or both, beside a foreign load."""
    rng = np.random.default_rng(seed)

    def charge(number: int) -> dict[str, Any]:
        counted = {"direction": str(rng.choice(["in", "out", "sum"])), "unit": "GB"}
        first, second = (f"{price:.3f}" for price in rng.uniform(0, 0.5, 2))
        tiers = [{"upTo": f"{rng.uniform(1, 8):.2f}", "price": first}, {"price": second}]
        beyond = {"overage": first} if rng.integers(2) else {"block": f"{rng.uniform(0.5, 3):.2f}", "price": second}
        kinds: tuple[dict[str, Any], ...] = (
            *({"volume": {**counted, "mode": mode, "tiers": tiers}} for mode in ("graduated", "allUnits", "stepFee")),
            {"volume": {**counted, "tiers": tiers[1:]}},
            {"quota": {**counted, "included": "40", "price": "1", "beyond": beyond}},
        )
        return {"name": f"c{number}", **kinds[int(rng.integers(len(kinds)))]}

    lists: list[Prices] = []
    for name in ("pa", "pb"):
        listed = per_gb(name, "0")
        charges = [charge(number) for number in range(int(rng.integers(1, 3)))]
        lists.append({**listed, "spec": {**listed["spec"], "billingPeriod": {"unit": "day"}, "charges": charges}})
    flows = rng.uniform(0, 3, (4, 2, 3)) * GB_PER_SLOT
    seen = world(flows[0], lists, into=flows[1], background_in=flows[2], background_out=flows[3])
    assert best_bound(seen, foreign_invoice(seen), lambda _: None).money <= least(seen) + 0.0201  # two bills


def test_the_programme_knows_no_more_room_than_there_is() -> None:
    """Under shed 1.9 GB a slot fit on either network: too few for the lower price of all units, from 4 GB on."""
    prices: list[Prices] = [charged("pa", **volume("allUnits")), "0.06"]
    seen = world([[GB_PER_SLOT * 3] * 2], prices, capacity=1.9 / 0.85 * GB_PER_SLOT)
    found = best_bound(seen, foreign_invoice(seen), lambda _: None)
    assert found.money == pytest.approx(3.8 * 0.06 + 2.2 * 0.10, abs=1e-6)


def test_lists_of_networks_that_nobody_can_reach_do_not_matter() -> None:
    elsewhere = charged("px", **volume("allUnits"))
    seen = world(OUT, [["0.05", "0.02"][0], [per_gb("pb", "0.02"), elsewhere]])
    found = best_bound(seen, foreign_invoice(seen), lambda _: None)
    assert found.exact
    assert found.money == pytest.approx(11.5 * 0.02, rel=1e-5)


def test_a_price_that_was_learned_late_is_in_the_bound_as_it_is_in_the_bill() -> None:
    """The bill knows all lists; the bound must not be higher because nobody had announced one."""
    late = per_gb("pb", "0.01", validFrom="2026-11-02T00:05:00Z", recordedAt="2026-11-09T00:00:00Z", contract="late")
    first = per_gb("pb", "0.02", contract="late")
    seen = world(OUT, ["0.05", [first, {**late, "metadata": {"name": "second"}}]])
    found = best_bound(seen, foreign_invoice(seen), lambda _: None)
    assert found.money == pytest.approx(3 * 0.02 + 8.5 * 0.01, rel=1e-4)


def test_a_commit_is_due_once_however_often_its_list_was_recorded() -> None:
    """As where a list was away for a moment: two versions, and one that counts; the commit is all that is due."""
    terms = {"q": "60", "sample": "5m", "direction": "out", "unit": "Mbps", "price": "0.01", "commit": "500"}
    prices: list[Prices] = []
    for name in ("pa", "pb"):
        first = charged(name, percentile=terms)
        later = {**first, "metadata": {"name": f"{name}-again"}}
        later["spec"] = {**first["spec"], "contract": f"contract-{name}", "recordedAt": "2026-11-02T00:04:00Z"}
        prices.append([first, later])
    seen = world(OUT, prices)
    assert bound(seen) <= least(seen) + 0.0201


def test_tiers_are_used_on_every_network() -> None:
    """3 GB are free on each of two networks; 8 GB flow: two are paid for."""
    tiers = [per_gb("pa", "1", ("3", "0")), per_gb("pb", "1", ("3", "0"))]
    seen = world([[GB_PER_SLOT] * 8], tiers)
    assert bound(seen) == pytest.approx(2)
    assert float(spent(seen, [0, 0, 0, 1, 1, 1, 0, 0])) == pytest.approx(2)


def test_a_falling_tier_is_worth_nothing_until_the_one_before_is_full() -> None:
    """2 at 1.00, then 0.10, against 0.50 flat: 4 GB cost 2.00 on the flat one, 2.20 by way of the tier."""
    tiers = [per_gb("pa", "0.10", ("2", "1")), per_gb("pb", "0.50")]
    assert bound(world([[GB_PER_SLOT] * 4], tiers)) == pytest.approx(2.0)
    assert bound(world([[GB_PER_SLOT] * 5], tiers)) == pytest.approx(2.3)


def test_started_blocks_are_whole() -> None:
    """In a whole billing period of an hour: 2 GB are included, a block of 4 costs 3, the other network 2 per GB."""
    quota = {"included": "2", "unit": "GB", "direction": "out", "price": "5", "beyond": {"block": "4", "price": "3"}}
    hourly = {
        **per_gb("pa", "1")["spec"],
        "billingPeriod": {"unit": "hour"},
        "charges": [{"name": "q", "quota": quota}],
    }
    lists = [{**per_gb("pa", "1"), "spec": hourly}, per_gb("pb", "2")]
    for slots, money in ((3, 2), (4, 3), (6, 3)):  # one GB on the other; a block; the same block
        seen = world([[GB_PER_SLOT] * slots + [0.0] * (12 - slots)], lists)
        assert bound(seen) == pytest.approx(money)
        assert spent(seen, [0, 0, 1 if slots == 3 else 0, *[0] * 9]) == pytest.approx(money)


def test_a_bound_that_was_not_proved_in_time_is_none() -> None:
    """A bound of 0 would be true, and would make every policy look infinitely dear."""
    seen = world([[GB_PER_SLOT] * 2_000], ["0", "0"], capacity=GB_PER_SLOT)  # what does not fit keeps slots apart
    charge = Volume.model_validate(volume("graduated")["volume"])
    with pytest.raises(ValueError, match="nothing was proved"):
        totals_bound(seen, [Metered(charge=charge, networks=("pa", "pb"))], seconds=0.001)


def test_of_a_part_of_a_billing_period_a_part_of_the_quota_is_included() -> None:
    """Half of 4 GB for half of the hour, so that of 3 GB one is paid for."""
    quota = {"included": "4", "unit": "GB", "direction": "out", "price": "5", "beyond": {"overage": "3"}}
    hourly = {
        **per_gb("pa", "1")["spec"],
        "billingPeriod": {"unit": "hour"},
        "charges": [{"name": "q", "quota": quota}],
    }
    seen = world([[GB_PER_SLOT] * 3 + [0.0] * 3], [{**per_gb("pa", "1"), "spec": hourly}, per_gb("pb", "2")])
    assert bound(seen) == pytest.approx(2)
    assert float(spent(seen, [0, 0, 1, 0, 0, 0])) == pytest.approx(2)
