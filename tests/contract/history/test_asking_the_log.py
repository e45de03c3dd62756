"""``switcher explain`` and ``switcher replay`` as users run them, on both databases, from what a tick recorded."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from cni.wire import MoveReason
from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.migrate import upgrade
from switcher.decide import Settings, decide
from switcher.model import Memory, PastMove, Snapshot
from switcher.objects.model import Book
from switcher.snapshots import to_json
from switcher.terms import terms
from tests.support.scenes import MBPS, NOW, book, network, per_attachment, per_gb, policy, snapshot, workload

AT = NOW.isoformat()
HOURLY = {"moves": "1", "per": "1h", "reasons": ["Savings"]}


@dataclass(frozen=True)
class Log:
    """A history with one tick, and the settings that name it."""

    config: Path
    url: str

    def switcher(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the real command."""
        env = {**os.environ, "SWITCHER_CONFIG": str(self.config)}
        command = [sys.executable, "-c", "from switcher.cli import main; main()", *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)

    def asked(self, *arguments: str, code: int = 0) -> Any:
        """The answer as JSON."""
        done = self.switcher(*arguments, "--json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    def execute(self, statement: str) -> None:
        """What someone with the database's password can do."""
        database = Database(self.url)
        trigger = "DROP TRIGGER decisions_unchanged" + ("" if database.file else " ON decisions")
        with database.writing() as connection:
            connection.execute(text(trigger))
            connection.execute(text(statement))
        database.close()


def objects(**spec: Any) -> Book:
    """Three networks at 1, 3 and 9 money an hour; one move an hour."""
    prices = [per_attachment("pcheap", "1"), per_attachment("pmiddle", "3"), per_attachment("pdear", "9")]
    return book(*prices, policy(**{"moveCost": "0.5", "budgets": [HOURLY], **spec}))


def seen(**fields: Any) -> Snapshot:
    """A workload that is too large for the cheap networks, and one that is not (``fields``), on the dear one."""
    networks = [network(name, node="n1") for name in ("cheap", "middle")]
    networks.append(network("dear", node="n1", used_bps=81 * MBPS))
    workloads = [
        workload("shop/a:net1", "dear", 80 * MBPS, node="n1"),
        workload("shop/b:net1", "dear", MBPS, node="n1", **fields),
    ]
    return snapshot(networks, workloads)


@pytest.fixture
def log(url: str, tmp_path: Path) -> Log:
    upgrade(url)
    config = tmp_path / "config.yaml"
    (tmp_path / "objects.yaml").write_text(yaml.safe_dump(policy()))
    config.write_text(yaml.safe_dump({"database": url, "objects": [str(tmp_path / "objects.yaml")]}))
    return Log(config=config, url=url)


def record(log: Log, given: Snapshot, memory: Memory, on: Book) -> None:
    settings = Settings(switch_seconds=3.5)
    history = SqlHistory.open(log.url)
    history.record_decision(decide(given, memory, on, settings), to_json(given, memory), [], terms(settings, on))
    history.close()


def test_the_sum_here_and_against_each_alternative(log: Log) -> None:
    record(log, seen(), Memory(), objects())
    (one,) = log.asked("explain", "shop/b", "--at", AT)
    assert (one["workload"], one["answer"], one["agrees"]) == ("shop/b:net1", "Savings -> cheap", True)
    assert (one["currency"], one["per"], one["horizon"]) == ("USD", "hour", "1h")
    assert Decimal(one["demand_bps"]) == 10**6
    assert (one["here"]["network"], Decimal(one["here"]["total"]), Decimal(one["here"]["move"])) == ("dear", 9, 0)
    others = {side["network"]: side for side in one["alternatives"]}
    assert {name: Decimal(side["saving"]) for name, side in others.items()} == {
        "cheap": Decimal("7.5"),
        "middle": Decimal("5.5"),
    }
    for side in (one["here"], *one["alternatives"]):
        parts = ("price", "next_tier", "penalty", "congestion", "move")
        assert sum(Decimal(side[part]) for part in parts) == Decimal(side["total"])
    assert [name for name, side in others.items() if side["target"]] == ["cheap"]


def awkward() -> Book:
    """Prices per GB and per attachment, and penalties, that no row of few digits adds up by chance."""
    prices = [per_gb("pcheap", "0.0123456"), per_gb("pmiddle", "0.0333333"), per_attachment("pdear", "1.0000049")]
    return book(*prices, policy(moveCost="0.0000333", penalties={"latency": "0.0000077"}, budgets=[HOURLY]))


def slow() -> Snapshot:
    """The same place, its networks of different latency, and a small workload of an uneven rate."""
    networks = [network("cheap", node="n1", latency_ms=7.77), network("middle", node="n1", latency_ms=1.13)]
    networks.append(network("dear", node="n1", used_bps=81 * MBPS, latency_ms=3.3))
    return snapshot(networks, [workload("shop/b:net1", "dear", 123_457.0, node="n1")])


def test_every_sum_adds_up_to_the_last_digit_that_is_shown(log: Log) -> None:
    record(log, slow(), Memory(), awkward())
    (one,) = log.asked("explain", "shop/b")
    parts = ("price", "next_tier", "penalty", "congestion", "move")
    for side in (one["here"], *one["alternatives"]):
        assert sum(Decimal(side[part]) for part in parts) == Decimal(side["total"])
        assert Decimal(one["here"]["total"]) - Decimal(side["total"]) == Decimal(side["saving"])
    sums = re.findall(r": ([\d.]+) = ((?:price|next tier|penalty|congestion|move) [\d.]+[^;(]*)", one["explanation"])
    assert len(sums) == 2
    for total, said in sums:
        assert sum(Decimal(part.split()[-1]) for part in said.split(" + ")) == Decimal(total), one["explanation"]
    lines = [line.split("\t") for line in log.switcher("explain", "shop/b").stdout.splitlines() if "\t" in line]
    rows = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
    for row in rows:
        assert sum(Decimal(row[name]) for name in lines[0][1:6]) == Decimal(row["total"]), row
        if row["here - there"]:
            assert Decimal(rows[0]["total"]) - Decimal(row["total"]) == Decimal(row["here - there"])
    assert all(Decimal(row["move"]) > 0 for row in rows[1:])


def test_a_spent_budget_is_named_with_when_there_is_room_again(log: Log) -> None:
    past = PastMove(
        workload="shop/c:net1",
        policy="all",
        source="dear",
        target="cheap",
        reason=MoveReason.SAVINGS,
        at=NOW - timedelta(minutes=20),
    )
    record(log, seen(), Memory(moves=(past,)), objects())
    (one,) = log.asked("explain", "shop/b:net1")
    assert one["answer"] == "BudgetSpent"
    assert one["constraints"] == [
        "the budget of policy all, 1 moves per 1h, is spent (1 made); the oldest stops counting 2026-11-20 12:40:00Z"
    ]


def test_a_freeze_window_is_named_with_its_end(log: Log) -> None:
    window = {"moves": "0", "schedule": "30 11 * * *", "duration": "2h", "timezone": "UTC", "reasons": ["Savings"]}
    record(log, seen(), Memory(), objects(budgets=[window]))
    (one,) = log.asked("explain", "shop/b")
    assert one["answer"] == "FreezeWindow"
    assert one["constraints"] == ["a freeze window of policy all is open until 2026-11-20 13:30:00Z"]


def test_a_full_uplink_is_named_with_its_load_and_its_limit(log: Log) -> None:
    given = seen()
    full = network("cheap", node="n1", used_bps=69.5 * MBPS)
    networks = (full, *(state for state in given.networks if state.name == "dear"))
    record(log, snapshot(networks, given.workloads), Memory(), objects())
    (one,) = log.asked("explain", "shop/b")
    assert one["answer"] == "NoCapacity"
    assert one["constraints"] == [
        "the uplink pcheap on n1 is full: 69.5 of 70 Mbps that arrivals may fill (70% of 100), and this needs 1 more"
    ]


@pytest.mark.parametrize(
    ("spec", "ago", "said"),
    [
        pytest.param({"cooldown": "30m"}, 10, "its cooldown of 30m ends 2026-11-20 12:20:00Z", id="cooldown"),
        pytest.param({"minimumAge": "1h"}, None, "it is younger than 1h until 2026-11-20 12:45:00Z", id="age"),
    ],
)
def test_a_gate_is_named_with_its_end(log: Log, spec: dict[str, str], ago: int | None, said: str) -> None:
    moved = () if ago is None else (_moved(ago),)
    fields = {"since": NOW - timedelta(minutes=15)} if ago is None else {}
    record(log, seen(**fields), Memory(moves=moved), objects(budgets=[{"moves": "9", "reasons": ["Savings"]}], **spec))
    (one,) = log.asked("explain", "shop/b")
    assert said in one["constraints"][0]


def _moved(minutes: int) -> PastMove:
    at = NOW - timedelta(minutes=minutes)
    return PastMove(
        workload="shop/b:net1", policy="all", source="cheap", target="dear", reason=MoveReason.SAVINGS, at=at
    )


def test_piped_it_is_a_table_for_people(log: Log) -> None:
    record(log, seen(), Memory(), objects())
    said = log.switcher("explain", "shop/b").stdout.splitlines()
    assert said[0].startswith("shop/b:net1  Savings -> cheap  (decided 2026-11-20 12:00:00Z)")
    assert any("USD per hour, mean over 1h, for 1 Mbps on node n1, by policy all" in line for line in said)
    table = [line.split("\t") for line in said if "\t" in line]
    assert table[0] == [
        "network",
        "price",
        "next tier",
        "penalty",
        "congestion",
        "move",
        "total",
        "here - there",
        "verdict",
    ]
    assert [row[0] for row in table[1:]] == ["dear (here)", "cheap (chosen)", "middle"]


def test_replay_agrees_and_names_what_it_was_made_of(log: Log) -> None:
    record(log, seen(), Memory(), objects())
    answer = log.asked("replay", "--at", AT)
    assert (answer["agrees"], answer["differences"], answer["moves"]) == (True, [], 1)
    assert answer["versions"]["then"] == answer["versions"]["now"]
    assert len(answer["hash"]) == len(answer["inputs_hash"]) == 64
    assert "decided again it agrees" in log.switcher("replay").stdout


def test_replay_of_another_answer_fails_and_lists_the_workload(log: Log) -> None:
    """The answer of another policy, under inputs of this one: as another version would leave it."""
    settings, given = Settings(), seen()
    answer = decide(given, Memory(), objects(mode="recommend"), settings)
    history = SqlHistory.open(log.url)
    history.record_decision(answer, to_json(given, Memory()), [], terms(settings, objects()))
    history.close()
    found = log.asked("replay", code=1)
    assert found["agrees"] is False
    assert [one["workload"] for one in found["differences"]] == ["shop/b:net1"]
    assert "RecommendOnly" in found["differences"][0]["recorded"]
    said = log.switcher("replay")
    assert (said.returncode, "DIFFERS for 1" in said.stdout) == (1, True)
    (one,) = log.asked("explain", "shop/b")
    assert (one["answer"], one["agrees"]) == ("RecommendOnly", False)


@pytest.mark.parametrize("command", [["replay"], ["explain", "shop/b"]])
def test_a_record_that_was_changed_is_refused(log: Log, command: list[str]) -> None:
    record(log, seen(), Memory(), objects())
    log.execute("UPDATE decisions SET at = at - 1")
    said = log.switcher(*command)
    assert said.returncode == 1
    assert "changed after it was recorded" in said.stderr


def test_a_record_from_before_the_log_cannot_be_decided_again(log: Log) -> None:
    history = SqlHistory.open(log.url)
    history.record_decision(decide(seen(), Memory(), objects()), to_json(seen(), Memory()), [])
    history.close()
    said = log.switcher("replay")
    assert (said.returncode, "not decided again" in said.stderr) == (1, True)
    assert log.switcher("explain", "shop/b").returncode == 0


@pytest.mark.parametrize("arguments", [["replay", "--at", "2026-11-20"], ["replay", "--at", "2026-13-45T12:00:00Z"]])
def test_a_time_that_is_none_is_bad_input(log: Log, arguments: list[str]) -> None:
    assert log.switcher(*arguments).returncode == 2


def test_before_the_first_tick_there_is_nothing_to_replay(log: Log) -> None:
    record(log, seen(), Memory(), objects())
    said = log.switcher("replay", "--at", "2020-01-01T00:00:00Z")
    assert (said.returncode, "nothing was decided at or before" in said.stderr) == (1, True)
