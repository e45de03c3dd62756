"""What is on every uplink while moves are chosen one by one: exact where the flow works with one rounded figure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set

import numpy as np

from switcher.decide.board import Bools, Floats, Ints
from switcher.decide.levels import Ceiling
from switcher.decide.projection import TOLERANCE
from switcher.decide.tick import Tick


class Rooms:
    """Mutable: loads by direction and free addresses, with the moves that are planned so far."""

    def __init__(self, tick: Tick, ceiling: Ceiling) -> None:
        self._board = tick.board
        self._here: list[int] = tick.board.here.tolist()
        self._network = tick.board.rows_of_networks
        self._uplink_of = tick.board.uplinks_of_networks
        self._rates: tuple[list[float], list[float], list[float]] = (
            tick.board.into.tolist(),
            tick.board.out.tolist(),
            tick.board.demand.tolist(),
        )
        self._split: list[bool] = tick.board.split.tolist()
        self._into: list[float] = tick.projection.into.tolist()
        self._out: list[float] = tick.projection.out.tolist()
        rounding = TOLERANCE * tick.projection.capacity
        self._limit: list[float] = (tick.projection.fill + rounding).tolist()
        self._remain: list[float] = (tick.projection.remain + rounding).tolist()
        self._addresses = [network.free_addresses for network in tick.board.networks]
        self._physical = [uplink.physical_network for uplink in tick.board.uplinks]
        self._at_price = dict(ceiling.left)
        self._beyond = ceiling.beyond
        self._above = dict(ceiling.above)
        self.moved: dict[int, int] = {}
        """Row -> column of every planned move."""

    def at(self, row: int) -> int:
        """The column where a workload is, as planned."""
        return self.moved.get(row, self._here[row])

    def planned(self) -> tuple[Ints, Ints]:
        """(rows, columns) of the planned moves."""
        return np.array(list(self.moved), dtype=np.int64), np.array(list(self.moved.values()), dtype=np.int64)

    def uplink(self, row: int, column: int) -> int:
        """The uplink of a network as the workload finds it."""
        return self._uplink_of[self._network[row][column]]

    def load(self, uplink: int) -> float:
        """Bits per second on the uplink in its busier direction, as planned."""
        return max(self._into[uplink], self._out[uplink])

    def left(self, uplink: int) -> float:
        """Bits per second that arrivals may add, as planned; below zero when the load is above ``fill``."""
        return self._limit[uplink] - max(self._into[uplink], self._out[uplink])

    def addresses(self, network: int) -> int | None:
        """Free addresses of a network, as planned; None: not known."""
        return self._addresses[network]

    def over(self, uplink: int) -> bool:
        """Whether the load of an uplink is above ``fill``."""
        return max(self._into[uplink], self._out[uplink]) > self._limit[uplink]

    def over_with(self, uplink: int, row: int) -> bool:
        """The same with the workload there."""
        into, out = self._rate(row, uplink)
        return max(self._into[uplink] + into, self._out[uplink] + out) > self._limit[uplink]

    def excess(self, uplink: int) -> bool:
        """Whether there is more on a shedding uplink than may remain."""
        return max(self._into[uplink], self._out[uplink]) > self._remain[uplink]

    def excess_with(self, uplink: int, row: int) -> bool:
        """The same with the workload there."""
        into, out = self._rate(row, uplink)
        return max(self._into[uplink] + into, self._out[uplink] + out) > self._remain[uplink]

    def has_address(self, row: int, column: int) -> bool:
        """Whether one is left. Who leaves keeps its own until it has drained."""
        left = self._addresses[self._network[row][column]]
        return left is None or left > 0

    def fits(self, row: int, column: int) -> bool:
        """Whether a workload may arrive: under ``fill``, with an address."""
        uplink = self.uplink(row, column)
        stays = uplink == self.uplink(row, self.at(row))
        return self.has_address(row, column) and (stays or not self.over_with(uplink, row))

    def open_in_turn(self, rows: Ints, columns: Ints) -> Iterator[tuple[int, int]]:
        """Of these places, each when its turn comes, those on an uplink that then has room: most have none."""
        board = self._board
        uplink, demand = board.uplink[rows, columns], board.demand[rows]
        split, same = board.split[uplink], uplink == board.home_uplink[rows]
        into = np.where(split, board.into[rows], demand).tolist()
        out = np.where(split, board.out[rows], demand).tolist()
        places = zip(rows.tolist(), columns.tolist(), uplink.tolist(), same.tolist(), into, out, strict=True)
        for row, column, number, stays, more_in, more_out in places:
            limit = self._limit[number]
            if stays or (self._into[number] + more_in <= limit and self._out[number] + more_out <= limit):
                yield row, column

    def at_price(self, row: int, column: int) -> bool:
        """Whether the quoted prices still hold when the workload moves, after those who came and those who left."""
        name, home = self._physical[self.uplink(row, column)], self._physical[self.uplink(row, self.at(row))]
        if name == home:
            return True
        demand = self._rates[2][row]
        comes = demand <= self._at_price.get(name, np.inf) * (1 + TOLERANCE)
        return comes and demand <= self._above.get(home, np.inf) * (1 + TOLERANCE)

    def fitting(self) -> Bools:
        """W x C: :meth:`fits` for every workload that no move is planned for, and every network of its node."""
        board = self._board
        if not self._limit:
            return np.zeros(board.network.shape, dtype=np.bool_)
        uplink, limit = board.uplink_of, board.under_names(np.array(self._limit)[board.uplink_of], 0.0)
        fits: Bools = np.ones(limit.shape, dtype=np.bool_)
        for rates, loads in ((board.into, self._into), (board.out, self._out)):
            comes = rates[:, None]
            if not board.split.all():
                comes = np.where(board.under_names(board.split[uplink], False), comes, board.demand[:, None])
            fits &= comes + board.under_names(np.array(loads)[uplink], 0.0) <= limit
        fits |= board.uplink == board.home_uplink[:, None]
        fits &= self.addressed()
        return fits

    def addressed(self) -> Bools:
        """W x C: whether the network has an address left."""
        left = np.array([count is None or count > 0 for count in self._addresses], dtype=np.bool_)
        return self._board.under_names(left, False)

    def next_tier(self) -> Floats:
        """W x C: money per hour that a workload would pay beyond the quote, where the level that it means is taken."""
        board = self._board
        left = np.array([self._at_price.get(name, np.inf) for name in self._physical], dtype=np.float64)
        extra = np.array([self._beyond.get(name, 0.0) for name in self._physical], dtype=np.float64)
        if not self._at_price:
            return np.zeros(board.network.shape)
        uplink = np.maximum(board.uplink, 0)
        home = uplink[np.arange(len(board.here)), np.maximum(board.here, 0)]
        number = np.unique(np.array(self._physical), return_inverse=True)[1]
        elsewhere = number[uplink] != number[home][:, None]
        taken = elsewhere & (board.demand[:, None] > left[uplink] * (1 + TOLERANCE))
        return np.where(taken, extra[uplink] * board.demand[:, None], 0.0)

    def put(self, row: int, column: int) -> None:
        """Plan the move, or with the present network's column that there is none."""
        before, here = self.at(row), self._here[row]
        self._load(row, self.uplink(row, before), -1.0)
        self._load(row, self.uplink(row, column), 1.0)
        for place, change in ((before, 1), (column, -1)):
            network = self._network[row][place]
            left = self._addresses[network]
            if place != here and left is not None:
                self._addresses[network] = left + change
        self.moved.pop(row, None)
        if column != here:
            self.moved[row] = column

    def put_all(self, rows: Ints, columns: Ints) -> None:
        """Plan many moves at once of workloads for which none is planned; to the present network means none."""
        board = self._board
        leaving = columns != board.here[rows]
        rows, columns = rows[leaving], columns[leaving]
        self._shift(rows, board.here[rows], -1.0)
        self._shift(rows, columns, 1.0)
        self._take_addresses(board.network[rows, columns], 1)
        self.moved |= dict(zip(rows.tolist(), columns.tolist(), strict=True))

    def _shift(self, rows: Ints, columns: Ints, factor: float) -> None:
        board, uplinks = self._board, len(self._limit)
        uplink = board.uplink[rows, columns]
        split, demand = board.split[uplink], board.demand[rows]
        into = np.bincount(uplink, weights=np.where(split, board.into[rows], demand), minlength=uplinks)
        out = np.bincount(uplink, weights=np.where(split, board.out[rows], demand), minlength=uplinks)
        whole = np.bincount(uplink, weights=demand, minlength=uplinks)
        self._into = (np.array(self._into) + factor * into).tolist()
        self._out = (np.array(self._out) + factor * out).tolist()
        for name, load in zip(self._physical, whole.tolist(), strict=True):
            if load and name in self._at_price:
                self._at_price[name] -= factor * load
                self._above[name] += factor * load

    def overfull(self) -> set[int]:
        """Uplinks whose load is above ``fill``."""
        return {uplink for uplink in range(len(self._limit)) if self.over(uplink)}

    def stay(self, row: int) -> None:
        """Plan no move."""
        self.put(row, self._here[row])

    def stay_all(self, rows: Sequence[int]) -> None:
        """Give up the planned moves of these, to the same last bit as :meth:`stay` for one after the other."""
        if self._at_price:  # the levels of prices count each that comes or goes
            for row in rows:
                self.stay(row)
            return
        board, staying = self._board, np.array(rows, dtype=np.int64)
        planned = np.array([self.moved.pop(row) for row in rows], dtype=np.int64)
        # Taken away there and added here, row by row: a sum of floats depends on the order.
        uplink = np.stack([board.uplink[staying, planned], board.home_uplink[staying]], axis=1).ravel()
        each, sign = np.repeat(staying, 2), np.tile([-1.0, 1.0], len(staying))
        split, demand = board.split[uplink], board.demand[each]
        for loads, rates in ((self._into, board.into), (self._out, board.out)):
            sums = np.array(loads)
            np.add.at(sums, uplink, sign * np.where(split, rates[each], demand))
            loads[:] = sums.tolist()
        self._take_addresses(board.network[staying, planned], -1)

    def _take_addresses(self, networks: Ints, count: int) -> None:
        """So many of each of these networks, as often as it is among them; below zero they are given back."""
        for network, times in enumerate(np.bincount(networks, minlength=len(self._addresses)).tolist()):
            left = self._addresses[network]
            if times and left is not None:
                self._addresses[network] = left - count * times

    def arrivals(self, uplinks: Set[int]) -> dict[int, list[int]]:
        """Uplink -> rows of the moves planned to it from elsewhere; of these uplinks only."""
        found: dict[int, list[int]] = {}
        if not uplinks:
            return found
        rows, columns = self.planned()
        uplink = self._board.uplink[rows, columns]
        arriving = np.isin(uplink, list(uplinks)) & (uplink != self._board.home_uplink[rows])
        for row, number in zip(rows[arriving].tolist(), uplink[arriving].tolist(), strict=True):
            found.setdefault(number, []).append(row)
        return found

    def short_of_addresses(self) -> Iterable[int]:
        """Networks to which more moves are planned than they have addresses."""
        return [network for network, left in enumerate(self._addresses) if left is not None and left < 0]

    def _rate(self, row: int, uplink: int) -> tuple[float, float]:
        into, out, demand = self._rates
        return (into[row], out[row]) if self._split[uplink] else (demand[row], demand[row])

    def _load(self, row: int, uplink: int, factor: float) -> None:
        into, out = self._rate(row, uplink)
        name = self._physical[uplink]
        if name in self._at_price:
            self._at_price[name] -= factor * self._rates[2][row]
            self._above[name] += factor * self._rates[2][row]
        self._into[uplink] += factor * into
        self._out[uplink] += factor * out
