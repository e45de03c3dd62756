"""Which networks attachments may be on: what their nodes had, and what is offered; of these what has a price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from switcher.backtest.editions import Editions
from switcher.backtest.past import Past
from switcher.backtest.stages import capacity_of
from switcher.decide.board import NOWHERE, Ints
from switcher.model import Uplink
from switcher.objects.model import Book, PhysicalNetwork
from switcher.tariff.lists import by_contract, networks_of
from switcher.tariff.refusals import classes_over, is_priced


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a site consists of: C network names and U uplinks."""

    rides: Mapping[tuple[str, str], str]
    """By (node, network), the physical network."""
    networks: tuple[str, ...]
    """C."""
    uplinks: tuple[Uplink, ...]
    """U."""

    @property
    def physical_networks(self) -> frozenset[str]:
        """What anything may be on."""
        return frozenset(self.rides.values())


def reach_of(past: Past, editions: Editions, offered: Sequence[PhysicalNetwork], notes: list[str]) -> Reach:
    """The reach of a past's nodes, all of which have what is ``offered``. Why something is out of it goes to notes."""
    rides = _reachable(past, editions, offered, notes)
    return Reach(
        rides=rides,
        networks=tuple(sorted({network for _, network in rides} | set(past.names))),
        uplinks=tuple(sorted({*past.background, *(Uplink(name, node) for (node, _), name in rides.items())})),
    )


def _reachable(
    past: Past, editions: Editions, offered: Sequence[PhysicalNetwork], notes: list[str]
) -> dict[tuple[str, str], str]:
    """By (node, network), the physical network: what ever has a price and a capacity, and what was used."""
    nodes = sorted({node for node, _, _ in past.owners})
    rides = dict(past.rides)
    for item in offered:
        rides |= {(node, item.name): item.name for node in nodes}
    priced, left = networks_of(editions.billed.tariffs), {}
    for (node, network), name in sorted(rides.items()):
        place = Uplink(name, node)
        sized = any(capacity_of(past, edition.book, place) for edition in editions.all)
        if place in past.used or (name in priced and sized):
            left[node, network] = name
        elif name not in priced:
            notes.append(f"{name} has no tariff: nothing moves there")
        else:
            notes.append(f"{name} has no known capacity on {node}: nothing moves there")
    return left


def columns_of(past: Past, book: Book, reach: Reach, notes: list[str]) -> Ints:
    """W x C: the uplink that each attachment finds under each name, NOWHERE where it may not be."""
    return _priced_only(past, book, reach, _columns(past, reach), notes)


def _columns(past: Past, reach: Reach) -> Ints:
    """W x C. Who is marked do-not-move, and did not move, finds only what it was on."""
    names, index = reach.networks, {place: number for number, place in enumerate(reach.uplinks)}
    by_node = {
        node: [index.get(Uplink(reach.rides.get((node, name), ""), node), NOWHERE) for name in names]
        for node in {node for node, _, _ in past.owners}
    }
    columns = np.array([by_node[node] for node, _, _ in past.owners], dtype=np.int64)
    held = np.array([facts.do_not_move for facts in past.facts]) & (past.places == past.places[0]).all(axis=0)
    for row in np.flatnonzero(held).tolist():
        there = names.index(past.names[past.places[0, row]])
        columns[row, np.arange(len(names)) != there] = NOWHERE
    return columns


def _priced_only(past: Past, book: Book, reach: Reach, columns: Ints, notes: list[str]) -> Ints:
    """W x C, without the uplinks on which the class of a workload's destination has no price.

    Where it was, a workload is found: it may have sent nothing.
    """
    period, contracts = (past.span.start, past.span.end), by_contract(book.tariffs)
    left, classes = columns.copy(), [facts.destination for facts in past.facts]
    was = np.zeros(columns.shape, dtype=np.bool_)
    for number, name in enumerate(past.names):
        was[:, reach.networks.index(name)] = (past.places == number).any(axis=0)
    for name in sorted({place.physical_network for place in reach.uplinks}):
        counted = [each for _, _, each in classes_over(contracts, name, period)]
        there = np.array([*(place.physical_network == name for place in reach.uplinks), False])[columns]
        for destination in sorted(set(classes), key=str):
            if not all(is_priced(destination, each) for each in counted):
                lost = there & ~was & np.array([each == destination for each in classes])[:, None]
                if not lost.any():
                    continue
                left[lost] = NOWHERE
                whose = "traffic of no stated class" if destination is None else f"traffic to {destination!r}"
                notes.append(f"{name} has no price for {whose}: it does not move there")
    return left


def newcomers(past: Past, editions: Editions) -> list[PhysicalNetwork]:
    """Physical networks with a capacity, at the period's end, that no node of the past had."""
    known = set(past.rides.values())
    listed = editions.all[-1].book.physical_networks
    return [item for item in listed if item.spec.capacity is not None and item.name not in known]
