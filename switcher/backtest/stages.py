"""The site from edition to edition: its objects, capacities and move costs, without the networks that are closed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

import numpy as np

from switcher.backtest.editions import Edition, Editions, respecified
from switcher.backtest.past import Past
from switcher.decide import Settings
from switcher.decide.board import NOWHERE, Bools, Floats, Ints
from switcher.decide.rules import plain_cost
from switcher.errors import Problem
from switcher.model import Uplink
from switcher.objects.model import Book, PolicyMode, PolicySpec, SwitchPolicy
from switcher.simulate import Site, World
from switcher.simulate.world import Stage

OUT_OF_REACH = 1e15
"""Capacity, in bits per second, of uplinks that nothing of ours can be on and that nothing is known of."""
DEFAULTS = PolicySpec()
T = TypeVar("T")


def stages(
    past: Past, editions: Editions, site: Site, capacity: Sequence[Floats], closed: Mapping[str, Bools]
) -> tuple[Stage, ...]:
    """A stage for each time in which the same edition is in force and the same networks are closed.

    ``capacity``: U, of each edition; ``closed``: T, by physical network.
    """
    firsts = [edition.slot(past.span) for edition in editions.all]
    books = [automatic(edition.book) for edition in editions.all]
    costs = _of_each(editions.all, lambda book: book.policies, lambda book: move_costs(past, book))
    edges = (np.flatnonzero(np.diff(shut)) + 1 for shut in closed.values())
    found = []
    for first in sorted({*firsts, *(edge for each in edges for edge in each.tolist())} - {past.span.slots}):
        number = bisect_right(firsts, first) - 1
        now = {name for name, slots in closed.items() if slots[first]}
        shut = np.array([place.physical_network in now for place in site.uplinks], dtype=np.bool_)
        there = replace(
            site,
            book=books[number],
            capacity=np.where(shut, 0.0, capacity[number]),
            move_cost=costs[number],
            uplink=_without(site.uplink, shut) if shut.any() else site.uplink,
        )
        found.append(Stage(first=first, site=there))
    return tuple(found)


def _of_each(editions: Sequence[Edition], by: Callable[[Book], object], make: Callable[[Book], T]) -> list[T]:
    """What is made of each edition's book, made anew only where what it is made ``by`` is another."""
    found: list[T] = []
    for number, edition in enumerate(editions):
        same = number and by(edition.book) == by(editions[number - 1].book)
        found.append(found[-1] if same else make(edition.book))
    return found


def _without(uplink: Ints, shut: Bools) -> Ints:
    """W x C. Who would have none left is not there at that time, or it would be refused; it keeps what it has."""
    left = np.where(np.append(shut, False)[uplink], NOWHERE, uplink)
    return np.where((left == NOWHERE).all(axis=1)[:, None], uplink, left).astype(np.int64)


def automatic(book: Book) -> Book:
    """What is only recommended counts as done: that is what a backtest is asked for."""
    return replace(book, policies=tuple(_switched(policy, PolicyMode.RECOMMEND) for policy in book.policies))


def only(world: World, past: Past, name: str) -> World:
    """The world with the policy of this name alone, which acts whatever its mode is, while it is in force."""
    alone = []
    for stage in world.stages:
        named = [policy for policy in stage.site.book.policies if policy.name == name]
        book = replace(stage.site.book, policies=tuple(_switched(policy, policy.spec.mode) for policy in named))
        alone.append(replace(stage, site=replace(stage.site, book=book, move_cost=move_costs(past, book))))
    return replace(world, stages=tuple(alone))


def _switched(policy: SwitchPolicy, mode: PolicyMode) -> SwitchPolicy:
    """In mode auto where it is in this one."""
    if policy.spec.mode is not mode:
        return policy
    return respecified(policy, mode=PolicyMode.AUTO)


def move_costs(past: Past, book: Book) -> tuple[Decimal, ...]:
    """Money per move of each attachment by the policy that selects it, by the defaults where none does."""
    costs, settings = [], Settings()
    for facts in past.facts:
        policy = book.policy_for(facts.namespace, facts.labels, facts.attachment, facts.primary)
        costs.append(plain_cost(DEFAULTS if policy is None else policy.spec, settings))
    return tuple(costs)


def capacity_of(past: Past, book: Book, place: Uplink) -> float:
    """Bits per second; 0: not known."""
    for item in book.physical_networks:
        if item.name == place.physical_network and item.spec.capacity is not None:
            return item.spec.capacity
    return past.record.capacity_bps.get(place, 0.0)


def capacities(
    past: Past, editions: Editions, places: Sequence[Uplink], problems: list[Problem], notes: list[str]
) -> list[Floats]:
    """U, of each edition. Where one says none the one before it counts, or the one after."""
    found = _of_each(
        editions.all,
        lambda book: book.physical_networks,
        lambda book: np.array([capacity_of(past, book, place) for place in places], dtype=np.float64),
    )
    known = np.stack(found)
    for place, row in zip(places, known.T, strict=True):
        if not row.any() and place in past.used:
            text = f"the capacity of {place.physical_network!r} on {place.node!r} is not known"
            hint = "give a PhysicalNetwork of this name with a capacity"
            problems.append(Problem(past.record.source, 0, "", f"{text}: {hint}"))
        elif row.any() and not row.all():
            text = f"the capacity of {place.physical_network} on {place.node} was not known at some time"
            notes.append(f"{text}: the one before counts, or the one after")
    return [*_filled(known)]


def _filled(known: Floats) -> Floats:
    """E x U, without a zero: from earlier, else from later, else out of reach."""
    filled = known.copy()
    for row in range(1, len(filled)):
        filled[row] = np.where(filled[row] == 0, filled[row - 1], filled[row])
    for row in reversed(range(len(filled) - 1)):
        filled[row] = np.where(filled[row] == 0, filled[row + 1], filled[row])
    return np.where(filled == 0, OUT_OF_REACH, filled)
