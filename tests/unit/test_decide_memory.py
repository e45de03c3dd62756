"""``switcher decide``: lines in, lines out, and what is kept between them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from switcher.commands.decide import decide as command
from switcher.commands.snapshot import read_line
from switcher.decide import Before, decide, remember
from switcher.errors import BadInputError
from switcher.model import Decision, Memory, MoveReason, Snapshot, Uplink, Usage
from tests.support.scenes import (
    MBPS,
    NOTHING,
    NOW,
    book,
    minutes,
    network,
    per_attachment,
    per_gb,
    policy,
    snapshot,
    threshold,
    workload,
)

OBJECTS = (per_attachment("pdear", "11.80"), per_attachment("pcheap", "3.47"), policy())


def _line(at: int, on: str, *, used: float = 10, **extra: Any) -> dict[str, Any]:
    """The one workload of 10 Mbps ``at`` minutes, on a network of two; ``used``: Mbps of the cheap one."""
    now = _time(at)
    return {
        "now": now,
        "networks": [
            {"name": "dear", "physicalNetwork": "pdear", "capacity_bps": 1e8, "used_bps": 1e7, "sampled_at": now},
            {
                "name": "cheap",
                "physicalNetwork": "pcheap",
                "capacity_bps": 1e8,
                "used_bps": used * MBPS,
                "sampled_at": now,
            },
        ],
        "workloads": [{"id": "lab/w:net1", "network": on, "demand_bps": 1e7}],
        **extra,
    }


def _time(at: int) -> str:
    return (NOW + minutes(at)).isoformat()


def _config(folder: Path, *documents: Mapping[str, Any]) -> Path:
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    return folder


def _answers(tmp_path: Path, capsys: pytest.CaptureFixture[str], *lines: Any) -> list[dict[str, Any]]:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    file = tmp_path / "snapshots.jsonl"
    file.write_text("\n".join(texts), encoding="utf-8")
    command(_config(tmp_path, *OBJECTS), str(file))
    return [json.loads(text) for text in capsys.readouterr().out.splitlines()]


def test_one_line_of_json_per_snapshot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (answer,) = _answers(tmp_path, capsys, _line(0, "dear"))

    assert list(answer) == ["now", "moves", "stays", "surcharge", "solve_ms"]
    assert answer["now"] == "2026-11-20T12:00:00Z"
    (move,) = answer["moves"]
    assert {name: move[name] for name in ("workload", "from", "to", "reason", "saving_per_hour")} == {
        "workload": "lab/w:net1",
        "from": "dear",
        "to": "cheap",
        "reason": "Savings",
        "saving_per_hour": "8.33",
    }
    assert answer["stays"] == {}
    assert answer["solve_ms"] > 0


def test_a_decision_that_was_not_carried_out_is_decided_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = _answers(tmp_path, capsys, _line(0, "dear"), _line(1, "dear"))

    assert first["moves"] == second["moves"]


def test_a_move_that_the_snapshot_shows_starts_the_cooldown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cheaper = per_attachment("pdear", "0.01", validFrom=_time(2))
    answers = _answers(
        tmp_path,
        capsys,
        _line(0, "dear"),
        _line(1, "cheap"),
        _line(3, "cheap", objects=[cheaper]),
        _line(14, "cheap"),
        _line(15, "cheap"),
    )

    assert [answer["stays"] for answer in answers] == [{}, {"Best": 1}, {"Cooldown": 1}, {"Cooldown": 1}, {}]


def test_objects_are_known_from_their_line_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dearer = per_attachment("pcheap", "50", validFrom=_time(-60))

    before, after = _answers(tmp_path, capsys, _line(0, "dear"), _line(1, "dear", objects=[dearer]))

    assert before["moves"]
    assert after["stays"] == {"Best": 1}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "no valid JSON"),
        ("[]", "must be a JSON object"),
        (_line(0, "dear", extra=1), "unknown field 'extra'"),
        ({"now": _time(0), "networks": []}, "workloads: required, but missing"),
        (_line(0, "dear", now="noon"), "must be a time with its zone"),
        (_line(-1, "dear"), "oldest first"),
        ({**_line(0, "dear"), "workloads": _line(0, "dear")["workloads"] * 2}, "'lab/w:net1' is there twice"),
        ({**_line(0, "dear"), "networks": _line(0, "dear")["networks"] * 2}, "'dear' is there twice"),
        (_line(0, "dear", used=-1), "networks[1].used_bps"),
        (_line(0, "dear", objects=[{"kind": "Tarif"}]), "did you mean 'Tariff'"),
        ('{"now": NaN}', "no valid JSON"),
        ("[" * 100_000, "too deeply nested"),
        (
            json.dumps(_line(0, "dear")).replace('"now"', '"now": "2026-01-01T00:00:00Z", "now"', 1),
            "'now' is given twice",
        ),
        (
            _line(0, "dear", now="9999-12-31T23:59:59Z"),
            "'9999-12-31T23:59:59Z' must be from the year 1970 to 2200",
        ),
        (_line(0, "dear", now="0001-01-01T00:00:00Z"), "must be from the year 1970 to 2200"),
    ],
)
def test_a_malformed_line_is_refused_and_said_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: Any, says: str
) -> None:
    with pytest.raises(BadInputError) as refused:
        _answers(tmp_path, capsys, _line(0, "dear"), "", line)

    assert says in str(refused.value)
    assert "line 3" in str(refused.value) or ":3" in str(refused.value)
    assert len(capsys.readouterr().out.splitlines()) == 1  # the line before it was answered


def test_every_problem_of_a_line_is_reported() -> None:
    line = _line(0, "dear")
    line["workloads"][0] |= {"demand_bps": "fast", "move_cost": 0.1, "doNotMove": "soon"}
    line["networks"][0]["loss"] = 2
    line["networks"].append(line["networks"][0])
    line["workloads"].append(line["workloads"][0])

    with pytest.raises(BadInputError) as refused:
        read_line(json.dumps(line), "lines", 7)

    wrong = {f"workloads[{number}].{field}" for number in (0, 1) for field in ("demand_bps", "move_cost", "doNotMove")}
    assert {problem.path for problem in refused.value.problems} == wrong | {
        *("networks[0].loss", "networks[2].loss", "networks[2].name", "workloads[1].id")
    }


@pytest.mark.parametrize(
    ("held", "since", "is_held"),
    [
        (True, None, True),
        ("true", None, True),
        ("false", None, False),
        ("1h", _time(-59), True),
        ("1h", _time(-61), False),
        ("1h", None, True),
    ],
)
def test_do_not_move_may_be_a_duration(held: bool | str, since: str | None, is_held: bool) -> None:
    line = _line(0, "dear")
    line["workloads"][0] |= {"doNotMove": held, "since": since}

    assert read_line(json.dumps(line), "lines", 1).snapshot().workloads[0].do_not_move is is_held


def test_each_answer_is_written_before_the_next_line_is_read(tmp_path: Path) -> None:
    code = "from switcher.commands.decide import decide; import typer; a = typer.Typer(); a.command()(decide); a()"
    arguments = [sys.executable, "-c", code, "--config", str(_config(tmp_path, *OBJECTS)), "--snapshots", "-"]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for at in range(3):
            process.stdin.write(json.dumps(_line(at, "dear")) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["moves"]
        process.stdin.close()
        assert process.stdout.read() == ""
        assert process.wait(timeout=30) == 0


def _seen(at: int, on: str, used: float = 10, **fields: Any) -> Snapshot:
    now = NOW + minutes(at)
    networks = [network("dear", sampled_at=now), network("cheap", sampled_at=now, used_bps=used * MBPS)]
    return snapshot(networks, [workload("w", on, 10 * MBPS, **fields)], now)


def _told(*seen: Snapshot, objects: Any = None) -> Memory:
    """The memory after these snapshots, each decided on."""
    objects = objects or book(*OBJECTS)
    memory, before = NOTHING, None
    for each in seen:
        memory = remember(memory, before, each, objects)
        before = Before(each, decide(each, memory, objects))
    return memory


def test_a_move_is_remembered_with_its_reason_and_the_time_it_was_decided() -> None:
    memory = _told(_seen(0, "dear"), _seen(1, "cheap"), _seen(5, "dear"))

    assert [(move.source, move.target, move.reason, move.at) for move in memory.moves] == [
        ("dear", "cheap", MoveReason.SAVINGS, NOW),
        ("cheap", "dear", MoveReason.MANUAL, NOW + minutes(1)),  # no one had decided that
    ]


def test_samples_older_than_a_move_do_not_show_it() -> None:
    """It moved after the samples: the 10 Mbps of the dear uplink were its own, and come to the cheap one's 55."""
    objects = book(*OBJECTS)
    first = _seen(0, "dear", used=55)
    later = Snapshot(now=NOW + minutes(1), networks=first.networks, workloads=(workload("w", "cheap", 10 * MBPS),))
    another = Snapshot(
        now=later.now, networks=later.networks, workloads=(*later.workloads, workload("x", "dear", 10 * MBPS))
    )
    memory = _told(first, later, objects=objects)

    decision = decide(another, remember(memory, Before(later, _nothing(later)), another, objects), objects)

    assert [stay.workload for stay in decision.stays] == ["w", "x"]  # 55 + 10 + 10 would be above fill


