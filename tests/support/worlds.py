"""Small worlds to simulate: a network per price, workloads that start on the first one, five-minute slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from switcher.model import Uplink
from switcher.simulate import Site, World
from tests.support.scenes import book, per_gb, policy, threshold

START = datetime(2026, 11, 2, tzinfo=UTC)
"""A Monday."""
SLOT = timedelta(minutes=5)
GB_PER_SLOT = 8e9 / 300
"""Bits per second that carry one GB in a slot."""
Prices = str | Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""Per GB out, or a whole price list, or several."""
Rates = npt.NDArray[np.float64]


def world(
    out: Rates | Sequence[Sequence[float]],
    prices: Sequence[Prices],
    capacity: float = 1e12,
    move_cost: str = "0.01",
    **more: Any,
) -> World:
    """``out``: W x T; ``prices``: of the networks ``a``, ``b`` and so on, which ride on ``pa``, ``pb``."""
    rates = np.asarray(out, dtype=np.float64)
    names = tuple("abcdefgh"[: len(prices)])
    lists = [each for name, prices_of in zip(names, prices, strict=True) for each in _lists(f"p{name}", prices_of)]
    objects = more.pop("objects", (policy(minimumAge="0s"), threshold()))
    site = Site(
        networks=names,
        uplinks=tuple(Uplink(f"p{name}", None) for name in names),
        capacity=np.full(len(names), capacity),
        workloads=tuple(f"w{number}" for number in range(len(rates))),
        node=(None,) * len(rates),
        uplink=np.tile(np.arange(len(names)), (len(rates), 1)),
        move_cost=(Decimal(move_cost),) * len(rates),
        book=book(*lists, *objects),
        latency_ms=more.pop("latency_ms", None),
    )
    values: dict[str, Any] = {
        "site": site,
        "start": START,
        "slot": SLOT,
        "into": np.zeros_like(rates),
        "out": rates,
        "background_in": np.zeros((len(names), rates.shape[1])),
        "background_out": np.zeros((len(names), rates.shape[1])),
        "at_start": np.zeros(len(rates), dtype=np.int64),
    }
    return World(**{**values, **more})


def _lists(name: str, prices: Prices) -> Sequence[Mapping[str, Any]]:
    if isinstance(prices, str):
        return [per_gb(name, prices)]
    return [prices] if isinstance(prices, Mapping) else prices
