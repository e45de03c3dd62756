"""Links and their addresses, in any namespace.

Source: ``include/uapi/linux/if_link.h``, ``if_addr.h``, ``rtnetlink.h``.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from dataclasses import dataclass
from ipaddress import ip_interface

from cni.kernel.netlink import (
    ABSENT,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    Channel,
    KernelError,
    Where,
    attribute,
    attributes,
    nested,
    talking,
    text,
    word,
)
from cni.kernel.spaces import open_proc

RTM_NEWLINK = 16
RTM_DELLINK = 17
RTM_GETLINK = 18
RTM_NEWADDR = 20
RTM_DELADDR = 21
RTM_GETADDR = 22
RTM_NEWSTATS = 92
RTM_GETSTATS = 94
IFF_UP = 0x1
IFF_LOWER_UP = 0x10000
RTEXT_FILTER_SKIP_STATS = 8
SIOCGIFNAME = 0x8910
SIOCGIFINDEX = 0x8933
LINK = struct.Struct("=BBHiII")  # struct ifinfomsg
ADDRESS = struct.Struct("=BBBBI")  # struct ifaddrmsg
STATS = struct.Struct("=BBHII")  # struct if_stats_msg
STATS_64 = 1
"""IFLA_STATS_LINK_64; as bit 0 of the filter it is also the one table that is asked for."""
COUNTED = struct.Struct("=8Q")
"""The first of struct rtnl_link_stats64: packets, bytes, errors, dropped, each received and sent."""
LONGEST_NAME = 15
"""Bytes; the kernel has no link of a longer name, and refuses the question."""
_MAC, _NAME, _MTU, _PEER, _INFO, _NET_NS_FD, _EXT_MASK = 1, 3, 4, 5, 18, 28, 29
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_ADDRESS, _LOCAL, _BROADCAST, _FLAGS = 1, 2, 4, 8
_QUIETLY = word(_EXT_MASK, RTEXT_FILTER_SKIP_STATS)


@dataclass(frozen=True, slots=True)
class Counters:
    """What crossed a link since it was made, 64 bit. ``rx`` is towards the namespace that holds the link."""

    rx_bytes: int
    tx_bytes: int
    rx_packets: int
    tx_packets: int
    rx_dropped: int
    tx_dropped: int
    index: int
    """The link's number: a new link under an old name has another, and starts from zero."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it is now."""

    index: int
    name: str
    kind: str | None
    """``veth``, ``macvlan``...; None for real devices."""
    up: bool
    carrier: bool
    mac: str
    mtu: int
    peer_index: int | None
    """Number of the veth's other end, in that end's namespace."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address on a link."""

    index: int
    address: str
    """Without its length."""
    prefix: int
    scope: int
    broadcast: str | None
    flags: int

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix}"

    @property
    def family(self) -> int:
        """AF_INET or AF_INET6."""
        return socket.AF_INET6 if ":" in self.address else socket.AF_INET

    @property
    def single(self) -> bool:
        """Whether it is in no subnet."""
        return self.prefix == (128 if ":" in self.address else 32)

    @property
    def subnet(self) -> str:
        """The subnet that it is in: ``10.1.0.0/24``."""
        return str(ip_interface(str(self)).network)


def counters(where: Where) -> dict[str, Counters]:
    """The counters of every link of the namespace, by name. Raises OSError when it is gone."""
    found: dict[str, Counters] = {}
    with talking(where) as channel:
        for kind, body in channel.ask(RTM_GETSTATS, STATS.pack(0, 0, 0, 0, 1 << (STATS_64 - 1))):
            if kind != RTM_NEWSTATS:
                continue
            index = STATS.unpack_from(body)[3]
            name = name_of(channel, index)
            if name is not None:
                found[name] = _counters(body, index)
    return found


def name_of(channel: Channel, index: int) -> str | None:
    """The present name of the link with that number; None when there is none."""
    try:
        answer = fcntl.ioctl(channel.socket, SIOCGIFNAME, struct.pack("=16si20x", b"", index))
    except OSError:
        return None
    return answer[:16].rstrip(b"\0").decode()


def index_of(channel: Channel, name: str) -> int | None:
    """The number of the link of that name, by the shortest question that there is; None when there is no such link."""
    try:
        answer = fcntl.ioctl(channel.socket, SIOCGIFINDEX, struct.pack("=16si20x", name.encode(), 0))
    except OSError:
        return None
    return int(struct.unpack_from("=i", answer, 16)[0])


def links(where: Where) -> dict[str, Link]:
    """Every link of the namespace, by name. Raises OSError when it is gone."""
    with talking(where) as channel:
        answers = channel.ask(RTM_GETLINK, LINK.pack(0, 0, 0, 0, 0, 0) + _QUIETLY)
    found = [_link(body) for kind, body in answers if kind == RTM_NEWLINK]
    return {link.name: link for link in found}


def names(netns: str | None) -> list[str]:
    """The names of the namespace's links, without a lock of the kernel's. Raises OSError when it is gone."""
    with os.fdopen(open_proc(netns, "dev"), encoding="ascii") as table:
        return [line.partition(":")[0].strip() for line in table.readlines()[2:]]


def link(where: Where, name: str) -> Link | None:
    """The link of that name, or None. Raises OSError when the namespace is gone."""
    if len(name.encode()) > LONGEST_NAME:
        return None
    request = LINK.pack(0, 0, 0, 0, 0, 0) + _QUIETLY + text(_NAME, name)
    with talking(where) as channel:
        try:
            answers = channel.get(RTM_GETLINK, request)
        except KernelError as error:
            if error.errno in ABSENT:
                return None
            raise
    return next((_link(body) for kind, body in answers if kind == RTM_NEWLINK), None)


