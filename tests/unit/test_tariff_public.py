"""Invoices of public price lists, and the figures of the documentation and the examples, each with its arithmetic."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from switcher.objects.load import load
from switcher.tariff import Exchange, Flow, PriceGap, Sample, bill, marginal
from tests.unit.pricing import GB, at, book, fixed, percentile, quota, sample, stay, tariff, total, volume

DECEMBER = ("2026-12-01", "2027-01-01")
EXAMPLES = Path(__file__).parents[2] / "config" / "examples"


def test_cloud_internet_egress() -> None:
    prices = book(
        tariff(volume(("100", "0"), ("10240", "0.09"), ("51200", "0.085"), ("153600", "0.07"), (None, "0.05")))
    )
    # 10,140 x 0.09 + 40,960 x 0.085 + 102,400 x 0.07 + 46,400 x 0.05 = 912.60 + 3,481.60 + 7,168 + 2,320
    assert total(prices, [sample("2026-12-01", 744, 200_000)], *DECEMBER) == "13882.20"


def test_cross_zone_traffic_costs_each_way() -> None:
    prices = book(tariff(volume((None, "0.01"), direction="sum", destination="zone")))
    rows = [
        sample("2026-12-01", 24, 1000, destination="zone"),
        sample("2026-12-01", 24, 500, destination="zone", direction="in"),
    ]
    assert total(prices, rows, *DECEMBER) == "15.00"  # (1,000 + 500) x 0.01


def test_a_nat_gateway_on_top_of_egress() -> None:
    gateway = tariff(fixed("0.045"), volume((None, "0.045"), direction="sum"), name="nat")
    egress = tariff(volume(("100", "0"), (None, "0.09")), name="egress")
    # 744 h x 0.045 + 1,000 x 0.045 = 33.48 + 45; egress 900 x 0.09 = 81
    assert total(book(gateway, egress), [sample("2026-12-01", 744, 1000)], *DECEMBER) == "159.48"


def test_the_figures_of_the_page() -> None:
    for mode, expected in (("graduated", "130.00"), ("allUnits", "90.00"), ("stepFee", "0.60")):
        prices = book(tariff(volume(("100", "1"), (None, "0.6"), mode=mode)))
        assert total(prices, [sample("2026-12-01", 24, 150)], *DECEMBER) == expected
    transit = book(tariff(percentile("0.35", commit="500", overage="0.50")))
    month = Sample(
        start=at(DECEMBER[0]), end=at(DECEMBER[1]), network="p", direction="out", bytes=Decimal(744 * 3600 * 87_500_000)
    )
    assert total(transit, [month], *DECEMBER) == "275.00"
    satellite = book(tariff(quota("50", "65", {"block": "50", "price": "25"})))
    assert total(satellite, [sample("2026-12-01", 24, 120)], *DECEMBER) == "115.00"


def test_the_examples_together_are_billed_in_one_currency() -> None:
    objects = load([EXAMPLES / "tariffs-contracts.yaml"])
    use = [
        sample("2026-12-01", 24, 120, network="satellite"),
        sample("2026-12-01", 24, 12_000, network="cdn"),
    ]
    invoice = bill(objects.tariffs, use, (at(DECEMBER[0]), at(DECEMBER[1])), exchange=Exchange(rates=objects.rates))
    amounts = {(each.contract, each.start.day): str(each.total) for each in invoice.entries}
    assert invoice.currency == "USD"
    assert amounts[("cdn", 1)] == "720.00"  # all of 12 TB x 60
    assert amounts[("transit", 1)] == "175.00"  # the commit of 500 x 0.35


@pytest.mark.parametrize(("network", "known"), [("cdn", True), ("satellite", True), ("transit", False)])
def test_the_examples_have_a_marginal_price_or_say_that_they_have_none(network: str, known: bool) -> None:
    objects = load([EXAMPLES])
    window = at("2026-12-01 12:00"), at("2026-12-01 13:00")
    found = marginal(objects, network, *window, {}, Flow(), Flow(attachments=1, out_bps=8 * GB / 3600))
    assert isinstance(found, Decimal) if known else found is PriceGap.UNKNOWN


def test_the_classic_picture_for_an_hour_each() -> None:
    prices = book(
        *(
            tariff(fixed(price, each="attachment"), name=name, physicalNetworks=[name])
            for name, price in (("phynet0", "3.47"), ("phynet1", "6.90"), ("phynet2", "11.80"))
        )
    )
    stays = [stay("2026-12-01 00:00", "2026-12-01 01:00", name, name) for name in ("phynet0", "phynet1", "phynet2")]
    assert total(prices, [], *DECEMBER, stays) == "22.17"  # 3.47 + 6.90 + 11.80
