"""The networks of which a quota includes some volume of a billing period, by the contracts that count them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from switcher.decide.board import Board
from switcher.decide.projection import Projection
from switcher.objects.charges import Quota
from switcher.objects.model import Book
from switcher.objects.tariffs import Tariff
from switcher.tariff.flow import Flow
from switcher.tariff.lists import by_contract, known_by, metered_periods


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """Physical networks that are counted together, or one without a quota."""

    ours: float
    """Bits per second of our workloads that are there."""
    room: float
    """Bits per second that ours may come to."""
    others: Flow
    """What is there that is not ours."""


@dataclass(frozen=True, slots=True)
class Pool:
    """What one contract counts together, until ``end``, when its billing period ends."""

    names: tuple[str, ...]
    end: datetime


def pools(book: Book, now: datetime, present: frozenset[str]) -> Mapping[str, Pool]:
    """By physical network. One with two such contracts, or with a percentile or a minimum beside it, is not among them.

    Those have no bill of their own that only depends on their volume.
    """
    known = known_by(book.tariffs, now)
    contracts = by_contract(known)
    with_quota = {name for name, lists in contracts.items() if any(map(_has_quota, lists))}
    mixed = {name for tariff in known if _otherwise(tariff) for name in tariff.spec.physical_networks}
    found: dict[str, Pool] = {}
    twice: set[str] = set()
    for running in metered_periods(book, now):
        if running.contract in with_quota:
            pool = Pool(tuple(sorted(present.intersection(running.physical_networks))), running.end)
            twice |= found.keys() & set(pool.names)
            found |= dict.fromkeys(pool.names, pool)
    return {name: pool for name, pool in found.items() if not (twice | mixed).intersection(pool.names)}


def _has_quota(tariff: Tariff) -> bool:
    return any(charge.quota is not None and _goes_on(charge.quota) for charge in tariff.spec.charges)


def _goes_on(quota: Quota) -> bool:
    return quota.beyond.overage is not None or quota.beyond.block is not None


def _otherwise(tariff: Tariff) -> bool:
    bounded = tariff.spec.minimum is not None or tariff.spec.maximum is not None
    return bounded or any(charge.percentile is not None for charge in tariff.spec.charges)


def carrier(board: Board, projection: Projection, names: tuple[str, ...]) -> Carrier:
    """What there is on these networks, all their uplinks together."""
    mine = np.array([place.physical_network in names for place in board.uplinks], dtype=np.bool_)
    there = np.append(mine, False)[board.home_uplink]
    into, out, demand = (
        np.bincount(board.home_uplink[there], weights=rates[there], minlength=len(mine))
        for rates in (board.into, board.out, board.demand)
    )
    used = np.maximum(projection.into, projection.out)
    foreign_in, foreign_out = np.maximum(projection.into - into, 0.0), np.maximum(projection.out - out, 0.0)
    foreign_both = np.where(board.split, 0.0, np.minimum(foreign_in, foreign_out))
    return Carrier(
        ours=float(demand[mine].sum()),
        room=float(np.maximum(projection.fill - np.maximum(used - demand, 0.0), 0.0)[mine].sum()),
        others=Flow(
            in_bps=float(foreign_in[mine].sum()),
            out_bps=float(foreign_out[mine].sum()),
            both_bps=float(foreign_both[mine].sum()),
        ),
    )
