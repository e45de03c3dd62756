"""The agent's unix socket: frames of the shim (CNI1) and of the controller and tools (ASK1), a thread each."""

from __future__ import annotations

import logging
import os
import socket
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path

from cni.protocol import parse_cni
from cni.verbs import Reply
from cni.wire import KIND_ASK, KIND_CNI, Answer, Ask, WireError, decode, encode, frame, read_frame

READ_SECONDS = 10.0
"""A peer that sends nothing for so long is closed."""
WRITE_SECONDS = 10.0
ENDING_SECONDS = 20.0
"""How long calls under way may take after the agent was told to stop; what is left is undone at the next start."""

log = logging.getLogger(__name__)

Perform = Callable[[dict[str, str], bytes], Reply]
AnswerAsk = Callable[[Ask], Answer]


class AgentServer:
    """Listens on ``path`` (mode 0600) until stopped; a socket left by a dead agent is replaced."""

    def __init__(self, path: Path, perform: Perform, answer: AnswerAsk) -> None:
        """Raises OSError, also when another agent answers on the socket."""
        self._path = path
        _make_way(path)
        self._server = _Server(str(path), perform, answer)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="server")

    def start(self) -> None:
        """Serve from now on, in threads of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Take no new call, let those under way end."""
        self._server.shutdown()
        self._thread.join()
        self._path.unlink(missing_ok=True)
        self._server.server_close()
        self._server.wait_idle(ENDING_SECONDS)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, path: str, perform: Perform, answer: AnswerAsk) -> None:
        self.perform = perform
        self.answer = answer
        self._idle = threading.Condition()
        self._busy = 0
        super().__init__(path, _Handler)

    def server_bind(self) -> None:
        before = os.umask(0o177)  # never open to others, not for a moment
        try:
            super().server_bind()
        finally:
            os.umask(before)

    def process_request_thread(self, request: object, client_address: object) -> None:
        with self._idle:
            self._busy += 1
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]  # typeshed narrows what we only pass on
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def wait_idle(self, seconds: float) -> None:
        """Until no call is under way, at most so long."""
        with self._idle:
            self._idle.wait_for(lambda: self._busy == 0, timeout=seconds)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - as the base class calls it
        """See ``BaseServer.handle_error``."""
        log.exception("a connection failed unexpectedly")


class _Handler(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        """One frame, one reply; a malformed frame closes the connection."""
        self.request.settimeout(READ_SECONDS)
        try:
            body = read_frame(self.request.recv)
            kind, content = body[:4], body[4:]
            if kind == KIND_CNI:
                self._cni(content)
            elif kind == KIND_ASK:
                self._send(encode(self.server.answer(decode(content, Ask))))
            else:
                raise WireError(f"unknown kind of frame {kind!r}")
        except (WireError, OSError) as error:
            log.warning("connection closed", extra={"error": str(error)})

    def _cni(self, content: bytes) -> None:
        env, stdin = parse_cni(content)
        reply = self.server.perform(env, stdin)
        try:
            if _gone(self.request):
                raise BrokenPipeError("the caller is gone")
            self._send(bytes([reply.status]) + reply.stdout)
        except OSError as error:
            if reply.undo is None:
                raise
            fields = {"container": env.get("CNI_CONTAINERID", ""), "error": str(error)}
            log.warning("an ADD is undone: its caller did not wait for the reply", extra=fields)
            reply.undo()

    def _send(self, body: bytes) -> None:
        self.request.settimeout(WRITE_SECONDS)
        self.request.sendall(frame(body))


def _gone(peer: socket.socket) -> bool:
    """Whether the peer closed its end; the shim keeps it open until it has its reply."""
    peer.settimeout(0)
    try:
        return peer.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False


def _make_way(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            path.unlink(missing_ok=True)
            return
    raise OSError(f"another agent answers on {path}")
