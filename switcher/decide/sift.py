"""The cheapest flow of a very large market, exactly, by solving for those alone whose place is in doubt.

Where everyone shares a few uplinks, only the price of room on these ties workloads together; at the right prices
nearly all of them have one place that is clearly the cheapest. So: learn the prices from a part of them, settle who is
clear at these prices, solve the rest exactly, and look whether everyone who was settled still has the cheapest
place at the prices of that solution. Then nobody could do better, and the whole is optimal (complementary slackness).
Else those who have not join the rest. (To settle all anew at the new prices instead goes round in circles.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from switcher.decide.board import NOWHERE, Bools, Ints
from switcher.decide.whole import Solved, Whole, prices, solve

LARGE = 25_000
"""Workloads that are solved at once; with more, most are settled first."""
SAMPLE = 25
"""Every so many-th is asked for the prices."""
DOUBT = 0.2
"""Share of the workloads that are in doubt at first: those whose second best place is nearest to their best one."""
ROUNDS = 8
"""So often those in doubt may become more; then all are solved at once."""


def cheapest_shares(whole: Whole, large: int = LARGE) -> Ints:
    """M x C: the units that go where; the rest of a workload's units has no room.

    ``large``: with more workloads than so many, most are settled first. The answer costs the same either way.
    """
    shares = _unhindered(whole)
    return _solved(whole, large).shares if shares is None else shares


def _unhindered(whole: Whole) -> Ints | None:
    """M x C: everyone's cheapest place, where there is room for all of that; None: someone is in the way."""
    column = whole.cost.argmin(axis=1)
    load = _settled(whole, np.ones(len(column), dtype=np.bool_), column)
    arriving, staying = load[: len(whole.room)], load[len(whole.room) :]
    if whole.groups or (arriving + np.maximum(staying - whole.tolerated, 0) > whole.room).any():
        return None
    shares: Ints = np.zeros_like(whole.cost)
    shares[np.arange(len(column)), column] = whole.units
    return shares


def _solved(whole: Whole, large: int) -> Solved:
    if len(whole.units) <= large:
        return solve(whole)
    doubtful, column = _doubtful(whole, _learned(whole, large))
    for _ in range(ROUNDS):
        if 2 * np.count_nonzero(doubtful) > len(doubtful):
            break  # most are alike: nothing is gained
        settled = _settled(whole, ~doubtful, column)
        rest = whole.only(np.flatnonzero(doubtful), whole.settled + settled)
        found = _solved(rest, large)
        price = prices(rest, found)
        wrong = ~doubtful & (_dear(whole, price, column) | _crowded(whole, rest, found, column))
        if not wrong.any():
            return _together(whole, found, doubtful, column)
        doubtful |= wrong
    return solve(whole)


def _learned(whole: Whole, large: int) -> Ints:
    """What each place costs where a part of the workloads has that part of all room."""
    rows = np.arange(0, len(whole.units), SAMPLE)
    share = float(whole.units[rows].sum() / whole.units.sum())
    part = replace(
        whole.only(rows, (whole.settled * share).astype(np.int64)),
        **{name: (getattr(whole, name) * share).astype(np.int64) for name in ("room", "tolerated", "width")},
    )
    return prices(part, _solved(part, large))


def _doubtful(whole: Whole, price: Ints) -> tuple[Bools, Ints]:
    """(who is in doubt, everyone's best column at these prices; C where there is no room for it)."""
    paid = _paid(whole, price)
    least = np.partition(paid, 1, axis=1)
    margin = least[:, 1] - least[:, 0]
    doubtful: Bools = margin <= np.partition(margin, int(len(margin) * DOUBT))[int(len(margin) * DOUBT)]
    return doubtful, paid.argmin(axis=1)


def _paid(whole: Whole, price: Ints) -> Ints:
    """M x (C + 1): what a unit costs on each network at these prices of places, and without room on any."""
    overflow = np.full((len(whole.units), 1), whole.overflow, dtype=np.int64)
    return np.append(whole.cost + price[whole.place], overflow, axis=1)


def _dear(whole: Whole, price: Ints, column: Ints) -> Bools:
    """M: another place would be cheaper."""
    paid = _paid(whole, price)
    dear: Bools = paid[np.arange(len(paid)), column] > paid.min(axis=1)
    return dear


def _place(whole: Whole, column: Ints) -> Ints:
    """M: the place of each workload in its column, NOWHERE where there is no room for it."""
    columns = int(whole.cost.shape[1])
    at = whole.place[np.arange(len(column)), np.minimum(column, columns - 1)]
    return np.where(column == columns, NOWHERE, at)


def _settled(whole: Whole, clear: Bools, column: Ints) -> Ints:
    """2U: what those who are clear bring to each place."""
    place = _place(whole, column)
    there = clear & (place != NOWHERE)
    # Sums of less than 2**53 units: exact as floats.
    return np.bincount(place[there], weights=whole.units[there], minlength=len(whole.settled)).astype(np.int64)


def _crowded(whole: Whole, rest: Whole, found: Solved, column: Ints) -> Bools:
    """M: settled where there is no room for all who are."""
    short = np.append(found.arriving < rest.settled, False)
    crowded: Bools = short[_place(whole, column)]
    return crowded


def _together(whole: Whole, found: Solved, doubtful: Bools, column: Ints) -> Solved:
    """The flow of all, of those who were in doubt and those who were settled."""
    shares: Ints = np.zeros_like(whole.cost)
    shares[doubtful] = found.shares
    clear = np.flatnonzero(~doubtful & (_place(whole, column) != NOWHERE))
    shares[clear, column[clear]] = whole.units[clear]
    return replace(found, shares=shares, arriving=found.arriving - _settled(whole, ~doubtful, column))
