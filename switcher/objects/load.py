"""Reads the users' objects: everything that is wrong with all inputs is reported at once, and then nothing is taken."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from switcher.errors import BadInputError, Problem
from switcher.objects import crosscheck, tiers, yamltree
from switcher.objects.book import Book
from switcher.objects.complaints import complaints
from switcher.objects.crosscheck import Placed, Unread
from switcher.objects.kinds import as_known
from switcher.objects.networks import PhysicalNetwork
from switcher.objects.policies import CongestionThreshold, SwitchPolicy
from switcher.objects.remains import remains
from switcher.objects.tariffs import ExchangeRate, Tariff
from switcher.objects.yamltree import Document

SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(slots=True)
class _Reading:
    """What has been read so far, and what was wrong with it.

    Once there is a problem nothing is taken, so ``placed`` then has the remains of bad objects too (remains.py).
    """

    documents: list[Document] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unread: Unread = field(default_factory=Unread)

    def refuse_if_wrong(self) -> None:
        """Raises BadInputError with every problem, in the order of the inputs."""
        if self.problems:
            each = list(dict.fromkeys(self.problems))
            files = list(dict.fromkeys(problem.file for problem in each))
            raise BadInputError(sorted(each, key=lambda problem: (files.index(problem.file), problem.line)))


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
    unread = below.unread.beside(above.unread)
    together = _Reading(placed=placed, problems=below.problems + above.problems, unread=unread)
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
    if not _is_directory(path):
        return [path], unread  # a pipe too
    found = []
    for directory, below, names in os.walk(path, onerror=unread.append):
        below[:] = [name for name in below if not name.startswith(".")]
        found += [Path(directory, name) for name in names if name.endswith(SUFFIXES) and not name.startswith(".")]
    return sorted(file for file in found if _may_be_file(file)), unread


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


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
    reading.problems += crosscheck.between(reading.placed, known_networks, reading.unread)
    reading.refuse_if_wrong()


def _validate(reading: _Reading) -> None:
    reading.unread.files |= any(not problem.path for problem in reading.problems)  # so far they are of files
    for document in reading.documents:
        kind, known = as_known(document, reading.problems)
        if kind is None:
            reading.unread.add(document)
            continue
        reading.problems += tiers.out_of_order(known)
        try:
            reading.placed.append(Placed(kind.model_validate(known.data, by_alias=True, by_name=False), known))
        except ValidationError as error:
            reading.problems += complaints(error, kind, known)
            reading.placed += remains(kind, known, error) if reading.problems else []


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
