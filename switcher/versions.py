"""Users' objects as the history keeps them: each version from the moment at which the controller learned of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from switcher.ports import History, ObjectVersion, RemovedObject, StoredObject

Document = Mapping[str, Any]
Key = tuple[str, str]
"""Kind and name."""
TERMS = {"Tariff": ("contract", "validFrom", "recordedAt"), "ExchangeRate": ("from", "to", "date")}
"""No two of one set of objects are equal in these."""


def keep_objects(history: History, documents: Sequence[Document], now: datetime) -> None:
    """Store the users' objects as learned now: those that are known and not among them count as removed.

    No object at all says that something is wrong with the files, and removes nothing. A version that is dated ahead,
    because the clock was, makes way: what is learned now counts from then on too. Raises TryLaterError when the
    database is away.
    """
    if not documents:
        return
    given, ahead = dict(_by_key(documents)), _dated_ahead(history, now)
    known = {(stored.kind, stored.name) for stored in history.objects(now)}
    history.store_objects(
        [
            _version(key, given.get(key), moment)
            for key in [*given, *sorted((known | ahead.keys()) - given.keys())]
            for moment in (now, *ahead.get(key, ()))
        ]
    )


def _version(key: Key, document: Document | None, moment: datetime) -> ObjectVersion:
    kind, name = key
    if document is None:
        return RemovedObject(kind=kind, name=name, recorded_at=moment)
    return StoredObject(kind=kind, name=name, document=document, recorded_at=moment)


def _dated_ahead(history: History, now: datetime) -> Mapping[Key, Sequence[datetime]]:
    """The times, oldest first, of the versions of each object that are dated later than now."""
    found: defaultdict[Key, dict[datetime, None]] = defaultdict(dict)
    for version in history.object_versions(now):
        found[version.kind, version.name][version.recorded_at] = None
    return {key: list(moments) for key, moments in found.items()}


def _by_key(documents: Sequence[Document]) -> Iterator[tuple[Key, Document]]:
    """Price lists and exchange rates need no names of their own: those that share one are told apart by their terms."""
    keys = [(str(document["kind"]), _name(document)) for document in documents]
    shared = Counter(keys)
    for key, document in zip(keys, documents, strict=True):
        terms = TERMS.get(key[0], ()) if shared[key] > 1 or not key[1] else ()
        words = [str(document["spec"][term]) for term in terms if document["spec"].get(term)]
        yield (key[0], " ".join([key[1], *words]).strip()), document


def _name(document: Document) -> str:
    metadata = document.get("metadata") or {}
    name = str(metadata.get("name") or "")
    return f"{metadata['namespace']}/{name}" if metadata.get("namespace") else name
