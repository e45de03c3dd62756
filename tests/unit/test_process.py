"""One run of a program: what goes in and comes out, how it ended, and that nothing of it stays."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest

from cni.process import MAX_STDERR, Finished, Running, run

PATH = {"PATH": "/usr/bin:/bin"}


def shell(text: str, stdin: bytes = b"", seconds: float = 10.0) -> Finished:
    return run("/bin/sh", f"exec 3<&0; {text}\n".encode() + stdin, PATH, seconds)


def zombies(name: str) -> int:
    """Processes of that name that have ended and were not reaped."""
    found = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # gone meanwhile
            found += f"({name}) Z " in stat.read_text(errors="replace")
    return found


def test_more_than_a_pipe_holds_goes_in_and_comes_out() -> None:
    data = bytes(range(256)) * 8192
    assert run("/bin/cat", data, PATH, 10) == Finished(0, data, b"")


@pytest.mark.parametrize(
    ("text", "status"),
    [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", -9), ("kill -13 $$", -13)],
)
def test_how_it_ended(text: str, status: int) -> None:
    assert shell(text).status == status


def test_input_that_nobody_reads_is_no_error() -> None:
    assert run("/bin/true", bytes(1 << 20), PATH, 10).status == 0


def test_a_deadline_ends_it_and_keeps_what_it_said() -> None:
    started = time.monotonic()
    finished = shell("echo said; sleep 60", seconds=0.3)
    assert finished == Finished(None, b"said\n", b"")
    assert time.monotonic() - started < 5


def test_output_is_bounded_and_a_grandchild_does_not_hold_it() -> None:
    started = time.monotonic()
    finished = shell("sleep 30 & head -c 100000 /dev/zero >&2; echo done; exit 0")
    assert (finished.status, finished.stdout, len(finished.stderr)) == (0, b"done\n", MAX_STDERR)
    assert time.monotonic() - started < 5


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="/no/such/program"):
        run("/no/such/program", b"", PATH, 1)


def test_what_is_never_told_what_to_do_dies_and_does_nothing(tmp_path: Path) -> None:
    program, up, done = (tmp_path / name for name in ("program", "up", "done"))
    program.write_text(f"#!/bin/sh\ntouch {up}\ncat >/dev/null\ntouch {done}\n")
    program.chmod(0o755)
    for finish in (False, True):
        with Running(str(program), PATH, 10) as running:
            deadline = time.monotonic() + 5
            while not up.exists():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            if finish:
                assert running.finish(b"input").status == 0
        assert done.exists() is finish
        up.unlink()


def test_neither_processes_nor_descriptors_stay() -> None:
    run("/bin/true", b"", PATH, 10)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        run("/bin/true", b"", PATH, 10)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    deadline = time.monotonic() + 5
    while zombies("true"):
        assert time.monotonic() < deadline, "an ended process was not reaped"
        time.sleep(0.01)
