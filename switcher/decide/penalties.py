"""What a network's latency and loss are worth to a workload."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np

from switcher.decide.board import GB_PER_HOUR_PER_BPS, NOWHERE, Board, Floats
from switcher.decide.rules import Rules


def penalties(board: Board, rules: Rules) -> Floats:
    """W x C: money per hour that latency and loss are worth. What is not measured is no advantage to anyone."""
    per_gb = np.zeros(board.network.shape)
    measured = [network.latency_ms for network in board.networks], [network.loss for network in board.networks]
    latency = rules.figures(lambda policy: float(policy.spec.penalties.latency), 0.0)
    loss = rules.figures(lambda policy: float(policy.spec.penalties.loss), 0.0)
    for weight, values in zip((latency, loss), measured, strict=True):
        if weight.any():
            per_gb += weight[:, None] * _compared(board, np.array([_measured(value) for value in values], np.float64))
    own = board.workloads.penalties
    for row in np.flatnonzero(own.each(lambda penalties: penalties is not None, np.bool_)).tolist():
        per_gb[row] = [float(named(own[row] or {}, name)) for name in board.names]
    volume: Floats = board.demand_given * GB_PER_HOUR_PER_BPS
    return per_gb * volume[:, None]


def _measured(value: float | None) -> float:
    return np.nan if value is None else value


def named(penalties: Mapping[str, Decimal], name: str) -> Decimal:
    """The penalty of a network by its full or its bare name."""
    return penalties.get(name, penalties.get(name.rpartition(":")[2], Decimal(0)))


def _compared(board: Board, measured: Floats) -> Floats:
    """W x C: a quality under each name; unmeasured there counts as here, unmeasured here as no difference at all."""
    if not len(measured):
        return np.zeros(board.network.shape)
    quality = np.where(board.network >= 0, measured[np.maximum(board.network, 0)], np.nan)
    here = quality[np.arange(len(board.here)), np.maximum(board.here, 0)]
    here = np.where(board.here == NOWHERE, np.nan, here)[:, None]
    return np.where(np.isnan(here), 0.0, np.where(np.isnan(quality), here, quality))