def rename(where: Where, index: int, name: str) -> None:
    """Gives the link a name, while it is up (Linux 6.2 and later; EBUSY before). Raises KernelError."""
    _change(where, index, text(_NAME, name))


def set_up(where: Where, index: int) -> None:
    """Brings the link up. Raises KernelError."""
    with talking(where) as channel:
        channel.order(RTM_NEWLINK, LINK.pack(0, 0, 0, index, IFF_UP, IFF_UP))


def move(where: Where, index: int, target: str, name: str) -> None:
    """Moves the link into another namespace, under that name. Raises KernelError, OSError.

    The kernel brings it down and takes its addresses away as it does so.
    """
    descriptor = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _change(where, index, word(_NET_NS_FD, descriptor) + text(_NAME, name))
    finally:
        os.close(descriptor)


def delete(where: Where, index: int) -> None:
    """Deletes the link; absent is done already. Raises KernelError when it cannot be deleted."""
    with talking(where) as channel:
        channel.order(RTM_DELLINK, LINK.pack(0, 0, 0, index, 0, 0), tolerate=ABSENT)


def create_veth(where: Where, name: str, peer: str) -> None:
    """A pair of connected links. Raises KernelError."""
    bare = LINK.pack(0, 0, 0, 0, 0, 0)
    other = nested(_VETH_PEER, bare, text(_NAME, peer))
    info = nested(_INFO, text(_INFO_KIND, "veth"), nested(_INFO_DATA, other))
    with talking(where) as channel:
        channel.order(RTM_NEWLINK, bare + text(_NAME, name) + info, NLM_F_CREATE | NLM_F_EXCL)


def addresses(where: Where, ifname: str, family: int = socket.AF_INET) -> list[Address]:
    """The link's addresses; none when there is no such link. Raises OSError when the namespace is gone."""
    with talking(where) as channel:
        found = link(channel, ifname)
        return [] if found is None else addresses_of(channel, found.index, family)


def addresses_of(where: Where, index: int, family: int = socket.AF_INET) -> list[Address]:
    """The addresses of the link of that number."""
    with talking(where) as channel:
        answers = channel.ask(RTM_GETADDR, ADDRESS.pack(family, 0, 0, 0, 0))
    return [_address(body) for kind, body in answers if kind == RTM_NEWADDR and ADDRESS.unpack_from(body)[4] == index]


def add_address(where: Where, index: int, address: Address) -> None:
    """Puts the address on the link; there already is done already. Raises KernelError."""
    family = socket.AF_INET6 if ":" in address.address else socket.AF_INET
    packed = socket.inet_pton(family, address.address)
    body = ADDRESS.pack(family, address.prefix, 0, address.scope, index)
    body += attribute(_LOCAL, packed) + attribute(_ADDRESS, packed)
    if address.broadcast:
        body += attribute(_BROADCAST, socket.inet_pton(family, address.broadcast))
    with talking(where) as channel:
        channel.order(RTM_NEWADDR, body, NLM_F_CREATE | NLM_F_REPLACE, frozenset({errno.EEXIST}))


def _change(where: Where, index: int, attributes_of_it: bytes) -> None:
    with talking(where) as channel:
        channel.order(RTM_NEWLINK, LINK.pack(0, 0, 0, index, 0, 0) + attributes_of_it)


def _link(body: bytes) -> Link:
    _, _, _, index, flags, _ = LINK.unpack_from(body)
    parts = dict(attributes(body[LINK.size :]))
    kind = dict(attributes(parts.get(_INFO, b""))).get(_INFO_KIND)
    veth = kind == b"veth\0"
    return Link(
        index=index,
        name=_name(parts[_NAME]),
        kind=None if kind is None else _name(kind),
        up=bool(flags & IFF_UP),
        carrier=bool(flags & IFF_LOWER_UP),
        mac=parts.get(_MAC, b"").hex(":"),
        mtu=_number(parts.get(_MTU)) or 0,
        peer_index=_number(parts.get(_PEER)) if veth else None,
    )


def _counters(body: bytes, index: int) -> Counters:
    table = next(value for kind, value in attributes(body[STATS.size :]) if kind == STATS_64)
    rx_packets, tx_packets, rx_bytes, tx_bytes, _, _, rx_dropped, tx_dropped = COUNTED.unpack_from(table)
    return Counters(rx_bytes, tx_bytes, rx_packets, tx_packets, rx_dropped, tx_dropped, index)


def _address(body: bytes) -> Address:
    family, prefix, flags, scope, index = ADDRESS.unpack_from(body)
    parts = dict(attributes(body[ADDRESS.size :]))
    broadcast = parts.get(_BROADCAST)
    return Address(
        index=index,
        address=socket.inet_ntop(family, parts.get(_LOCAL) or parts[_ADDRESS]),
        prefix=prefix,
        scope=scope,
        broadcast=None if broadcast is None else socket.inet_ntop(family, broadcast),
        flags=_number(parts.get(_FLAGS)) or flags,
    )


def _name(value: bytes) -> str:
    return value.rstrip(b"\0").decode()


def _number(value: bytes | None) -> int | None:
    return None if value is None else int(struct.unpack("=I", value)[0])
