"""Reads the users' objects: everything that is wrong with all inputs is reported at once, and then nothing is taken."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from switcher.errors import BadInputError, Problem, quoted
from switcher.objects import crosscheck, tiers, yamltree
from switcher.objects.base import GENIE, NAD, OURS, KubeObject
from switcher.objects.book import Book
from switcher.objects.complaints import complaints
from switcher.objects.crosscheck import Placed
from switcher.objects.networks import LogicalNetwork, NetworkAttachmentDefinition, NetworkSwitch, PhysicalNetwork
from switcher.objects.policies import CongestionThreshold, SwitchPolicy
from switcher.objects.remains import remains
from switcher.objects.tariffs import ExchangeRate, Tariff
from switcher.objects.yamltree import Document

KINDS: dict[str, tuple[type[KubeObject], str]] = {
    "Tariff": (Tariff, OURS),
    "CongestionThreshold": (CongestionThreshold, OURS),
    "SwitchPolicy": (SwitchPolicy, OURS),
    "NetworkSwitch": (NetworkSwitch, OURS),
    "ExchangeRate": (ExchangeRate, OURS),
    "PhysicalNetwork": (PhysicalNetwork, GENIE),
    "Physicalnetwork": (PhysicalNetwork, GENIE),
    "LogicalNetwork": (LogicalNetwork, GENIE),
    "Logicalnetwork": (LogicalNetwork, GENIE),
    "NetworkAttachmentDefinition": (NetworkAttachmentDefinition, NAD),
}
SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(slots=True)
class _Reading:
    """What has been read so far, and what was wrong with it.

    Once there is a problem nothing is taken, so ``placed`` then has the remains of bad objects too (remains.py).
    """

    documents: list[Document] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def refuse_if_wrong(self) -> None:
        """Raises BadInputError with every problem, one per place, in the order of the inputs."""
        if self.problems:
            first: dict[tuple[str, int, str], Problem] = {}
            for problem in self.problems:
                first.setdefault((problem.file, problem.line, problem.path), problem)
            files = list(dict.fromkeys(problem.file for problem in self.problems))
            raise BadInputError(sorted(first.values(), key=lambda problem: (files.index(problem.file), problem.line)))


def load(paths: Sequence[Path], known_networks: Collection[str] | None = None) -> Book:
    """The objects of files and directories (of YAML and JSON files, also in subdirectories).

    ``known_networks``: names of networks (``cni:x``) that policies may name as candidates; None: not checked.
    Raises BadInputError with every problem of all inputs.
    """
    return _book(_valid(_read(paths), known_networks).placed)


def load_over(base: Sequence[Path] | Sequence[Mapping[str, Any]], over: Sequence[Path]) -> Book:
    """The objects of ``base`` with those of ``over`` laid over them: of one kind and name only the latter counts.

    Tariffs and exchange rates too, other than in :func:`extend`. ``base``: files, or documents of the history.
    Raises BadInputError with every problem.
    """
    files = [path for path in base if isinstance(path, Path)]
    stored = [document for document in base if not isinstance(document, Path)]
    below, above = _read(files), _read(over)
    below.documents += [_plain(document, "history", None) for document in stored]
    _validate(below)
    _validate(above)
    laid = {_identity(one) for one in above.placed}
    placed = [one for one in below.placed if _identity(one) not in laid] + above.placed
    together = _Reading(placed=placed, problems=below.problems + above.problems)
    _cross_check(together, None)
    return _book(placed)


def _identity(one: Placed) -> tuple[str, str | None, str]:
    return one.item.kind, one.item.metadata.namespace, one.item.name


def load_placed(paths: Sequence[Path]) -> list[Placed]:
    """All valid objects with the documents that they came from, also of kinds that a book does not hold."""
    return _valid(_read(paths), None).placed


def load_documents(paths: Sequence[Path], known_networks: Collection[str] | None = None) -> list[dict[str, Any]]:
    """The same objects as plain data, for the history. Raises BadInputError as :func:`load` does."""
    return [placed.document.data for placed in _valid(_read(paths), known_networks).placed]


def parse_documents(text: str, filename: str) -> list[dict[str, Any]]:
    """The valid objects of one text as plain data. Raises BadInputError with every problem."""
    reading = _Reading()
    _read_text(reading, text, filename)
    return [placed.document.data for placed in _valid(reading, None).placed]


def book_from_documents(
    documents: Sequence[Mapping[str, Any]],
    source: str = "history",
    recorded_at: datetime | None = None,
    known_networks: Collection[str] | None = None,
) -> Book:
    """A book of plain data, from the history or a snapshot; ``source`` stands in messages for the file.

    Tariffs without recordedAt count as recorded at ``recorded_at``. Raises BadInputError with every problem.
    """
    return extend(Book(), documents, source, recorded_at, known_networks)


def extend(
    book: Book,
    documents: Sequence[Mapping[str, Any]],
    source: str = "snapshot",
    recorded_at: datetime | None = None,
    known_networks: Collection[str] | None = None,
) -> Book:
    """The book with more objects: tariffs and rates are added, others replace what has their kind and name.

    Raises BadInputError with every problem of the documents, alone or together with the book.
    """
    reading = _Reading(documents=[_plain(document, source, recorded_at) for document in documents])
    _validate(reading)
    reading.placed[:0] = _kept(book, reading.placed)
    _cross_check(reading, known_networks)
    return _book(reading.placed)


def _plain(document: Mapping[str, Any], source: str, recorded_at: datetime | None) -> Document:
    data = dict(document) if isinstance(document, Mapping) else document
    spec = data.get("spec") if isinstance(data, dict) else None
    if recorded_at is None or not isinstance(spec, Mapping) or data.get("kind") != "Tariff":
        return Document(data=data, file=source)
    stamped = {**spec, "recordedAt": spec.get("recordedAt") or recorded_at}
    return Document(data={**data, "spec": stamped}, file=source)


def _kept(book: Book, newer: Sequence[Placed]) -> list[Placed]:
    replaced = {(one.item.kind, one.item.metadata.namespace, one.item.name) for one in newer}
    documents = book.documents or ({},) * len(book.items)
    return [
        Placed(item, Document(data=dict(document), file="objects known before"))
        for item, document in zip(book.items, documents, strict=True)
        if isinstance(item, Tariff | ExchangeRate) or (item.kind, item.metadata.namespace, item.name) not in replaced
    ]


def _read(paths: Sequence[Path]) -> _Reading:
    reading = _Reading()
    for path in paths:
        for file in _files(path, reading.problems):
            try:
                _read_text(reading, file.read_text(encoding="utf-8-sig"), str(file))
            except (OSError, UnicodeDecodeError) as error:
                text = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error.strerror)
                reading.problems.append(Problem(str(file), 0, "", f"cannot be read: {text}"))
    return reading


def _files(path: Path, problems: list[Problem]) -> list[Path]:
    found, unread = files_below(path)
    problems += [Problem(error.filename, 0, "", f"cannot be read: {error.strerror}") for error in unread]
    if not found and not unread:
        problems.append(Problem(str(path), 0, "", "the directory holds no .yaml, .yml or .json file"))
    return found


def files_below(path: Path) -> tuple[list[Path], list[OSError]]:
    """The files of a path that hold objects, and what could not be listed: there may be more of them there."""
    unread: list[OSError] = []
    if _may_be_file(path):
        return [path], unread
    found = []
    for directory, below, names in os.walk(path, onerror=unread.append):
        below[:] = [name for name in below if not name.startswith(".")]
        found += [Path(directory, name) for name in names if name.endswith(SUFFIXES) and not name.startswith(".")]
    return sorted(file for file in found if _may_be_file(file)), unread


def _may_be_file(path: Path) -> bool:
    """Also what is away for a moment, or closed: whoever reads it learns why it cannot be read."""
    try:
        return path.is_file() or not path.exists()
    except OSError:
        return True


def _read_text(reading: _Reading, text: str, filename: str) -> None:
    documents, problems = yamltree.read(text, filename)
    reading.documents += yamltree.listed(documents)
    reading.problems += problems


def _valid(reading: _Reading, known_networks: Collection[str] | None) -> _Reading:
    _validate(reading)
    _cross_check(reading, known_networks)
    return reading


def _cross_check(reading: _Reading, known_networks: Collection[str] | None) -> None:
    reading.problems += crosscheck.between(reading.placed, known_networks)
    reading.refuse_if_wrong()


def _validate(reading: _Reading) -> None:
    for document in reading.documents:
        kind = _kind(document, reading.problems)
        if kind is None:
            continue
        reading.problems += tiers.out_of_order(document)
        try:
            reading.placed.append(Placed(kind.model_validate(document.data, by_alias=True, by_name=False), document))
        except ValidationError as error:
            reading.problems += complaints(error, kind, document)
            reading.placed += remains(kind, document, error) if reading.problems else []


def _kind(document: Document, problems: list[Problem]) -> type[KubeObject] | None:
    data = document.data
    if not isinstance(data, dict):
        problems.append(document.problem((), f"an object must be a mapping, but this is {_shown(data)}"))
        return None
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        near = get_close_matches(str(kind), KINDS, 1)
        hint = f", did you mean {near[0]!r}?" if near else f": known are {', '.join(KINDS)}"
        text = "required, but missing" if kind is None else f"unknown kind {quoted(kind)}{hint}"
        problems.append(document.problem(("kind",), text))
        return None
    model, version = KINDS[kind]
    if data.get("apiVersion", version) != version:
        problems.append(document.problem(("apiVersion",), f"{quoted(data['apiVersion'])} must be {version} for {kind}"))
    return model


def _shown(data: Any) -> str:
    return "a list" if isinstance(data, list) else quoted(data)


def _book(placed: Sequence[Placed]) -> Book:
    items = [one.item for one in placed]
    book = Book(
        tariffs=tuple(item for item in items if isinstance(item, Tariff)),
        thresholds=tuple(item for item in items if isinstance(item, CongestionThreshold)),
        policies=tuple(item for item in items if isinstance(item, SwitchPolicy)),
        physical_networks=tuple(item for item in items if isinstance(item, PhysicalNetwork)),
        rates=tuple(item for item in items if isinstance(item, ExchangeRate)),
    )
    sources = {id(one.item): one for one in placed}
    return replace(book, documents=tuple(sources[id(item)].document.data for item in book.items), sources=sources)
