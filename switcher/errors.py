"""Errors that say what to do next. Adapters translate their client's errors into these once, ``from error``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class SwitcherError(Exception):
    """Base: the command failed (exit code 1) and its text is for the user."""


class TryLaterError(SwitcherError):
    """The outside world is unwell; the next cycle may succeed."""


class TamperedError(SwitcherError):
    """A record of the decision log is not what was stored: nothing that it says can be relied on."""


MOST_SHOWN = 120
"""Characters of an offending value that a message repeats."""


def clipped(value: object) -> str:
    """A value in a message; of a long one the beginning and its length."""
    try:
        text = str(value)
    except ValueError:  # a whole number of more digits than Python writes
        return "a number of thousands of digits"
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}… ({len(text):,} characters)"


def quoted(value: object) -> str:
    """The same, text in quotes."""
    if not isinstance(value, str):
        return clipped(value)
    shown = f"{value[:MOST_SHOWN]!r}"
    return shown if len(value) <= MOST_SHOWN else f"{shown}… ({len(value):,} characters)"


def printable(text: str) -> str:
    """One line that every terminal and log can show: what cannot be printed is escaped."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with an input: ``file:line: path: text``."""

    file: str
    line: int
    path: str
    text: str
    document: int = 1
    """Of the file, counted from 1; of a later one the text says it too."""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return printable(f"{where}: {self.path}: {self.text}" if self.path else f"{where}: {self.text}")


class BadInputError(SwitcherError):
    """The user's input is refused whole (exit code 2); ``problems`` lists everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RefusedError(SwitcherError):
    """The node refuses the order and has touched nothing; ``reason`` is api.md's refusal word, if it has one."""

    def __init__(self, message: str, reason: str | None = None) -> None:
        self.reason = reason
        super().__init__(message)
