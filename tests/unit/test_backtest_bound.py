"""The bound of a backtest against every assignment there is, in worlds small enough to try them all."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from switcher.backtest.bound import best_bound
from switcher.simulate import World, account, run
from switcher.simulate.account import foreign_bill
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
    found = best_bound(seen, foreign_bill(seen), lambda _: None)
    assert found is not None
    best = least(seen)
    assert found.exact is exact
    assert found.money <= best + 0.0101  # bills are rounded to the cent
    if exact:
        assert found.money == pytest.approx(best, abs=0.0101)


@pytest.mark.parametrize("mode", ["allUnits", "stepFee"])
def test_where_a_unit_more_can_lower_the_bill_no_bound_is_claimed(mode: str) -> None:
    seen = world(OUT, [charged("pa", **volume(mode)), "0.06"])
    assert best_bound(seen, foreign_bill(seen), lambda _: None) is None


def test_lists_of_networks_that_nobody_can_reach_do_not_matter() -> None:
    elsewhere = charged("px", **volume("allUnits"))
    seen = world(OUT, [["0.05", "0.02"][0], [per_gb("pb", "0.02"), elsewhere]])
    found = best_bound(seen, foreign_bill(seen), lambda _: None)
    assert found is not None
    assert found.exact
    assert found.money == pytest.approx(11.5 * 0.02, rel=1e-5)


def test_a_price_that_was_learned_late_is_in_the_bound_as_it_is_in_the_bill() -> None:
    """The bill knows all lists; the bound must not be higher because nobody had announced one."""
    late = per_gb("pb", "0.01", validFrom="2026-11-02T00:05:00Z", recordedAt="2026-11-09T00:00:00Z", contract="late")
    first = per_gb("pb", "0.02", contract="late")
    seen = world(OUT, ["0.05", [first, {**late, "metadata": {"name": "second"}}]])
    found = best_bound(seen, foreign_bill(seen), lambda _: None)
    assert found is not None
    assert found.money == pytest.approx(3 * 0.02 + 8.5 * 0.01, rel=1e-4)
