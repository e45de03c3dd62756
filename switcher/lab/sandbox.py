"""Runs the lab in network, mount and process namespaces of its own, so that everything ends with one process.

The outer process holds the write end of a pipe; the inner one (process 1 of its namespace) reads the other end and
ends when it closes. Killed by force, the outer process takes `unshare` with it (parent-death signal), and that takes
all of the namespace (--kill-child). Nothing of the lab is visible to, or reachable from, the rest of the machine but
the files in its directory.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from switcher.lab.command import environment

NO_NAMESPACES = 125
"""Exit code when the sandbox could not be made."""
# /run is private, so that named namespaces are; a lab's directory below /run stays visible through its descriptor.
PREPARE = """
exec 8<"$LAB_DIRECTORY" && mount -t tmpfs tmpfs /run && mkdir -p /run/netns /run/lock || exit 125
case $LAB_DIRECTORY in
/run/*) mkdir -p "$LAB_DIRECTORY" && mount --no-canonicalize --bind /proc/self/fd/8 "$LAB_DIRECTORY" || exit 125 ;;
esac
exec 8<&- && ip link set lo up && exec "$@"
"""


def command(argv: Sequence[str]) -> list[str]:
    """``argv`` in namespaces of its own."""
    rights = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    own = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return ["setpriv", "--pdeathsig", "KILL", "unshare", *rights, *own, "sh", "-c", PREPARE, "lab", *argv]


def start(directory: Path, arguments: Sequence[str]) -> tuple[subprocess.Popen[bytes], int]:
    """Start ``switcher.lab.inside`` with these arguments; returns it and the pipe's end whose closing ends it."""
    reading, writing = os.pipe()
    argv = [sys.executable, "-m", "switcher.lab.inside", str(reading), str(directory), *arguments]
    process = subprocess.Popen(command(argv), env=environment(LAB_DIRECTORY=str(directory)), pass_fds=(reading,))
    os.close(reading)
    return process, writing


def supervise(process: subprocess.Popen[bytes], pipe: int) -> int:
    """Wait for the lab. Ctrl-C and SIGTERM end it in good order; a second one by force. Returns its exit code."""
    ended = 0

    def end(_number: int, _frame: FrameType | None) -> None:
        nonlocal ended
        ended += 1
        if ended == 1:
            os.close(pipe)
        else:
            process.kill()

    former = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        code = process.wait()
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        if not ended:
            os.close(pipe)
    return 128 - code if code < 0 else code


def when_closed(pipe: int, then: Callable[[], None]) -> None:
    """Within the sandbox: call ``then`` once the outer process closed its end or is gone."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            os.read(pipe, 1)
        then()

    threading.Thread(target=watch, name="outer", daemon=True).start()
