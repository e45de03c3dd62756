"""The choice for a workload that leaves it open: who decides, what is out, and the errors of CNI-Genie not repeated."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni.protocol import CniError
from cni.smart import Candidate, NoNetworkError, Questionnaire, Source, Word
from cni.smart.outlook import Outlook, Reservation
from cni.wire import RankedNetwork
from tests.support.smart import MBPS, NOW, candidate, chosen, entry, load, loads, outlook

A, B, C = candidate("a"), candidate("b"), candidate("c")


def words(choice_or_error: Any) -> dict[str, set[str]]:
    """By network: why it was left out."""
    return {other.network: {str(one.word) for one in other.objections} for other in choice_or_error.left_out}


def refused(seen: Outlook, *candidates: Candidate, **asked: Any) -> NoNetworkError:
    with pytest.raises(NoNetworkError) as caught:
        chosen(seen, *candidates, asked=Questionnaire(**asked))
    return caught.value


# Who decides.


def test_the_ranking_decides_and_says_the_price_and_its_age() -> None:
    choice = chosen(outlook(entry("a", 2, "6.90"), entry("b", 1, "3.47")), A, B)
    assert (choice.network, choice.source, choice.age_seconds) == ("cni:b", Source.RANKING, 12.0)
    assert "12 s ago" in choice.reason
    assert "3.47 USD per hour" in choice.reason
    assert "6.90" in str(choice.left_out[0])


def test_without_a_ranking_the_uplink_that_is_used_least_wins() -> None:
    choice = chosen(outlook(loads=loads(a=60, b=20, c=40)), A, B, C)
    assert (choice.network, choice.source, choice.age_seconds) == ("cni:b", Source.COUNTERS, None)
    assert "used by 21%" in choice.reason


def test_equal_use_goes_to_the_network_with_more_free_addresses() -> None:
    few, many = candidate("a", free_addresses=3), candidate("b", free_addresses=200)
    assert chosen(outlook(loads=loads(a=10, b=10, c=10)), few, many, C).network == "cni:b"


def test_with_nothing_known_it_is_the_nodes_default() -> None:
    choice = chosen(outlook(default="cni:b"), A, B, C)
    assert (choice.network, choice.source) == ("cni:b", Source.DEFAULT)


def test_what_is_known_is_preferred_to_what_is_not() -> None:
    assert chosen(outlook(loads=loads(b=90), default="cni:a"), A, B).network == "cni:b"


def test_an_unpriced_network_is_taken_only_when_no_ranked_one_has_room() -> None:
    unpriced = entry("a", price=None, reason="UnknownPrice")
    choice = chosen(outlook(unpriced, entry("b", 1), loads=loads(a=1, b=50)), A, B)
    assert choice.network == "cni:b"
    assert words(choice) == {"cni:a": {"NotRanked"}}
    full = chosen(outlook(unpriced, entry("b", 1, room=0.5), loads=loads(a=1, b=50)), A, B)
    assert (full.network, full.source) == ("cni:a", Source.COUNTERS)


def test_a_full_site_still_starts_pods_where_most_room_is_left() -> None:
    full = outlook(entry("a", reason="NoCapacity", room=-9), entry("b", reason="NoCapacity", room=-1))
    choice = chosen(Outlook(demand_bps=MBPS, ranking=full.ranking, age_seconds=1.0, loads=loads(a=95, b=80)), A, B)
    assert (choice.network, choice.source) == ("cni:b", Source.COUNTERS)


def test_a_stated_demand_is_priced_not_ranked_by_what_others_carry() -> None:
    flat = entry("a", 2, "1.00")
    metered = entry("b", 1, "0.10", price_per_gb="0.05")
    assert chosen(outlook(flat, metered), A, B).network == "cni:b"
    assert chosen(outlook(flat, metered), A, B, asked=Questionnaire(demand_bps=90 * MBPS)).network == "cni:a"


def test_congestion_is_part_of_the_cost_of_a_stated_demand() -> None:
    crowded = entry("a", 2, "1.00", congestion_per_gb="0.10")
    assert chosen(outlook(crowded, entry("b", 1, "2.00")), A, B, asked=Questionnaire(demand_bps=50 * MBPS)).network == (
        "cni:b"
    )


def test_counters_bound_what_an_old_ranking_promises() -> None:
    seen = outlook(entry("a", 1, room=70), entry("b", 2), loads=loads(a=99.5, b=0))
    assert chosen(seen, A, B).network == "cni:b"


# What is out.


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        pytest.param({"missing": ("bridge",)}, Word.NOT_INSTALLED, id="plugin not installed"),
        pytest.param({"uplink_up": False}, Word.UPLINK_DOWN, id="uplink down"),
        pytest.param({"free_addresses": 0}, Word.NO_ADDRESS, id="pool exhausted"),
    ],
)
def test_the_best_ranked_is_skipped_when_the_node_cannot_use_it(changed: dict[str, Any], word: Word) -> None:
    choice = chosen(outlook(entry("a", 1), entry("b", 2)), candidate("a", **changed), B)
    assert choice.network == "cni:b"
    assert words(choice) == {"cni:a": {word}}


def test_a_ranked_network_that_is_no_candidate_is_never_chosen() -> None:
    assert chosen(outlook(entry("a", 1), entry("b", 2)), B).network == "cni:b"


def test_a_network_that_failed_lately_comes_last_but_is_not_out() -> None:
    seen = outlook(entry("a", 1), entry("b", 2), failing=frozenset({"cni:a"}))
    choice = chosen(seen, A, B)
    assert choice.network == "cni:b"
    assert words(choice) == {"cni:a": {"FailedLately"}}
    assert chosen(seen, A).network == "cni:a"


def test_addresses_on_their_way_are_left_to_those_who_chose_them() -> None:
    small = candidate("a", free_addresses=2)
    seen = outlook(entry("a", 1), entry("b", 2), arriving={"cni:a": 2})
    assert chosen(seen, small, B).network == "cni:b"
    assert chosen(seen, small).network == "cni:a", "some of them may have been counted already"


LIMITS: list[Any] = [
    pytest.param({"networks": ("b",)}, "cni:a", Word.NOT_ASKED, id="networks"),
    pytest.param({"exclude": ("cni:a",)}, "cni:a", Word.NOT_ASKED, id="exclude"),
    pytest.param({"min_capacity_bps": 500 * MBPS}, "cni:a", Word.TOO_SMALL, id="minCapacity"),
    pytest.param({"min_sla": Decimal(95)}, "cni:a", Word.SLA_TOO_LOW, id="minSla"),
    pytest.param({"max_price_per_hour": Decimal(2)}, "cni:a", Word.TOO_DEAR, id="maxPricePerHour"),
    pytest.param({"max_price_per_gb": Decimal("0.01")}, "cni:a", Word.TOO_DEAR, id="maxPricePerGB"),
    pytest.param({"max_utilisation": Decimal("0.4")}, "cni:a", Word.TOO_BUSY, id="maxUtilisation"),
    pytest.param({"max_latency_ms": 20.0}, "cni:a", Word.TOO_SLOW, id="maxLatency"),
    pytest.param({"demand_bps": 50 * MBPS}, "cni:a", Word.NO_CAPACITY, id="demand"),
]
KNOWN = outlook(
    entry("a", 1, "3", room=30, price_per_gb="0.02", latency_ms=50.0, sla="90"),
    entry("b", 2, "1", room=300, price_per_gb="0.01", latency_ms=5.0, sla="99.9"),
    loads={"pa": load(40), "pb": load(100, capacity=1000)},
)


@pytest.mark.parametrize(("asked", "left_out", "word"), LIMITS)
def test_every_answer_of_the_questionnaire_narrows_the_choice(asked: dict[str, Any], left_out: str, word: Word) -> None:
    choice = chosen(KNOWN, A, B, asked=Questionnaire(**asked))
    assert choice.network == "cni:b"
    assert word in words(choice)[left_out]


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"min_capacity_bps": 1.0}, Word.TOO_SMALL),
        ({"min_sla": Decimal(1)}, Word.SLA_TOO_LOW),
        ({"max_price_per_hour": Decimal(99)}, Word.UNKNOWN_PRICE),
        ({"max_price_per_gb": Decimal(99)}, Word.UNKNOWN_PRICE),
        ({"max_utilisation": Decimal(1)}, Word.TOO_BUSY),
        ({"max_latency_ms": 1e6}, Word.TOO_SLOW),
    ],
)
def test_what_is_not_known_satisfies_no_limit(asked: dict[str, Any], word: Word) -> None:
    assert words(refused(outlook(default="cni:a"), A, **asked)) == {"cni:a": {word}}


def test_a_demand_whose_room_is_not_known_is_no_reason_to_refuse() -> None:
    assert chosen(outlook(default="cni:a"), A, asked=Questionnaire(demand_bps=9e9)).network == "cni:a"


def test_the_nodes_own_figure_of_an_sla_counts_before_the_rankings() -> None:
    asked = Questionnaire(min_sla=Decimal(95))
    assert chosen(outlook(entry("a", 1, sla="90")), candidate("a", sla=Decimal(99)), asked=asked).network == "cni:a"


# When nothing is left.


def test_every_candidate_is_named_with_all_that_stands_against_it() -> None:
    down = candidate("b", uplink_up=False, missing=("vlan", "host-local"))
    error = refused(outlook(), candidate("a", free_addresses=0), down, networks=("a", "b", "wlan"))
    assert error.details == (
        "cni:a (NoAddress: no address is free); "
        "cni:b (NotInstalled: plugin vlan, host-local is not installed on this node; "
        "UplinkDown: the uplink of pb is down or missing); "
        "wlan (NotInstalled: this node has no configuration for it)"
    )


@pytest.mark.parametrize(
    ("candidates", "asked", "code"),
    [
        pytest.param([candidate("a", free_addresses=0)], {}, 11, id="an address may be given back"),
        pytest.param([candidate("a", uplink_up=False)], {}, 11, id="an uplink may come up"),
        pytest.param([A], {"max_price_per_hour": Decimal(1)}, 11, id="a ranking may come"),
        pytest.param([candidate("a", missing=("x",))], {}, 100, id="nobody installs it meanwhile"),
        pytest.param([A], {"exclude": ("a",)}, 100, id="what is asked does not change"),
        pytest.param([candidate("a", free_addresses=0)], {"exclude": ("a",)}, 100, id="one reason of two stays"),
        pytest.param([candidate("a", free_addresses=0), B], {"exclude": ("b",)}, 11, id="hope for one is enough"),
        pytest.param([], {}, 100, id="no network at all"),
    ],
)
def test_the_runtime_shall_try_again_only_when_that_may_help(
    candidates: list[Candidate], asked: dict[str, Any], code: int
) -> None:
    error = refused(outlook(), *candidates, **asked)
    assert isinstance(error, CniError)
    assert error.code == code


# The same answer, whatever the order.

NAMES = ("a", "b", "eth", "weave-net", "x")


@given(
    st.permutations(NAMES),
    st.dictionaries(st.sampled_from(NAMES), st.integers(0, 110)),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from([None, 1, 1, 2])),
    st.sets(st.sampled_from(NAMES)),
)
def test_the_order_of_candidates_decides_nothing(
    order: list[str], used: dict[str, float], ranks: dict[str, int | None], failing: set[str]
) -> None:
    entries: list[RankedNetwork] = [entry(name, rank) for name, rank in ranks.items()]
    seen = outlook(*entries, loads=loads(**used), failing=frozenset(f"cni:{name}" for name in failing))
    straight = chosen(seen, *(candidate(name) for name in NAMES))
    assert chosen(seen, *(candidate(name) for name in order)) == straight
    assert {other.network for other in straight.left_out} == {f"cni:{name}" for name in NAMES} - {straight.network}


# What CNI-Genie's smart selection did wrong (its genie-cadvisor-client.go), and this one must not.


@pytest.mark.parametrize("name", ["flannel", "calico", "weave", "bridge", "macvlan", "sriov", "canal", "cilium", "zz"])
def test_genie_a_i_any_network_can_be_chosen_not_three_by_name(name: str) -> None:
    others = [candidate(f"other{number}") for number in range(3)]
    busy = {f"other{number}": 50.0 for number in range(3)}
    assert chosen(outlook(loads=loads(**busy, **{name: 10.0})), candidate(name), *others).network == f"cni:{name}"


def test_genie_b_a_network_that_is_not_installed_never_beats_a_busy_one() -> None:
    absent = candidate("flannel", missing=("flannel",))
    assert chosen(outlook(loads=loads(weave=99)), absent, candidate("weave")).network == "cni:weave"


def test_genie_c_ties_break_by_name_every_time() -> None:
    names = ("weave", "flannel", "calico")
    for order in itertools.permutations(names):
        assert (
            chosen(outlook(loads=loads(weave=7, flannel=7, calico=7)), *map(candidate, order)).network == "cni:calico"
        )


def test_genie_j_what_was_assigned_a_moment_ago_counts() -> None:
    reserved = [Reservation(NOW, "pa", 30 * MBPS)]
    assert chosen(outlook(loads=loads(a=10, b=20), reserved=reserved), A, B).network == "cni:b"
