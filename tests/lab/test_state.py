"""The lab's directory: one lab at a time, nobody else's files, no recycled process id."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from switcher.lab import outer
from switcher.lab.command import LabError
from switcher.lab.state import LONGEST_PATH, RECORD, StateDirectory, start_ticks


def test_a_directory_is_claimed_once(short_path: Path) -> None:
    state = StateDirectory(short_path / "lab")
    state.claim(["switcher", "lab", "run"])
    assert (state.path.stat().st_mode & 0o777) == 0o700
    with pytest.raises(LabError, match=r"already running .*switcher lab run.*switcher lab down"):
        StateDirectory(short_path / "lab").claim(["another"])


def test_a_recycled_process_id_is_not_the_lab(short_path: Path) -> None:
    state = StateDirectory(short_path / "lab")
    state.claim(["lab"])
    record = json.loads((state.path / RECORD).read_text())
    (state.path / RECORD).write_text(json.dumps({**record, "ticks": record["ticks"] - 1}))
    assert state.running() is None
    assert outer.end(state.path)  # and this process, which has the id, is not ended
    assert not state.path.exists()


def test_down_is_a_success_when_nothing_is_there(short_path: Path) -> None:
    assert not outer.end(short_path / "lab")


def test_down_ends_the_recorded_process(short_path: Path) -> None:
    state = StateDirectory(short_path / "lab")
    state.claim(["lab"])
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        record = json.loads((state.path / RECORD).read_text())
        known = {**record, "pid": sleeper.pid, "ticks": start_ticks(sleeper.pid)}
        (state.path / RECORD).write_text(json.dumps(known))
        assert outer.end(state.path)
        assert sleeper.wait(5) != 0
    assert not state.path.exists()


def test_somebody_elses_directory_is_left_alone(short_path: Path) -> None:
    (short_path / "precious").write_text("1")
    with pytest.raises(LabError, match="not a lab's directory"):
        StateDirectory(short_path).claim(["lab"])
    with pytest.raises(LabError, match="not a lab's directory"):
        outer.end(short_path)
    assert (short_path / "precious").exists()


def test_a_path_too_long_for_sockets_is_refused(short_path: Path) -> None:
    with pytest.raises(LabError, match="too long"):
        StateDirectory(short_path / ("x" * LONGEST_PATH)).claim(["lab"])


def test_a_dead_process_has_no_start_time() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert start_ticks(process.pid) is None
    assert start_ticks(os.getpid()) is not None
