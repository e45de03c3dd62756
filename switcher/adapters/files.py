"""The users' objects from files: reread when a file changes, refused whole when anything is wrong with them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from switcher.errors import BadInputError, Problem
from switcher.objects.load import files_below, load, load_documents
from switcher.objects.model import Book

log = logging.getLogger(__name__)
Document = dict[str, Any]
Fingerprint = tuple[tuple[str, int, int, int], ...]


class ObjectFiles:
    """The book in force. ``valid`` hears whether the files as they are now are what is in force. For any thread."""

    def __init__(
        self,
        paths: Sequence[Path],
        valid: Callable[[bool], None],
        networks: Callable[[], Collection[str]] = tuple,
        keep: Callable[[Sequence[Document]], None] = lambda _: None,
    ) -> None:
        """``networks``: names that policies may offer as candidates; none known yet: not checked.
        ``keep``: stores the objects of every change that is taken (raises TryLaterError: asked again).

        Raises BadInputError when the files are wrong at the start: there is no last good one yet.
        """
        self._paths = paths
        self._valid = valid
        self._networks = networks
        self._keep = keep
        self._lock = threading.Lock()
        self._seen = self._fingerprint()
        self._refused: tuple[Problem, ...] = ()
        self._book, self._unkept = self._load()
        valid(True)

    def book(self) -> Book:
        """The objects in force: the files' present ones, or the last good ones when these are refused.

        Raises TryLaterError when they cannot be stored: no decision is made that could not be explained later.
        """
        with self._lock:
            now = self._fingerprint()
            if now != self._seen or self._refused:
                self._seen = now
                self._reload()
            if self._unkept:
                self._keep(self._unkept)
                self._unkept = []
            return self._book

    def _load(self) -> tuple[Book, list[Document]]:
        known = self._networks() or None
        return load(self._paths, known), load_documents(self._paths, known)

    def _reload(self) -> None:
        """Refused files are tried again at every call: what they name may have come to be."""
        try:
            book, documents = self._load()
            if not documents and self._book.items:  # an editor empties a file before it writes it
                raise BadInputError([Problem(str(path), 0, "", "holds no object any more") for path in self._paths])
            self._book, self._unkept = book, documents
        except BadInputError as error:
            self._valid(False)
            for problem in error.problems if error.problems != self._refused else ():
                log.error("objects refused; the last good ones stay in force", extra={"problem": str(problem)})
            self._refused = error.problems
            return
        self._refused = ()
        self._valid(True)
        log.info("objects reread", extra={"tariffs": len(self._book.tariffs), "policies": len(self._book.policies)})

    def _fingerprint(self) -> Fingerprint:
        """Changes when any file is added, removed, replaced or written, or cannot be read any more."""
        marks = []
        for path in self._paths:
            found, unread = files_below(path)
            marks += [(str(error.filename), 0, 0, 0) for error in unread]
            for file in found:
                try:
                    stat = file.stat()
                except OSError:
                    marks.append((str(file), 0, 0, 0))
                else:
                    marks.append((str(file), stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(marks)
