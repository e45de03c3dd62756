"""Multipath TCP's in-kernel path manager: endpoints and limits of a namespace, over generic netlink.

Source: ``include/uapi/linux/mptcp_pm.h``. A kernel without MPTCP has no endpoints, and adding one does nothing.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from dataclasses import dataclass

from cni.kernel.netlink import ABSENT, Channel, KernelError, attribute, attributes, talking

NETLINK_GENERIC = 16
CONTROL_FAMILY, GET_FAMILY, ATTR_FAMILY_ID, ATTR_FAMILY_NAME = 16, 3, 1, 2
NESTED = 0x8000
ADD, DELETE, LIST, SET_LIMITS, GET_LIMITS = 1, 2, 3, 5, 6
ATTR_ADDRESS, ATTR_ACCEPTED, ATTR_SUBFLOWS = 1, 2, 3
ENDPOINT_FAMILY, ENDPOINT_ID, ENDPOINT_ADDRESS, ENDPOINT_FLAGS = 1, 2, 3, 6
SIGNAL, SUBFLOW = 1, 2


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An IPv4 address that connections may use beside the one they began with."""

    number: int
    address: str
    flags: int


def add_endpoint(netns: str | None, address: str) -> bool:
    """Offers the address to every connection: opened here by a new subflow, accepted here by announcing it.

    It is tied to no link: the ``from ADDRESS`` rule sends it by the right one, and a subflow bound to a link could not
    move on. True when it is there now, False when the kernel has no MPTCP. Raises KernelError.
    """
    parts = attribute(ENDPOINT_FAMILY, struct.pack("=H", socket.AF_INET))
    parts += attribute(ENDPOINT_ADDRESS, ipaddress.ip_address(address).packed)
    parts += attribute(ENDPOINT_FLAGS, struct.pack("=I", SIGNAL | SUBFLOW))
    return _order(netns, ADD, attribute(ATTR_ADDRESS | NESTED, parts), frozenset({errno.EEXIST}))


def delete_endpoint(netns: str | None, address: str) -> None:
    """Takes the address back; absent is done already. Raises KernelError."""
    for endpoint in endpoints(netns):
        if endpoint.address == address:
            parts = attribute(ENDPOINT_FAMILY, struct.pack("=H", socket.AF_INET))
            parts += attribute(ENDPOINT_ID, struct.pack("=B", endpoint.number))
            parts += attribute(ENDPOINT_ADDRESS, ipaddress.ip_address(address).packed)
            _order(netns, DELETE, attribute(ATTR_ADDRESS | NESTED, parts), ABSENT | {errno.EINVAL})


def endpoints(netns: str | None) -> list[Endpoint]:
    """The IPv4 endpoints of the namespace."""
    with talking(netns, NETLINK_GENERIC) as channel:
        family = _family(channel)
        if family is None:
            return []
        answers = channel.ask(family, struct.pack("=BBH", LIST, 1, 0))
    found = []
    for _, body in answers:
        for _, value in attributes(body[4:]):
            parts = dict(attributes(value))
            if ENDPOINT_ADDRESS in parts:
                flags = struct.unpack("=I", parts.get(ENDPOINT_FLAGS, bytes(4)))[0]
                found.append(Endpoint(parts[ENDPOINT_ID][0], socket.inet_ntoa(parts[ENDPOINT_ADDRESS]), flags))
    return found


def allow_subflows(netns: str | None, least: int) -> None:
    """Raises the limit of subflows per connection to ``least``, where it is lower. Raises KernelError."""
    with talking(netns, NETLINK_GENERIC) as channel:
        family = _family(channel)
        if family is None:
            return
        limits: dict[int, bytes] = {}
        for _, body in channel.get(family, struct.pack("=BBH", GET_LIMITS, 1, 0)):
            limits.update(attributes(body[4:]))
        if struct.unpack("=I", limits.get(ATTR_SUBFLOWS, bytes(4)))[0] >= least:
            return
        body = struct.pack("=BBH", SET_LIMITS, 1, 0)
        body += attribute(ATTR_ACCEPTED, limits.get(ATTR_ACCEPTED, bytes(4)))
        channel.order(family, body + attribute(ATTR_SUBFLOWS, struct.pack("=I", least)))


def _order(netns: str | None, command: int, body: bytes, tolerate: frozenset[int]) -> bool:
    with talking(netns, NETLINK_GENERIC) as channel:
        family = _family(channel)
        if family is None:
            return False
        channel.order(family, struct.pack("=BBH", command, 1, 0) + body, tolerate=tolerate)
        return True


def _family(channel: Channel) -> int | None:
    try:
        answers = channel.get(
            CONTROL_FAMILY, struct.pack("=BBH", GET_FAMILY, 1, 0) + attribute(ATTR_FAMILY_NAME, b"mptcp_pm\0")
        )
    except KernelError as error:
        if error.errno in ABSENT:
            return None
        raise
    for _, body in answers:
        for kind, value in attributes(body[4:]):
            if kind == ATTR_FAMILY_ID:
                return int(struct.unpack("=H", value)[0])
    return None
