"""Loads and missing prices: what a marginal price is asked for and may be answered with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PriceGap(StrEnum):
    """Why there is no price. An unknown price is never zero."""

    UNKNOWN = "unknown"
    """No list is valid (yet), nothing names the network or the class of destination, or currencies differ."""
    STALE = "stale"
    """The last list's ``validTo`` has passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A constant load. In a base load ``nodes`` counts all nodes that have traffic, in an extra one only new ones."""

    attachments: int = 0
    in_bps: float = 0.0
    out_bps: float = 0.0
    destination: str | None = None
    nodes: int = 0
