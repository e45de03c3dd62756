"""The objects of a period as the history kept them: each version from when it became known, until it was taken away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from switcher.backtest.record import Span
from switcher.ports import History, ObjectVersion, StoredObject

Document = Mapping[str, Any]
Key = tuple[str, str]
"""Kind and name."""


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
        billed=[*_price_lists([*at_start, *changes]), *others],
    )


def _documents(there: Mapping[Key, StoredObject]) -> list[Document]:
    return [_stamped(there[key]) for key in sorted(there)]


def _stamped(stored: StoredObject, **more: str) -> Document:
    """A price list counts as known from when it was stored, where it does not say itself."""
    if stored.kind != "Tariff":
        return stored.document
    spec = stored.document["spec"]
    known = spec.get("recordedAt") or stored.recorded_at.isoformat()
    return {**stored.document, "spec": {**spec, "recordedAt": known, **more}}


def _price_lists(versions: Sequence[ObjectVersion]) -> list[Document]:
    """Every version that was ever known, until it was taken away.

    Of those that a user says to have recorded at the same time the last one counts: it was corrected in place.
    """
    found = {}
    by_name = sorted((one for one in versions if one.kind == "Tariff"), key=attrgetter("name"))
    for _, group in groupby(by_name, key=attrgetter("name")):
        for document in _while_there([*group]):
            spec = document["spec"]
            found[_contract(document), spec["validFrom"], spec["recordedAt"]] = document
    return [*found.values()]


def _while_there(versions: Sequence[ObjectVersion]) -> Iterator[Document]:
    """Of one object: a list ends where the object is removed, or becomes a list of another contract.

    A newer list of its own contract needs no end of the older one: at each moment the one recorded last counts.
    """
    for number, stored in enumerate(versions):
        if not isinstance(stored, StoredObject):
            continue
        later = versions[number + 1] if number + 1 < len(versions) else None
        stays = isinstance(later, StoredObject) and _contract(later.document) == _contract(stored.document)
        if later is None or stays:
            yield _stamped(stored)
            continue
        spec = stored.document["spec"]
        ends = [later.recorded_at, *(datetime.fromisoformat(text) for text in (spec.get("validTo"),) if text)]
        if min(ends) > datetime.fromisoformat(spec["validFrom"]):
            yield _stamped(stored, validTo=min(ends).isoformat())


def _contract(document: Document) -> str:
    """As the object's model has it."""
    return str(document["spec"].get("contract") or (document.get("metadata") or {}).get("name") or "")
