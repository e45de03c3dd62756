"""Probes that leave by one link with one source address, whatever the routes say."""

from __future__ import annotations

import os
import socket
import struct
import time

from cni.kernel.spaces import open_socket

ECHO_REQUEST, ECHO_REPLY = 8, 0


def connects(netns: str | None, ifname: str, source: str, target: tuple[str, int], seconds: float) -> bool:
    """Whether a TCP connection to ``target`` comes about within ``seconds``. Raises OSError when the link is gone."""
    with _bound(netns, ifname, source, socket.SOCK_STREAM, 0) as line:
        line.settimeout(seconds)
        try:
            line.connect(target)
        except OSError:
            return False
        # Reset at once: a probe leaves no TIME_WAIT behind.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return True


def echoes(netns: str | None, ifname: str, source: str, target: str, seconds: float) -> bool:
    """Whether ``target`` answers an ICMP echo request within ``seconds``. Raises OSError when the link is gone."""
    mark = os.urandom(8)
    with _bound(netns, ifname, source, socket.SOCK_RAW, socket.IPPROTO_ICMP) as line:
        deadline = time.monotonic() + seconds
        try:
            line.sendto(_echo(mark), (target, 0))
            while (left := deadline - time.monotonic()) > 0:
                line.settimeout(left)
                heard = line.recv(2048)
                start = (heard[0] & 15) * 4
                if heard[start] == ECHO_REPLY and heard.endswith(mark):
                    return True
        except OSError:
            return False
    return False


def _bound(netns: str | None, ifname: str, source: str, kind: int, protocol: int) -> socket.socket:
    line = open_socket(netns, socket.AF_INET, kind, protocol)
    try:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, ifname.encode() + b"\0")
        line.bind((source, 0))
    except OSError:
        line.close()
        raise
    return line


def _echo(mark: bytes) -> bytes:
    """An echo request that carries ``mark``; RFC 792."""
    body = struct.pack("!HH", int.from_bytes(mark[:2], "big"), 1) + mark
    words = struct.unpack(f"!{len(body) // 2}H", body)
    total = sum(words) + (ECHO_REQUEST << 8)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!BBH", ECHO_REQUEST, 0, ~total & 0xFFFF) + body
