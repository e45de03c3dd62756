"""On what a decision was taken, beside its inputs: settings, the objects in force, and whose versions decided."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec

from switcher.decide import Settings
from switcher.objects.load import book_from_documents
from switcher.objects.model import Book

DECIDING = ("genie-switcher", "ortools", "numpy")
"""What the same inputs can be decided differently by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Of one decision; the history stores each document once, under the hash of its content."""

    settings: Settings
    versions: Mapping[str, str]
    documents: tuple[Mapping[str, Any], ...]
    """The users' objects as they were read."""

    def book(self) -> Book:
        """The objects in force then. Raises BadInputError when this version does not take them any more."""
        return book_from_documents(self.documents, "the record")


def terms(settings: Settings, book: Book) -> Terms:
    """The terms of a decision that is taken now."""
    return Terms(settings=settings, versions=versions(), documents=book.documents)


@cache
def versions() -> Mapping[str, str]:
    """Our own version, and those of what solves and computes for us."""
    return {**{name: version(name) for name in DECIDING}, "python": platform.python_version()}


def document_text(document: Mapping[str, Any]) -> str:
    """A document as JSON with its keys in order, so that equal documents are equal texts."""
    return msgspec.json.encode(document, order="sorted").decode()
