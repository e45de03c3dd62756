"""What a placement costs where the lists of a contract drop a network, or take one in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from switcher.model import Usage
from switcher.objects.model import Book
from switcher.tariff import Flow, PriceGap, Quote, Sample, bill, marginal, quote
from tests.unit.pricing import at, book, fixed, quota, tariff, volume
from tests.unit.test_tariff_marginal import GB_AN_HOUR, HOUR, NOON, ONE, added

ON_TOTAL = [
    pytest.param(volume((None, "3"), mode="allUnits"), id="allUnits"),
    pytest.param(volume(("10", "0"), (None, "5"), mode="stepFee"), id="stepFee"),
    pytest.param(volume((None, "3"), minimum="30"), id="a minimum quantity"),
    pytest.param(quota("10", "1", {"block": "1", "price": "4"}), id="blocks"),
]
TEN_GB = Usage(out_bytes=Decimal(10) ** 10)


def dropped(charge: dict[str, Any], since: str) -> Book:
    """From then on the contract has the network no more; another one has it all the time, at 2 a GB."""
    day: dict[str, Any] = {"billingPeriod": {"unit": "day"}, "contract": "k"}
    return book(
        tariff(charge, name="old", physicalNetworks=["p", "q"], **day),
        tariff(charge, name="new", physicalNetworks=["q"], validFrom=since, **day),
        tariff(volume((None, "2")), name="other"),
    )


@pytest.mark.parametrize("charge", ON_TOTAL)
def test_a_contract_that_has_dropped_the_network_counts_no_more_of_it(charge: dict[str, Any]) -> None:
    found = added(dropped(charge, "2026-12-01T06:00:00Z"), used={"k": TEN_GB})
    assert found == 2


def growth(prices: Book) -> Decimal:
    """What the day's bill grows by with a GB on p in the hour from noon on, after ten GB on q until then."""
    day = at("2026-12-01"), at("2026-12-02")
    past = Sample(start=day[0], end=NOON, network="q", direction="out", bytes=Decimal(10) ** 10)
    more = Sample(start=NOON, end=NOON + HOUR, network="p", direction="out", bytes=Decimal(10) ** 9)
    less, grown = (bill(prices.tariffs, rows, day).total for rows in ([past], [past, more]))
    return grown - less


@pytest.mark.parametrize("charge", ON_TOTAL)
def test_what_a_contract_counts_until_it_drops_the_network_is_what_its_bill_grows_by(charge: dict[str, Any]) -> None:
    prices = dropped(charge, "2026-12-01T12:45:00Z")
    assert added(prices, used={"k": TEN_GB}) == pytest.approx(growth(prices), abs=Decimal("0.011"))


@pytest.mark.parametrize("charge", ON_TOTAL)
def test_a_network_that_joins_a_contract_counts_in_its_totals_of_the_whole_period(charge: dict[str, Any]) -> None:
    day: dict[str, Any] = {"billingPeriod": {"unit": "day"}, "contract": "k"}
    prices = book(
        tariff(charge, name="old", physicalNetworks=["q"], **day),
        tariff(charge, name="new", physicalNetworks=["p", "q"], validFrom="2026-12-01T06:00:00Z", **day),
    )
    assert added(prices, used={"k": TEN_GB}) == pytest.approx(growth(prices), abs=Decimal("0.011"))


def test_what_flows_until_a_network_is_dropped_takes_cheap_units_from_those_that_stay() -> None:
    """Half a GB of it takes the free ones, which the other network would have in the afternoon."""
    charge = volume(("11", "0"), (None, "5"))
    prices = dropped(charge, "2026-12-01T12:30:00Z")
    beside = Flow(out_bps=GB_AN_HOUR)
    asked = quote(prices, "p", NOON, NOON + HOUR)
    assert isinstance(asked, Quote)
    found = asked.marginal({"k": TEN_GB}, Flow(), ONE, beside=lambda names: beside if "q" in names else Flow())
    assert isinstance(found, Decimal)
    assert round(found, 6) == Decimal("4.5")  # half a GB at 5 and one at 2


def test_a_quota_or_maximum_of_a_contract_that_has_dropped_the_network_hides_no_price() -> None:
    new = {"contract": "k", "validFrom": "2026-11-15T00:00:00Z", "physicalNetworks": ["q"]}
    ended = quota("10", "1", {"stop": True})
    prices = book(
        tariff(ended, name="old", physicalNetworks=["p", "q"], contract="k", maximum="9"),
        tariff(fixed("1"), name="new", **new),
        tariff(volume((None, "2")), name="other"),
    )
    within = marginal(prices, "p", at("2026-11-20"), at("2026-11-20") + HOUR, {}, Flow(), ONE)
    assert isinstance(within, Decimal)
    assert round(within, 9) == 2


def test_what_is_beside_is_on_the_networks_that_the_contract_has_then() -> None:
    asked_of: list[frozenset[str]] = []

    def beside(names: frozenset[str]) -> Flow:
        asked_of.append(names)
        return Flow()

    day: dict[str, Any] = {"billingPeriod": {"unit": "day"}, "contract": "k"}
    lists = [
        tariff(volume((None, "1")), name=since, physicalNetworks=names, validFrom=f"2026-12-01T{since}:00:00Z", **day)
        for since, names in (("00", ["p", "q"]), ("06", ["p"]), ("18", ["p", "r"]))
    ]
    for hours, names in ((1, {"p"}), (7, {"p", "r"})):
        asked = quote(book(*lists), "p", NOON, NOON + hours * HOUR)
        assert isinstance(asked, Quote)
        found = asked.marginal({}, Flow(), ONE, beside=beside)
        assert isinstance(found, Decimal)
        assert round(found, 9) == hours
        assert asked_of.pop() == names


@pytest.mark.parametrize(
    "later",
    [
        pytest.param({"physicalNetworks": ["q"]}, id="which the contract has no more"),
        pytest.param({"charges": [{"name": "c0", **volume((None, "1"), destination="y")}]}, id="of another class"),
    ],
)
def test_what_has_no_price_for_a_part_of_the_time_has_none(later: dict[str, Any]) -> None:
    first = tariff(volume((None, "1"), destination="x"), contract="k")
    then = tariff(volume((None, "1"), destination="x"), contract="k", validFrom="2026-12-01T12:30:00Z")
    prices = book(first, {**then, "spec": {**then["spec"], **later}})
    load = Flow(out_bps=GB_AN_HOUR, destination="x")
    assert marginal(prices, "p", NOON, NOON + HOUR, {}, Flow(), load) is PriceGap.UNKNOWN
    assert isinstance(marginal(prices, "p", NOON, NOON + HOUR / 2, {}, Flow(), load), Decimal)
