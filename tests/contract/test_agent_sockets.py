"""Orders over a real unix socket, against an agent that answers, refuses, breaks off or is away."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cni.wire import (
    KIND_ASK,
    Answer,
    Ask,
    MoveReason,
    Phase,
    RefusalReason,
    SwitchOrder,
    SwitchStatus,
    decode,
    encode,
    frame,
    read_frame,
)
from switcher.adapters.node.sockets import AgentSockets
from switcher.errors import RefusedError, TryLaterError

ORDER = SwitchOrder(
    id="1", workload="lab/w1", attachment="net1", source="cni:a", target="cni:b", reason=MoveReason.MANUAL
)
STATUS = SwitchStatus(
    id="1",
    workload="lab/w1",
    attachment="net1",
    source="cni:a",
    target="cni:b",
    reason=MoveReason.MANUAL,
    phase=Phase.DRAIN,
)


@contextmanager
def agent(path: Path, reply: Callable[[Ask], bytes]) -> Iterator[None]:
    """A listener that takes one connection, reads one ASK1 frame and sends what ``reply`` makes of it."""

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            body = read_frame(connection.recv)
            assert body.startswith(KIND_ASK)
            connection.sendall(reply(decode(body.removeprefix(KIND_ASK), Ask)))

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=answer)
        thread.start()
        yield
        thread.join(timeout=5)


def sockets(path: Path) -> AgentSockets:
    return AgentSockets({"n1": f"unix:{path}"}, timeout_seconds=1.0)


def test_an_order_arrives_whole(tmp_path: Path) -> None:
    heard: list[Ask] = []

    def reply(ask: Ask) -> bytes:
        heard.append(ask)
        return frame(encode(Answer(node="n1")))

    with agent(tmp_path / "s", reply):
        sockets(tmp_path / "s").order("n1", ORDER)
    assert heard == [Ask(ask="switch", switch=ORDER)]


def test_the_journal_is_told(tmp_path: Path) -> None:
    with agent(tmp_path / "s", lambda _: frame(encode(Answer(switches=(STATUS,))))):
        assert list(sockets(tmp_path / "s").switches("n1")) == [STATUS]


def test_a_refusal_keeps_its_reason_word_and_its_text(tmp_path: Path) -> None:
    refusal = Answer(error="nginx (pid 7) listens on 10.1.0.2:80", refusal=RefusalReason.BOUND_SOCKET)
    with (
        agent(tmp_path / "s", lambda _: frame(encode(refusal))),
        pytest.raises(RefusedError, match="nginx") as caught,
    ):
        sockets(tmp_path / "s").order("n1", ORDER)
    assert caught.value.reason == "BoundSocket"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"", id="closed at once"),
        pytest.param(frame(encode(Answer()))[:-1], id="closed in the middle"),
        pytest.param(frame(b"{"), id="no JSON"),
        pytest.param(b"\xff\xff\xff\xff", id="announces four gigabytes"),
    ],
)
def test_an_agent_that_breaks_the_protocol_is_asked_again_later(tmp_path: Path, reply: bytes) -> None:
    with agent(tmp_path / "s", lambda _: reply), pytest.raises(TryLaterError, match="node n1"):
        sockets(tmp_path / "s").order("n1", ORDER)


def test_an_agent_that_is_away_is_asked_again_later(tmp_path: Path) -> None:
    with pytest.raises(TryLaterError, match="does not answer"):
        sockets(tmp_path / "nobody").switches("n1")


def test_a_node_without_an_address_is_named_with_those_that_have_one(tmp_path: Path) -> None:
    with pytest.raises(TryLaterError, match=r"node n9 has no address .*known: n1"):
        sockets(tmp_path / "s").switches("n9")
