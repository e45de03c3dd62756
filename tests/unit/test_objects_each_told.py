"""Every problem of a place is told, and none that only follows from another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import yaml
from pydantic_core import PydanticCustomError

from switcher.objects.load import book_from_documents, load, parse_documents
from switcher.objects.values import duration
from tests.unit.pricing import fixed, tariff, volume
from tests.unit.refusing import network, problems, refused

CASES = "unknown physical network"


def test_two_problems_of_one_place_are_both_told() -> None:
    lists = [tariff(fixed(price), name=name, contract="k") for name, price in (("a", "1"), ("b", "2"))]
    lists[1]["spec"]["validTo"] = "2025-01-01T00:00:00Z"
    found = refused(lists[0], {**lists[1], "metadata": {"name": "b"}})
    assert sum("spec.validTo" in line for line in found) == 1
    assert sum("a second price list of contract 'k'" in line for line in found) == 1
    twice = problems(parse_documents, "kind: Tariff\nspec: {}\nspex: {}\nspex: {}\n", "f.yaml")
    assert sum("f.yaml:4: spex: 'spex' is given twice" in line for line in twice) == 1
    assert sum("unknown field 'spex'" in line for line in twice) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("{price: !!python/object:os.system x, per: hour}", "is not allowed", id="a tag"),
        pytest.param("{price: 010, per: hour}", 'YAML reads 010 as the number 8: quote it: "010"', id="an octal"),
    ],
)
def test_what_yaml_cannot_read_is_not_judged_again(text: str, told: str) -> None:
    whole = f"""
kind: Tariff
metadata: {{name: a}}
spec:
  physicalNetworks: [p]
  currency: USD
  billingPeriod: {{unit: month}}
  validFrom: 2026-01-01T00:00:00Z
  charges: [{{name: c, fixed: {text}}}]
"""
    (only,) = problems(parse_documents, whole, "f.yaml")
    assert told in only


@pytest.mark.parametrize("version", [7, "v2", ["switcher.genie.io/v1alpha1"]])
def test_a_wrong_version_is_told_once(version: Any) -> None:
    (only,) = refused({**tariff(fixed("1")), "apiVersion": version})
    assert "must be switcher.genie.io/v1alpha1 for Tariff" in only


@pytest.mark.parametrize(("before", "wrong"), [("100", "-1"), ("100", "0"), (None, "0")])
def test_a_tier_that_ends_at_zero_or_below_is_not_also_out_of_order(before: str | None, wrong: str) -> None:
    ends = [each for each in (before, wrong) if each is not None]
    (only,) = refused(tariff(volume(*((each, "1") for each in ends), (None, "1"))))
    assert f"spec.charges[0].volume.tiers[{len(ends) - 1}].upTo: '{wrong}' must be above zero" in only


def test_as_much_as_is_allowed_is_accepted_and_no_more() -> None:
    """The table of docs/tariffs.md."""
    tiers = [(str(number), "1") for number in range(1, 1001)]
    window = {"from": "22:00", "to": "06:00", "multiply": "1"}
    steps = [{"from": number, "multiply": "1"} for number in range(2, 1003)]
    right = [
        volume(*tiers[:999], (None, "1")),
        volume((None, "1"), schedule=[window] * 100),
        fixed("1", nth=steps[:1000]),
    ]
    book_from_documents([tariff(*right)])
    for more in (volume(*tiers, (None, "1")), volume((None, "1"), schedule=[window] * 101), fixed("1", nth=steps)):
        (only,) = refused(tariff(more))
        assert "has too many elements" in only
    assert duration("3660d") == timedelta(days=3660)
    with pytest.raises(PydanticCustomError, match="is absurdly long"):
        duration("3661d")


@pytest.mark.parametrize(
    ("kind", "meant"),
    [
        ("PhysicalNetwrok", "PhysicalNetwork"),
        ("physicalNetwork", "PhysicalNetwork"),
        ("PHYSICALNETWORK", "PhysicalNetwork"),
        ("PhysicalNetworks", "PhysicalNetwork"),
    ],
)
def test_a_misspelt_kind_is_told_alone_and_as_what_it_is_meant(kind: str, meant: str) -> None:
    """The network of the tariff is there: that it is unknown only follows from its kind."""
    other = {**network(), "metadata": {"name": "q"}}
    (only,) = refused({**network(), "kind": kind}, other, tariff(fixed("1")))
    assert f"kind: unknown kind {kind!r}, did you mean {meant!r}?" in only


def test_what_is_wrong_with_an_object_of_a_misspelt_kind_is_told_too() -> None:
    kind, price = refused({**tariff(fixed("x")), "kind": "Tarif"})
    assert "did you mean 'Tariff'?" in kind
    assert "spec.charges[0].fixed.price: 'x' must be a decimal number" in price


def test_a_kind_that_resembles_none_is_not_judged_as_another() -> None:
    (only,) = refused({"kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 1}})
    assert "unknown kind 'Deployment': known are Tariff, " in only


@pytest.mark.parametrize("kind", [{}, {"kind": "Uplink"}], ids=["no kind", "any kind"])
def test_an_object_of_which_nobody_knows_the_kind_may_be_the_network_that_a_list_names(kind: dict[str, str]) -> None:
    nameless = {**kind, "metadata": {"name": "p"}, "spec": {"refer_nic": "eth0"}}
    found = refused(
        nameless,
        {**network(), "metadata": {"name": "q"}},
        tariff(fixed("1")),
        tariff(fixed("1"), name="u", physicalNetworks=["z"]),
    )
    assert [CASES in line for line in found] == [False, True], found
    assert "unknown physical network 'z'" in found[1]


def test_a_file_that_cannot_be_read_may_have_the_network_that_a_list_names(tmp_path: Any) -> None:
    (tmp_path / "a.yaml").write_text("kind: PhysicalNetwork\nmetadata: {name: q}\nspec: {refer_nic: eth0}\n")
    (tmp_path / "b.yaml").write_text("kind: PhysicalNetwork\nmetadata: {name: p\n")
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(tariff(fixed("1"))))
    (only,) = problems(load, [tmp_path])
    assert "no valid YAML" in only
    (tmp_path / "b.yaml").write_bytes(b"\xff")
    (only,) = problems(load, [tmp_path])
    assert "is not UTF-8 text" in only
