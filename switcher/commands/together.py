"""Problems of several inputs at once: what is wrong with one of them hides nothing of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from switcher.errors import BadInputError, Problem

P = ParamSpec("P")
T = TypeVar("T")


class Together:
    """Reads inputs one after the other, and refuses them together."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def read(self, read: Callable[P, T], *arguments: P.args, **more: P.kwargs) -> T | None:
        """What ``read`` returns, or None where it refuses its input: :meth:`accept` then says why."""
        try:
            return read(*arguments, **more)
        except BadInputError as error:
            self._problems.extend(error.problems)
            return None

    @property
    def refused(self) -> bool:
        """Whether anything is wrong so far."""
        return bool(self._problems)

    def accept(self) -> None:
        """Raises BadInputError with every problem so far, if there is any."""
        if self._problems:
            raise BadInputError(list(dict.fromkeys(self._problems)))
