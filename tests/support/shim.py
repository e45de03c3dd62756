"""The real ``genie`` binary, built from source, and a small agent that answers it as a test says."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cni.wire import HEADER, KIND_CNI, WireError, frame, read_frame

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = b'{"cniVersion":"0.4.0","name":"internet-a","type":"genie"}'
RESULT = b'{"cniVersion":"0.4.0","interfaces":[],"dns":{}}'

SWALLOWED = ("not found", "no such file or directory")
"""containerd takes a DEL that failed with these words for done."""

Answer = Callable[[socket.socket, bytes], None]
"""What the agent does with a connection and the request's body that came on it; afterwards it is closed."""


def build_genie(name: str = "genie") -> Path:
    """Builds ``build/NAME`` (``genie`` or ``genie-sanitized``) when it is missing or old. Safe in parallel tests."""
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", f"build/{name}"], cwd=ROOT, check=True)
    return ROOT / "build" / name


def body(environment: dict[str, str], configuration: bytes) -> bytes:
    """A request's body as ``cni.wire`` describes it."""
    entries = b"".join(os.fsencode(f"{key}={value}") + b"\0" for key, value in environment.items())
    return KIND_CNI + entries + b"\0" + configuration


def environment_of(request: bytes) -> dict[str, str]:
    """The environment in a request's body."""
    entries, _, _ = request.removeprefix(KIND_CNI).partition(b"\0\0")
    return dict(os.fsdecode(entry).split("=", 1) for entry in entries.split(b"\0"))


def reply(status: int, output: bytes) -> Answer:
    """Answers in full."""
    return raw(frame(bytes([status]) + output))


def raw(data: bytes) -> Answer:
    """Answers with exactly these bytes, whatever they mean."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(data)

    return answer


def gone(connection: socket.socket, _: bytes) -> None:
    """Dies without a word."""
    connection.shutdown(socket.SHUT_RDWR)


@dataclass
class Agent:
    """Serves a unix socket, one connection after the other, and keeps the requests."""

    path: Path
    answer: Answer
    requests: list[bytes] = field(default_factory=list)

    @contextlib.contextmanager
    def serving(self) -> Iterator[Agent]:
        """Serves while the context lasts."""
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.path))
            listener.listen()
            thread = threading.Thread(target=self._serve, args=(listener,))
            thread.start()
            try:
                yield self
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                thread.join()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            # A shim that gave up or was refused its stdin is no trouble to an agent.
            with connection, contextlib.suppress(OSError, WireError):
                self.requests.append(read_frame(connection.recv))
                self.answer(connection, self.requests[-1])


def header(size: int) -> bytes:
    """The length in front of a frame, be it true or not."""
    return HEADER.pack(size)


Done = subprocess.CompletedProcess[bytes]


@dataclass(frozen=True)
class Shim:
    """The binary under test, with a directory for its socket and its spool."""

    binary: Path
    place: Path

    @property
    def socket(self) -> Path:
        return self.place / "agent.sock"

    @property
    def spool(self) -> Path:
        return self.place / "var/spool"

    def environment(self, command: str, **more: str) -> dict[str, str]:
        own = {"GENIE_AGENT_SOCKET": str(self.socket), "GENIE_SPOOL": str(self.spool), "GENIE_DEADLINE_SECONDS": "20"}
        cni = {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": "c1",
            "CNI_NETNS": "/run/netns/w01",
            "CNI_IFNAME": "eth0",
            "CNI_ARGS": "IgnoreUnknown=1;K8S_POD_NAME=w01",
            "CNI_PATH": "/usr/lib/cni:/opt/cni/bin",
            "PATH": "/usr/bin:/bin",
        }
        return {**own, **cni, **more}

    def call(self, command: str, stdin: bytes = CONFIGURATION, /, **more: str) -> Done:
        """One call. A sanitizer's finding fails the test here."""
        environment = self.environment(command, **more)
        return self.run(["{genie}"], env=environment, input=stdin)

    def run(self, arguments: list[str], **more: object) -> Done:
        command = [part.replace("{genie}", str(self.binary)) for part in arguments]
        done: Done = subprocess.run(command, capture_output=True, timeout=60, check=False, **more)  # type: ignore[call-overload]  # subprocess.run's own arguments
        assert b"Sanitizer" not in done.stderr, done.stderr.decode()
        assert b"runtime error" not in done.stderr, done.stderr.decode()
        return done

    def records(self) -> list[Path]:
        return sorted(self.spool.iterdir()) if self.spool.exists() else []

    def agent(self, answer: Answer) -> Agent:
        return Agent(self.socket, answer)


def problem(done: Done, code: int) -> dict[str, str]:
    """The error object on stdout, which is all that a failing call prints there (T21, T24)."""
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert set(answer) == {"cniVersion", "code", "msg", "details"}
    assert answer["code"] == code
    assert answer["msg"]
    assert not any(words in done.stdout.decode().lower() for words in SWALLOWED)  # T75
    return answer  # type: ignore[no-any-return]  # its keys were just looked at
