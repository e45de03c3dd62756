"""What a bit costs by the end of the billing period where a quota includes some."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from switcher.decide import Settings, decide
from switcher.decide.board import lay_out
from switcher.decide.outlook import TO_COME, outlook
from switcher.decide.prices import Prices, prices
from switcher.decide.projection import project
from switcher.decide.quotes import Load
from switcher.decide.rules import HOUR, rules
from switcher.model import Memory, Snapshot, Usage
from switcher.tariff.marginal import Flow, marginal
from tests.support.scenes import GB_PER_HOUR, MBPS, NOW, book, network, per_gb, policy, snapshot, targets, workload
from tests.unit.pricing import quota, tariff

DAY = {"billingPeriod": {"unit": "day"}}
LEFT = 12
"""Hours of the day that are left at noon."""
CABLE = per_gb("pcable", "0.5")


def _sky(beyond: dict[str, Any], name: str = "sky", included: str = "48", **more: Any) -> dict[str, Any]:
    return tariff(quota(included, "65", beyond, **more), name=name, physicalNetworks=[f"p{name}"], **DAY)


def _seen(on_sky: int, on_cable: int, into: float = 0.0) -> Snapshot:
    """Workloads of 1 GB/h out, and ``into`` GB/h in."""
    homes = {"sky": on_sky, "cable": on_cable}
    rate = GB_PER_HOUR
    return snapshot(
        [
            network(name, in_bps=into * rate * count, out_bps=rate * count, capacity_bps=1000 * MBPS)
            for name, count in homes.items()
        ],
        [
            workload(f"{name}{number:02}", name, rate, in_bps=into * rate, out_bps=rate)
            for name, count in homes.items()
            for number in range(count)
        ],
    )


def _used(gigabytes: float, name: str = "sky") -> Memory:
    used = Usage(in_bytes=Decimal(0), out_bytes=Decimal(str(gigabytes)) * 10**9)
    return Memory(usage={(f"p{name}", name): used})


def _priced(seen: Snapshot, memory: Memory, *lists: dict[str, Any]) -> Prices:
    board, settings, terms = lay_out(seen), Settings(), book(*lists, policy())
    ruled, projection = rules(board, memory, terms, settings), project(board, memory, terms, settings)
    return prices(board, ruled, projection, memory, (terms, None), {})


def _per_gb(priced: Prices) -> float:
    bps = priced.quotes["psky", None, HOUR].bps
    assert bps is not None
    return float(bps[Load.OUT]) * GB_PER_HOUR


@pytest.mark.parametrize(
    ("used", "many", "price"),
    [
        pytest.param(0, 1, 0.0, id="some will be left"),
        pytest.param(0, 6, 0.75, id="it will be used up: dearer than what it saves on the other one"),
        pytest.param(48, 6, 1.0, id="it is used up"),
    ],
)
def test_what_is_included_is_worth_what_it_saves_later(used: float, many: int, price: float) -> None:
    assert _per_gb(_priced(_seen(0, many), _used(used), _sky({"overage": "1"}), CABLE)) == pytest.approx(price)


def test_a_network_that_others_fill_has_the_price_of_one_more() -> None:
    """Nothing of ours finds room there. The others use up what is included."""
    free = _seen(0, 6)
    full = replace(free.networks[0], out_bps=990 * MBPS)
    seen = replace(free, networks=(full, *free.networks[1:]))

    assert _per_gb(_priced(seen, _used(0), _sky({"overage": "1"}), CABLE)) == pytest.approx(1.0)


def test_a_network_without_a_quota_that_others_fill_takes_nothing_of_the_load() -> None:
    free = _seen(6, 0)
    full = replace(free.networks[1], out_bps=990 * MBPS)
    seen = replace(free, networks=(free.networks[0], full))

    assert _per_gb(_priced(seen, _used(0), _sky({"overage": "1"}), CABLE)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("used", "price"),
    [
        pytest.param(60, 0.0, id="bought, and not used up"),
        pytest.param(
            48, 25 / LEFT * sum(1 / part for part in TO_COME) / len(TO_COME), id="shared by all that may use it"
        ),
    ],
)
def test_a_block_is_free_once_it_is_bought(used: float, price: float) -> None:
    priced = _priced(_seen(0, 1), _used(used), _sky({"block": "100", "price": "25"}), CABLE)

    assert _per_gb(priced) == pytest.approx(price)


@pytest.mark.parametrize(
    "sky",
    [
        pytest.param(_sky({"overage": "1"}), id="overage"),
        pytest.param(_sky({"block": "7", "price": "5"}), id="blocks"),
        pytest.param(_sky({"block": "7", "price": "5"}, direction="sum"), id="blocks of both directions"),
    ],
)
@pytest.mark.parametrize("used", [0, 40, 50])
def test_prices_are_differences_of_bills(sky: dict[str, Any], used: float) -> None:
    """Of who leaves and of who comes alike: from the start of a stretch to its end, when that flows to midnight."""
    memory, seen = _used(used), _seen(2, 4, into=0.5)
    terms, board = book(sky, CABLE, policy()), lay_out(seen)
    priced = _priced(seen, memory, sky, CABLE)
    found = outlook(board, project(board, memory, terms, Settings()), priced.lists, priced.quotes)

    def bill(load: float) -> float:
        flow = Flow(in_bps=0.5 * load, out_bps=load)
        counters = {"sky": memory.usage["psky", "sky"]}
        added = marginal(terms, "psky", NOW, NOW + LEFT * HOUR, counters, Flow(), flow)
        assert isinstance(added, Decimal)
        return float(added) / LEFT

    expected = sum(
        weight * (bill(each.end) - bill(each.start)) / (each.end - each.start)
        for each, weight in found.margins["psky"].items()
    )
    bps = priced.quotes["psky", None, HOUR].bps
    assert bps is not None
    assert float(bps[Load.OUT]) + 0.5 * float(bps[Load.IN]) == pytest.approx(expected, rel=1e-6, abs=1e-15)


def test_the_included_part_of_a_dear_network_is_kept_for_when_it_is_needed() -> None:
    """Both are free now. Both will be used up, and what is beyond costs a dollar here and ten cents there."""
    both = _sky({"overage": "1"}), _sky({"overage": "0.1"}, name="cable")

    decision = decide(_seen(20, 0), Memory(), book(*both, policy()))

    assert set(targets(decision).values()) == {"cable"}
    assert len(decision.moves) == 20


@pytest.mark.parametrize(
    "lists",
    [
        pytest.param([per_gb("psky", "0.1")], id="one price"),
        pytest.param([per_gb("psky", "0.1", ("48", "0"))], id="tiers"),
        pytest.param([_sky({"stop": True})], id="a quota that stops"),
        pytest.param([_sky({"overage": "1"}), per_gb("psky", "0.1", minimum="5")], id="a minimum beside it"),
        pytest.param(
            [_sky({"overage": "1"}), {**_sky({"overage": "2"}), "metadata": {"name": "more"}}], id="two quotas"
        ),
    ],
)
def test_other_prices_are_as_they_were(lists: list[dict[str, Any]]) -> None:
    assert not _priced(_seen(1, 1), Memory(), *lists, CABLE).foreseen


def test_in_the_last_hour_of_a_period_the_next_one_counts_too() -> None:
    hourly = _sky({"overage": "1"})
    hourly["spec"]["billingPeriod"] = {"unit": "hour"}

    assert not _priced(_seen(1, 1), Memory(), hourly, CABLE).foreseen
