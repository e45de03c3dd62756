"""A past under objects: the same traffic with these prices, thresholds and policies, and maybe one network more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np

from switcher.backtest.coverage import coverage, price_gaps, stretches, used_while_closed
from switcher.backtest.editions import Editions
from switcher.backtest.past import Past, physical_networks
from switcher.backtest.stages import capacities, capacity_of, move_costs, stages
from switcher.decide.board import NOWHERE, Bools, Floats, Ints
from switcher.errors import BadInputError, Problem
from switcher.model import Uplink
from switcher.objects.model import Book, PhysicalNetwork, Tariff, Volume
from switcher.simulate import Site, World
from switcher.simulate.world import Stage
from switcher.tariff import Exchange, Invoice, bill, metered_periods
from switcher.tariff.lists import by_contract, networks_of
from switcher.tariff.refusals import classes_over, is_priced

MOST_TIMES = 5
"""That a note names."""


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
    notes = list(_changes(editions))
    rides = _reachable(past, editions, offered, notes)
    reachable = frozenset(rides.values())
    names = tuple(sorted({network for _, network in rides} | set(past.names)))
    places = _uplinks(past, rides)
    covered = coverage(past, editions)
    book = replace(editions.billed, tariffs=covered.tariffs)
    notes += _begun(past, book, reachable)
    notes += _not_in_force(covered.stand_ins)
    notes += _closed(past, {place: shut for place, shut in covered.closed.items() if place in reachable})
    problems = [*_unpriced(past, book), *price_gaps(past, editions, reachable)]
    problems += used_while_closed(past, covered.closed)
    capacity = capacities(past, editions, places, problems, notes)
    if problems:
        raise BadInputError(problems)
    site = Site(
        networks=names,
        uplinks=places,
        capacity=capacity[-1],
        workloads=past.ids,
        node=tuple(node for node, _, _ in past.owners),
        uplink=_priced_only(past, book, (names, places), _columns(past, rides, names, places), notes),
        move_cost=move_costs(past, book),
        book=book,
        latency_ms=_latencies(past, places, notes),
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


def _changes(editions: Editions) -> Iterator[str]:
    """That other objects came into force."""
    times = [since.isoformat() for since in editions.changes()]
    if times:
        shown = ", ".join(times[:MOST_TIMES]) + (", ..." if len(times) > MOST_TIMES else "")
        yield f"objects changed {len(times)} times: each version counts from the slot after it was known ({shown})"
    if len(editions.all) > 1 and not editions.all[0].book.items:
        yield f"no object was known before {times[0]}: until then no policy of the configuration moves anything"


def _not_in_force(stand_ins: Sequence[Tariff]) -> Iterator[str]:
    for tariff in stand_ins:
        start, end = tariff.spec.valid_from, tariff.spec.valid_to
        times = f"from {start.isoformat()}" + (f" to {end.isoformat()}" if end else "")
        yield f"contract {tariff.contract!r} was not in force {times}: it costs nothing then"


def _closed(past: Past, closed: Mapping[str, Bools]) -> Iterator[str]:
    for name, shut in closed.items():
        times = [f"from {start.isoformat()} to {end.isoformat()}" for start, end in stretches(shut, past.span)]
        yield f"nobody is on {name} {', '.join(times)}: no contract on it was in force"


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


def _uplinks(past: Past, rides: dict[tuple[str, str], str]) -> tuple[Uplink, ...]:
    return tuple(sorted({*past.background, *(Uplink(name, node) for (node, _), name in rides.items())}))


def _columns(past: Past, rides: dict[tuple[str, str], str], names: tuple[str, ...], places: tuple[Uplink, ...]) -> Ints:
    """W x C. Who is marked do-not-move, and did not move, finds only what it was on."""
    index = {place: number for number, place in enumerate(places)}
    by_node = {
        node: [index.get(Uplink(rides.get((node, name), ""), node), NOWHERE) for name in names]
        for node in {node for node, _, _ in past.owners}
    }
    columns = np.array([by_node[node] for node, _, _ in past.owners], dtype=np.int64)
    held = np.array([facts.do_not_move for facts in past.facts]) & (past.places == past.places[0]).all(axis=0)
    for row in np.flatnonzero(held).tolist():
        there = names.index(past.names[past.places[0, row]])
        columns[row, np.arange(len(names)) != there] = NOWHERE
    return columns


def _priced_only(
    past: Past, book: Book, where: tuple[Sequence[str], Sequence[Uplink]], columns: Ints, notes: list[str]
) -> Ints:
    """W x C, without the uplinks on which the class of a workload's destination has no price.

    ``where``: the names of the columns, and the uplinks. Where it was, a workload is found: it may have sent nothing.
    """
    names, places = where
    period, contracts = (past.span.start, past.span.end), by_contract(book.tariffs)
    left, classes = columns.copy(), [facts.destination for facts in past.facts]
    was = np.zeros(columns.shape, dtype=np.bool_)
    for number, name in enumerate(past.names):
        was[:, names.index(name)] = (past.places == number).any(axis=0)
    for name in sorted({place.physical_network for place in places}):
        counted = [each for _, _, each in classes_over(contracts, name, period)]
        there = np.array([*(place.physical_network == name for place in places), False])[columns]
        for destination in sorted(set(classes), key=str):
            if not all(is_priced(destination, each) for each in counted):
                lost = there & ~was & np.array([each == destination for each in classes])[:, None]
                if not lost.any():
                    continue
                left[lost] = NOWHERE
                whose = "traffic of no stated class" if destination is None else f"traffic to {destination!r}"
                notes.append(f"{name} has no price for {whose}: it does not move there")
    return left


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


def _begun(past: Past, book: Book, reachable: AbstractSet[str]) -> Iterator[str]:
    """Billing periods that had begun when the period did, of contracts whose prices depend on what flowed before."""
    counting = {tariff.contract for tariff in book.tariffs if _counts(tariff)}
    for running in metered_periods(book, past.span.start):
        matters = running.contract in counting and not reachable.isdisjoint(running.physical_networks)
        if running.start < past.span.start and matters:
            since = running.start.isoformat()
            yield f"the billing period of {running.contract} runs since {since}: its counters begin with --period here"


def _counts(tariff: Tariff) -> bool:
    metered = tariff.spec.metered
    steps = any(not isinstance(charge, Volume) or len(charge.tiers) > 1 or charge.minimum for charge in metered)
    return steps or tariff.spec.minimum is not None or tariff.spec.maximum is not None


def newcomers(past: Past, editions: Editions) -> list[PhysicalNetwork]:
    """Physical networks with a capacity, at the period's end, that no node of the past had."""
    known = physical_networks(past)
    listed = editions.all[-1].book.physical_networks
    return [item for item in listed if item.spec.capacity is not None and item.name not in known]


def with_candidates(editions: Editions, offered: Sequence[PhysicalNetwork]) -> Editions:
    """Policies that name their candidates have the offered networks among them, all the time."""
    if not offered:
        return editions
    extended = (replace(one, book=_with_candidates(one.book, offered)) for one in editions.all)
    return replace(editions, all=tuple(extended))


def _with_candidates(book: Book, offered: Sequence[PhysicalNetwork]) -> Book:
    policies = []
    for policy in book.policies:
        listed = policy.spec.candidates
        if listed is None:
            policies.append(policy)
            continue
        more = tuple(item.name for item in offered if item.name not in listed)
        spec = policy.spec.model_copy(update={"candidates": (*listed, *more)})
        policies.append(policy.model_copy(update={"spec": spec}))
    return replace(book, policies=tuple(policies))
