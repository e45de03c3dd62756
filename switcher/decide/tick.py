"""What one run of the decision knows before it chooses, in one value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from switcher.decide.board import NOWHERE, Board, Bools, Floats, Ints
from switcher.decide.eligibility import Standing
from switcher.decide.prices import Prices
from switcher.decide.projection import Projection
from switcher.decide.rules import Rules


@dataclass(frozen=True, kw_only=True, eq=False)
class Tick:
    """The tables of a tick; all of them are indexed by the rows and columns of the board."""

    board: Board
    rules: Rules
    projection: Projection
    prices: Prices
    standing: Standing

    @property
    def home_uplink(self) -> Ints:
        """W: the uplink that each workload is on, NOWHERE if the snapshot does not list its network."""
        return self.board.home_uplink

    @cached_property
    def shedding(self) -> Bools:
        """W: on an uplink whose excess must leave."""
        home = self.home_uplink
        if not len(self.board.uplinks):
            return np.zeros(len(home), dtype=np.bool_)
        on_shedding: Bools = (home != NOWHERE) & self.projection.shedding[np.maximum(home, 0)]
        return on_shedding

    def rank(self, rows: Ints, columns: Ints) -> Floats:
        """How good the saving of each row on its column is for its disruption, best first; below zero."""
        cost = self.rules.move_cost[rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = -self.standing.saving[rows, columns] * self.rules.horizon[rows] / cost
        return np.where(cost > 0, gain, -np.inf)

    @cached_property
    def move_cost_per_hour(self) -> Floats:
        """W: the move's cost spread over the horizon."""
        return self.rules.move_cost / self.rules.horizon

    @cached_property
    def regrets(self) -> Floats:
        """W x C: what it costs per hour to be there rather than here, the move included, for each bit per second of
        room that leaving frees; below zero it saves.
        """
        costs = self.move_cost_per_hour[:, None] - self.standing.saving
        return costs / np.maximum(self.board.demand, 1.0)[:, None]

    def regret_per_bps(self, row: int, column: int) -> float:
        """The same of one workload."""
        return float(self.regrets[row, column])
