"""What is on every uplink while moves are chosen one by one: exact where the flow works with one rounded figure."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from switcher.decide.board import Bools
from switcher.decide.projection import TOLERANCE
from switcher.decide.tick import Tick


class Rooms:
    """Mutable: loads by direction and free addresses, with the moves that are planned so far."""

    def __init__(self, tick: Tick) -> None:
        self._board = tick.board
        self._uplink = tick.board.uplink
        self._into: list[float] = tick.projection.into.tolist()
        self._out: list[float] = tick.projection.out.tolist()
        self._limit: list[float] = (tick.projection.fill + TOLERANCE * tick.projection.capacity).tolist()
        self._addresses = [network.free_addresses for network in tick.board.networks]
        self.moved: dict[int, int] = {}
        """Row -> column of every planned move."""

    def at(self, row: int) -> int:
        """The column where a workload is, as planned."""
        return self.moved.get(row, int(self._board.here[row]))

    def over(self, uplink: int) -> bool:
        """Whether the load of an uplink is above ``fill``."""
        return max(self._into[uplink], self._out[uplink]) > self._limit[uplink]

    def over_without(self, uplink: int, row: int) -> bool:
        """The same with the workload away."""
        into, out = self._board.load(row, uplink)
        return max(self._into[uplink] - into, self._out[uplink] - out) > self._limit[uplink]

    def over_with(self, uplink: int, row: int) -> bool:
        """The same with the workload there."""
        into, out = self._board.load(row, uplink)
        return max(self._into[uplink] + into, self._out[uplink] + out) > self._limit[uplink]

    def has_address(self, row: int, column: int) -> bool:
        """Whether one is left. Who leaves keeps its own until it has drained."""
        left = self._addresses[self._board.network[row, column]]
        return left is None or left > 0

    def fits(self, row: int, column: int) -> bool:
        """Whether a workload may arrive: under ``fill``, with an address."""
        uplink = int(self._uplink[row, column])
        stays = uplink == int(self._uplink[row, self.at(row)])
        return self.has_address(row, column) and (stays or not self.over_with(uplink, row))

    def fitting(self) -> Bools:
        """W x C: :meth:`fits` for every workload that no move is planned for, and every network of its node."""
        board = self._board
        if not self._limit:
            return np.zeros(board.network.shape, dtype=np.bool_)
        uplink = np.maximum(self._uplink, 0)
        home = self._uplink[np.arange(len(board.here)), np.maximum(board.here, 0)][:, None]
        split = board.split[uplink]
        into = np.where(split, board.into[:, None], board.demand[:, None]) + np.array(self._into)[uplink]
        out = np.where(split, board.out[:, None], board.demand[:, None]) + np.array(self._out)[uplink]
        room = (np.maximum(into, out) <= np.array(self._limit)[uplink]) | (self._uplink == home)
        fits: Bools = self.addressed() & room
        return fits

    def addressed(self) -> Bools:
        """W x C: whether the network has an address left."""
        network = self._board.network
        left = np.array([count is None or count > 0 for count in self._addresses], dtype=np.bool_)
        has: Bools = (network >= 0) & left[network] if len(left) else np.zeros(network.shape, dtype=np.bool_)
        return has

    def put(self, row: int, column: int) -> None:
        """Plan the move, or with the present network's column that there is none."""
        before, here = self.at(row), int(self._board.here[row])
        self._load(row, int(self._uplink[row, before]), -1.0)
        self._load(row, int(self._uplink[row, column]), 1.0)
        for place, change in ((before, 1), (column, -1)):
            network = int(self._board.network[row, place])
            left = self._addresses[network]
            if place != here and left is not None:
                self._addresses[network] = left + change
        self.moved.pop(row, None)
        if column != here:
            self.moved[row] = column

    def stay(self, row: int) -> None:
        """Plan no move."""
        self.put(row, int(self._board.here[row]))

    def arrivals(self) -> dict[int, list[int]]:
        """Uplink -> rows of the moves planned to it from elsewhere."""
        found: dict[int, list[int]] = {}
        for row, column in self.moved.items():
            uplink = int(self._uplink[row, column])
            if uplink != int(self._uplink[row, self._board.here[row]]):
                found.setdefault(uplink, []).append(row)
        return found

    def short_of_addresses(self) -> Iterable[int]:
        """Networks to which more moves are planned than they have addresses."""
        return [network for network, left in enumerate(self._addresses) if left is not None and left < 0]

    def _load(self, row: int, uplink: int, factor: float) -> None:
        into, out = self._board.load(row, uplink)
        self._into[uplink] += factor * into
        self._out[uplink] += factor * out
