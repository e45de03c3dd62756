"""When Python searches for reference cycles: after a tick, never in it.

A tick makes very many values, and a search that goes through them again and again takes half of its time. Our own
values hold no cycles (a test sees to it), but those of a library do: each query of SQLAlchemy leaves some, and without
a search they would stay for good. So what a tick has made is searched once when it is over, and then counts as old;
what was in use by another thread at that moment, and is left later, is found by the search through everything.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG, ALL = 1, 2
"""Generations of :func:`gc.collect`, each with those that are younger."""
WHOLE = 100
"""Every so many ticks everything is searched: 0.1 s with 100,000 workloads, where what is young takes 0.03 s."""


class Collector:
    """Not for several threads: ticks come one after the other."""

    def __init__(self) -> None:
        self._ticks = 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """No search until the end; where it was off before, none at all."""
        wanted = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if wanted:
                self._ticks += 1
                gc.collect(YOUNG if self._ticks % WHOLE else ALL)
                gc.freeze()
                gc.unfreeze()  # into the oldest generation: no search among the young goes through it again
                gc.enable()
