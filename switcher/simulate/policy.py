"""What is compared: anything that answers a sight with an assignment."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from switcher.decide.board import Ints
from switcher.simulate.sight import Sight


class Policy(Protocol):
    """One run's decider; it may keep what it has seen from slot to slot. A policy serves one run only."""

    @property
    def name(self) -> str:
        """As reports have it."""
        ...

    def place(self, sight: Sight) -> Ints:
        """W: the column of each workload in the slot that begins. Must not change ``sight``."""
        ...


class Static:
    """Nothing moves."""

    name = "static"

    def place(self, sight: Sight) -> Ints:
        """Where they are."""
        return sight.here


class Recorded:
    """What was really done: ``places`` is T x W."""

    def __init__(self, places: Ints, name: str = "recorded") -> None:
        self.name = name
        self._places = np.asarray(places, dtype=np.int64)

    def place(self, sight: Sight) -> Ints:
        """The slot's row."""
        row: Ints = self._places[sight.number]
        return row
