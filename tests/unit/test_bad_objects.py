"""Objects that mean nothing, alone or together: refused whole, every problem at once, with its path and its times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from switcher.objects.load import load
from tests.unit.pricing import at, billed, book, fixed, percentile, rate, sample, tariff, volume
from tests.unit.refusing import network, policy, problems, refused, threshold

DECEMBER = ("2026-12-01", "2027-01-01")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(
            tariff(volume(("9", "1"), ("8", "1"), (None, "1"))), "tiers[1].upTo: '8' is out of order", id="falling"
        ),
        pytest.param(
            tariff(volume(("9", "1"), ("9.0", "1"), (None, "1"))), "tiers[1].upTo: '9.0' is out of order", id="equal"
        ),
        pytest.param(
            tariff(volume((None, "1"), (None, "1"))), "tiers[0].upTo: required, but missing", id="open too early"
        ),
        pytest.param(tariff(volume(("9", "1"))), "tiers[0].upTo: '9' on the last tier", id="closed"),
        pytest.param(
            tariff(percentile(None, tiers=[{"upTo": "9", "price": "1"}, {"upTo": "8", "price": "1"}, {"price": "1"}])),
            "percentile.tiers[1].upTo: '8' is out of order",
            id="of a percentile",
        ),
        pytest.param(
            tariff(volume(*((str(number), "1") for number in range(1, 1002)), (None, "1"))),
            "volume.tiers: has too many elements",
            id="thousands",
        ),
        pytest.param(
            tariff(fixed("1", schedule=[{"from": "22:00", "to": "06:00", "multiply": "1"}] * 101)),
            "fixed.schedule: has too many elements",
            id="windows",
        ),
        pytest.param(tariff(fixed("1"), billingPeriod={"unit": "month", "anchor": 0}), "anchor: 0 must", id="anchor"),
        pytest.param(network(capacity="0bps"), "spec.capacity: '0bps' must be above zero", id="zero capacity"),
        pytest.param(network(capacity="0.0Gbps"), "spec.capacity: '0.0Gbps' must be above zero", id="also zero"),
        pytest.param(network(capacity="-1Gbps"), "spec.capacity: '-1Gbps' must be a rate", id="negative capacity"),
        pytest.param(network(capacity="1e30bps"), "spec.capacity: '1e30bps' must be a rate", id="absurd capacity"),
        pytest.param(network(capacity="9" * 400 + "bps"), "must be above zero and at most", id="huge capacity"),
        pytest.param(network(capacity="NaNbps"), "spec.capacity: 'NaNbps' must be a rate", id="no capacity"),
        pytest.param(network(sla="101"), "spec.sla: '101' must be a percentage", id="sla"),
        pytest.param(threshold(fill="0", shed="1"), "spec.fill: '0' must be a fraction", id="fill of nothing"),
        pytest.param(threshold(fill="0.9", shed="0.9"), "spec.shed: '0.9' of shed must be above fill", id="equal shed"),
        pytest.param(threshold(confirm={"atLeast": 0, "of": 5}), "confirm.atLeast: 0 must be", id="confirmed by none"),
        pytest.param(policy(horizon="1e30s"), "spec.horizon: '1e30s' must be a duration", id="horizon"),
        pytest.param(policy(horizon="9" * 400 + "d"), "is absurdly long: at most 3660d", id="absurd horizon"),
        pytest.param(policy(budgets=[{"moves": "-1"}]), "budgets[0].moves: '-1' must be a count", id="budget"),
        pytest.param(policy(disruptionThreshold="0"), "disruptionThreshold: '0' must be above zero", id="disruption"),
        pytest.param(
            policy(podSelector={"matchExpressions": [{"key": "app", "operator": "In"}]}),
            "podSelector.matchExpressions[0].values: [] must have at least one element for In and NotIn",
            id="in none",
        ),
        pytest.param(
            policy(namespaceSelector={"matchExpressions": [{"key": "app", "operator": "NotIn", "values": []}]}),
            "namespaceSelector.matchExpressions[0].values: [] must have at least one element for In and NotIn",
            id="not in none",
        ),
        pytest.param(policy(mode="on"), "spec.mode: 'on' is not one of off, recommend, auto", id="mode"),
        pytest.param(rate("EUR", "USD", "0", "2026-01-01"), "spec.rate: '0' must be above zero", id="rate of nothing"),
        pytest.param(rate("EUR", "USD", "1", "2026-02-30"), "'2026-02-30' is no such date", id="no such day"),
        pytest.param(rate("EUR", "EURO", "1", "2026-01-01"), "spec.to: 'EURO' is no currency code", id="currency"),
    ],
)
def test_objects_that_mean_nothing_are_refused(document: dict[str, Any], expected: str) -> None:
    found = refused(document)
    assert any(expected in problem for problem in found), found


def test_two_lists_with_one_contract_valid_from_and_recorded_at_are_refused_in_any_way_of_writing_it() -> None:
    same = {"contract": "k", "recordedAt": "2026-01-01T00:00:00Z"}
    again = {**same, "validFrom": "2026-01-01T02:00:00+02:00", "recordedAt": "2025-12-31T23:00:00-01:00"}
    found = refused(tariff(fixed("1"), name="a", **same), tariff(fixed("2"), name="b", **again))
    assert any("a second price list of contract 'k' valid from 2026-01-01" in problem for problem in found)
    assert any("; give another recordedAt to the one that counts" in problem for problem in found)
    found = refused(tariff(fixed("1"), name="k"), tariff(fixed("1"), name="b", contract="k"))
    assert any("recorded at no stated time" in problem and "; give recordedAt to" in problem for problem in found)


def test_several_currencies_without_a_rate_are_refused() -> None:
    prices = book(tariff(fixed("1"), name="a"), tariff(fixed("1"), name="b", currency="EUR"))
    assert "currencies EUR, USD are never added" in problems(billed, prices, [], *DECEMBER)[0]
    known = book(*prices_and(rate("EUR", "USD", "1.1", "2027-01-01")))
    assert "no rate from EUR to USD dated on or before 2026-12-31" in problems(billed, known, [], *DECEMBER)[0]
    assert "write an ExchangeRate, or a row of --rates" in problems(billed, known, [], *DECEMBER)[0]


def prices_and(*more: dict[str, Any]) -> list[dict[str, Any]]:
    return [tariff(fixed("1"), name="a"), tariff(fixed("1"), name="b", currency="EUR"), *more]


def test_gaps_in_prices_are_refused_with_their_times_and_gaps_in_samples_are_listed() -> None:
    lists = [
        tariff(volume((None, "1")), name="a", contract="k", validTo="2026-12-05T00:00:00Z"),
        tariff(volume((None, "1")), name="b", contract="k", validFrom="2026-12-06T12:00:00Z"),
    ]
    (found,) = problems(billed, book(*lists), [sample("2026-12-04", 72, 1, line=7)], *DECEMBER)
    times = "from 2026-12-05T00:00:00+00:00 to 2026-12-06T12:00:00+00:00"
    assert found == f"samples:7: network: 'p': contract 'k' has no valid price list {times}"
    around = [sample("2026-12-04", 24, 1), sample("2026-12-06 12:00", 12, 1)]
    gaps = billed(book(*lists), around, "2026-12-04", "2026-12-07").gaps
    assert gaps == ()  # in the time without a list nothing is needed
    invoice = billed(book(*lists), around, "2026-12-03", "2026-12-08")
    assert [(gap.start, gap.end) for gap in invoice.gaps] == [
        (at("2026-12-03"), at("2026-12-04")),
        (at("2026-12-07"), at("2026-12-08")),
    ]


def test_one_bad_object_refuses_all_and_every_problem_is_told(tmp_path: Path) -> None:
    bad = tariff(fixed("-1"), volume(("9", "x"), ("8", "1"), (None, "1")), name="b", currency="usd", timezone="Mars")
    (tmp_path / "a.yaml").write_text(yaml.safe_dump_all([tariff(fixed("1"), name="a"), bad]))
    (tmp_path / "b.json").write_text('{"kind": "ExchangeRate", "spec": {"from": "EUR", "to": "USD", "rate": 1}}')
    found = problems(load, [tmp_path])
    paths = [problem.split(": ")[1] for problem in found]
    assert sorted(paths) == [
        "spec.charges[0].fixed.price",
        "spec.charges[1].volume.tiers[0].price",
        "spec.charges[1].volume.tiers[1].upTo",
        "spec.currency",
        "spec.date",
        "spec.rate",
        "spec.timezone",
    ]
    assert all("(document 2)" in problem for problem in found if "a.yaml" in problem)
