"""The agent's unix socket: frames of the shim (CNI1) and of the controller and tools (ASK1).

Threads wait for the next caller in the kernel's queue, and each serves the one that it took: a call starts without a
hand-over. Whoever takes a call while nobody else waits first starts another thread, so that however many hang, the
next one is heard.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from cni.protocol import parse_cni
from cni.verbs import Reply
from cni.wire import KIND_ASK, KIND_CNI, MAX_REPLY, Answer, Ask, WireError, decode, encode, frame, read_frame

READ_SECONDS = 10.0
"""A peer that sends nothing for so long is closed."""
WRITE_SECONDS = 10.0
ENDING_SECONDS = 20.0
"""How long calls under way may take after the agent was told to stop; what is left is undone at the next start."""
BACKLOG = 128
KEPT = 4
"""Threads that may wait for the next caller; others end after theirs."""
BREATH_SECONDS = 0.1
"""Between two tries to take a caller that the system has no means for (descriptors, memory)."""

log = logging.getLogger(__name__)

Perform = Callable[[dict[str, str], bytes], Reply]
AnswerAsk = Callable[[Ask], Answer]


class AgentServer:
    """Listens on ``path`` (mode 0600) until stopped; a socket left by a dead agent is replaced."""

    def __init__(self, path: Path, perform: Perform, answer: AnswerAsk) -> None:
        """Raises OSError, also when another agent answers on the socket."""
        self._path = path
        self._perform = perform
        self._answer = answer
        _make_way(path)
        self._listener = _listener(path)
        self._changed = threading.Condition()
        self._waiting = 0
        self._busy = 0
        self._stopped = False

    def start(self) -> None:
        """Serve from now on, in threads of its own."""
        with self._changed:
            self._waiting += 1
        self._start_thread()

    def stop(self) -> None:
        """Take no new call, let those under way end."""
        self._stopped = True
        self._path.unlink(missing_ok=True)
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes all that wait
        with self._changed:
            self._changed.wait_for(lambda: not self._busy and not self._waiting, timeout=ENDING_SECONDS)
        self._listener.close()

    def _start_thread(self) -> None:
        threading.Thread(target=self._serve, name="server", daemon=True).start()

    def _serve(self) -> None:
        goes_on = True
        while goes_on:
            peer = self._next()
            if peer is None:
                break
            try:
                with peer:
                    self._handle(peer)
            except Exception:
                log.exception("a connection failed unexpectedly")
            with self._changed:
                self._busy -= 1
                goes_on = self._waiting < KEPT
                self._waiting += goes_on
                self._changed.notify_all()

    def _next(self) -> socket.socket | None:
        """The next caller, this thread being counted as busy then; None when there will be no more."""
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError as error:
                if self._stopped:
                    break
                log.warning("a caller could not be taken", extra={"error": str(error)})
                time.sleep(BREATH_SECONDS)
                continue
            with self._changed:
                self._busy += 1
                self._waiting -= 1
                alone = not self._waiting
                self._waiting += alone
            if alone:
                self._start_thread()
            return peer
        with self._changed:
            self._waiting -= 1
            self._changed.notify_all()
        return None

    def _handle(self, peer: socket.socket) -> None:
        """One frame, one reply; a malformed frame closes the connection."""
        peer.settimeout(READ_SECONDS)
        try:
            body = read_frame(peer.recv)
            kind, content = body[:4], body[4:]
            if kind == KIND_CNI:
                self._call(peer, content)
            elif kind == KIND_ASK:
                _send(peer, encode(self._answer(decode(content, Ask))))
            else:
                raise WireError(f"unknown kind of frame {kind!r}")
        except (WireError, OSError) as error:
            log.warning("connection closed", extra={"error": str(error)})

    def _call(self, peer: socket.socket, content: bytes) -> None:
        env, stdin = parse_cni(content)
        reply = self._perform(env, stdin)
        try:
            if _gone(peer):
                raise BrokenPipeError("the caller is gone")
            _send(peer, bytes([reply.status]) + reply.stdout)
        except (OSError, WireError) as error:  # WireError: larger than a reply may be
            if reply.undo is None:
                raise
            fields = {"container": env.get("CNI_CONTAINERID", ""), "error": str(error)}
            log.warning("an ADD is undone: its caller did not get the reply", extra=fields)
            reply.undo()


def _listener(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # never open to others, not for a moment
    try:
        listener.bind(str(path))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


def _send(peer: socket.socket, body: bytes) -> None:
    peer.settimeout(WRITE_SECONDS)
    peer.sendall(frame(body, MAX_REPLY))


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
