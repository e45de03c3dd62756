"""What is lost by deciding in parts: `python -m tests.bench.partitions WORKLOADS [PARTS]`, one JSON object.

Worst case: ten uplinks that all workloads share. Each part decides alone, with its share of every room: as large as its
share of the traffic was when rooms were divided. Since then the traffic of each part has changed by a log-normal
factor. (Parts that share no uplink lose nothing: `switcher/decide/parts.py` splits those by itself.)
"""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import replace

import numpy as np

from switcher.decide.flow import OVERFLOW, Market, cheapest
from tests.bench.test_tick import _market

CHANGES = (0.0, 0.1, 0.3)
"""Sigma of the factor by which a part's traffic has changed since rooms were divided."""


def spent(market: Market) -> tuple[float, float, float]:
    """(money per hour, bits per second that found no room, seconds of processor time)."""
    started = time.process_time()
    choice = cheapest(market)
    seconds = time.process_time() - started
    at = np.where(choice == OVERFLOW, market.home, choice)
    money = float(market.cost[np.arange(len(at)), at].sum())
    return money, float(market.demand[choice == OVERFLOW].sum()), seconds


def grown(market: Market, factors: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Market:
    """Every part's traffic times its factor, and the prices of it with it; moves cost what they did."""
    factor = factors[np.arange(len(market.demand)) % len(factors)]
    move = 0.001 * (np.arange(market.cost.shape[1]) != market.home[:, None])
    cost = (market.cost - move) * factor[:, None] + move
    return replace(market, demand=market.demand * factor, cost=cost)


def part(market: Market, number: int, of: int, share: float) -> Market:
    """Every ``of``-th workload, with that share of every room."""
    mine = slice(number, None, of)
    rows = {name: getattr(market, name)[mine] for name in ("demand", "cost", "home", "uplink")}
    return replace(market, **rows, room=market.room * share, tolerated=market.tolerated * share)


def compared(divided: Market, parts: int, change: float) -> dict[str, float]:
    """The market in parts against the market as one, after the traffic has changed."""
    factors = np.random.default_rng(7).lognormal(0, change, parts)
    now = grown(divided, factors)
    shares = [float(divided.demand[number::parts].sum() / divided.demand.sum()) for number in range(parts)]
    alone = [spent(part(now, number, parts, share)) for number, share in enumerate(shares)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    money, homeless, seconds = spent(now)
    total = float(now.demand.sum())
    return {
        "change": change,
        "money_in_parts_over_whole": round(sum(each[0] for each in alone) / money, 5),
        "no_room_in_parts_percent": round(100 * sum(each[1] for each in alone) / total, 3),
        "no_room_in_whole_percent": round(100 * homeless / total, 3),
        "slowest_part_s": round(max(each[2] for each in alone), 2),
        "whole_s": round(seconds, 2),
        "peak_mb_parts": round(peak),
    }


def main(count: int, parts: int) -> None:
    """One scene, whole and in parts."""
    market = _market(count)
    found = [compared(market, parts, change) for change in CHANGES]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"workloads": count, "parts": parts, "by_change": found, "peak_mb_whole": round(peak)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10)
