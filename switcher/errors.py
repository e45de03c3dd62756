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


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with an input: ``file:line: path: text``."""

    file: str
    line: int
    path: str
    text: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.path}: {self.text}" if self.path else f"{where}: {self.text}"


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
