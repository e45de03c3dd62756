"""``switcher decide``: the decision on given snapshots, one JSON object per line in and out."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, TextIO

import typer

from switcher import decide as decision
from switcher.commands.snapshot import SnapshotLine, read_line
from switcher.commands.tables import written_time
from switcher.commands.together import Together
from switcher.errors import BadInputError, Problem, SwitcherError
from switcher.model import Decision, Memory, stay_counts
from switcher.objects.load import extend, load
from switcher.objects.model import Book

ENCODING = "utf-8-sig"
"""With or without a byte order mark."""

Config = Annotated[Path, typer.Option("--config", help="A directory with the objects as YAML or JSON.")]
Snapshots = Annotated[str, typer.Option("--snapshots", help="A file of snapshots, one per line; - is standard input.")]


def decide(
    config: Config,
    snapshots: Snapshots,
    as_json: Annotated[  # noqa: ARG001 - with and without it
        bool, typer.Option("--json", help="One JSON object per line, as always.")
    ] = False,
) -> None:
    """What would be decided: for every snapshot line one line of JSON, written before the next one is read.

    Example: switcher decide --config config/examples --snapshots snapshots.jsonl
    """
    inputs = Together()
    book, opened = inputs.read(load, [config]), inputs.read(_opened, snapshots)
    inputs.accept()
    assert book is not None and opened is not None  # noqa: S101, PT018 - told to the type checker
    run = _Run(book, "standard input" if snapshots == "-" else snapshots)
    with opened as source:
        for number, text in _lines(source, run.file):
            sys.stdout.write(json.dumps(run.answer(text, number)) + "\n")
            sys.stdout.flush()


class _Run:
    """What is kept from one line to the next."""

    def __init__(self, book: Book, file: str) -> None:
        self.file = file
        self._book = book
        self._memory = Memory()
        self._before: decision.Before | None = None

    def answer(self, text: str, number: int) -> dict[str, object]:
        """Decide on one line. Raises BadInputError when it is malformed, or older than the one before."""
        line = read_line(text, self.file, number)
        self._in_order(line, number)
        if line.objects:
            self._book = extend(self._book, line.objects, f"{self.file}, line {number}", line.now)
        seen = line.snapshot()
        self._memory = decision.remember(self._memory, self._before, seen, self._book)
        started = time.perf_counter()
        answer = decision.decide(seen, self._memory, self._book)
        elapsed = time.perf_counter() - started
        self._before = decision.Before(seen, answer)
        return {**as_json_object(answer), "solve_ms": round(elapsed * 1000, 3)}

    def _in_order(self, line: SnapshotLine, number: int) -> None:
        last = None if self._before is None else self._before.seen.now
        if last is not None and line.now < last:
            text = f"{written_time(line.now)} is before the line above ({written_time(last)}): oldest first"
            raise BadInputError([Problem(self.file, number, "now", text)])


def as_json_object(answer: Decision) -> dict[str, object]:
    """A decision as api.md has it; money as strings."""
    return {
        "now": written_time(answer.now),
        "moves": [
            {
                "workload": move.workload,
                "from": move.source,
                "to": move.target,
                "reason": move.reason.value,
                "saving_per_hour": format(move.saving_per_hour, "f"),
                "explanation": move.explanation,
            }
            for move in answer.moves
        ],
        "stays": {reason.value: count for reason, count in sorted(stay_counts(answer.stays).items())},
        "surcharge": {name: format(price, "f") for name, price in answer.surcharge.items()},
    }


def _opened(path: str) -> AbstractContextManager[TextIO]:
    if path == "-":
        return nullcontext(_standard_input())
    try:
        return Path(path).open(encoding=ENCODING)
    except OSError as error:
        raise BadInputError([Problem(path, 0, "", f"cannot be read: {error.strerror}")]) from error


def _standard_input() -> TextIO:
    """JSON is UTF-8, whatever the locale says."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding=ENCODING, errors="strict")
    return sys.stdin


def _lines(source: TextIO, file: str) -> Iterator[tuple[int, str]]:
    """Numbered lines that are not blank."""
    number = 0
    try:
        for text in source:
            number += 1
            if text.strip():
                yield number, text
    except UnicodeDecodeError as error:
        raise BadInputError([Problem(file, number + 1, "", "is not UTF-8 text")]) from error
    except OSError as error:
        raise SwitcherError(f"{file}: {error.strerror}") from error
