"""Objects beside each other: what must fit together, and what is learned later."""

from __future__ import annotations

import pytest

from switcher.errors import BadInputError
from switcher.objects.load import book_from_documents, extend, parse_documents
from tests.unit.pricing import at, fixed, tariff, volume

POLICY = "kind: SwitchPolicy\nmetadata: {name: x}\nspec:\n"
THRESHOLD = "kind: CongestionThreshold\nmetadata: {name: x}\nspec:\n"


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        pytest.param(tariff(fixed("2")), "a second price list of contract 't' valid from 2026-01-01", id="equal lists"),
        pytest.param(
            tariff(fixed("2"), validFrom="2026-02-01T00:00:00Z", currency="EUR"), "EUR here, but USD", id="currency"
        ),
        pytest.param(
            tariff(fixed("2"), validFrom="2026-02-01T00:00:00Z", billingPeriod={"unit": "day"}),
            "must agree",
            id="period",
        ),
    ],
)
def test_lists_of_one_contract_must_fit_together(second: dict[str, object], expected: str) -> None:
    with pytest.raises(BadInputError, match=expected):
        book_from_documents([tariff(fixed("1")), second])


def test_two_objects_of_one_kind_and_name_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"a second SwitchPolicy named 'x': the first is in f\.yaml, line 1"):
        book_from_documents(parse_documents(f"{POLICY}  {{}}\n---\n{POLICY}  {{}}\n", "f.yaml"))


def test_two_thresholds_for_one_network_are_refused() -> None:
    named = THRESHOLD + "  {physicalNetworks: [p]}\n"
    with pytest.raises(BadInputError, match="a second threshold for 'p': 'x' is one already"):
        parse_documents(f"{named}---\n{named.replace('name: x', 'name: y')}", "f.yaml")


def test_a_physical_network_must_exist_where_the_inputs_name_some() -> None:
    known = {"kind": "PhysicalNetwork", "metadata": {"name": "q"}, "spec": {"refer_nic": "eth1"}}
    with pytest.raises(BadInputError, match=r"spec.physicalNetworks\[0\]: unknown physical network 'p': known are q"):
        book_from_documents([tariff(fixed("1")), known])
    book_from_documents([tariff(fixed("1"))])


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        ("cni:a", None),
        ("a", None),
        ("nad:x/b", None),
        ("c", "unknown network 'c': known are cni:a, cni:b, nad:x/b"),
        ("b", "'b' may be cni:b or nad:x/b: write which"),
    ],
)
def test_candidates_must_exist_where_networks_are_known(candidate: str, expected: str | None) -> None:
    policy = {"kind": "SwitchPolicy", "metadata": {"name": "x"}, "spec": {"candidates": [candidate]}}
    known = {"cni:a", "cni:b", "nad:x/b"}
    if expected is None:
        assert book_from_documents([policy], known_networks=known).policies
    else:
        with pytest.raises(BadInputError, match=expected):
            book_from_documents([policy], known_networks=known)


def test_objects_learned_later_extend_a_book() -> None:
    book = book_from_documents([tariff(fixed("1")), {"kind": "SwitchPolicy", "metadata": {"name": "x"}, "spec": {}}])
    newer = [tariff(fixed("2")), {"kind": "SwitchPolicy", "metadata": {"name": "x"}, "spec": {"priority": 3}}]
    more = extend(book, newer, recorded_at=at("2026-06-01"))
    assert [each.spec.recorded_at for each in more.tariffs] == [None, at("2026-06-01")]
    assert [each.spec.priority for each in more.policies] == [3]
    assert len(book.tariffs) == 1


def test_recorded_at_of_a_document_is_kept() -> None:
    document = tariff(volume((None, "1")), recordedAt="2026-01-05T00:00:00Z")
    book = book_from_documents([document], recorded_at=at("2026-06-01"))
    assert book.tariffs[0].spec.recorded_at == at("2026-01-05")
