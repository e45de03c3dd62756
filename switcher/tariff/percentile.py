"""What a percentile of the samples comes to in an account (tariffs.md, Percentile)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from switcher.objects.charges import Percentile
from switcher.objects.prices import Tier, Tiers
from switcher.objects.tariffs import Tariff
from switcher.objects.words import Direction
from switcher.tariff.account import Account, counted
from switcher.tariff.invoice import Line, Portion
from switcher.tariff.periods import Span, seconds
from switcher.tariff.whole import Priced, whole_line


def percentile_line(account: Account, tariff: Tariff, name: str, charge: Percentile) -> Line:
    """The charge's line: what the list makes of all samples that are billed, for its share of the time."""
    priced = on_level(charge, level(account, charge), account.share(tariff))
    return priced.named(name, tariff.name, charge.unit.value)


def on_level(charge: Percentile, reached: Decimal, share: Decimal) -> Priced:
    """What a percentile costs: at least ``commit`` is billed, and what exceeds it at ``overage`` if there is one."""
    tiers: Tiers = charge.tiers or (Tier(price=charge.price or Decimal(0)),)
    excess = reached - charge.commit
    if charge.overage is None or excess <= 0:
        quantity = max(reached, charge.commit)
        return whole_line(charge.mode, tiers, quantity, quantity, share)
    committed = whole_line(charge.mode, tiers, charge.commit, charge.commit, share)
    beyond = Portion(price=charge.overage, quantity=excess * share, amount=excess * share * charge.overage)
    kept = committed.portions if charge.commit or len(tiers) > 1 else ()
    return replace(committed, quantity=reached * share, portions=(*kept, beyond))


def level(account: Account, charge: Percentile) -> Decimal:
    """The percentile in its unit, all nodes and pooled networks added in each sample first."""
    into, out, exists = _rates(account, charge)
    match charge.direction:
        case Direction.IN:
            values = [into]
        case Direction.OUT:
            values = [out]
        case Direction.SUM:
            values = [[a + b for a, b in zip(into, out, strict=True)]]
        case Direction.MAX:
            values = [[max(a, b) for a, b in zip(into, out, strict=True)]]
        case _:
            values = [into, out]
    counting = [number for number, there in enumerate(exists) if there or charge.missing == "zero"]
    return max(billable([each[number] for number in counting], charge.q) for each in values) / charge.unit.bps


def billable(values: Sequence[Decimal], q: Decimal) -> Decimal:
    """Of n samples the floor(n (100 - q) / 100) largest are dropped; the next one is billed. None: nothing."""
    if not values:
        return Decimal(0)
    dropped = int(len(values) * (100 - q) / 100)
    return sorted(values, reverse=True)[dropped]


def _rates(account: Account, charge: Percentile) -> tuple[list[Decimal], list[Decimal], list[bool]]:
    """Bits per second in and out of each sample that is billed, and whether it has any row."""
    grid = _grid(account, charge.sample)
    edges = account.edges(*grid)
    first, last = edges.index(account.billed[0]), edges.index(account.billed[1])
    sums = counted(account, charge, edges)
    seen = _seen(account, edges)
    into, out = [Decimal(0)] * (len(grid) - 1), [Decimal(0)] * (len(grid) - 1)
    exists = [False] * (len(grid) - 1)
    slot = 0
    for number in range(first, last):
        while edges[number] >= grid[slot + 1]:
            slot += 1
        into[slot] += sums["in"][number]
        out[slot] += sums["out"][number]
        exists[slot] = exists[slot] or seen[number]
    lengths = [seconds(end - start) / 8 for start, end in pairwise(grid)]
    return (
        [amount / length for amount, length in zip(into, lengths, strict=True)],
        [amount / length for amount, length in zip(out, lengths, strict=True)],
        exists,
    )


def _grid(account: Account, sample: timedelta) -> list[datetime]:
    """The edges of the samples, aligned to the billing period's start and clipped to what is billed."""
    start, end = account.billed
    at = account.whole[0] + (start - account.whole[0]) // sample * sample + sample
    edges = [start]
    while at < end:
        edges.append(at)
        at += sample
    return [*edges, end]


def _seen(account: Account, edges: Sequence[datetime]) -> list[bool]:
    """Between neighbouring edges, whether any row of the contract's networks is there."""
    seen = [False] * (len(edges) - 1)
    networks: dict[str, list[Span]] = {}
    for row in account.samples:
        networks.setdefault(row.network, []).append((row.start, row.end))
    for network, rows in networks.items():
        covered = [account.network_counts(network, start) for start in edges[:-1]]
        for start, end in rows:
            number = max(bisect_right(edges, start) - 1, 0)
            while number < len(seen) and edges[number] < end:
                seen[number] = seen[number] or covered[number]
                number += 1
    return seen
