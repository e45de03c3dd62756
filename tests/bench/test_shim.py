"""What the start of ``genie`` costs a pod, against that of ``/bin/true`` in the same run."""

from __future__ import annotations

import os
import socket
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cni.wire import frame, read_frame
from tests.support.shim import build_genie

RUNS = 200
LIMIT_MS = 2.0
RESULT = b'{"cniVersion":"1.0.0","interfaces":[{"name":"eth0"}],"ips":[],"dns":{}}'


@dataclass(frozen=True)
class Command:
    """What is started again and again, its output thrown away."""

    name: str
    arguments: list[str]
    environment: dict[str, str]

    def milliseconds(self) -> float:
        files = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
        ]
        started = time.perf_counter()
        pid = os.posix_spawn(self.arguments[0], self.arguments, self.environment, file_actions=files)
        _, status = os.waitpid(pid, 0)
        took = time.perf_counter() - started
        assert os.waitstatus_to_exitcode(status) == 0, self.name
        return took * 1000


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """An agent that answers at once, in a process of its own so that it and the measurement do not share a GIL."""
    path = tmp_path / "agent.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        pid = os.fork()
        if pid == 0:
            while True:
                connection, _ = listener.accept()
                with connection:
                    read_frame(connection.recv)
                    connection.sendall(frame(b"\0" + RESULT))
        yield path
        os.kill(pid, 9)
        os.waitpid(pid, 0)


@pytest.mark.bench
def test_the_start_costs_at_most_two_milliseconds_over_true(agent: Path) -> None:
    genie = str(build_genie())
    cni = {"CNI_CONTAINERID": "c1", "CNI_NETNS": "/run/netns/x", "CNI_IFNAME": "eth0", "CNI_PATH": "/usr/lib/cni"}
    base = {**cni, "PATH": "/usr/bin:/bin", "GENIE_AGENT_SOCKET": str(agent)}
    commands = [
        Command("/bin/true", ["/bin/true"], base),
        Command("genie VERSION", [genie], {**base, "CNI_COMMAND": "VERSION"}),
        Command("genie ADD, agent echoes", [genie], {**base, "CNI_COMMAND": "ADD"}),
    ]
    # Interleaved, so that a busy moment of the machine strikes all alike.
    rounds = [[command.milliseconds() for command in commands] for _ in range(RUNS)]
    medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
    print(f"\n{'median of ' + str(RUNS):26}{'ms':>8}{'over /bin/true':>16}")
    for command, median in zip(commands, medians, strict=True):
        print(f"{command.name:26}{median:8.2f}{median - medians[0]:16.2f}")
    assert all(median - medians[0] <= LIMIT_MS for median in medians)
