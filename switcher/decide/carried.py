"""Slots of a billing period, filled from samples as they come: what percentile ledgers read where no history is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from switcher.decide.projection import total_bps
from switcher.decide.samples import Slots, SlotsOf, added, grids
from switcher.model import Carried, NetworkState, Uplink
from switcher.objects.book import Book

Key = tuple[Uplink, timedelta, datetime]
WIDTH = 8
"""Bytes of a float64."""
Sampled = tuple[NetworkState, datetime]
"""A state and since when its load is a mean."""


def carried(
    before: Mapping[Key, Carried], book: Book, now: datetime, samples: Iterable[Sampled]
) -> Mapping[Key, Carried]:
    """The slots with what new samples add. Those of the running and of the last billing period are kept."""
    wanted = _wanted(book, now)
    kept = {key: one for key, one in before.items() if (key[0].physical_network, *key[1:]) in wanted}
    for state, since in samples:
        for (name, slot, start), end in wanted.items():
            if name == state.physical_network and since < end and state.sampled_at > start:
                key = state.uplink, slot, start
                one = kept.get(key, Carried(start=start, end=end))
                # A contract with a longer period may have come since it began.
                kept[key] = _with(replace(one, end=end), slot, (state, since))
    return kept


def _wanted(book: Book, now: datetime) -> Mapping[tuple[str, timedelta, datetime], datetime]:
    """By physical network, slot and start of a billing period when that ends: of several contracts the last end."""
    ends: dict[tuple[str, timedelta, datetime], datetime] = {}
    for grid in grids(book, now):
        for start, end in ((grid.last, grid.start), (grid.start, grid.end)):
            key = grid.network, grid.slot, start
            ends[key] = max(ends.get(key, end), end)
    return ends


def slots_of(kept: Mapping[Key, Carried]) -> SlotsOf:
    """The slots as a ledger asks for them: all nodes together."""

    def found(name: str, start: datetime, end: datetime, slot: timedelta) -> Slots:
        count = max((end - start) // slot, 0)
        parts = [one for key, one in kept.items() if key[0].physical_network == name and key[1:] == (slot, start)]
        return Slots(
            into=added([np.frombuffer(part.into) for part in parts], count),
            out=added([np.frombuffer(part.out) for part in parts], count),
            begun=(
                sum(part.open_in for part in parts) / slot.total_seconds(),
                sum(part.open_out for part in parts) / slot.total_seconds(),
            ),
            split=all(part.split for part in parts),
        )

    return found


def _with(one: Carried, slot: timedelta, sample: Sampled) -> Carried:
    """The slots with the part of one sample that lies in the billing period."""
    state, since = sample
    at, until = max(since, one.start), min(state.sampled_at, one.end)
    into, out = total_bps(state)
    means: tuple[list[float], list[float]] = ([], [])
    number = len(one.into) // WIDTH
    held, sampled = [one.open_in, one.open_out], one.sampled
    while True:
        begins, ends = one.start + number * slot, one.start + (number + 1) * slot
        seconds = (min(until, ends) - max(at, begins)).total_seconds()
        if seconds > 0:
            held, sampled = [held[0] + into * seconds, held[1] + out * seconds], True
        if until < ends:
            break
        for side in (0, 1):
            means[side].append(held[side] / slot.total_seconds() if sampled else np.nan)
        held, sampled, number = [0.0, 0.0], False, number + 1
    return replace(
        one,
        into=one.into + np.array(means[0]).tobytes(),
        out=one.out + np.array(means[1]).tobytes(),
        open_in=held[0],
        open_out=held[1],
        sampled=sampled,
        split=state.split,
    )
