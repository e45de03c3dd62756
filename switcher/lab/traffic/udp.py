"""Numbered datagrams: senders that keep a schedule, receivers that use the kernel's time stamps, servers that echo.

A datagram starts with its number and the time it was sent, in nanoseconds since the epoch; the rest is padding.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable

from switcher.lab.traffic.ledger import Stream
from switcher.lab.traffic.loop import Loop

HEAD = struct.Struct("!QQ")
TIMESPEC = struct.Struct("@qq")
SO_TIMESTAMPNS = 35  # asm-generic/socket.h; Python has no name for it
BUFFER_BYTES = 32 * 1024 * 1024
BEHIND_SECONDS = 1.0
BURST_TICKS = 3
READS_A_TURN = 64


def udp_socket() -> socket.socket:
    """Not blocking, with large buffers: beyond the system's limit where we may (root), else up to it."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    for force, plain in ((33, socket.SO_RCVBUF), (32, socket.SO_SNDBUF)):  # SO_RCVBUFFORCE, SO_SNDBUFFORCE
        try:
            sock.setsockopt(socket.SOL_SOCKET, force, BUFFER_BYTES)
        except PermissionError:
            sock.setsockopt(socket.SOL_SOCKET, plain, BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    return sock


class Pace:
    """How many are due now. Late: it catches up by little, never by a burst; far behind, it lets the missed ones go."""

    def __init__(self, per_second: float, tick: float, now: float) -> None:
        self._rate = per_second
        self._most = max(2, int(per_second * tick * BURST_TICKS + 0.5))
        self._start = now
        self._done = 0

    def due(self, now: float) -> int:
        """How many to send now."""
        behind = (now - self._start) * self._rate - self._done
        if behind > self._rate * BEHIND_SECONDS:
            self._start += (behind - self._most) / self._rate
            behind = self._most
        count = min(self._most, int(behind))
        self._done += count
        return count


class Sender:
    """Sends numbered datagrams at a rate to wherever ``target`` says (None: nowhere yet)."""

    def __init__(
        self, loop: Loop, stream: Stream, send: Callable[[bytes], bool], *, per_second: float, size: int
    ) -> None:
        tick = max(0.01, min(0.05, 3 / per_second))
        self._stream = stream
        self._send = send
        self._padding = bytes(size - HEAD.size)
        self._pace = Pace(per_second, tick, time.monotonic())
        loop.every(tick, self._turn)

    def _turn(self) -> None:
        for _ in range(self._pace.due(time.monotonic())):
            now = time.time_ns()
            if self._send(HEAD.pack(self._stream.sent, now) + self._padding):
                self._stream.note_sent(now / 1e9)


def unconnected(target: tuple[str, int]) -> Callable[[bytes], bool]:
    """A way to send from an ephemeral port of no fixed address: the kernel chooses it for each packet."""
    sock = udp_socket()

    def send(data: bytes) -> bool:
        try:
            sock.sendto(data, target)
        except OSError:  # no room, or no route just now: it was not sent and does not count
            return False
        return True

    return send


def receive(loop: Loop, sock: socket.socket, stream: Stream) -> None:
    """Count what arrives on the socket, at the time the kernel received it."""
    loop.on_readable(sock, lambda: _take(sock, stream))


def _take(sock: socket.socket, stream: Stream) -> None:
    for _ in range(READS_A_TURN):
        try:
            data, ancillary, _, _ = sock.recvmsg(HEAD.size, 64)
        except BlockingIOError:
            return
        except OSError:  # an ICMP error on a connected socket: the loss shows in the numbers
            continue
        if len(data) == HEAD.size:
            number, sent = HEAD.unpack(data)
            stream.note_received(number, sent / 1e9, _arrival(ancillary), HEAD.size)


def _arrival(ancillary: list[tuple[int, int, bytes]]) -> float:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = TIMESPEC.unpack(data[: TIMESPEC.size])
            return float(seconds + nanoseconds / 1e9)
    return time.time()


def serve_echo(loop: Loop, port: int) -> None:
    """A server on 0.0.0.0 that sends every datagram back to where it came from."""
    sock = udp_socket()
    sock.bind(("0.0.0.0", port))  # noqa: S104 - a server on every address is what this traffic is about

    def turn() -> None:
        for _ in range(READS_A_TURN):
            try:
                data, peer = sock.recvfrom(65535)
                sock.sendto(data, peer)
            except OSError:
                return

    loop.on_readable(sock, turn)


class ConnectedClient:
    """Asks a server over connected sockets. It keeps using an address until ``resolve`` says another one.

    The former socket stays open for the answers that are on their way.
    """

    KEEP = 2

    def __init__(self, loop: Loop, stream: Stream, source: str, port: int) -> None:
        self._loop = loop
        self._stream = stream
        self._source = source
        self._port = port
        self._address: str | None = None
        self._sockets: list[socket.socket] = []

    def resolve(self, address: str | None) -> None:
        """Look the address up anew; nothing happens when it is the same or unknown."""
        if address is None or address == self._address:
            return
        sock = udp_socket()
        sock.bind((self._source, 0))
        sock.connect((address, self._port))
        receive(self._loop, sock, self._stream)
        self._address = address
        self._sockets.append(sock)
        while len(self._sockets) > self.KEEP:
            old = self._sockets.pop(0)
            self._loop.forget(old)
            old.close()

    def send(self, data: bytes) -> bool:
        """Send to the present address; False when it is not known yet or there was no room."""
        if not self._sockets:
            return False
        try:
            self._sockets[-1].send(data)
        except ConnectionError:  # a pending ICMP error is reported once; the packet itself was not sent
            return False
        except OSError:
            return False
        return True
