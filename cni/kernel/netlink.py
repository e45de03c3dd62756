"""One netlink conversation at a time over a plain socket; pyroute2 encodes and decodes the messages.

pyroute2's own sockets bring an event loop each, and a child process per foreign namespace; an agent with many
threads needs neither. A :class:`Channel` belongs to the thread that opened it.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from types import TracebackType
from typing import Any, Self

from cni.kernel.spaces import open_socket

HEADER = struct.Struct("=IHHII")
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

ABSENT = frozenset({errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.EADDRNOTAVAIL, errno.ENXIO})
"""What the kernel says when that which was to be removed is not there."""


class KernelError(OSError):
    """The kernel refused a request: ``errno`` says why; what is asked again must be asked differently."""


class _DumpInterruptedError(Exception):
    """What was listed changed meanwhile: list it again."""


class Channel:
    """A netlink socket in a namespace, as a context manager."""

    def __init__(self, netns: str | None, protocol: int = socket.NETLINK_ROUTE) -> None:
        """Raises OSError when the namespace is gone."""
        self._socket = open_socket(netns, socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self._socket.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self._socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self._socket.settimeout(10.0)
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._socket.close()

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
        try:
            self._converse(kind, NLM_F_REQUEST | NLM_F_ACK | flags, body)
        except KernelError as error:
            if error.errno in tolerate:
                return False
            raise
        return True

    def _converse(self, kind: int, flags: int, body: bytes) -> list[tuple[int, bytes]]:
        self._sequence += 1
        self._socket.send(HEADER.pack(HEADER.size + len(body), kind, flags, self._sequence, 0) + body)
        answers: list[tuple[int, bytes]] = []
        interrupted = False
        while True:
            data = self._socket.recv(1 << 18)
            for length, found, its_flags, sequence, offset in _messages(data):
                if sequence != self._sequence:
                    continue
                interrupted = interrupted or bool(its_flags & NLM_F_DUMP_INTR)
                if found in (NLMSG_ERROR, NLMSG_DONE):
                    _raise(data[offset + HEADER.size : offset + length], found)
                    if interrupted:
                        raise _DumpInterruptedError
                    return answers
                answers.append((found, data[offset + HEADER.size : offset + length]))


def _messages(data: bytes) -> list[tuple[int, int, int, int, int]]:
    found = []
    offset = 0
    while offset + HEADER.size <= len(data):
        length, kind, flags, sequence, _ = HEADER.unpack_from(data, offset)
        if length < HEADER.size:
            break
        found.append((length, kind, flags, sequence, offset))
        offset += (length + 3) & ~3
    return found


def _raise(body: bytes, kind: int) -> None:
    """Raises KernelError when an error or end message carries an error number."""
    if len(body) < 4:
        return
    (code,) = struct.unpack_from("=i", body)
    if code == 0:
        return
    raise KernelError(-code, os.strerror(-code) + (_reason(body) if kind == NLMSG_ERROR else ""))


def _reason(body: bytes) -> str:
    """The kernel's own words (extended acknowledgement), when it has any."""
    for kind, value in attributes(body[4 + HEADER.size :]):
        if kind == 1:
            return ": " + value.rstrip(b"\0").decode(errors="replace")
    return ""


def attributes(data: bytes) -> list[tuple[int, bytes]]:
    """Type (without its flag bits) and value of each attribute in a row of them."""
    found = []
    offset = 0
    while offset + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, offset)
        if length < 4:
            break
        found.append((kind & 0x3FFF, data[offset + 4 : offset + length]))
        offset += (length + 3) & ~3
    return found


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded."""
    length = 4 + len(value)
    return struct.pack("=HH", length, kind) + value + bytes(-length % 4)


def encoded(message: Any) -> bytes:
    """The body of a pyroute2 message, without its header."""
    message.encode()
    return bytes(message.data[HEADER.size :])


def decoded(kind: type[Any], body: bytes, message_type: int = 0) -> Any:
    """A body as a pyroute2 message of class ``kind``."""
    data = HEADER.pack(HEADER.size + len(body), message_type, 0, 0, 0) + body
    message = kind(data)
    message.decode()
    return message
