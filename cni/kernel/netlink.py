"""One netlink conversation at a time over a plain socket; messages are packed and read as the kernel's headers say.

Every attachment pays for these conversations twice, so they are few and cheap; docs/decisions/0005-netlink.md has the
figures. A :class:`Channel` belongs to one thread at a time, whichever thread opened it.

Source: ``include/uapi/linux/netlink.h``; RFC 3549.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self

from cni.kernel.spaces import open_socket

HEADER = struct.Struct("=IHHII")
ATTRIBUTE = struct.Struct("=HH")
NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_REQUEST = 0x1
NLM_F_MULTI = 0x2
NLM_F_ACK = 0x4
NLM_F_DUMP_INTR = 0x10
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_DUMP = 0x300
NLM_F_CREATE = 0x400
NLM_F_APPEND = 0x800
SOL_NETLINK = 270
NETLINK_EXT_ACK = 11
NETLINK_CAP_ACK = 10
NESTED = 0x8000
WAIT_SECONDS = 10
LARGEST = 65536
"""Bytes read at once; the kernel fills at most half of it."""
AT_ONCE = 64
"""Orders sent together: their answers fit into a socket's buffer."""

ABSENT = frozenset({errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.EADDRNOTAVAIL, errno.ENXIO})
"""What the kernel says when that which was to be removed is not there."""


class KernelError(OSError):
    """The kernel refused a request: ``errno`` says why; what is asked again must be asked differently."""


class _Message(NamedTuple):
    kind: int
    flags: int
    sequence: int
    body: bytes


class _DumpInterruptedError(Exception):
    """What was listed changed meanwhile: list it again."""


@dataclass(frozen=True, slots=True)
class Order:
    """One thing that the kernel is to do."""

    kind: int
    body: bytes
    flags: int = 0
    tolerate: frozenset[int] = frozenset()
    """Error numbers that are as good as success."""


class Channel:
    """A netlink socket in a namespace, as a context manager."""

    def __init__(self, opened: socket.socket) -> None:
        """Over a socket that was opened where it is wanted; it is closed with the channel."""
        opened.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        opened.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        # Python's own time-out would cost a poll(2) before every message.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("=qq", WAIT_SECONDS, 0))
        self.socket = opened
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.socket.close()

    def ask(self, kind: int, body: bytes) -> list[tuple[int, bytes]]:
        """The (type, body) of every message of a dump. Raises KernelError."""
        for _ in range(8):
            try:
                return self._converse(kind, NLM_F_REQUEST | NLM_F_DUMP, body)
            except _DumpInterruptedError:
                continue
        raise KernelError(errno.EAGAIN, "what the kernel lists keeps changing")

    def get(self, kind: int, body: bytes) -> list[tuple[int, bytes]]:
        """The (type, body) of the answer to a single question. Raises KernelError."""
        return self._converse(kind, NLM_F_REQUEST | NLM_F_ACK, body)

    def order(self, kind: int, body: bytes, flags: int = 0, tolerate: frozenset[int] = frozenset()) -> bool:
        """Has the kernel do something; False when it refused with an error number in ``tolerate``.

        Raises KernelError for every other refusal.
        """
        return self.order_all([Order(kind, body, flags, tolerate)])[0]

    def order_all(self, orders: Sequence[Order]) -> list[bool]:
        """Has the kernel do several things in this order, in one go; for each whether it did it.

        All are tried. Raises the first KernelError that is not tolerated.
        """
        done: list[bool] = []
        refused: list[KernelError] = []
        for start in range(0, len(orders), AT_ONCE):
            some = orders[start : start + AT_ONCE]
            for order, refusal in zip(some, self._refusals(some), strict=True):
                done.append(refusal is None)
                if refusal is not None and refusal.errno not in order.tolerate:
                    refused.append(refusal)
        if refused:
            raise refused[0]
        return done

    def _refusals(self, orders: Sequence[Order]) -> list[KernelError | None]:
        first = self._sequence + 1
        flags = NLM_F_REQUEST | NLM_F_ACK
        self.socket.send(b"".join(self._message(order.kind, flags | order.flags, order.body) for order in orders))
        answers: dict[int, KernelError | None] = {}
        while len(answers) < len(orders):
            for message in _messages(self._receive()):
                if message.kind == NLMSG_ERROR and message.sequence >= first:
                    answers[message.sequence] = _refusal(message)
        return [answers[first + number] for number in range(len(orders))]

    def _message(self, kind: int, flags: int, body: bytes) -> bytes:
        self._sequence += 1
        padding = bytes(-len(body) % 4)
        return HEADER.pack(HEADER.size + len(body), kind, flags, self._sequence, 0) + body + padding

    def _receive(self) -> bytes:
        try:
            return self.socket.recv(LARGEST)
        except BlockingIOError as error:
            raise KernelError(errno.ETIMEDOUT, f"the kernel did not answer within {WAIT_SECONDS} s") from error

    def _converse(self, kind: int, flags: int, body: bytes) -> list[tuple[int, bytes]]:
        self.socket.send(self._message(kind, flags, body))
        answers: list[tuple[int, bytes]] = []
        interrupted = False
        while True:
            for message in _messages(self._receive()):
                if message.sequence != self._sequence:
                    continue
                interrupted = interrupted or bool(message.flags & NLM_F_DUMP_INTR)
                if message.kind in (NLMSG_ERROR, NLMSG_DONE):
                    refusal = _refusal(message)
                    if refusal is not None:
                        raise refusal
                    if interrupted:
                        raise _DumpInterruptedError
                    return answers
                answers.append((message.kind, message.body))


