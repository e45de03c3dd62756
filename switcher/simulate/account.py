"""What a trail cost, exactly, and what it did to the uplinks and to the workloads.

Money is a what-if: the bill of everything that flowed less the bill of the foreign load alone, so that it is what our
workloads added, under any tariff. Bills are ``switcher.tariff.bill``'s, in Decimal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np

from switcher.decide.board import Bools, Floats
from switcher.simulate.prices import charges_attachments, latency_cost
from switcher.simulate.run import Trail
from switcher.simulate.world import World
from switcher.tariff import Exchange, Invoice, Sample, Stay, bill

ROW = timedelta(minutes=5)
"""Shorter slots are joined to rows of this length: the sampling of percentile charges."""
RETURN = timedelta(minutes=30)
"""A move back to a network left at most so long ago is a return."""
WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One policy in one world. Money is in the currency of the price lists."""

    policy: str
    bill: Decimal
    """What our workloads added to the bill."""
    penalties: Decimal
    """What latency was worth by the policy objects; zero where they say nothing."""
    move_money: Decimal
    moves: int
    moves_per_workload_week: float
    returns_percent: float
    """Moves back to the network left at most 30 minutes before, of all moves."""
    overloaded_percent: float
    """Our bytes on uplinks above ``shed``, of all our bytes."""
    overloaded_minutes: float
    """Minutes of uplinks that were above ``shed`` with our bytes on them, summed over uplinks."""
    p50_ms: float
    p99_ms: float

    @property
    def total(self) -> Decimal:
        """All money."""
        return self.bill + self.penalties + self.move_money


def account(world: World, trail: Trail, foreign: Decimal | None = None) -> Account:
    """The account of a trail. ``foreign``: :func:`foreign_bill` of the world, where it is known already."""
    moves = int(moved(world, trail).sum())
    percent, minutes = _overload(world, trail)
    alone = foreign_bill(world) if foreign is None else foreign
    returns = _returns(world, trail)
    weeks = world.slots * world.slot / WEEK
    p50, p99 = np.percentile(trail.seconds * 1000, [50, 99]).tolist()
    return Account(
        policy=trail.policy,
        bill=whole_bill(world, trail) - alone,
        penalties=_penalties(world, trail),
        move_money=sum(move_money(world, trail), Decimal(0)),
        moves=moves,
        moves_per_workload_week=moves / max(len(world.site.workloads), 1) / weeks,
        returns_percent=100 * returns / max(moves, 1),
        overloaded_percent=percent,
        overloaded_minutes=minutes,
        p50_ms=p50,
        p99_ms=p99,
    )


def whole_bill(world: World, trail: Trail) -> Decimal:
    """The bill of everything on the uplinks. Raises BadInputError where the price lists do not cover the world."""
    flows = {name: (into.copy(), out.copy()) for name, (into, out) in world.foreign_by_class.items()}
    for kind, name in enumerate(world.site.classes):
        into, out = flows.setdefault(name, (np.zeros_like(world.background_in), np.zeros_like(world.background_in)))
        ours = world.site.kind == kind
        for slot, place in enumerate(trail.places):
            into[:, slot] += world.site.loads(place, np.where(ours, world.into[:, slot], 0.0))
            out[:, slot] += world.site.loads(place, np.where(ours, world.out[:, slot], 0.0))
    return _bill(world, flows, list(_stays(world, trail)) if charges_attachments(world.site.book) else None).total


def foreign_bill(world: World) -> Decimal:
    """The bill of the foreign load alone."""
    return foreign_invoice(world).total


def foreign_invoice(world: World) -> Invoice:
    """The same with its lines."""
    return _bill(world, world.foreign_by_class, [] if charges_attachments(world.site.book) else None)


def _bill(world: World, flows: Mapping[str | None, tuple[Floats, Floats]], stays: list[Stay] | None) -> Invoice:
    samples = [
        row
        for name, (into, out) in flows.items()
        for direction, rates in (("in", into), ("out", out))
        for row in _rows(world, rates, direction, name)
    ]
    return bill(
        world.site.book.tariffs,
        samples,
        (world.start, world.end),
        stays,
        exchange=Exchange.of(world.site.book),
    )


