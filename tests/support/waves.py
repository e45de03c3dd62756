"""Starts programs as a container runtime does, alone or many at once, and times them from outside.

The programs' input comes from files and their output goes to files, so that this process has nothing to do meanwhile;
a program has ended when the kernel says so. It is reaped later: the kernel makes who reaps a process at once wait for
the rest of its threads, and that is not the program's own time.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One program with its environment and what it reads from stdin."""

    program: str
    env: Mapping[str, str]
    stdin: Path


@dataclass(frozen=True)
class Wave:
    """``seconds`` of each chain of runs, in order, and ``whole``: from the first start to the last end."""

    seconds: list[float]
    whole: float


class _Chain:
    """Runs one program after the other; each must succeed."""

    def __init__(self, runs: Sequence[Run], output: Path) -> None:
        self._runs = list(runs)
        self._output = output
        self._started = 0.0
        self.seconds = 0.0
        self.ended: list[int] = []
        """Numbers of the processes that wait to be reaped."""

    def start(self) -> int:
        """The next program; the descriptor that becomes readable when it ends."""
        run = self._runs.pop(0)
        files = [
            (os.POSIX_SPAWN_OPEN, 0, str(run.stdin), os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(self._output), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        ]
        self._started = self._started or time.perf_counter()
        pid = os.posix_spawn(run.program, [run.program], run.env, file_actions=files)
        self.ended.append(pid)
        return os.pidfd_open(pid)

    def goes_on(self) -> bool:
        """Called when a program has ended: whether there is another one."""
        self.seconds = time.perf_counter() - self._started
        return bool(self._runs)

    def settle(self) -> None:
        """Reaps the processes; each must have succeeded."""
        for pid in self.ended:
            _, status = os.waitpid(pid, 0)
            assert os.waitstatus_to_exitcode(status) == 0, self._output.read_text()


def wave(chains: Sequence[Sequence[Run]], output: Path) -> Wave:
    """Starts all chains at once. Fails with what a program printed when it does not succeed."""
    output.mkdir(exist_ok=True)
    waiting = select.epoll()
    under_way: dict[int, _Chain] = {}
    made = [_Chain(runs, output / str(number)) for number, runs in enumerate(chains)]

    def start(chain: _Chain) -> None:
        ending = chain.start()
        under_way[ending] = chain
        waiting.register(ending, select.EPOLLIN)

    started = time.perf_counter()
    for chain in made:
        start(chain)
    while under_way:
        for ending, _ in waiting.poll():
            chain = under_way.pop(ending)
            more = chain.goes_on()
            waiting.unregister(ending)
            os.close(ending)
            if more:
                start(chain)
    whole = time.perf_counter() - started
    waiting.close()
    time.sleep(0.05)
    for chain in made:
        chain.settle()
    return Wave([chain.seconds for chain in made], whole)
