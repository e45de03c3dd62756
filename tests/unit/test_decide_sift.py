"""Large markets are solved for those in doubt alone: whatever the market, at the cost of solving it for all at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from switcher.decide.board import NOWHERE, Ints
from switcher.decide.sift import cheapest_shares
from switcher.decide.whole import NEVER, Whole, prices, solve

COUNT, COLUMNS = 400, 5


def market(seed: int, count: int = COUNT) -> Whole:
    """Shared uplinks that are too small for all who want them; every third has prices that rise with the load."""
    rng = np.random.default_rng(seed)
    units = np.maximum(rng.lognormal(4, 1, count), 1).astype(np.int64)
    if seed % 5 == 0:
        units[:] = 7
    home = rng.integers(0, COLUMNS, count)
    everyone, total = np.arange(count), int(units.sum())
    price = rng.integers(0, 1_000_000, COLUMNS)
    cost = price[None, :] - price[home][:, None] + 30_000_000 // units[:, None] + np.arange(1, COLUMNS + 1)
    if seed % 2:
        cost += rng.integers(0, 300_000, cost.shape)
    cost[rng.random(cost.shape) < 0.1] = NEVER
    cost[everyone, home] = 0
    place = np.tile(np.arange(COLUMNS), (count, 1))
    place[everyone, home] += COLUMNS
    levels = seed % 3 == 0
    return Whole(
        units=units,
        cost=cost,
        place=place,
        room=(rng.random(COLUMNS) * total * rng.choice([0.2, 0.5, 1.0])).astype(np.int64),
        tolerated=(rng.random(COLUMNS) * total * 0.1 * (rng.random(COLUMNS) < 0.5)).astype(np.int64),
        group=np.array([0, 0, 1, NOWHERE, NOWHERE]) if levels else np.full(COLUMNS, NOWHERE, dtype=np.int64),
        level_of=np.array([0, 0, 1, 1] if levels else [], dtype=np.int64),
        width=np.array([total // 9, total, total // 8, total] if levels else [], dtype=np.int64),
        extra=np.array([0, 400_000, 100_000, 900_000] if levels else [], dtype=np.int64),
        overflow=400_000_000,
        settled=np.zeros(2 * COLUMNS, dtype=np.int64),
    )


def paid(whole: Whole, shares: Ints) -> int:
    """What everyone pays; also that the shares are a flow, with what is there under every room."""
    rest = whole.units - shares.sum(axis=1)
    assert (shares >= 0).all()
    assert (rest >= 0).all()
    assert not shares[whole.cost >= NEVER].any()
    load, there = np.zeros(2 * COLUMNS, dtype=np.int64), shares > 0
    np.add.at(load, whole.place[there], shares[there])
    arriving, staying = load[:COLUMNS], load[COLUMNS:]
    assert (arriving + np.maximum(staying - whole.tolerated, 0) <= whole.room).all()
    money = int((whole.cost[there] * shares[there]).sum()) + whole.overflow * int(rest.sum())
    away = arriving + staying
    for group in range(whole.groups):
        left = int(away[whole.group == group].sum())
        for width, extra in zip(
            whole.width[whole.level_of == group].tolist(), whole.extra[whole.level_of == group].tolist(), strict=True
        ):
            money += min(left, width) * extra
            left -= min(left, width)
        assert left == 0
    return money


@pytest.mark.parametrize("seed", range(60))
def test_it_costs_what_solving_for_all_at_once_costs(seed: int) -> None:
    whole = market(seed)
    assert paid(whole, cheapest_shares(whole, large=20)) == paid(whole, solve(whole).shares)


@pytest.mark.parametrize("seed", range(1, 30))
def test_with_room_for_all_everyone_has_the_cheapest_place(seed: int) -> None:
    whole = market(seed)
    total = int(whole.units.sum())
    wide = replace(whole, room=np.full(COLUMNS, total))
    assert np.array_equal(cheapest_shares(wide), solve(wide).shares)


def test_one_unit_too_few_is_in_the_way() -> None:
    whole = market(1)
    shares = solve(replace(whole, room=np.full(COLUMNS, int(whole.units.sum())))).shares
    load = np.zeros(2 * COLUMNS, dtype=np.int64)
    np.add.at(load, whole.place[shares > 0], shares[shares > 0])
    enough = load[:COLUMNS] + np.maximum(load[COLUMNS:] - whole.tolerated, 0)
    fullest = np.arange(COLUMNS) == enough.argmax()
    assert np.array_equal(cheapest_shares(replace(whole, room=enough)), shares)
    short = replace(whole, room=enough - fullest)
    assert paid(short, cheapest_shares(short)) == paid(short, solve(short).shares)


@pytest.mark.parametrize("seed", range(1, 60, 7))
def test_the_same_market_has_the_same_answer(seed: int) -> None:
    assert np.array_equal(cheapest_shares(market(seed), large=20), cheapest_shares(market(seed), large=20))


@pytest.mark.parametrize("seed", range(30))
def test_at_the_prices_of_places_nobody_would_rather_be_elsewhere(seed: int) -> None:
    whole = market(seed)
    solved = solve(whole)
    price = prices(whole, solved)
    cost = np.append(whole.cost + price[whole.place], np.full((COUNT, 1), whole.overflow), axis=1)
    shares = np.append(solved.shares, (whole.units - solved.shares.sum(axis=1))[:, None], axis=1)
    least = cost.min(axis=1)
    assert (cost[shares > 0] == np.broadcast_to(least[:, None], cost.shape)[shares > 0]).all()


def test_what_is_settled_takes_its_room() -> None:
    whole = market(1)
    total = int(whole.units.sum())
    wide = replace(whole, room=np.full(COLUMNS, total), tolerated=np.zeros(COLUMNS, dtype=np.int64))
    settled = np.append(np.full(COLUMNS, total // 2), np.zeros(COLUMNS, dtype=np.int64))
    solved = solve(replace(wide, settled=settled))
    narrow = replace(wide, room=wide.room - total // 2)
    assert np.array_equal(solved.arriving, settled)
    assert paid(narrow, solved.shares) == paid(narrow, solve(narrow).shares)
