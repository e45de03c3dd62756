"""Files that commands read and write: standard input as ``-``, and what cannot be written is told beforehand."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from switcher.errors import BadInputError, Problem

CHARTS = (".png", ".svg")
STANDARD_INPUT = Path("/dev/stdin")


def readable(path: Path) -> Path:
    """The file that is meant: ``-`` is standard input."""
    return STANDARD_INPUT if str(path) == "-" else path


def unwritable(option: str, path: Path | None, suffixes: Sequence[str] = ()) -> Iterator[Problem]:
    """Why nothing could be written there, so that nothing is computed for it."""
    if path is None:
        return
    if suffixes and path.suffix.lower() not in suffixes:
        yield Problem(option, 0, "", f"{str(path)!r} must end in {' or '.join(suffixes)}")
    if path.is_dir():
        yield Problem(option, 0, "", f"{str(path)!r} is a directory")
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        where = path if path.exists() or path.parent.is_dir() else path.parent
        why = "cannot be written to" if where.exists() else "is no directory"
        yield Problem(option, 0, "", f"{str(path)!r}: {where} {why}")


def refuse_unwritable(option: str, path: Path | None, suffixes: Sequence[str] = ()) -> None:
    """Raises BadInputError where nothing could be written."""
    problems = list(unwritable(option, path, suffixes))
    if problems:
        raise BadInputError(problems)