def _nothing(seen: Snapshot) -> Decision:
    return Decision(now=seen.now, moves=(), stays=(), surcharge={})


def test_one_sample_is_counted_once_for_confirm() -> None:
    careful = book(*OBJECTS, threshold(confirm={"atLeast": 2, "of": 3}))
    same = _seen(0, "cheap", used=90)
    again = Snapshot(now=NOW + minutes(1), networks=same.networks, workloads=same.workloads)

    memory = _told(same, again, _seen(2, "cheap", used=90), objects=careful)

    assert [above for _, above in memory.over_shed[Uplink("pcheap", None)]] == [True, True]


def test_who_is_there_from_the_start_counts_as_old_and_who_comes_later_as_new() -> None:
    both = Snapshot(
        now=NOW + minutes(1),
        networks=_seen(1, "dear").networks,
        workloads=(workload("late", "dear"), workload("w", "dear")),
    )

    assert _told(_seen(0, "dear"), both).first_seen == {"late": NOW + minutes(1)}


def _hour(hours: int, month_start: datetime) -> Snapshot:
    now = month_start + timedelta(hours=hours)
    return snapshot([network("a", used_bps=8 * MBPS, sampled_at=now)], [], now)


def test_volume_counters_run_through_the_billing_period_and_begin_anew() -> None:
    objects = book(per_gb("pa", "0.09", ("100", "0")))
    december = datetime.fromisoformat("2026-12-01T00:00:00+00:00")

    def counted(*hours: int) -> Usage:
        return _told(*(_hour(each, december) for each in hours), objects=objects).usage["pa", "contract-pa"]

    assert counted(-3, -2, -1).out_bytes == Decimal(2 * 3600 * 10**6)
    assert counted(-3, -2, -1, 1).out_bytes == Decimal(3600 * 10**6)  # only what flowed in December


