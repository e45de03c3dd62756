"""Pasts whose objects come and go at random: every policy is played or the past refused, and the bound is below all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from switcher.backtest.case import make_case
from switcher.backtest.compare import Asked, Comparison, compare
from switcher.backtest.contenders import OURS, PEERS
from switcher.backtest.editions import editions_of
from switcher.backtest.files import read_files
from switcher.backtest.kept import kept_objects
from switcher.backtest.past import past_of
from switcher.backtest.record import Span
from switcher.errors import BadInputError, Problem
from switcher.versions import keep_objects
from tests.support.memory_history import MemoryHistory
from tests.support.scenes import per_attachment, per_gb, policy, threshold
from tests.unit.backtesting import GB, HEADER, csv, physical, rows, slots

START = datetime.fromisoformat("2026-11-02T00:00:00Z")
SPAN = Span(start=START, end=START + timedelta(hours=1), slot=timedelta(minutes=5))
NAMES = ("a", "b", "c")
PHYSICAL = [physical(name) for name in NAMES]


def played(history: MemoryHistory, past_rows: list[str], *names: str) -> Comparison:
    path = csv("past/attachments.csv", HEADER, *past_rows)
    csv("past/networks.csv", "network,physicalNetwork", *(f"{name},{name}" for name in NAMES))
    past = past_of(read_files(Path(path).parent, SPAN), SPAN)
    case = make_case(past, editions_of(kept_objects(history, SPAN)))
    asked = Asked(policies=names, draw=True, stopwatch=lambda: 0.0, told=lambda *_: None)
    return compare(past, case, asked)


def keep(history: MemoryHistory, minutes: float, documents: list[Any]) -> None:
    keep_objects(history, [*PHYSICAL, *documents], START + timedelta(minutes=minutes))


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_who_is_gone_when_its_network_goes_is_in_nobodys_way() -> None:
    """One leaves for good; one comes back on the other network, which nobody has moved it to."""
    history = MemoryHistory(lambda: START)
    lists = [per_gb("a", "0.10"), per_gb("b", "0.02")]
    keep(history, -1, [*lists, policy()])
    keep(history, 30, [lists[0], policy()])
    past = [*rows("gone", "b", slots(4), GB), *rows("back", "b", slots(3), GB), *rows("back", "a", slots(4, 8), GB)]
    placements = [
        "gone,b,2026-11-02T00:00:00Z,2026-11-02T00:20:00Z",
        "back,b,2026-11-02T00:00:00Z,2026-11-02T00:15:00Z",
        "back,a,2026-11-02T00:40:00Z,",
    ]
    csv("past/placements.csv", "workload,network,start,end", *placements)
    found = played(history, [*past, *rows("web", "a", slots(12), GB)], OURS, *PEERS)
    bills = {row.policy: (float(row.bill), row.account.moves) for row in found.rows}
    assert bills["actual"] == bills["static"] == (pytest.approx(7 * 0.02 + 16 * 0.10), 0)
    assert len(bills) == 2 + len(PEERS)  # static is a peer too


def charged(**charge: Any) -> dict[str, Any]:
    return {"charges": [{"name": "traffic", **charge}]}


TERMS: Sequence[dict[str, Any]] = (
    {},
    {"minimum": "0.50"},
    charged(
        percentile={"q": "80", "sample": "5m", "direction": "out", "unit": "Mbps", "price": "0.01", "commit": "90"}
    ),
    charged(quota={"included": "3", "unit": "GB", "direction": "out", "price": "1.00", "beyond": {"overage": "0.04"}}),
    charged(fixed={"price": "1.20", "per": "hour", "each": "network"}),
)
"""Of the third network."""


def at_random(chance: Random) -> tuple[MemoryHistory, list[str]]:
    """Objects that come and go every few minutes; three workloads that are now here, now there, now gone."""
    history = MemoryHistory(lambda: START)
    third = {**per_attachment("c", "0.50"), "spec": {**per_attachment("c", "0.50")["spec"], **chance.choice(TERMS)}}
    first = per_gb("a", "0.10", *chance.choice([(), (("5", "0.05"),)]))
    lists = [
        first,
        per_gb("b", "0.02", validFrom=chance.choice(["2026-11-01", "2026-11-01", "2026-11-02"]) + "T00:07:00Z"),
        third,
    ]
    others = [policy(minimumAge="0s"), threshold(fill="0.5", shed="0.6")]
    for minutes in (-1.0, *sorted(chance.uniform(0, 60) for _ in range(chance.randrange(4)))):
        some = [each for each in [*lists[1:], *others] if chance.random() < 0.7]
        keep(history, minutes, [lists[0], *some])
    past, both = [], chance.random() < 0.4
    for name in ("x", "y", "z"):
        for slot in slots(12):
            if chance.random() < 0.8:
                past += rows(name, "b" if both and chance.random() < 0.02 else "a", [slot], chance.randrange(1, 4) * GB)
    return history, past


REFUSED = re.compile("no contract on 'b' was in force|no tariff names 'b'|has no valid price list .* for b")


@pytest.mark.parametrize("group", range(4))
def test_whatever_comes_and_goes_nothing_is_below_the_bound(group: int) -> None:
    refused = 0
    for seed in range(10 * group, 10 * group + 10):
        found = played_or_refused(*at_random(Random(seed)))
        if isinstance(found, Comparison):
            for row in found.rows:
                assert row.account.overloaded_percent > 0 or float(row.account.total) >= found.bound.money - 0.02
        else:
            assert [p for p in map(str, found) if not REFUSED.search(p)] == []
            refused += 1
    assert refused <= 6


def played_or_refused(history: MemoryHistory, past: list[str]) -> Comparison | tuple[Problem, ...]:
    try:
        return played(history, past, OURS, *PEERS)
    except BadInputError as refusal:
        return refusal.problems
