"""The agent's socket: however many callers hang, the next one is heard; a stop waits for those under way."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from cni.server import KEPT, AgentServer
from cni.verbs import Reply
from cni.wire import KIND_CNI, MAX_FRAME, MAX_REPLY, Answer, Ask, frame, read_frame

MANY = 20


@contextmanager
def serving(path: Path, perform: Callable[[dict[str, str], bytes], Reply]) -> Iterator[AgentServer]:
    def answer(_: Ask) -> Answer:
        return Answer(node="n1")

    server = AgentServer(path, perform, answer)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def call(path: Path, command: str) -> socket.socket:
    """A caller that has sent its call."""
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.settimeout(10)
    peer.connect(str(path))
    peer.sendall(frame(KIND_CNI + f"CNI_COMMAND={command}\0\0".encode()))
    return peer


def threads() -> int:
    return sum(thread.name == "server" for thread in threading.enumerate())


def test_hanging_calls_do_not_keep_others_out(tmp_path: Path) -> None:
    path, free = tmp_path / "s", threading.Event()

    def perform(env: dict[str, str], _: bytes) -> Reply:
        if env["CNI_COMMAND"] == "ADD":
            free.wait(10)
        return Reply(0, env["CNI_COMMAND"].encode())

    with serving(path, perform), ExitStack() as peers:
        hanging = [peers.enter_context(call(path, "ADD")) for _ in range(MANY)]
        with call(path, "STATUS") as other:
            assert read_frame(other.recv) == b"\0STATUS"
        free.set()
        assert [read_frame(peer.recv) for peer in hanging] == [b"\0ADD"] * MANY
        deadline = time.monotonic() + 5
        while threads() > KEPT:
            assert time.monotonic() < deadline, "threads that nobody needs have not ended"
            time.sleep(0.01)
    assert threads() == 0


def test_a_stop_waits_for_the_call_under_way_and_takes_no_other(tmp_path: Path) -> None:
    path, started = tmp_path / "s", threading.Event()

    def perform(*_: object) -> Reply:
        started.set()
        time.sleep(0.3)
        return Reply(0, b"done")

    with serving(path, perform):
        peer = call(path, "ADD")
        assert started.wait(5)
    with peer:
        assert read_frame(peer.recv) == b"\0done"
    with pytest.raises(FileNotFoundError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as late:
        late.connect(str(path))


@pytest.mark.parametrize(("size", "undone"), [(MAX_FRAME + 1, False), (MAX_REPLY - 1, False), (MAX_REPLY, True)])
def test_a_reply_may_be_larger_than_a_request_and_one_that_is_too_large_is_undone(
    tmp_path: Path, size: int, undone: bool
) -> None:
    path, undoing = tmp_path / "s", threading.Event()
    with serving(path, lambda *_: Reply(0, bytes(size), undoing.set)), call(path, "ADD") as peer:
        if undone:
            assert peer.recv(1) == b""
        else:
            assert len(read_frame(peer.recv, MAX_REPLY)) == 1 + size
        assert undoing.wait(5 if undone else 0) is undone


def test_a_failure_of_our_own_closes_the_connection_and_the_next_call_is_served(tmp_path: Path) -> None:
    path = tmp_path / "s"

    def perform(env: dict[str, str], _: bytes) -> Reply:
        if env["CNI_COMMAND"] == "ADD":
            raise ZeroDivisionError
        return Reply(1, b"fine")

    with serving(path, perform):
        with call(path, "ADD") as broken:
            assert broken.recv(10) == b""
        with call(path, "DEL") as good:
            assert read_frame(good.recv) == b"\1fine"
