"""What moves save by the hour, in Decimal from the quotes: all moves of a tick are told together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import cache, partial
from itertools import starmap

from switcher.decide.adding import plain
from switcher.decide.board import NOWHERE, Ints
from switcher.decide.explain import GB_PER_HOUR, NO
from switcher.decide.penalties import named
from switcher.decide.quotes import Load, rates
from switcher.decide.tick import Tick


def savings(tick: Tick, rows: Ints, columns: Ints) -> Iterator[Decimal]:
    """Of each row's move to its column: mean over the horizon of demand x (price + penalty here - there), before move
    cost and without surcharge.
    """
    board, homes = tick.board, tick.board.here[rows]
    physical = [network.physical_network for network in board.networks]
    here, there = ([physical[number] for number in board.network[rows, at].tolist()] for at in (homes, columns))
    kinds = zip(here, there, board.workloads.destination.take(rows), tick.rules.number[rows].tolist(), strict=True)
    differences = starmap(cache(partial(_difference, tick)), kinds)  # once for all moves that are alike
    penalties = (_penalties(tick, rows, at) for at in (homes, columns))
    for (saved, per_bps), load, less, more in zip(differences, rates(board)[rows].tolist(), *penalties, strict=True):
        loads = (Decimal(repr(rate)) * price for rate, price in zip(load, per_bps, strict=True) if rate)
        yield plain(sum(loads, saved) + less - more)


def _difference(
    tick: Tick, here: str, there: str, destination: str | None, policy: int
) -> tuple[Decimal, Sequence[Decimal]]:
    """Of an attachment, and of one bit per second of each load."""
    horizon = tick.rules.policies[policy].spec.horizon if policy != NOWHERE else timedelta(hours=1)
    one = tick.prices.quote((here, destination, horizon), at_home=True)
    other = tick.prices.quote((there, destination, horizon), at_home=False)
    per_bps = [(one.bps or {}).get(load, NO) - (other.bps or {}).get(load, NO) for load in Load]
    return one.attachment - other.attachment, per_bps


def _penalties(tick: Tick, rows: Ints, columns: Ints) -> Iterator[Decimal]:
    """Of each row on its column: its own, else what the policy makes of latency and loss."""
    workloads, names = tick.board.workloads, tick.board.names
    amounts, demand = tick.prices.penalty[rows, columns].tolist(), workloads.demand_bps[rows].tolist()
    for own, amount, bps, column in zip(workloads.penalties.take(rows), amounts, demand, columns.tolist(), strict=True):
        if own is not None:
            yield Decimal(repr(bps)) * GB_PER_HOUR * named(own, names[column])
        else:
            yield Decimal(repr(amount)) if amount else NO
