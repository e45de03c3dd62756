"""The ledgers of percentile charges, read from the history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np

from switcher.decide.board import Floats
from switcher.decide.ledger import ledgers
from switcher.decide.projection import fillable
from switcher.decide.samples import Slots
from switcher.model import Ledger, Snapshot
from switcher.objects.model import Book
from switcher.ports import History

SETTLED = timedelta(hours=1)
"""Slots that ended so long ago are read again once an hour only: until then late batches do not change them."""

Span = tuple[datetime, datetime, timedelta]
Columns = Mapping[str, Floats]
"""By physical network: bytes in and out (rows) in each slot, not a number where there is no sample."""


class SlotReader:
    """Reads slots of long billing periods at every tick. Mutable: keeps those that hardly change any more.

    What is kept is read again at every full hour of ``now``, so that a controller that has just started sees the same
    as one that has run for long.
    """

    def __init__(self) -> None:
        self._kept: dict[Span, Columns] = {}

    def ledgers(self, history: History, book: Book, seen: Snapshot) -> Mapping[tuple[str, str], Ledger]:
        """The ledgers as a tick needs them. Raises TryLaterError when the database is away."""
        hour = seen.now.replace(minute=0, second=0, microsecond=0)
        used: dict[Span, Columns] = {}

        def slots_of(name: str, start: datetime, end: datetime, slot: timedelta) -> Slots:
            edge = min(start + max((hour - SETTLED - start) // slot, 0) * slot, end)
            kept, fresh = (start, edge, slot), (edge, end, slot)
            for span in (kept, fresh):
                if span not in used:
                    used[span] = self._kept[span] if span in self._kept else _read(history, span)
            return _slots(used[kept].get(name), used[fresh].get(name), (kept, fresh))

        found = ledgers(book, seen.now, fillable(seen, book), slots_of)
        self._kept = {span: columns for span, columns in used.items() if span[1] <= hour - SETTLED}
        return found


def _read(history: History, span: Span) -> Columns:
    """All nodes of a physical network together."""
    start, end, slot = span
    count = -(-(end - start) // slot)
    found: dict[str, Floats] = {}
    for name, carried in history.slot_totals(start, end, slot).items() if count else ():
        found[name] = np.full((2, count), np.nan)
        at = np.asarray(carried.slots, dtype=np.int64)
        found[name][0, at], found[name][1, at] = carried.in_bytes, carried.out_bytes
    return found


def _slots(kept: Floats | None, fresh: Floats | None, spans: tuple[Span, Span]) -> Slots:
    """Bits per second of the slots that are over, and what the last one comes to if it is not."""
    start, end, slot = spans[0][0], spans[1][1], spans[0][2]
    over = (end - start) // slot
    columns = []
    for side in (0, 1):
        parts = [
            np.full(-(-(until - since) // length), np.nan) if part is None else part[side]
            for part, (since, until, length) in zip((kept, fresh), spans, strict=True)
        ]
        columns.append(np.concatenate(parts) * 8 / slot.total_seconds())
    into, out = columns
    begun = (float(np.nansum(into[over:])), float(np.nansum(out[over:])))
    return Slots(into=into[:over], out=out[:over], begun=begun)
