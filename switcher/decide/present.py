"""What is on every physical network already: prices are asked on top of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from switcher.decide.board import NOWHERE, Board, Ints
from switcher.decide.projection import Projection
from switcher.tariff.flow import NOTHING, Flow

Base = Callable[[str, str | None], Flow]
"""What is on a physical network already, of a class of destination or in all."""
Flows = Mapping[tuple[str, str | None], Flow]
"""By physical network and class of destination."""


def bases(board: Board, projection: Projection) -> Base:
    """The forecast of what is on a physical network, all nodes together; of one class only what is ours is known."""
    placed = np.flatnonzero(board.home_uplink != NOWHERE)
    names, physical = physical_networks(board)
    present = physical[board.home_uplink[placed]]
    attachments = dict(zip(names, np.bincount(present, minlength=len(names)).tolist(), strict=True))
    ours = _ours_by_class(board, placed, present, names)
    totals = loads(board, projection)

    def base(name: str, destination: str | None) -> Flow:
        total = totals.get(name, NOTHING)
        load = total if destination is None else ours.get((name, destination), NOTHING)
        return replace(load, attachments=attachments.get(name, 0), destination=destination, nodes=total.nodes)

    return base


def physical_networks(board: Board) -> tuple[Sequence[str], Ints]:
    """Their names in order, and of each uplink the number of its one."""
    names = sorted({uplink.physical_network for uplink in board.uplinks})
    number_of = {name: number for number, name in enumerate(names)}
    return names, np.array([number_of[uplink.physical_network] for uplink in board.uplinks], dtype=np.int64)


def loads(board: Board, projection: Projection) -> Mapping[str, Flow]:
    """What each physical network carries, all nodes together."""
    names, physical = physical_networks(board)
    into, out = projection.into, projection.out
    columns = into, out, np.where(board.split, 0.0, into), np.maximum(into, out) > 0
    sums = [np.bincount(physical, weights=column, minlength=len(names)).tolist() for column in columns]
    return {
        name: Flow(in_bps=more_in, out_bps=more_out, both_bps=both, nodes=int(nodes))
        for name, more_in, more_out, both, nodes in zip(names, *sums, strict=True)
    }


def _ours_by_class(
    board: Board, placed: Ints, present: Ints, names: Sequence[str]
) -> Mapping[tuple[str, str | None], Flow]:
    """The load of our workloads on each physical network, by class of destination; nothing where none is named."""
    destinations = board.workloads.destination
    classes = sorted(name for name in destinations.present if name is not None)
    if not classes:
        return {}
    number: dict[str | None, int] = {None: NOWHERE} | {name: index for index, name in enumerate(classes)}
    of_class = destinations.take(placed).each(lambda name: number.get(name, NOWHERE), np.int64)
    found: dict[tuple[str, str | None], Flow] = {}
    for index, destination in enumerate(classes):
        rows, on = placed[of_class == index], present[of_class == index]
        columns = board.into[rows], board.out[rows], board.loose[rows]
        sums = [np.bincount(on, weights=column, minlength=len(names)).tolist() for column in columns]
        found |= {
            (name, destination): Flow(in_bps=into, out_bps=out, both_bps=both)
            for name, into, out, both in zip(names, *sums, strict=True)
        }
    return found


def landed(base: Base, leaving: Flows, coming: Flows) -> Base:
    """The same once all who leave and who come have done so."""

    def found(name: str, destination: str | None) -> Flow:
        load = base(name, destination)
        for key in sorted(leaving.keys() | coming.keys(), key=str):
            if key[0] == name and destination in {None, key[1]}:
                load = load.without(leaving.get(key, NOTHING)).beside(coming.get(key, NOTHING))
        return load

    return cache(found)


def flows(board: Board, rows: Ints, columns: Ints) -> Flows:
    """What these workloads are together."""
    found: dict[tuple[str, str | None], Flow] = {}
    for row, uplink in zip(rows.tolist(), board.uplink[rows, columns].tolist(), strict=True):
        key = board.uplinks[uplink].physical_network, board.workloads.destination[row]
        before = found.get(key, NOTHING)
        found[key] = Flow(
            attachments=before.attachments + 1,
            in_bps=before.in_bps + float(board.into[row]),
            out_bps=before.out_bps + float(board.out[row]),
            both_bps=before.both_bps + float(board.loose[row]),
            destination=key[1],
        )
    return found
