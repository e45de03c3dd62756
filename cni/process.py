"""One run of a CNI plugin's program: input, bounded output, a deadline after which its whole process group dies."""

from __future__ import annotations

import errno
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

MAX_STDOUT = 4 * 1024 * 1024
MAX_STDERR = 64 * 1024
BUSY_SECONDS = 5.0
"""How long a program that is being replaced (ETXTBSY) is tried again; libcni tries as long."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How the run ended. ``status``: exit status, negative for a signal; None: killed at the deadline."""

    status: int | None
    stdout: bytes
    stderr: bytes


def run(program: str, stdin: bytes, env: Mapping[str, str], deadline_seconds: float) -> Finished:
    """Run ``program`` in a process group of its own. Raises OSError when it cannot be started.

    Returns when the process ends, even when a grandchild keeps its output open; when it failed, what it started in its
    group dies with it, so that nothing acts on after its undoing. What is beyond the bounds of output is read and
    dropped, so that a talkative plugin is not blocked.
    """
    deadline = time.monotonic() + deadline_seconds
    process = _start(program, env, min(deadline, time.monotonic() + BUSY_SECONDS))
    try:
        exchange = _Exchange(process, stdin)
        in_time = exchange.until(deadline)
    finally:
        if not _succeeded(process):
            os.killpg(process.pid, signal.SIGKILL)
        status = process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
    return Finished(status if in_time else None, bytes(exchange.stdout), bytes(exchange.stderr))


def _start(program: str, env: Mapping[str, str], busy_until: float) -> subprocess.Popen[bytes]:
    while True:
        try:
            return subprocess.Popen(  # closed by run()
                [program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=env,
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            # A plugin that is being installed is open for writing: a matter of moments.
            if error.errno != errno.ETXTBSY or time.monotonic() >= busy_until:
                raise
            time.sleep(0.05)


def _succeeded(process: subprocess.Popen[bytes]) -> bool:
    """Whether it ended with status 0. It is not reaped yet: its number stays its group's."""
    ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return ended is not None and ended.si_status == 0


class _Exchange:
    """Feeds stdin and collects stdout and stderr until the process ends."""

    def __init__(self, process: subprocess.Popen[bytes], stdin: bytes) -> None:
        self._process = process
        self._input = memoryview(stdin)
        self.stdout = bytearray()
        self.stderr = bytearray()

    def until(self, deadline: float) -> bool:
        """Whether the process ended before the deadline (on the monotonic clock)."""
        process = self._process
        ended = os.pidfd_open(process.pid)
        try:
            with selectors.DefaultSelector() as selector:
                for pipe in (process.stdin, process.stdout, process.stderr):
                    assert pipe is not None  # noqa: S101 - Popen was asked for pipes
                    os.set_blocking(pipe.fileno(), False)
                    wanted = selectors.EVENT_WRITE if pipe is process.stdin else selectors.EVENT_READ
                    selector.register(pipe, wanted)
                selector.register(ended, selectors.EVENT_READ)
                return self._pump(selector, ended, deadline)
        finally:
            os.close(ended)

    def _pump(self, selector: selectors.BaseSelector, ended: int, deadline: float) -> bool:
        while True:
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready and time.monotonic() >= deadline:
                return False
            for key, _ in ready:
                if key.fileobj != ended and self._move(key.fileobj) is False:
                    selector.unregister(key.fileobj)
                    if key.fileobj is self._process.stdin:
                        self._process.stdin.close()  # the end of its input
            if any(key.fileobj == ended for key, _ in ready):
                self._drain(selector)
                return True

    def _drain(self, selector: selectors.BaseSelector) -> None:
        """Take what the ended process left in its pipes."""
        left = [key.fileobj for key in selector.get_map().values()]
        for pipe in (self._process.stdout, self._process.stderr):
            while pipe in left and self._move(pipe) is True:
                pass

    def _move(self, pipe: object) -> bool | None:
        """Write or read once. False: this pipe is done; None: nothing to take at the moment."""
        if pipe is self._process.stdin:
            return self._write(self._process.stdin)
        if pipe is self._process.stdout:
            return _read(self._process.stdout, self.stdout, MAX_STDOUT)
        return _read(self._process.stderr, self.stderr, MAX_STDERR)

    def _write(self, pipe: IO[bytes] | None) -> bool:
        assert pipe is not None  # noqa: S101 - only called for the pipe that exists
        try:
            self._input = self._input[os.write(pipe.fileno(), self._input[:65536]) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False  # it does not want its input: it says so by its exit status
        return bool(self._input)


def _read(pipe: IO[bytes] | None, into: bytearray, limit: int) -> bool | None:
    assert pipe is not None  # noqa: S101 - only called for the pipe that exists
    try:
        part = os.read(pipe.fileno(), 65536)
    except BlockingIOError:
        return None
    into += part[: max(0, limit - len(into))]
    return bool(part)
