"""Requests and answers over TCP and MPTCP: clients in a thread each, servers that echo in the loop."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from switcher.lab.traffic.ledger import Stream
from switcher.lab.traffic.loop import Loop

IPPROTO_MPTCP = 262  # linux/in.h; socket.IPPROTO_MPTCP is not in every Python 3.11
MESSAGE = struct.Struct("!Q120x")
PATIENCE_SECONDS = 10.0
Target = Callable[[], tuple[str, int] | None]


def serve_echo(loop: Loop, port: int, protocol: int = socket.IPPROTO_TCP) -> None:
    """A server on every address that sends back what it gets."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", port))  # noqa: S104 - a server on every address is what this traffic is about
    listener.listen(64)
    listener.setblocking(False)
    loop.on_readable(listener, lambda: _accept(loop, listener))


def _accept(loop: Loop, listener: socket.socket) -> None:
    try:
        connection, _ = listener.accept()
    except OSError:
        return
    connection.setblocking(False)
    loop.on_readable(connection, lambda: _echo(loop, connection))


def _echo(loop: Loop, connection: socket.socket) -> None:
    try:
        data = connection.recv(65536)
        if data:
            connection.sendall(data)
            return
    except BlockingIOError:
        return
    except OSError:
        pass  # the client counts what it lost
    loop.forget(connection)
    connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a client behaves: a new connection every ``renew`` seconds (None: one for life)."""

    per_second: float
    renew: float | None
    source: str | None = None
    protocol: int = socket.IPPROTO_TCP


class Client(threading.Thread):
    """Sends one request after the other."""

    def __init__(self, stream: Stream, target: Target, manner: Manner) -> None:
        super().__init__(name=stream.name, daemon=True)
        self._stream = stream
        self._target = target
        self._manner = manner
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End after the present request."""
        self._stopping.set()
        self.join(PATIENCE_SECONDS)

    def run(self) -> None:
        """Until stopped. A connection that breaks, or cannot be made, counts as a reset and the next one is tried."""
        while not self._stopping.is_set():
            target = self._target()
            if target is None:
                self._stopping.wait(0.2)
                continue
            try:
                with self._connect(target) as connection:
                    self._talk(connection)
            except OSError as error:
                self._stream.note_reset(time.time(), str(error))
                self._stopping.wait(0.5)

    def _connect(self, target: tuple[str, int]) -> socket.socket:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM, self._manner.protocol)
        try:
            connection.settimeout(PATIENCE_SECONDS)
            if self._manner.source is not None:
                connection.bind((self._manner.source, 0))
            connection.connect(target)
        except OSError:
            connection.close()
            raise
        return connection

    def _talk(self, connection: socket.socket) -> None:
        renew = self._manner.renew
        until = None if renew is None else time.monotonic() + renew
        while not self._stopping.is_set() and (until is None or time.monotonic() < until):
            asked = time.time()
            self._stream.note_sent(asked)
            try:
                connection.sendall(MESSAGE.pack(self._stream.sent))
                _read(connection, MESSAGE.size)
            except OSError:
                self._stream.lost_at.append(asked)
                raise
            now = time.time()
            self._stream.note_answer(now - asked, now, MESSAGE.size)
            self._stopping.wait(max(0.0, 1 / self._manner.per_second - (now - asked)))


def _read(connection: socket.socket, count: int) -> None:
    while count:
        part = connection.recv(count)
        if not part:
            raise ConnectionAbortedError("closed by the peer in the middle of an answer")
        count -= len(part)
