"""What is lost by deciding in parts: `python -m tests.bench.partitions WORKLOADS [PARTS]`, one JSON object.

Worst case: ten uplinks that all workloads share. Each part decides alone, with its share of every room. (Parts that
share no uplink lose nothing: `switcher/decide/parts.py` splits those by itself.)
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


def spent(market: Market) -> tuple[float, float]:
    """(money per hour, seconds of processor time)."""
    started = time.process_time()
    choice = cheapest(market)
    seconds = time.process_time() - started
    at = np.where(choice == OVERFLOW, market.home, choice)
    return float(market.cost[np.arange(len(at)), at].sum()), seconds


def part(market: Market, number: int, of: int) -> Market:
    """Every ``of``-th workload, with that share of every room."""
    mine = slice(number, None, of)
    share = float(market.demand[mine].sum() / market.demand.sum())
    rows = {name: getattr(market, name)[mine] for name in ("demand", "cost", "home", "uplink")}
    return replace(market, **rows, room=market.room * share, tolerated=market.tolerated * share)


def main(count: int, parts: int) -> None:
    """One scene, whole and in parts."""
    market = _market(count)
    alone = [spent(part(market, number, parts)) for number in range(parts)]
    peak_parts = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    whole, seconds = spent(market)
    figures = {
        "workloads": count,
        "parts": parts,
        "whole_s": round(seconds, 2),
        "slowest_part_s": round(max(each for _, each in alone), 2),
        "money_in_parts_over_whole": round(sum(money for money, _ in alone) / whole, 6),
        "peak_mb_parts": round(peak_parts),
        "peak_mb_whole": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10)
