"""What is on every physical network already: prices are asked on top of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from switcher.decide.board import NOWHERE, Board, Ints
from switcher.decide.projection import Projection
from switcher.tariff.flow import Flow


def bases(board: Board, projection: Projection) -> Callable[[str, str | None], Flow]:
    """The forecast of what is on a physical network, all nodes together; of one class only what is ours is known."""
    placed = np.flatnonzero(board.home_uplink != NOWHERE)
    names = sorted({uplink.physical_network for uplink in board.uplinks})
    number_of = {name: number for number, name in enumerate(names)}
    physical = np.array([number_of[uplink.physical_network] for uplink in board.uplinks], dtype=np.int64)
    present = physical[board.home_uplink[placed]]
    attachments = dict(zip(names, np.bincount(present, minlength=len(names)).tolist(), strict=True))
    ours = _ours_by_class(board, placed, present, names)
    totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for number, place in enumerate(board.uplinks):
        loads = (projection.into[number], projection.out[number])
        for index, value in enumerate((*loads, 1.0 if max(loads) > 0 else 0.0)):
            totals[place.physical_network][index] += float(value)

    def base(name: str, destination: str | None) -> Flow:
        into, out = totals[name][:2] if destination is None else ours.get((name, destination), (0.0, 0.0))
        return Flow(
            attachments=attachments.get(name, 0),
            in_bps=float(into),
            out_bps=float(out),
            destination=destination,
            nodes=int(totals[name][2]),
        )

    return base


def _ours_by_class(
    board: Board, placed: Ints, present: Ints, names: Sequence[str]
) -> Mapping[tuple[str, str | None], tuple[float, float]]:
    """(in, out) of our workloads on each physical network, by class of destination; nothing where none is named."""
    destinations = board.workloads.destination
    classes = sorted(name for name in destinations.present if name is not None)
    if not classes:
        return {}
    number: dict[str | None, int] = {None: NOWHERE} | {name: index for index, name in enumerate(classes)}
    of_class = destinations.take(placed).each(lambda name: number.get(name, NOWHERE), np.int64)
    found: dict[tuple[str, str | None], tuple[float, float]] = {}
    for index, destination in enumerate(classes):
        rows, on = placed[of_class == index], present[of_class == index]
        into = np.bincount(on, weights=board.into[rows], minlength=len(names)).tolist()
        out = np.bincount(on, weights=board.out[rows], minlength=len(names)).tolist()
        found |= {(name, destination): (into[place], out[place]) for place, name in enumerate(names)}
    return found
