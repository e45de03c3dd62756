"""The whole lab, for real: a short run, its end by force and by hand, and the same site kept up."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from switcher.lab.watch import wait_until

pytestmark = pytest.mark.lab
SWITCHER = str(Path(sys.executable).parent / "switcher")
LONG = 240


def of_the_lab(directory: Path) -> list[str]:
    """Commands of processes that name the lab's directory."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            with contextlib.suppress(OSError):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if str(directory) in command and " down" not in command:
                    found.append(command)
    return found


def switcher(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SWITCHER, *arguments], capture_output=True, text=True, timeout=LONG, check=False)


@pytest.fixture
def directory() -> Iterator[Path]:
    path = Path(f"/tmp/lab-test-{os.getpid()}-{time.monotonic_ns()}")  # noqa: S108 - short, for the sockets in it
    yield path
    switcher("lab", "down", "--dir", str(path))


def start(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    """A lab in a session of its own, as from another terminal; returns when its site is up."""
    argv = [SWITCHER, "lab", "run", "--dir", str(directory), "--nodes", "1", "--workloads", "2", *arguments]
    process = subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    if not wait_until(lambda: (directory / "ready").exists() or process.poll() is not None, 60):
        process.kill()
    assert (directory / "ready").exists(), process.communicate(timeout=10)[0]
    return process


def test_a_run_moves_for_savings_and_for_safety_and_loses_nothing(directory: Path, tmp_path: Path) -> None:
    report, plot = tmp_path / "run.json", tmp_path / "run.svg"
    done = switcher(
        "lab", "run", "--duration", "35s", "--nodes", "2", "--workloads", "6", "--dir", str(directory),
        "--report", str(report), "--plot", str(plot),
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    document = json.loads(report.read_text())
    _check_moves(document["moves"])
    _check_traffic(document["traffic"])
    money = {key: float(value) for key, value in document["money"].items() if key != "currency"}
    within_shed = 1 - document["overload_percent"] / 100  # the optimum keeps to it: what does not may be cheaper
    assert money["clairvoyant"] * within_shed <= money["spent"] < money["if_nothing_had_moved"]
    assert document["leaks"] == dict.fromkeys(("links", "addresses", "routes", "rules", "tables", "records"), 0)
    assert 30 <= document["seconds"] <= 60
    assert 0 <= document["overload_percent"] < 30
    assert "w03 on phynet2: DoNotMove" in said
    assert "move: Safety" in plot.read_text()
    assert not directory.exists()
    assert of_the_lab(directory) == []


def _check_moves(moves: list[dict[str, Any]]) -> None:
    assert {move["outcome"] for move in moves} == {"Moved"}
    assert {"Savings", "Safety"} <= {move["reason"] for move in moves}
    assert any(move["from"] == "phynet2" and move["to"] == "phynet0" for move in moves)
    assert any(move["from"] == "phynet0" and move["reason"] == "Safety" for move in moves)
    assert "lab/w03" not in {move["workload"] for move in moves}  # it is marked do-not-move
    for move in moves:
        assert move["decided_at"] < move["shifted_at"] < move["finished_at"]
        assert float(move["saving_per_hour"]) != 0


def _check_traffic(traffic: list[dict[str, Any]]) -> None:
    assert {row["protocol"] for row in traffic} == {"udp-bulk", "udp-out", "udp-in", "tcp-out", "tcp-in", "mptcp"}
    for row in traffic:
        assert row["sent"] > 100, row
        assert row["sent"] - row["lost"] == row["received"], row
        assert (row["lost_while_moving"], row["resets"]) == (0, 0), row


def test_kill_9_then_down_leaves_nothing(directory: Path) -> None:
    lab = start(directory, "--duration", "5m")
    assert len(of_the_lab(directory)) > 5
    lab.kill()
    lab.communicate(timeout=10)
    assert wait_until(lambda: not of_the_lab(directory), 10), of_the_lab(directory)
    for _ in range(2):
        assert switcher("lab", "down", "--dir", str(directory)).returncode == 0
    assert not directory.exists()


@pytest.mark.parametrize(
    "interrupt",
    [
        pytest.param(lambda lab: os.killpg(lab.pid, signal.SIGINT), id="Ctrl-C, which all of the terminal gets"),
        pytest.param(lambda lab: lab.terminate(), id="SIGTERM, which only the lab gets"),
    ],
)
def test_an_interrupted_run_ends_well(directory: Path, interrupt: Callable[[subprocess.Popen[str]], None]) -> None:
    lab = start(directory, "--duration", "5m")
    interrupt(lab)
    said, _ = lab.communicate(timeout=20)
    assert lab.returncode == 130
    assert "interrupted after" in said
    assert "Traceback" not in said
    assert not directory.exists()
    assert of_the_lab(directory) == []


def test_a_site_is_kept_until_taken_down(directory: Path) -> None:
    at = ("--dir", str(directory))
    up = switcher("lab", "up", "--nodes", "1", "--workloads", "2", *at)
    assert up.returncode == 0, up.stderr
    again = switcher("lab", "run", *at)
    assert again.returncode == 1
    assert "already running" in again.stderr
    assert wait_until(lambda: "lab/w02" in switcher("lab", "status", *at).stdout, 20)
    rows = json.loads(switcher("lab", "status", "--json", *at).stdout)
    assert {row["attachment"] for row in rows} == {"eth0", "net1"}
    assert switcher("lab", "down", *at).returncode == 0
    assert wait_until(lambda: not of_the_lab(directory), 10)
    assert not directory.exists()
    assert switcher("lab", "status", *at).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--duration", "soon"], "must be a duration"),
        (["--duration", "5s"], "at least 20s"),
        (["--nodes", "0"], "1 to 9 nodes"),
        (["--plot", "run.gif"], ".png or .svg"),
        (["--report", "/nowhere/run.json"], "/nowhere is no directory"),
    ],
)
def test_bad_usage_is_refused_before_anything_is_made(directory: Path, arguments: list[str], text: str) -> None:
    done = switcher("lab", "run", "--dir", str(directory), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert text in done.stderr
    assert not directory.exists()