def _rows(world: World, rates: Floats, direction: str, destination: str | None) -> Iterator[Sample]:
    """Bytes of each uplink in rows of at least :data:`ROW`. Of classes only what flows: not every list has all."""
    lists = world.site.book.tariffs
    classed = any(charge.destination is not None for tariff in lists for charge in tariff.spec.metered)
    joined = max(ROW // world.slot, 1)
    starts = np.arange(0, world.slots, joined)
    counted = np.rint(np.add.reduceat(rates, starts, axis=1) * (world.seconds / 8)).astype(np.int64).tolist()
    for place, row in zip(world.site.uplinks, counted, strict=True):
        if classed and not any(row):
            continue
        for start, count in zip(starts.tolist(), row, strict=True):
            end = min(start + joined, world.slots)
            yield Sample(
                start=world.time(start),
                end=world.time(end),
                network=place.physical_network,
                direction=direction,
                bytes=Decimal(count),
                destination=destination,
                node=place.node,
            )


def _stays(world: World, trail: Trail) -> Iterator[Stay]:
    """Who was on which physical network from when to when."""
    site = world.site
    uplink = np.stack([site.at(row) for row in trail.places])
    physical = site.physical[uplink]
    if world.present is not None:
        physical = np.where(world.present.T, physical, -1)
    for number, name in enumerate(site.workloads):
        column = physical[:, number]
        edges = [0, *(np.flatnonzero(np.diff(column)) + 1).tolist(), world.slots]
        for start, end in pairwise(edges):
            if column[start] >= 0:
                network = site.physical_networks[column[start]]
                yield Stay(attachment=name, network=network, start=world.time(start), end=world.time(end))


def moved(world: World, trail: Trail) -> Bools:
    """T x W: on another network than in the slot before; a workload that is not there does not move."""
    before = np.vstack([world.at_start[None, :], trail.places[:-1]])
    changed: Bools = before != trail.places
    return changed if world.present is None else changed & world.present.T


def move_money(world: World, trail: Trail) -> list[Decimal]:
    """T: what the moves of each slot cost, by what each costs then."""
    costs = (world.in_force(slot).move_cost for slot in range(world.slots))
    return [
        sum((cost[row] for row in np.flatnonzero(changed).tolist()), Decimal(0))
        for cost, changed in zip(costs, moved(world, trail), strict=True)
    ]


def _returns(world: World, trail: Trail) -> int:
    """Moves to a network that the workload left at most :data:`RETURN` ago."""
    places = np.vstack([world.at_start[None, :], trail.places])
    left = np.full(world.site.uplink.shape, -np.inf)
    slots, returns = RETURN / world.slot, 0
    for slot, changed in enumerate(moved(world, trail)):
        rows = np.flatnonzero(changed)
        returns += int((slot - left[rows, places[slot + 1][rows]] <= slots).sum())
        left[rows, places[slot][rows]] = slot
    return returns


def _overload(world: World, trail: Trail) -> tuple[float, float]:
    """(our bytes on uplinks above ``shed`` in percent of all our bytes, minutes of such uplinks)."""
    over, all_bytes, uplinks = overload_by_slot(world, trail)
    percent = 100 * float(over.sum()) / max(float(all_bytes.sum()), 1e-9)
    return percent, float(uplinks.sum()) * world.seconds / 60


def overload_by_slot(world: World, trail: Trail) -> tuple[Floats, Floats, Floats]:
    """T each: our load on uplinks above ``shed``, all our load (bits per second), how many such uplinks there are."""
    site, found = world.site, np.zeros((3, world.slots))
    for slot in range(world.slots):
        into, out = world.total(trail.places[slot], slot)
        ours = site.loads(trail.places[slot], world.into[:, slot] + world.out[:, slot])
        over = np.maximum(into, out) > world.in_force(slot).shed * (1 + 1e-9)
        found[:, slot] = ours[over].sum(), ours.sum(), (over & (ours > 0)).sum()
    return found[0], found[1], found[2]


def _penalties(world: World, trail: Trail) -> Decimal:
    """Money that the latency of where everyone was is worth, to the millionth."""
    everyone, money = np.arange(len(world.site.workloads)), 0.0
    if world.site.latency_ms is None:
        return Decimal(0)
    for slot in range(world.slots):
        cost = latency_cost(world.in_force(slot), world.demand[:, slot])
        money += float(cost[everyone, trail.places[slot]].sum()) * world.seconds / 3600
    return Decimal(str(round(money, 6)))