def test_a_pool_has_one_counter_for_all_its_networks() -> None:
    pool = per_gb("pa", "0.09", ("100", "0"))
    pool["spec"]["physicalNetworks"] = ["pa", "pb"]
    december = datetime.fromisoformat("2026-12-01T00:00:00+00:00")

    def both(hours: int) -> Snapshot:
        now = december + timedelta(hours=hours)
        return snapshot([network(name, used_bps=8 * MBPS, sampled_at=now) for name in ("a", "b")], [], now)

    usage = _told(both(1), both(2), objects=book(pool)).usage

    assert {name: counted.out_bytes for (name, _), counted in usage.items()} == {
        "pa": Decimal(2 * 3600 * 10**6),
        "pb": Decimal(2 * 3600 * 10**6),
    }


def test_a_counter_goes_on_where_a_list_takes_over_that_names_another_network() -> None:
    old, new = per_gb("pa", "0.09"), per_gb("pb", "0.09")
    new["spec"] |= {"contract": "contract-pa", "validFrom": "2026-12-01T02:30:00Z"}
    december = datetime.fromisoformat("2026-12-01T00:00:00+00:00")

    def both(hours: int) -> Snapshot:
        now = december + timedelta(hours=hours)
        return snapshot([network(name, used_bps=8 * MBPS, sampled_at=now) for name in ("a", "b")], [], now)

    usage = _told(both(1), both(2), both(3), objects=book(old, new)).usage

    assert {key: counted.out_bytes for key, counted in usage.items()} == {
        ("pb", "contract-pa"): Decimal(2 * 3600 * 10**6)
    }
