"""What an edited annotation changes on a running workload. Pure.

The NetworkAttachmentDefinition standard (1.3) leaves updates of a running pod open; these are our rules. What is asked
for is compared with what was asked for at attach time, never with the network that an attachment is on now: a live
switch is no change of mind. The key is the element as requested together with its interface.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wish:
    """One element of the annotation as it is now."""

    element: str
    """What it asks for, in one spelling, without its interface."""
    ifname: str | None
    """None: the interface may have any name."""
    place: int = 0
    """In the annotation."""


@dataclass(frozen=True, slots=True)
class Found:
    """One attachment that an annotation asked for, as it was asked for."""

    element: str
    name: str
    """Its interface's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is to be done, in this order: a new path before an old one goes."""

    swaps: tuple[tuple[Found, Wish], ...] = ()
    """Another element under the same interface name: for the live switch, which keeps the name and what uses it."""
    adds: tuple[Wish, ...] = ()
    removes: tuple[Found, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.swaps or self.adds or self.removes)


def wanted_changes(requested_now: Sequence[Wish], recorded: Sequence[Found]) -> Changes:
    """The fewest changes that make what is recorded what is requested; the order of elements does not matter.

    An element that names its interface keeps an attachment of exactly that key; one that names none keeps any
    attachment of its element whose interface nobody names, the earliest recorded first. Raises ValueError when two
    elements name one interface.
    """
    named = [wish.ifname for wish in requested_now if wish.ifname is not None]
    if len(set(named)) != len(named):
        raise ValueError(f"two elements ask for one interface: {', '.join(sorted(named))}")
    left = list(recorded)
    unmet = []
    for wish in requested_now:
        kept = next((each for each in left if _keeps(wish, each, named)), None)
        if kept is None:
            unmet.append(wish)
        else:
            left.remove(kept)
    by_name = {each.name: each for each in left}
    swaps = tuple((by_name[wish.ifname], wish) for wish in unmet if wish.ifname in by_name)
    swapped = [each for pair in swaps for each in pair]
    return Changes(
        swaps=swaps,
        adds=tuple(sorted((wish for wish in unmet if wish not in swapped), key=lambda each: each.place)),
        removes=tuple(each for each in reversed(left) if each not in swapped),
    )


def _keeps(wish: Wish, found: Found, named: Sequence[str]) -> bool:
    right_name = found.name not in named if wish.ifname is None else found.name == wish.ifname
    return right_name and wish.element == found.element
