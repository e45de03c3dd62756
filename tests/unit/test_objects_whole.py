"""What is wrong with an object as a whole is told together with what is wrong inside it, and each problem once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.pricing import fixed, percentile, quota, tariff, volume
from tests.unit.refusing import network, policy, refused, threshold

TEXT = "must be a decimal number"
WINDOW = {"from": "22:00", "to": "06:00", "multiply": "1"}


def told(*documents: dict[str, Any]) -> dict[str, str]:
    """The text of every problem by its path, each of which is there once."""
    found = [str(problem).partition(": ")[2].partition(": ") for problem in refused(*documents)]
    texts = {where if what else "": what or where for where, _, what in found}
    assert len(texts) == len(found), found
    return texts


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(
            tariff({**fixed("x"), **volume((None, "1"))}),
            {"spec.charges[0]": "needs exactly one of fixed, volume, percentile and quota", ".fixed.price": TEXT},
            id="two kinds in one charge",
        ),
        pytest.param(
            tariff({"name": "a", **fixed("x")}, {"name": "a", **fixed("1")}),
            {"spec.charges": "two charges have the same name: a", "[0].fixed.price": TEXT},
            id="names of charges",
        ),
        pytest.param(
            tariff({"name": "a", **percentile(sample="1s")}, {"name": "a", **fixed("x")}),
            {"spec.charges": "the same name", "[0].percentile.sample": "'1s' is too short", "[1].fixed.price": TEXT},
            id="too many samples",
        ),
        pytest.param(
            tariff(fixed("1", nth=[{"from": 3, "multiply": "x"}, {"from": 2, "multiply": "1"}])),
            {".fixed.nth": "from must grow, but is 3, 2", ".fixed.nth[0].multiply": TEXT},
            id="discounts out of order",
        ),
        pytest.param(
            tariff(fixed("1", schedule=[{**WINDOW, "multiply": "x", "price": "1"}])),
            {".schedule[0]": "exactly one of multiply and price", ".schedule[0].multiply": TEXT},
            id="two effects of a window",
        ),
        pytest.param(
            tariff(fixed("1", per="day", schedule=[{**WINDOW, "multiply": "x"}])),
            {".fixed.schedule": "on fixed prices per hour only", ".schedule[0].multiply": TEXT},
            id="a schedule per day",
        ),
        pytest.param(
            tariff(volume((None, "1"), mode="allUnits", schedule=[{**WINDOW, "multiply": "x"}])),
            {".volume.schedule": "is not allowed with mode allUnits", ".schedule[0].multiply": TEXT},
            id="a schedule of all units",
        ),
        pytest.param(
            tariff(quota("1", "1", {"stop": True}, schedule=[{**WINDOW, "multiply": "x"}])),
            {".quota.schedule": "on a quota's overage only", ".schedule[0].multiply": TEXT},
            id="a schedule of a stop",
        ),
        pytest.param(
            tariff(percentile("1", q="950", tiers=[{"price": "1"}])),
            {".percentile": "exactly one of price and tiers", ".percentile.q": "must be a percentage"},
            id="priced twice",
        ),
        pytest.param(
            tariff(quota("1", "1", {"block": "x", "price": "1", "stop": True})),
            {".quota.beyond": "needs exactly one of block with price,", ".beyond.block": TEXT},
            id="two ways beyond a quota",
        ),
        pytest.param(
            tariff(quota("1", "1", {"price": "x"})),
            {".quota.beyond": "block and price go together", ".beyond.price": TEXT},
            id="a price of no block",
        ),
        pytest.param(
            tariff(fixed("1"), physicalNetworks=["p", "p", ""]),
            {"spec.physicalNetworks": "names p twice", "spec.physicalNetworks[2]": "must not be empty"},
            id="networks of a tariff",
        ),
        pytest.param(
            {**tariff(fixed("x")), "metadata": {}},
            {"": "needs metadata.name or spec.contract", ".fixed.price": TEXT},
            id="a tariff without a name",
        ),
        pytest.param(
            policy(candidates=["a", "a", ":"], attachments=["b", "b", ""]),
            {
                "spec.candidates": "names a twice",
                "spec.candidates[2]": "must be cni:name",
                "spec.attachments": "names b twice",
                "spec.attachments[2]": "must not be empty",
            },
            id="names in a policy",
        ),
        pytest.param(
            policy(budgets=[{"moves": "x", "duration": "1h"}]),
            {"spec.budgets[0]": "schedule and duration go together", "spec.budgets[0].moves": "must be a count"},
            id="a budget's duration",
        ),
        pytest.param(
            network(refer_nic=None, sla="200"),
            {"spec": "needs refer_nic, the uplink", "spec.sla": "must be a percentage"},
            id="no uplink",
        ),
        pytest.param(
            threshold(confirm={"atLeast": 3}, loss="2"),
            {"spec.confirm.of": "1 must be at least atLeast, which is 3", "spec.loss": "must be a fraction"},
            id="confirmed by more samples than there are",
        ),
    ],
)
def test_a_whole_is_checked_beside_its_parts(document: dict[str, Any], expected: dict[str, str]) -> None:
    found = told(document)
    assert len(found) == len(expected), found
    for path, text in expected.items():
        assert any(where.endswith(path) and text in what for where, what in found.items()), (path, found)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        pytest.param(tariff(fixed("1", schedule=[{"from": "22:00", "to": "06:00", "multipy": "1"}])), "multipy"),
        pytest.param(tariff({"volumes": {}}), "volumes"),
        pytest.param(tariff(percentile(None, prcie="1")), "prcie"),
        pytest.param(tariff(quota("1", "1", {"overrage": "1"})), "overrage"),
        pytest.param(tariff(quota("1", "1", {"blok": "5", "price": "1"})), "blok"),
        pytest.param({**tariff(fixed("1")), "metadata": {"nmae": "t", "uid": "1"}}, "nmae"),
        pytest.param({**tariff(fixed("1"), contrat="k"), "metadata": {}}, "contrat"),
        pytest.param(policy(budgets=[{"moves": "1", "schedule": "0 8 * * *", "durration": "1h"}]), "durration"),
        pytest.param({**network(), "spec": {"referNic": "eth1"}}, "referNic"),
    ],
)
def test_what_only_follows_from_a_misspelt_field_is_not_told(document: dict[str, Any], path: str) -> None:
    (problem,) = refused(document)
    assert f"unknown field '{path}'" in problem


def test_only_percentiles_are_offered_the_larger_of_two_percentiles() -> None:
    words = "direction: 'up' is not one of in, out, sum, max"
    (of_volume,) = refused(tariff(volume((None, "1"), direction="up")))
    assert of_volume.endswith(words)
    (of_quota,) = refused(tariff(quota("1", "1", {"stop": True}, direction="up")))
    assert of_quota.endswith(words)
    (of_percentile,) = refused(tariff(percentile(direction="up")))
    assert of_percentile.endswith(f"{words}, maxOfPercentiles")
    (named,) = refused(tariff(volume((None, "1"), direction="maxOfPercentiles")))
    assert "'maxOfPercentiles' is for percentile charges only: one of in, out, sum, max" in named


THRESHOLD_OF_P = threshold(physicalNetworks=["p"])
SAME_LIST = "a second price list of contract 't' valid from 2026-01-01"


@pytest.mark.parametrize(
    ("bad", "other", "expected"),
    [
        pytest.param(tariff(fixed("x")), tariff(fixed("1")), SAME_LIST, id="one list twice"),
        pytest.param(tariff(fixed("1"), minimum="x"), tariff(fixed("1")), SAME_LIST, id="whatever is wrong"),
        pytest.param(tariff(fixed("x")), tariff(fixed("1"), currency="EUR"), "EUR here, but USD", id="currencies"),
        pytest.param(policy(mode="on"), policy(), "a second SwitchPolicy named 'x'", id="names"),
        pytest.param(
            threshold(physicalNetworks=["p"], fill="2"), THRESHOLD_OF_P, "a second threshold for 'p'", id="thresholds"
        ),
        pytest.param(
            tariff(fixed("x")), network() | {"metadata": {"name": "q"}}, "network 'p': known are q", id="known"
        ),
    ],
)
def test_an_object_with_a_problem_is_compared_with_the_others(
    bad: dict[str, Any], other: dict[str, Any], expected: str
) -> None:
    alone, together = refused(bad), refused(bad, other)
    assert set(alone) < set(together), together
    assert any(expected in problem for problem in together), together


@pytest.mark.parametrize(
    ("bad", "others"),
    [
        pytest.param(network(sla="200"), [tariff(fixed("1")), network() | {"metadata": {"name": "q"}}], id="a network"),
        pytest.param(tariff(fixed("1"), timezone="Mars"), [tariff(fixed("1"))], id="a time zone that is none"),
        pytest.param(tariff(fixed("1"), recordedAt="now"), [tariff(fixed("1"))], id="a time that is none"),
        pytest.param(tariff(fixed("1"), recordetAt="now"), [tariff(fixed("1"))], id="a misspelt time"),
        pytest.param(threshold(physicalNetwork=["p"]), [threshold() | {"metadata": {"name": "y"}}], id="networks"),
        pytest.param(threshold() | {"spec": 3}, [threshold() | {"metadata": {"name": "y"}}], id="no threshold"),
        pytest.param(policy() | {"metadata": {"nmae": "x"}}, [policy() | {"metadata": {}}], id="a misspelt name"),
    ],
)
def test_what_only_follows_from_a_bad_object_is_not_told_of_others(
    bad: dict[str, Any], others: list[dict[str, Any]]
) -> None:
    assert refused(bad, *others) == refused(bad)


def test_only_the_documented_names_of_fields_are_known() -> None:
    tiers = [{"up_to": "9", "price": "1"}]
    found = told(
        tariff({"volume": {"direction": "out", "unit": "GB", "tiers": tiers}}, valid_to="2027-01-01T00:00:00Z")
    )
    assert found == {
        "spec.charges[0].volume.tiers[0].up_to": "unknown field 'up_to', did you mean 'upTo'?",
        "spec.valid_to": "unknown field 'valid_to', did you mean 'validTo'?",
    }
