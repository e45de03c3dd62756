"""One run of a CNI plugin's program: input, bounded output, a deadline after which its whole process group dies."""

from __future__ import annotations

import errno
import os
import select
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from cni.reaping import Reaper

MAX_STDOUT = 4 * 1024 * 1024
MAX_STDERR = 64 * 1024
BUSY_SECONDS = 5.0
"""How long a program that is being replaced (ETXTBSY) is tried again; libcni tries as long."""
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
"""Programs get them as the system has them."""
PART = 65536
"""Bytes read or written at once: as much as a pipe holds."""

_reaper = Reaper()


@dataclass(frozen=True, slots=True)
class Finished:
    """How the run ended. ``status``: exit status, negative for a signal; None: killed at the deadline."""

    status: int | None
    stdout: bytes
    stderr: bytes


def run(program: str, stdin: bytes, env: Mapping[str, str], deadline_seconds: float) -> Finished:
    """Run ``program`` to its end. Raises OSError when it cannot be started."""
    with Running(program, env, deadline_seconds) as running:
        return running.finish(stdin)


class Running:
    """A program in a process group of its own that has been started and waits for its input; a context manager.

    Left without :meth:`finish` it is killed, and has never had any input. Any thread may finish it.
    """

    def __init__(self, program: str, env: Mapping[str, str], deadline_seconds: float) -> None:
        """Raises OSError when it cannot be started."""
        self._deadline = time.monotonic() + deadline_seconds
        self._pipes = _Pipes()
        try:
            self._pid = _start(program, env, self._pipes, min(self._deadline, time.monotonic() + BUSY_SECONDS))
        except BaseException:
            self._pipes.close_all()
            raise
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if not self._ended:
            _end(self._pid, ended=False)
        self._pipes.close_all()

    def finish(self, stdin: bytes) -> Finished:
        """Give it its input and wait for its end.

        Returns when the process ends, even when a grandchild keeps its output open; when it failed, what it started in
        its group dies with it, so that nothing acts on after its undoing. What is beyond the bounds of output is read
        and dropped, so that a talkative plugin is not blocked.
        """
        exchange = _Exchange(self._pipes, stdin)
        in_time = exchange.until(self._pid, self._deadline)
        self._ended = True
        status = _end(self._pid, ended=in_time)
        return Finished(status if in_time else None, bytes(exchange.stdout), bytes(exchange.stderr))


def _end(pid: int, *, ended: bool) -> int:
    """The process' status, as ``Finished`` has it; its group dies unless that is 0."""
    if not ended:
        os.killpg(pid, signal.SIGKILL)
    # Not reaped yet: its number stays its group's.
    ending = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert ending is not None  # noqa: S101 - None is for WNOHANG only
    if ending.si_status != 0:
        os.killpg(pid, signal.SIGKILL)
    _reaper.take(pid)
    return ending.si_status if ending.si_code == os.CLD_EXITED else -ending.si_status


class _Pipes:
    """The program's standard streams and our ends of them."""

    def __init__(self) -> None:
        """Raises OSError."""
        self._open: set[int] = set()
        try:
            stdin, self.stdin = self._pipe()
            self.stdout, stdout = self._pipe()
            self.stderr, stderr = self._pipe()
        except OSError:
            self.close_all()
            raise
        self.theirs = (stdin, stdout, stderr)
        for ours in (self.stdin, self.stdout, self.stderr):
            os.set_blocking(ours, False)

    def close_all(self) -> None:
        """Closes what is open."""
        self.close(*self._open)

    def close(self, *ends: int) -> None:
        """Closes them; closed already is done."""
        for end in self._open.intersection(ends):
            self._open.discard(end)
            os.close(end)

    def _pipe(self) -> tuple[int, int]:
        reading, writing = os.pipe2(os.O_CLOEXEC)
        self._open |= {reading, writing}
        return reading, writing


def _start(program: str, env: Mapping[str, str], pipes: _Pipes, busy_until: float) -> int:
    """The process. Nothing of ours is inherited: all that Python opens is closed on exec."""
    streams = [(os.POSIX_SPAWN_DUP2, end, number) for number, end in enumerate(pipes.theirs)]
    while True:
        try:
            pid = os.posix_spawn(
                program, [program], env, file_actions=streams, setsid=True, setsigdef=IGNORED_BY_PYTHON
            )
        except OSError as error:
            # A plugin that is being installed is open for writing: a matter of moments.
            if error.errno != errno.ETXTBSY or time.monotonic() >= busy_until:
                error.filename = program
                raise
            time.sleep(0.05)
        else:
            pipes.close(*pipes.theirs)
            return pid


class _Exchange:
    """Feeds stdin and collects stdout and stderr until the process ends."""

    def __init__(self, pipes: _Pipes, stdin: bytes) -> None:
        self._pipes = pipes
        self._input = memoryview(stdin)
        self.stdout = bytearray()
        self.stderr = bytearray()

    def until(self, pid: int, deadline: float) -> bool:
        """Whether the process ended before the deadline (on the monotonic clock)."""
        waiting = select.poll()
        for output in (self._pipes.stdout, self._pipes.stderr):
            waiting.register(output, select.POLLIN)
        if self._move(self._pipes.stdin):  # most inputs fit into the pipe at once
            waiting.register(self._pipes.stdin, select.POLLOUT)
        ended = os.pidfd_open(pid)
        try:
            waiting.register(ended, select.POLLIN)
            return self._pump(waiting, ended, deadline)
        finally:
            os.close(ended)

    def _pump(self, waiting: select.poll, ended: int, deadline: float) -> bool:
        while True:
            left = deadline - time.monotonic()
            ready = waiting.poll(max(0.0, left) * 1000)
            if not ready and left <= 0:
                return False
            for pipe, _ in ready:
                if pipe != ended and self._move(pipe) is False:
                    waiting.unregister(pipe)
            if any(pipe == ended for pipe, _ in ready):
                self._drain()
                return True

    def _drain(self) -> None:
        """Take what the ended process left in its pipes."""
        for output in (self._pipes.stdout, self._pipes.stderr):
            while self._move(output):
                pass

    def _move(self, pipe: int) -> bool | None:
        """Write or read once. False: this pipe is done; None: nothing to take at the moment."""
        if pipe == self._pipes.stdin:
            return self._write(pipe)
        if pipe == self._pipes.stdout:
            return _read(pipe, self.stdout, MAX_STDOUT)
        return _read(pipe, self.stderr, MAX_STDERR)

    def _write(self, pipe: int) -> bool:
        try:
            self._input = self._input[os.write(pipe, self._input[:PART]) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            self._input = self._input[:0]  # it does not want its input: it says so by its exit status
        if not self._input:
            self._pipes.close(pipe)  # the end of its input
        return bool(self._input)


def _read(pipe: int, into: bytearray, limit: int) -> bool | None:
    try:
        part = os.read(pipe, PART)
    except BlockingIOError:
        return None
    into += part[: max(0, limit - len(into))]
    return bool(part)
