"""The targets of decision.md, section 5, as figures of the benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.decide.report import Row


@dataclass(frozen=True, kw_only=True)
class Target:
    """A figure of ours in a scenario that must be at most ``most``."""

    scenario: str
    figure: str
    most: float

    def row(self, rows: Sequence[Row]) -> Row | None:
        """What it is about, if that was run."""
        return next((row for row in rows if (row.scenario, row.policy) == (self.scenario, "ours")), None)

    def told(self, rows: Sequence[Row]) -> tuple[bool, str]:
        """(kept, a line that says so)."""
        value = getattr(self.row(rows), self.figure)
        kept = value is not None and value <= self.most
        return (
            kept,
            f"{'kept  ' if kept else 'MISSED'} {self.scenario} {self.figure}: {value:.4f}, target {self.most:g}",
        )


TARGETS = (
    Target(scenario="market-1h", figure="ratio", most=1.06),
    Target(scenario="market-1h", figure="overloaded_percent", most=0.10),
    Target(scenario="market-4h", figure="ratio", most=1.12),
    Target(scenario="market-4h", figure="overloaded_percent", most=0.10),
    Target(scenario="uncapped", figure="ratio", most=1.005),
    Target(scenario="percentile", figure="ratio", most=1.02),
    Target(scenario="percentile-commit", figure="ratio", most=1.02),
    Target(scenario="stale-60s", figure="returns_percent", most=1.0),
    Target(scenario="herd-0s", figure="returns_percent", most=1.0),
    Target(scenario="herd-60s", figure="returns_percent", most=1.0),
    Target(scenario="herd-300s", figure="returns_percent", most=1.0),
)
"""A herd runs to and fro: hardly anyone may come back."""
