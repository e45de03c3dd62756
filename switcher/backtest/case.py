"""A past under objects: the same traffic with these prices, thresholds and policies, and maybe one network more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from switcher.backtest.coverage import coverage, price_gaps, used_while_closed
from switcher.backtest.editions import Editions
from switcher.backtest.notes import absences, begun, changes
from switcher.backtest.past import Past
from switcher.backtest.reach import columns_of, reach_of
from switcher.backtest.stages import capacities, move_costs, stages
from switcher.decide.board import NOWHERE, Floats, Ints
from switcher.errors import BadInputError, Problem
from switcher.model import Uplink
from switcher.objects.model import Book, PhysicalNetwork
from switcher.simulate import Site, World
from switcher.simulate.world import Stage
from switcher.tariff import Exchange, Invoice, bill
from switcher.tariff.lists import networks_of


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One set of objects. ``name``: empty for the configuration as it is."""

    name: str
    world: World
    paid: Invoice
    """The exact bill of what was recorded, by the prices of the case."""
    notes: tuple[str, ...]


def make_case(past: Past, editions: Editions, name: str = "", offered: Sequence[PhysicalNetwork] = ()) -> Case:
    """The case of the objects; ``offered``: physical networks that every node has all the time.

    Raises BadInputError with every problem: gaps in prices with their times, uplinks without a capacity.
    """
    notes = list(changes(editions))
    reach, covered = reach_of(past, editions, offered, notes), coverage(past, editions)
    book = replace(editions.billed, tariffs=covered.tariffs)
    notes += begun(book, reach.physical_networks, past.span)
    notes += absences(covered, reach.physical_networks, past.span)
    problems = [*_unpriced(past, book), *price_gaps(past, editions, reach.physical_networks)]
    problems += used_while_closed(past, covered.closed)
    capacity = capacities(past, editions, reach.uplinks, problems, notes)
    if problems:
        raise BadInputError(problems)
    site = Site(
        networks=reach.networks,
        uplinks=reach.uplinks,
        capacity=capacity[-1],
        workloads=past.ids,
        node=tuple(node for node, _, _ in past.owners),
        uplink=columns_of(past, book, reach, notes),
        move_cost=move_costs(past, book),
        book=book,
        latency_ms=_latencies(past, reach.uplinks, notes),
        facts=past.facts,
    )
    paid = bill(
        book.tariffs,
        past.record.samples,
        (past.span.start, past.span.end),
        past.stays,
        exchange=Exchange.of(book),
    )
    world = _world(past, site, stages(past, editions, site, capacity, covered.closed))
    return Case(name=name, world=world, paid=paid, notes=tuple(dict.fromkeys(notes)))


def _world(past: Past, site: Site, parts: tuple[Stage, ...]) -> World:
    background_in, background_out = _stacked(past, site, past.background)
    recorded = _recorded(past, site)
    world = World(
        site=site,
        start=past.span.start,
        slot=past.span.slot,
        into=past.into,
        out=past.out,
        background_in=background_in,
        background_out=background_out,
        at_start=recorded[0],
        present=past.present,
        foreign=_foreign(past, site),
        stages=parts,
    )
    return replace(world, refuge=_where_it_is_open(world, recorded))


def _recorded(past: Past, site: Site) -> Ints:
    """T x W: where everyone was, in the columns of the site."""
    index = np.array([site.networks.index(name) for name in past.names], dtype=np.int64)
    return np.asarray(index[past.places], dtype=np.int64)


def _where_it_is_open(world: World, recorded: Ints) -> Ints:
    """The same, with who is not there, on a network that is closed, where it comes back to, else anywhere."""
    if all(stage.site.uplink is world.site.uplink for stage in world.stages):
        return recorded
    places, coming, everyone = recorded.copy(), recorded[-1], np.arange(recorded.shape[1])
    for slot in reversed(range(world.slots)):
        site = world.in_force(slot)
        there = world.present[:, slot] if world.present is not None else np.ones(len(everyone), dtype=np.bool_)
        coming = np.where(there, recorded[slot], coming)
        for other in (coming, (site.uplink != NOWHERE).argmax(axis=1)):
            gone = (site.at(places[slot]) == NOWHERE) & ~there
            places[slot] = np.where(gone, other, places[slot])
    return places


def _foreign(past: Past, site: Site) -> dict[str | None, tuple[Floats, Floats]]:
    """By class of destination, U x T each; empty where no class is known."""
    by_class: dict[str | None, dict[Uplink, tuple[Floats, Floats]]] = {}
    for (place, destination), load in past.foreign.items():
        by_class.setdefault(destination, {})[place] = load
    return {destination: _stacked(past, site, by_class[destination]) for destination in sorted(by_class, key=str)}


def _stacked(past: Past, site: Site, loads: Mapping[Uplink, tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """U x T each, in and out; nothing on an uplink without a load."""
    nothing = np.zeros(past.span.slots)
    found = [loads.get(place, (nothing, nothing)) for place in site.uplinks]
    return np.stack([into for into, _ in found]), np.stack([out for _, out in found])


def _latencies(past: Past, places: Sequence[Uplink], notes: list[str]) -> Floats | None:
    known = [past.record.latency_ms.get(place) for place in places]
    if None in known:
        if any(known):
            notes.append("the latency of some uplinks is not known: penalties for latency are left out")
        return None
    return np.array(known, dtype=np.float64)


def _unpriced(past: Past, book: Book) -> Iterator[Problem]:
    """Networks that attachments were on and that no tariff names."""
    priced = networks_of(book.tariffs)
    for name in sorted({place.physical_network for place in past.used} - priced):
        stays = [stay for stay in past.stays if stay.network == name]
        first, last = min((s.start for s in stays), default=None), max((s.end for s in stays), default=None)
        times = f"were from {first.isoformat()} to {last.isoformat()}" if first and last else "carried something"
        yield Problem("tariffs", 0, "", f"no tariff names {name!r}, on which attachments {times}")
