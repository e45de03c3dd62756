"""The agent's metrics keep a bounded number of series."""

from __future__ import annotations

from cni.metrics import Metrics


def test_what_callers_and_plugins_make_up_is_one_label() -> None:
    meters = Metrics()
    for code in range(101, 1101):
        meters.verb("ADD", code, 0.01)
        meters.verb(f"verb-{code}", 4, 0.01)
    meters.verb("ADD", 7, 0.01)
    counts = [line for line in meters.text().decode().splitlines() if line.startswith("genie_verb_seconds_count")]
    assert set(counts) == {
        'genie_verb_seconds_count{code="7",verb="ADD"} 1.0',
        'genie_verb_seconds_count{code="999",verb="ADD"} 1.0',
        'genie_verb_seconds_count{code="other",verb="ADD"} 999.0',
        'genie_verb_seconds_count{code="4",verb="other"} 1000.0',
    }
