"""A past under objects: the same traffic with these prices, thresholds and policies, and maybe one network more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from switcher.backtest.past import Past, physical_networks
from switcher.decide import Settings
from switcher.decide.board import NOWHERE, Floats, Ints
from switcher.errors import BadInputError, Problem
from switcher.model import Uplink
from switcher.objects.model import Book, PhysicalNetwork, PolicyMode, PolicySpec, SwitchPolicy, Tariff, Volume
from switcher.simulate import Site, World
from switcher.tariff import Exchange, Invoice, bill, metered_periods
from switcher.tariff.lists import by_contract, networks_of, timeline
from switcher.tariff.refusals import classes_over, is_priced

OUT_OF_REACH = 1e15
"""Capacity, in bits per second, of uplinks that nothing of ours can be on and that nothing is known of."""
DEFAULTS = PolicySpec()


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One set of objects. ``name``: empty for the configuration as it is."""

    name: str
    world: World
    paid: Invoice
    """The exact bill of what was recorded, by the prices of the case."""
    notes: tuple[str, ...]


def make_case(past: Past, book: Book, name: str = "", offered: Sequence[PhysicalNetwork] = ()) -> Case:
    """The case of a book; ``offered``: physical networks that every node has from now on.

    Raises BadInputError with every problem: gaps in prices with their times, uplinks without a capacity.
    """
    notes: list[str] = []
    rides = _reachable(past, book, offered, notes)
    names = tuple(sorted({network for _, network in rides} | set(past.names)))
    places = _uplinks(past, rides)
    notes += _begun(past, book, set(rides.values()))
    problems = [*_unpriced(past, book), *_price_gaps(past, book, set(rides.values()))]
    capacity = _capacities(past, book, places, problems)
    if problems:
        raise BadInputError(problems)
    site = Site(
        networks=names,
        uplinks=places,
        capacity=capacity,
        workloads=past.ids,
        node=tuple(node for node, _, _ in past.owners),
        uplink=_priced_only(past, book, (names, places), _columns(past, rides, names, places), notes),
        move_cost=move_costs(past, book),
        book=automatic(book),
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
    return Case(name=name, world=_world(past, site), paid=paid, notes=tuple(dict.fromkeys(notes)))


def automatic(book: Book) -> Book:
    """What is only recommended counts as done: that is what a backtest is asked for."""
    return replace(book, policies=tuple(_switched(policy, PolicyMode.RECOMMEND) for policy in book.policies))


def only(world: World, policy: SwitchPolicy, costs: tuple[Decimal, ...]) -> World:
    """The world with this one policy, which acts whatever its mode is."""
    alone = _switched(policy, policy.spec.mode)
    site = replace(world.site, book=replace(world.site.book, policies=(alone,)), move_cost=costs)
    return replace(world, site=site)


def _switched(policy: SwitchPolicy, mode: PolicyMode) -> SwitchPolicy:
    """In mode auto where it is in this one."""
    if policy.spec.mode is not mode:
        return policy
    return policy.model_copy(update={"spec": policy.spec.model_copy(update={"mode": PolicyMode.AUTO})})


def move_costs(past: Past, book: Book) -> tuple[Decimal, ...]:
    """Money per move of each attachment by the policy that selects it, by the defaults where none does."""
    costs, seconds = [], Decimal(str(Settings().switch_seconds))
    for facts in past.facts:
        policy = book.policy_for(facts.namespace, facts.labels, facts.attachment, facts.primary)
        spec = DEFAULTS if policy is None else policy.spec
        costs.append(spec.move_rate * seconds if spec.move_cost is None else spec.move_cost)
    return tuple(costs)


def column_in(world: World, past: Past) -> Ints:
    """T x W: where everyone was, in the columns of the world."""
    index = np.array([world.site.networks.index(name) for name in past.names], dtype=np.int64)
    return np.asarray(index[past.places], dtype=np.int64)


def _world(past: Past, site: Site) -> World:
    background_in, background_out = _stacked(past, site, past.background)
    return World(
        site=site,
        start=past.span.start,
        slot=past.span.slot,
        into=past.into,
        out=past.out,
        background_in=background_in,
        background_out=background_out,
        at_start=np.array([site.networks.index(past.names[column]) for column in past.places[0]], dtype=np.int64),
        present=past.present,
        foreign=_foreign(past, site),
    )


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
    past: Past, book: Book, offered: Sequence[PhysicalNetwork], notes: list[str]
) -> dict[tuple[str, str], str]:
    """By (node, network), the physical network: what has a price and a capacity, and what was used."""
    nodes = sorted({node for node, _, _ in past.owners})
    rides = dict(past.rides)
    for item in offered:
        rides |= {(node, item.name): item.name for node in nodes}
    priced, left = networks_of(book.tariffs), {}
    for (node, network), name in sorted(rides.items()):
        place = Uplink(name, node)
        if place in past.used or (name in priced and _capacity(past, book, place)):
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


def _capacity(past: Past, book: Book, place: Uplink) -> float:
    """Bits per second; 0: not known."""
    for item in book.physical_networks:
        if item.name == place.physical_network and item.spec.capacity is not None:
            return item.spec.capacity
    return past.record.capacity_bps.get(place, 0.0)


def _capacities(past: Past, book: Book, places: Sequence[Uplink], problems: list[Problem]) -> Floats:
    found = []
    for place in places:
        known = _capacity(past, book, place)
        if not known and place in past.used:
            text = f"the capacity of {place.physical_network!r} on {place.node!r} is not known"
            hint = "give a PhysicalNetwork of this name with a capacity"
            problems.append(Problem(past.record.source, 0, "", f"{text}: {hint}"))
        found.append(known or OUT_OF_REACH)
    return np.array(found, dtype=np.float64)


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


def _price_gaps(past: Past, book: Book, reachable: Collection[str]) -> Iterator[Problem]:
    """Times without a valid list of a contract on a network that something may be on."""
    for contract, lists in by_contract(book.tariffs).items():
        named = sorted(networks_of(lists) & set(reachable))
        for stretch in timeline(lists, past.span.start, past.span.end) if named else ():
            if stretch.tariff is None:
                times = f"from {stretch.start.isoformat()} to {stretch.end.isoformat()}"
                text = f"contract {contract!r} has no valid price list {times}, for {', '.join(named)}"
                yield Problem("tariffs", 0, "", text)


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


def newcomers(past: Past, book: Book) -> list[PhysicalNetwork]:
    """Physical networks with a capacity that no node of the past had."""
    known = physical_networks(past)
    return [item for item in book.physical_networks if item.spec.capacity is not None and item.name not in known]


def with_candidates(book: Book, offered: Sequence[PhysicalNetwork]) -> Book:
    """Policies that name their candidates have the offered networks among them."""
    names = tuple(item.name for item in offered)
    policies = []
    for policy in book.policies:
        listed = policy.spec.candidates
        if listed is not None:
            more = tuple(name for name in names if name not in listed)
            spec = policy.spec.model_copy(update={"candidates": (*listed, *more)})
            policies.append(policy.model_copy(update={"spec": spec}))
        else:
            policies.append(policy)
    return replace(book, policies=tuple(policies))
