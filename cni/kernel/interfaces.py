"""Links and their addresses, in any namespace."""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass
from typing import Any

from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from cni.kernel.netlink import ABSENT, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, Channel, decoded, encoded

RTM_NEWLINK = 16
RTM_DELLINK = 17
RTM_GETLINK = 18
RTM_NEWADDR = 20
RTM_DELADDR = 21
RTM_GETADDR = 22
IFF_UP = 0x1
IFF_LOWER_UP = 0x10000
RTEXT_FILTER_SKIP_STATS = 8


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


def counters(netns: str | None) -> dict[str, Counters]:
    """The counters of every link of the namespace, by name. Raises OSError when it is gone."""
    with Channel(netns) as channel:
        return {message.get("IFLA_IFNAME"): _counters(message) for message in _dump(channel, stats=True)}


def links(netns: str | None) -> dict[str, Link]:
    """Every link of the namespace, by name. Raises OSError when it is gone."""
    with Channel(netns) as channel:
        found = [_link(message) for message in _dump(channel, stats=False)]
    return {link.name: link for link in found}


def link(netns: str | None, name: str) -> Link | None:
    """The link of that name, or None."""
    return links(netns).get(name)


def rename(netns: str | None, index: int, name: str) -> None:
    """Gives the link a name, while it is up (Linux 6.2 and later; EBUSY before). Raises KernelError."""
    _change(netns, index, [("IFLA_IFNAME", name)])


def set_up(netns: str | None, index: int) -> None:
    """Brings the link up. Raises KernelError."""
    message = ifinfmsg()
    message["index"] = index
    message["flags"] = IFF_UP
    message["change"] = IFF_UP
    with Channel(netns) as channel:
        channel.order(RTM_NEWLINK, encoded(message))


def move(netns: str | None, index: int, target: str, name: str) -> None:
    """Moves the link into another namespace, under that name. Raises KernelError, OSError.

    The kernel brings it down and takes its addresses away as it does so.
    """
    descriptor = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _change(netns, index, [("IFLA_NET_NS_FD", descriptor), ("IFLA_IFNAME", name)])
    finally:
        os.close(descriptor)


def delete(netns: str | None, index: int) -> None:
    """Deletes the link; absent is done already. Raises KernelError when it cannot be deleted."""
    message = ifinfmsg()
    message["index"] = index
    with Channel(netns) as channel:
        channel.order(RTM_DELLINK, encoded(message), tolerate=ABSENT)


def create_veth(netns: str | None, name: str, peer: str) -> None:
    """A pair of connected links. Raises KernelError."""
    message = ifinfmsg()
    data = {"attrs": [("VETH_INFO_PEER", {"attrs": [("IFLA_IFNAME", peer)]})]}
    info = {"attrs": [("IFLA_INFO_KIND", "veth"), ("IFLA_INFO_DATA", data)]}
    message["attrs"] = [("IFLA_IFNAME", name), ("IFLA_LINKINFO", info)]
    with Channel(netns) as channel:
        channel.order(RTM_NEWLINK, encoded(message), NLM_F_CREATE | NLM_F_EXCL)


def addresses(netns: str | None, ifname: str, family: int = socket.AF_INET) -> list[Address]:
    """The link's addresses; none when there is no such link. Raises OSError when the namespace is gone."""
    found = link(netns, ifname)
    return [] if found is None else addresses_of(netns, found.index, family)


def addresses_of(netns: str | None, index: int, family: int = socket.AF_INET) -> list[Address]:
    """The addresses of the link of that number."""
    message = ifaddrmsg()
    message["family"] = family
    with Channel(netns) as channel:
        answers = channel.ask(RTM_GETADDR, encoded(message))
    found = [_address(decoded(ifaddrmsg, body)) for kind, body in answers if kind == RTM_NEWADDR]
    return [address for address in found if address.index == index]


def add_address(netns: str | None, index: int, address: Address) -> None:
    """Puts the address on the link; there already is done already. Raises KernelError."""
    message = ifaddrmsg()
    message["family"] = socket.AF_INET6 if ":" in address.address else socket.AF_INET
    message["prefixlen"] = address.prefix
    message["scope"] = address.scope
    message["index"] = index
    message["attrs"] = [("IFA_LOCAL", address.address), ("IFA_ADDRESS", address.address)]
    if address.broadcast:
        message["attrs"].append(("IFA_BROADCAST", address.broadcast))
    with Channel(netns) as channel:
        channel.order(RTM_NEWADDR, encoded(message), NLM_F_CREATE | NLM_F_REPLACE, frozenset({errno.EEXIST}))


def _change(netns: str | None, index: int, attributes: list[tuple[str, Any]]) -> None:
    message = ifinfmsg()
    message["index"] = index
    message["attrs"] = attributes
    with Channel(netns) as channel:
        channel.order(RTM_NEWLINK, encoded(message))


def _dump(channel: Channel, stats: bool) -> list[Any]:
    request = ifinfmsg()
    if not stats:
        request["attrs"] = [("IFLA_EXT_MASK", RTEXT_FILTER_SKIP_STATS)]
    answers = channel.ask(RTM_GETLINK, encoded(request))
    return [decoded(ifinfmsg, body, RTM_NEWLINK) for kind, body in answers if kind == RTM_NEWLINK]


def _link(message: Any) -> Link:
    flags = message["flags"]
    info = message.get("IFLA_LINKINFO")
    kind = info.get("IFLA_INFO_KIND") if info is not None else None
    return Link(
        index=message["index"],
        name=message.get("IFLA_IFNAME"),
        kind=kind,
        up=bool(flags & IFF_UP),
        carrier=bool(flags & IFF_LOWER_UP),
        mac=message.get("IFLA_ADDRESS") or "",
        mtu=message.get("IFLA_MTU") or 0,
        peer_index=message.get("IFLA_LINK") if kind == "veth" else None,
    )


def _counters(message: Any) -> Counters:
    stats = message.get("IFLA_STATS64")
    return Counters(
        rx_bytes=int(stats["rx_bytes"]),
        tx_bytes=int(stats["tx_bytes"]),
        rx_packets=int(stats["rx_packets"]),
        tx_packets=int(stats["tx_packets"]),
        rx_dropped=int(stats["rx_dropped"]),
        tx_dropped=int(stats["tx_dropped"]),
        index=message["index"],
    )


def _address(message: Any) -> Address:
    return Address(
        index=message["index"],
        address=message.get("IFA_LOCAL") or message.get("IFA_ADDRESS"),
        prefix=message["prefixlen"],
        scope=message["scope"],
        broadcast=message.get("IFA_BROADCAST"),
        flags=message.get("IFA_FLAGS") or message["flags"],
    )
