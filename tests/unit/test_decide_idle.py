"""A site on which nothing flows is decided on like any other."""

from __future__ import annotations

from switcher.decide import decide
from switcher.model import Memory
from tests.support.scenes import book, network, per_attachment, per_gb, policy, snapshot, threshold, workload


def test_tiers_without_any_traffic_have_no_levels() -> None:
    """An idle attachment leaves for a network where only bytes cost; there is no load whose tiers could be priced."""
    lists = per_attachment("pa", "3.47"), per_gb("pb", "0.02", ("50", "0.09"))
    seen = snapshot([network("a"), network("b")], [workload("w", "a", 0.0), workload("x", "b", 0.0)])
    decision = decide(seen, Memory(), book(*lists, policy(), threshold()))
    assert [(move.workload, move.target) for move in decision.moves] == [("w", "b")]
    assert [stay.workload for stay in decision.stays] == ["x"]
