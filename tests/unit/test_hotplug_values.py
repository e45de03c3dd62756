"""Hot add and remove as values: what an edited annotation changes, names of new interfaces, main after an ADD."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni.hotplug.changes import Changes, Found, Wish, wanted_changes
from cni.hotplug.main_table import amendment, still_possible
from cni.hotplug.targets import next_name
from cni.kernel.routing import Route, route


def wishes(text: str) -> list[Wish]:
    """``a,b@net1`` as an annotation has it."""
    parts = [part.partition("@") for part in text.split(",") if part]
    return [Wish(element, ifname or None, place) for place, (element, _, ifname) in enumerate(parts)]


def found(text: str) -> list[Found]:
    return [Found(wish.element, wish.ifname or "") for wish in wishes(text)]


@pytest.mark.parametrize(
    ("now", "recorded", "changed"),
    [
        ("a,b", "a@net1,b@net2", Changes()),
        ("b,a", "a@net1,b@net2", Changes()),
        ("a@net1", "a@net1", Changes()),
        ("a", "a@up", Changes()),
        ("a,a", "a@net1", Changes(adds=(Wish("a", None, 1),))),
        ("a@net2,a", "a@net1,a@net2", Changes()),
        ("a,a@net1", "a@net1", Changes(adds=(Wish("a", None, 0),))),
        ("", "a@net1,b@net2", Changes(removes=(Found("b", "net2"), Found("a", "net1")))),
        ("b", "a@net1", Changes(adds=(Wish("b", None, 0),), removes=(Found("a", "net1"),))),
        ("a@net2", "a@net1", Changes(adds=(Wish("a", "net2", 0),), removes=(Found("a", "net1"),))),
        ("b@net1", "a@net1", Changes(swaps=((Found("a", "net1"), Wish("b", "net1", 0)),))),
        (
            "a,b@net1",
            "a@net1",
            Changes(swaps=((Found("a", "net1"), Wish("b", "net1", 1)),), adds=(Wish("a", None, 0),)),
        ),
        (
            "b@net1,a@net2",
            "a@net1,b@net2",
            Changes(swaps=((Found("a", "net1"), Wish("b", "net1", 0)), (Found("b", "net2"), Wish("a", "net2", 1)))),
        ),
    ],
    ids=[
        "nothing", "another order", "named", "no name is any name", "twice", "named first", "a second one", "all gone",
        "another network", "another name", "another network by the same name", "its name is wanted", "exchanged",
    ],
)  # fmt: skip
def test_N18_what_an_edit_changes(now: str, recorded: str, changed: Changes) -> None:
    assert wanted_changes(wishes(now), found(recorded)) == changed
    assert bool(wanted_changes(wishes(now), found(recorded))) is (changed != Changes())


def test_N18_one_interface_asked_for_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="net1"):
        wanted_changes(wishes("a@net1,b@net1"), [])


elements = st.sampled_from(["a", "b", "c"])
names = st.sampled_from(["net1", "net2", "up"])
requested = st.lists(st.tuples(elements, st.none() | names), max_size=5, unique_by=lambda each: each[1] or object())
have = st.lists(st.tuples(elements, names), max_size=3, unique_by=lambda each: each[1])


@given(requested, have)
def test_N18_a_second_look_finds_nothing_to_do(
    asked: list[tuple[str, str | None]], there: list[tuple[str, str]]
) -> None:
    now = [Wish(element, ifname, place) for place, (element, ifname) in enumerate(asked)]
    recorded = [Found(*each) for each in there]
    changes = wanted_changes(now, recorded)
    swapped = {old: Found(wish.element, old.name) for old, wish in changes.swaps}
    after = [swapped.get(each, each) for each in recorded if each not in changes.removes]
    fresh = iter(f"eth{number}" for number in range(9))
    after += [Found(wish.element, wish.ifname or next(fresh)) for wish in changes.adds]
    assert len(after) == len(now)
    assert len({each.name for each in after}) == len(after), "no name is used twice"
    assert not wanted_changes(now, after)
    kept = {(each.element, each.name) for each in recorded} - {(each.element, each.name) for each in changes.removes}
    assert all(old in recorded for old, _ in changes.swaps)
    assert {(wish.element, wish.ifname) for wish in changes.adds}.isdisjoint(
        kept - {(o.element, o.name) for o in swapped}
    )


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        ({"lo"}, "eth0"),
        ({"lo", "eth0"}, "eth1"),
        ({"eth0", "eth2"}, "eth1"),
        ({"eth0", "net1"}, "net2"),
        ({"eth0", "net2", "net3"}, "net1"),
        ({"foo", "network1"}, "eth0"),
    ],
)
def test_the_next_free_name(taken: set[str], name: str) -> None:
    assert next_name(taken) == name


def test_the_next_free_name_of_a_series_that_is_said() -> None:
    assert next_name({"eth0", "net1"}, "eth") == "eth1"
    assert next_name({"eth0", "eth1"}, "net") == "net1"


OLD, NEW, OTHER = 2, 3, 4
WAY = route("0.0.0.0/0", OLD, "10.1.0.1")
NEAR = route("198.51.100.0/24", OLD, "10.1.0.1", metric=7)


def stolen(destination: str = "0.0.0.0/0", **fields: int) -> Route:
    return route(destination, NEW, "10.9.0.1", **fields)


@pytest.mark.parametrize(
    ("present", "gone", "new"),
    [
        ([WAY, NEAR], [], []),
        ([stolen(), WAY, NEAR], [stolen()], []),
        ([stolen(), NEAR], [stolen()], [WAY]),
        ([WAY, NEAR, stolen("203.0.113.0/24")], [], []),
        ([WAY, stolen("198.51.100.0/24"), NEAR], [stolen("198.51.100.0/24")], [stolen("198.51.100.0/24", metric=8)]),
        ([WAY, NEAR, route("0.0.0.0/0", OTHER, "10.7.0.1")], [], []),
    ],
    ids=[
        "untouched",
        "before the old",
        "instead of the old",
        "to somewhere new",
        "to a known place",
        "a third party's",
    ],
)
def test_what_main_loses_and_gets(present: list[Route], gone: list[Route], new: list[Route]) -> None:
    assert amendment([WAY, NEAR], present, NEW) == (gone, new)


def test_routes_of_links_that_went_are_not_brought_back() -> None:
    assert still_possible([WAY, stolen()], {1, NEW}) == [stolen()]
    assert amendment([WAY], [], None) == ([], [WAY])
