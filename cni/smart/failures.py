"""Networks to which attaching failed lately, forgotten little by little. Pure: time is a parameter."""

from __future__ import annotations

from dataclasses import dataclass

HALF_LIFE_SECONDS = 60.0
AVOIDED_FROM = 0.5
"""So one failure is held against a network for a minute, two in a row for two, and so on up to MOST."""
MOST = 8.0
"""Failures that are remembered at most: a network is tried again after four minutes, whatever was before."""


@dataclass(frozen=True, slots=True)
class _Weight:
    at: float
    failures: float

    def now(self, at: float) -> float:
        """What is left of it; a clock that was set back forgets nothing."""
        return float(self.failures * 0.5 ** (max(at - self.at, 0.0) / HALF_LIFE_SECONDS))


class Failures:
    """Mutable; not for several threads."""

    def __init__(self) -> None:
        self._weights: dict[str, _Weight] = {}

    def failed(self, network: str, at: float) -> None:
        """Attaching to it failed."""
        before = self._weights.get(network, _Weight(at, 0.0))
        self._weights[network] = _Weight(at, min(before.now(at) + 1.0, MOST))

    def succeeded(self, network: str) -> None:
        """Attaching to it succeeded: what was is forgotten."""
        self._weights.pop(network, None)

    def avoided(self, at: float) -> frozenset[str]:
        """Networks that others are preferred to."""
        self._weights = {name: weight for name, weight in self._weights.items() if weight.now(at) >= AVOIDED_FROM}
        return frozenset(self._weights)
