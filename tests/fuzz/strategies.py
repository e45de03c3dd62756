"""Hypothesis strategies: a real request, changed here and there as a tree, and now and then bytewise."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.case import DAMAGED, Case, Damage, rendered
from tests.fuzz.corpus import ADDS, OTHERS, REQUESTS
from tests.fuzz.documents import Pairs, Place, Text, Tree, content, copied, drop, places, put, standing
from tests.fuzz.odd import ANYWHERE, KEYS, TAILORED, YAML

MOST_CHANGES = 3
PARTS = (*("confs", "annotations", "netconf", "objects") * 3, "args", "env")
DEEP = 3
"""Places above this level are soon told from what is right: most changes are made below it."""

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_anything = st.sampled_from(ANYWHERE) | _json
_CHARACTERS = string.printable + "\0é\u2028\ud800\U0001d54f"

Draw = Callable[[st.SearchStrategy[Any]], Any]


@st.composite
def cases(draw: Draw) -> Case:
    """One request, from changed in one place to hardly recognisable."""
    # An ADD is what most can go wrong with.
    request = copied(draw(st.sampled_from(ADDS) | st.sampled_from(ADDS) | st.sampled_from(OTHERS)))
    for _ in range(draw(st.integers(1, MOST_CHANGES))):
        _change(draw, request)
    damage = []
    if draw(st.integers(0, 7)) == 7:
        damage.append(draw(damages()))
    objects = draw(st.sampled_from(YAML)) if draw(st.integers(0, 49)) == 49 else None
    names = sorted(map(str, request["args"])) if isinstance(request.get("args"), dict) else []
    order = draw(st.permutations(names)) if draw(st.integers(0, 9)) == 9 else ()
    return rendered(request, damage, objects, order, binary=draw(st.integers(0, 9)) == 9)


@st.composite
def changed(draw: Draw, document: Tree) -> bytes:
    """One document, changed like a part of a request."""
    root = {"document": copied(document)}
    for _ in range(draw(st.integers(1, MOST_CHANGES))):
        _change_in(draw, root)
    data = content(root.get("document"))
    return draw(damages()).done_to(data) if draw(st.integers(0, 9)) == 9 else data


@st.composite
def damages(draw: Draw) -> Damage:
    """A few bytes of one part changed, lost, doubled or cut off."""
    return Damage(
        part=draw(st.sampled_from(DAMAGED)),
        kind=draw(st.sampled_from(["put", "lose", "double", "cut", "flip"])),
        place=draw(st.integers(0, 2000)),
        data=draw(st.binary(min_size=1, max_size=4) | st.sampled_from([b"\0", b'"', b"\\", b"{", b"=", b";", b"\xff"])),
    )


def _change(draw: Draw, request: Tree) -> None:
    # The part first: some have many more places than others. The environment is soon refused, so it comes less often.
    part = draw(st.sampled_from([part for part in PARTS if request.get(part)]))
    holder = {part: request.pop(part)}
    _change_in(draw, holder)
    request.update(holder)


def _change_in(draw: Draw, holder: Tree) -> None:
    found = list(places(holder))
    if not found:
        return  # everything was dropped before
    deep = [place for level, place in found if level >= DEEP]
    place = draw(st.sampled_from(deep if deep and draw(st.integers(0, 3)) else [place for _, place in found]))
    draw(st.sampled_from(CHANGES))(draw, place)


def _odd(draw: Draw, place: Place) -> None:
    put(place, copied(draw(_anything)))


def _tailored(draw: Draw, place: Place) -> None:
    put(place, copied(draw(st.sampled_from(TAILORED.get(str(place[1]), ANYWHERE)))))


def _drop(_: Draw, place: Place) -> None:
    drop(place)


def _retype(draw: Draw, place: Place) -> None:
    value = standing(place)
    ways: Sequence[Tree] = ([value], {"a": value}, Text(value), str(value)[:300], [value, value], bool(value))
    put(place, draw(st.sampled_from(ways)))


def _double(draw: Draw, place: Place) -> None:
    """A key twice in its object, or an element twice in its list."""
    value = standing(place)
    if isinstance(value, dict) and value:
        key = draw(st.sampled_from(sorted(map(str, value))))
        put(place, Pairs([*((str(k), v) for k, v in value.items()), (key, copied(draw(_anything)))]))
    elif isinstance(value, list) and value:
        value.append(copied(draw(st.sampled_from(value))))
    else:
        _text(draw, place)


def _add(draw: Draw, place: Place) -> None:
    """Another key beside this one, or within it."""
    value = standing(place)
    holder = value if isinstance(value, dict) else place[0]
    if not isinstance(holder, dict):
        _odd(draw, place)
        return
    key = draw(st.sampled_from(KEYS) | st.text(max_size=8))
    holder[key] = copied(draw(st.sampled_from(TAILORED.get(str(key), ANYWHERE))))


def _rename(draw: Draw, place: Place) -> None:
    holder, key = place
    if isinstance(holder, dict):
        value = holder.pop(key)
        holder[draw(st.sampled_from([str(key).upper(), str(key)[:-1], f"{key} ", *KEYS]))] = value
    else:
        drop(place)


def _splice(draw: Draw, place: Place) -> None:
    """What stands in another request, under the same key where there is one."""
    other = draw(st.sampled_from(REQUESTS))
    found = [place for _, place in places(other)]
    alike = [each for each in found if each[1] == place[1]]
    put(place, copied(standing(draw(st.sampled_from(alike or found)))))


def _text(draw: Draw, place: Place) -> None:
    """A text with a character too many, too few or another."""
    value = standing(place)
    if not isinstance(value, str):
        _retype(draw, place)
        return
    at = draw(st.integers(0, len(value)))
    piece = draw(st.text(_CHARACTERS, max_size=3))
    put(place, value[:at] + piece + value[at + draw(st.integers(0, 2)) :])


CHANGES: tuple[Callable[[Draw, Place], None], ...] = (
    *(_odd, _tailored, _tailored, _tailored, _drop, _retype, _double, _add, _add, _rename, _splice, _splice, _text),
)
