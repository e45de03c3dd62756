"""The objects of a period as the history kept them: each version from when it became known, until it was taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from switcher.backtest.record import Span
from switcher.ports import History, StoredObject
from switcher.versions import Document, Key, price_lists, stamped


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Plain data, checked by whoever makes books of it. Price lists say since when they were known."""

    in_force: Sequence[tuple[datetime, Sequence[Document]]]
    """From when on which objects; the first at the period's start. Of several changes within a slot the last."""
    billed: Sequence[Document]
    """All price lists of the period, with the other objects that were there at its end."""


def kept_objects(history: History, span: Span) -> Kept:
    """The objects of a period. Raises TryLaterError when the database is away."""
    at_start = history.objects(span.start)
    changes = history.object_versions(span.start, span.end)
    there: dict[Key, StoredObject] = {(one.kind, one.name): one for one in at_start}
    by_slot = {0: (span.start, _documents(there))}
    for moment, versions in groupby(changes, key=attrgetter("recorded_at")):
        for version in versions:
            there.pop((version.kind, version.name), None)
            if isinstance(version, StoredObject):
                there[version.kind, version.name] = version
        by_slot[-((span.start - moment) // span.slot)] = moment, _documents(there)
    others = [stored.document for stored in there.values() if stored.kind != "Tariff"]
    return Kept(
        in_force=[by_slot[slot] for slot in sorted(by_slot)],
        billed=[*price_lists([*at_start, *changes]), *others],
    )


def _documents(there: Mapping[Key, StoredObject]) -> list[Document]:
    return [stamped(there[key]) for key in sorted(there)]
