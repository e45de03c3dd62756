"""Users' objects as the history keeps them: each version from the moment at which the controller learned of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby, zip_longest
from operator import attrgetter
from typing import Any

from switcher.ports import History, ObjectVersion, RemovedObject, StoredObject
from switcher.tariff.periods import EPOCH, MICROSECOND

Document = Mapping[str, Any]
Key = tuple[str, str]
"""Kind and name."""
HOUR = timedelta(hours=1)
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


def billed_objects(history: History, known_at: datetime | None) -> list[Document]:
    """What a bill is made from: every price list that was ever kept, and the exchange rates in force, as known then.

    A list that was taken away counts to the end of the hour: no bill is exact whose edges lie anywhere.
    Raises TryLaterError when the database is away.
    """
    rates = [stored.document for stored in history.objects(known_at) if stored.kind == "ExchangeRate"]
    return [*price_lists(history.object_versions(EPOCH, known_at), HOUR), *rates]


def stamped(stored: StoredObject, **terms: str) -> Document:
    """A price list counts as known from when it was stored, where it does not say itself. ``terms``: of its spec."""
    if stored.kind != "Tariff":
        return stored.document
    spec = stored.document["spec"]
    known = spec.get("recordedAt") or stored.recorded_at.isoformat()
    return {**stored.document, "spec": {**spec, "recordedAt": known, **terms}}


def price_lists(versions: Sequence[ObjectVersion], step: timedelta = MICROSECOND) -> list[Document]:
    """Every version of a price list, until it was taken away, or the end of the ``step`` in which it was.

    Of those that a user says to have recorded at the same time the last one counts: it was corrected in place.
    """
    found = {}
    by_name = sorted((one for one in versions if one.kind == "Tariff"), key=attrgetter("name"))
    for _, group in groupby(by_name, key=attrgetter("name")):
        for document in _while_there([*group], step):
            spec = document["spec"]
            found[_contract(document), spec["validFrom"], spec["recordedAt"]] = document
    return [*found.values()]


def _while_there(versions: Sequence[ObjectVersion], step: timedelta) -> Iterator[Document]:
    """Of one object: a list ends where the object is removed, or becomes a list of another contract.

    A newer list of its own contract needs no end of the older one: at each moment the one recorded last counts.
    """
    for stored, later in zip_longest(versions, versions[1:]):
        if not isinstance(stored, StoredObject):
            continue
        stays = isinstance(later, StoredObject) and _contract(later.document) == _contract(stored.document)
        if later is None or stays:
            yield stamped(stored)
            continue
        spec = stored.document["spec"]
        said = [datetime.fromisoformat(spec["validTo"])] if spec.get("validTo") else []
        end = min([EPOCH - (EPOCH - later.recorded_at) // step * step, *said])
        if end > datetime.fromisoformat(spec["validFrom"]):
            yield stamped(stored, validTo=end.isoformat())


def _contract(document: Document) -> str:
    """As the object's model has it."""
    return str(document["spec"].get("contract") or (document.get("metadata") or {}).get("name") or "")
