"""How a long command says how far it is: a bar on a terminal, a line now and then elsewhere; all on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Told = Callable[[str, int, int], None]
"""Hears what is being done, and how much of how much of it is."""
PATIENCE = 10.0
"""Seconds between two lines where nobody watches a bar."""


@contextmanager
def progress() -> Iterator[Told]:
    """What a command tells its progress to."""
    if not sys.stderr.isatty():
        yield _Lines().told
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        yield told


class _Lines:
    """Nothing of what is done at once."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def told(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._said >= PATIENCE:
            self._said = now
            print(f"{what}: {100 * done // max(total, 1)} %", file=sys.stderr)
