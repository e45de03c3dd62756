"""What a node remembers between choices: rooms given away, addresses on their way, failures, the ranking's age."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cni.smart import Questionnaire, Rankings, Source
from cni.smart.failures import Failures
from cni.smart.received import NOTE, Received
from cni.store import Store
from tests.support.smart import MBPS, NOW, Node, candidate, entry, loads, ranking

SMALL, BIG = candidate("small"), candidate("big")


def two(small_room: float = 30.0, big_room: float = 700.0) -> Node:
    """A node whose ranking has a cheap small network and a dear big one."""
    node = Node()
    node.ranked(entry("small", 1, "3.47", small_room), entry("big", 2, "11.80", big_room))
    return node


def test_a_herd_within_one_tick_spreads_by_the_room_there_is() -> None:
    node = two()
    assert Counter(node.attach(SMALL, BIG) for _ in range(100)) == {"cni:small": 30, "cni:big": 70}


def test_a_herd_in_parallel_spreads_the_same_way_before_any_attachment_is_there() -> None:
    node = two()
    asked = Questionnaire()
    with ThreadPoolExecutor(32) as pool:
        choices = list(pool.map(lambda _: node.chooser.choose(asked, (BIG, SMALL)), range(100)))
    assert Counter(choice.network for choice in choices) == {"cni:small": 30, "cni:big": 70}


def test_a_stated_demand_takes_as_much_room_before_and_after_it_arrived() -> None:
    node = two()
    asked = Questionnaire(demand_bps=29 * MBPS)
    assert node.attach(SMALL, BIG, asked=asked) == "cni:small"
    assert [node.attach(SMALL, BIG) for _ in range(2)] == ["cni:small", "cni:big"]


def test_a_restarted_agent_knows_from_its_store_what_was_given_away() -> None:
    node = two()
    for _ in range(30):
        node.attach(SMALL, BIG)
    again = Node(received=node.received, started=node.started)
    assert again.attach(SMALL, BIG) == "cni:big"


def test_room_comes_back_when_an_attachment_is_gone_or_failed() -> None:
    node = two(small_room=1.0)
    assert [node.attach(SMALL, BIG) for _ in range(2)] == ["cni:small", "cni:big"]
    node.started.clear()
    node.now += 200
    node.ranked(entry("small", 1, room=1, sampled_at=node.now), entry("big", 2, "2", sampled_at=node.now))
    choice = node.chooser.choose(Questionnaire(), (SMALL, BIG))
    assert choice.network == "cni:small"
    node.chooser.failed(choice)
    node.now += 61
    assert node.attach(SMALL, BIG) == "cni:small"


def test_a_new_ranking_that_has_seen_the_herd_is_not_reduced_again() -> None:
    node = two()
    for _ in range(30):
        node.attach(SMALL, BIG)
    node.now += 120
    node.ranked(entry("small", 1, room=5, sampled_at=node.now), entry("big", 2, "2", sampled_at=node.now))
    assert Counter(node.attach(SMALL, BIG) for _ in range(10)) == {"cni:small": 5, "cni:big": 5}


def test_counters_count_what_came_after_their_samples() -> None:
    node = Node(loads=loads(small=50, big=50.6))
    assert Counter(node.attach(SMALL, BIG) for _ in range(20)) == {"cni:small": 10, "cni:big": 10}


def test_the_last_addresses_are_given_to_as_many_as_there_are() -> None:
    node = two()
    few = candidate("small", free_addresses=3)
    choices = [node.chooser.choose(Questionnaire(), (few, BIG)) for _ in range(6)]
    assert [choice.network for choice in choices] == ["cni:small"] * 3 + ["cni:big"] * 3
    node.chooser.failed(choices[0])
    node.chooser.succeeded("cni:small")
    assert node.chooser.choose(Questionnaire(), (few, BIG)).network == "cni:small"


def test_a_choice_of_which_nothing_is_heard_is_forgotten() -> None:
    node = two(small_room=1.0)
    lost = node.chooser.choose(Questionnaire(), (SMALL, BIG))
    assert node.attach(SMALL, BIG) == "cni:big"
    node.now += 181
    assert node.chooser.choose(Questionnaire(), (SMALL, BIG)).network == "cni:small"
    node.chooser.succeeded(lost)


def test_an_add_that_failed_before_it_tried_gives_its_room_back() -> None:
    node = two(small_room=1.0)
    choice = node.chooser.choose(Questionnaire(), (SMALL, BIG))
    node.chooser.settled(choice)
    assert node.attach(SMALL, BIG) == "cni:small"
    node.chooser.settled(choice)


@pytest.mark.parametrize("told", [False, True], ids=["before the chooser hears of it", "after"])
def test_an_attachment_in_the_store_is_counted_once(told: bool) -> None:
    node = two(small_room=2.0)
    choice = node.chooser.choose(Questionnaire(), (SMALL, BIG), container="first")
    node.started.append(("first", "psmall", NOW))
    if told:
        node.chooser.succeeded(choice)
        node.chooser.settled(choice)
    assert [node.attach(SMALL, BIG) for _ in range(2)] == ["cni:small", "cni:big"]


def test_what_was_deleted_soon_after_it_came_gives_its_room_back() -> None:
    node = two(small_room=2.0)
    asked = Questionnaire(demand_bps=2 * MBPS)
    assert node.attach(SMALL, BIG, asked=asked) == "cni:small"
    assert node.attach(SMALL, BIG) == "cni:big"
    node.started.clear()
    assert node.attach(SMALL, BIG) == "cni:small"


def test_a_pod_that_is_tried_again_does_not_fail_on_the_same_network_for_ever() -> None:
    node = two()
    first = node.chooser.choose(Questionnaire(), (SMALL, BIG))
    node.chooser.failed(first)
    second = node.chooser.choose(Questionnaire(), (SMALL, BIG))
    assert [first.network, second.network] == ["cni:small", "cni:big"]


# How old the ranking is.


@pytest.mark.parametrize(
    ("sent_age", "waited", "source"),
    [
        pytest.param(0.0, 599.0, Source.RANKING, id="young"),
        pytest.param(0.0, 601.0, Source.COUNTERS, id="too old"),
        pytest.param(590.0, 11.0, Source.COUNTERS, id="old when it came"),
        pytest.param(0.0, -1.0, Source.RANKING, id="the clock slewed"),
        pytest.param(0.0, -3600.0, Source.COUNTERS, id="the clock was set back: nobody knows"),
    ],
)
def test_a_ranking_decides_until_it_is_too_old(sent_age: float, waited: float, source: Source) -> None:
    node = Node(loads=loads(small=50, big=10))
    node.ranked(entry("small", 1, room=1e4), entry("big", 2, room=1e4), age_seconds=sent_age)
    node.now += waited
    choice = node.chooser.choose(Questionnaire(), (SMALL, BIG))
    assert choice.source is source
    assert choice.network == ("cni:small" if source is Source.RANKING else "cni:big")


def test_the_controllers_clock_is_not_compared_with_the_nodes() -> None:
    node = two()
    node.ranked(entry("small", 1), computed_at=NOW - 86_400, age_seconds=3.0)
    assert node.chooser.choose(Questionnaire(), (SMALL,)).age_seconds == 3.0


def test_a_restarted_agent_has_the_ranking_with_its_true_age(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    sent = ranking(entry("small", 1), age_seconds=40.0)
    Rankings(store, "n1", lambda: NOW).take(sent)
    store.close()
    again = Rankings(Store(tmp_path / "store.db"), "n1", lambda: NOW + 100).last()
    assert again is not None
    assert (again.ranking, again.age(NOW + 100)) == (sent, 140.0)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(ranking(entry("a", 1), node="n2"), id="another node's"),
        pytest.param(ranking(entry("a", 1, "dear")), id="a price that is no number"),
        pytest.param(ranking(entry("a", 1, "NaN")), id="a price that is not a number"),
        pytest.param(ranking(entry("a", 1, sla="gold")), id="an SLA that is no number"),
    ],
)
def test_a_bad_ranking_does_not_take_a_good_ones_place(tmp_path: Path, bad: object) -> None:
    rankings = Rankings(Store(tmp_path / "store.db"), "n1", lambda: NOW)
    good = ranking(entry("a", 1))
    rankings.take(good)
    rankings.take(bad)  # type: ignore[arg-type]  # rankings, collected in a list of objects
    assert rankings.last() == Received(NOW, good)


def test_a_note_that_cannot_be_read_is_as_none(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    store.keep_note(NOTE, '{"at": "yesterday"}')
    assert Rankings(store, "n1", lambda: NOW).last() is None


# Failures.


@pytest.mark.parametrize(("failures", "seconds"), [(1, 60), (2, 120), (100, 240)])
def test_failures_are_held_against_a_network_for_a_while(failures: int, seconds: float) -> None:
    memory = Failures()
    for _ in range(failures):
        memory.failed("cni:a", NOW)
    assert memory.avoided(NOW + seconds - 1) == {"cni:a"}
    assert memory.avoided(NOW + seconds + 1) == frozenset()


def test_a_success_clears_them() -> None:
    memory = Failures()
    memory.failed("cni:a", NOW)
    memory.succeeded("cni:a")
    assert memory.avoided(NOW) == frozenset()