Where = str | Channel | None
"""The path of a namespace, a channel that is open in it, or None: the namespace that this thread is in."""


def _messages(data: bytes) -> Iterator[_Message]:
    offset = 0
    while offset + HEADER.size <= len(data):
        length, kind, flags, sequence, _ = HEADER.unpack_from(data, offset)
        if length < HEADER.size:
            break
        yield _Message(kind, flags, sequence, data[offset + HEADER.size : offset + length])
        offset += (length + 3) & ~3


def _code(message: _Message) -> int:
    """The error number in an error or end message; 0 for success."""
    return -int.from_bytes(message.body[:4], sys.byteorder, signed=True)


def _refusal(message: _Message) -> KernelError | None:
    code = _code(message)
    if code == 0:
        return None
    return KernelError(code, os.strerror(code) + (_reason(message.body) if message.kind == NLMSG_ERROR else ""))


def _reason(body: bytes) -> str:
    """The kernel's own words (extended acknowledgement), when it has any."""
    for kind, value in attributes(body[4 + HEADER.size :]):
        if kind == 1:
            return ": " + value.rstrip(b"\0").decode(errors="replace")
    return ""


@contextmanager
def talking(where: Where, protocol: int = socket.NETLINK_ROUTE) -> Iterator[Channel]:
    """A channel that is open already, or one of its own for this conversation. Raises OSError."""
    if isinstance(where, Channel):
        yield where
        return
    with Channel(open_socket(where, socket.AF_NETLINK, socket.SOCK_RAW, protocol)) as channel:
        yield channel


def attributes(data: bytes) -> list[tuple[int, bytes]]:
    """Type (without its flag bits) and value of each attribute in a row of them."""
    found = []
    offset, end = 0, len(data)
    while offset + 4 <= end:
        length, kind = ATTRIBUTE.unpack_from(data, offset)
        if length < 4:
            break
        found.append((kind & 0x3FFF, data[offset + 4 : offset + length]))
        offset += (length + 3) & ~3
    return found


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded."""
    length = 4 + len(value)
    return ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def nested(kind: int, *parts: bytes) -> bytes:
    """An attribute that holds attributes."""
    return attribute(kind | NESTED, b"".join(parts))


def word(kind: int, value: int) -> bytes:
    """An attribute that is a 32-bit number."""
    return attribute(kind, struct.pack("=I", value))


def text(kind: int, value: str) -> bytes:
    """An attribute that is a name."""
    return attribute(kind, value.encode() + b"\0")
