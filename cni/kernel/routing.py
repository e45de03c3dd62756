"""Routes, copied byte by byte: what a route carries beside what we understand stays as it was."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cni.kernel.netlink import (
    ABSENT,
    NLM_F_APPEND,
    NLM_F_CREATE,
    Order,
    Where,
    attribute,
    attributes,
    talking,
)

RTM_NEWROUTE = 24
RTM_DELROUTE = 25
RTM_GETROUTE = 26
HEADER = struct.Struct("=BBBBBBBBI")  # struct rtmsg
MAIN = 254
LOCAL = 255
COMPAT = 252
"""Stands for a table whose number does not fit into a byte."""
RTNH_F_ONLINK = 4
RTPROT_KERNEL = 2
RTPROT_STATIC = 4
RTPROT_RA = 9
RTN_UNICAST = 1
RTN_UNREACHABLE = 7
SCOPE_UNIVERSE = 0
SCOPE_LINK = 253
RTM_F_CLONED = 0x200
_DST, _OIF, _GATEWAY, _PRIORITY, _PREFSRC, _MULTIPATH, _CACHEINFO, _TABLE, _NH_ID = 1, 4, 5, 6, 7, 9, 12, 15, 30
_PREF = 20
_LOOPBACK = 1
"""The link number of ``lo`` in every namespace."""
_NOT_KEPT = (_CACHEINFO, _TABLE)
EVERYTHING: dict[int, str] = {socket.AF_INET: "0.0.0.0/0", socket.AF_INET6: "::/0"}
"""The destination of a default route, by family."""


@dataclass(frozen=True, slots=True)
class Route:
    """A route without its table: equal routes are equal bytes. Build one by :func:`route`."""

    body: bytes

    @property
    def destination(self) -> str:
        """``10.0.0.0/24``; the default is ``0.0.0.0/0``."""
        value = self._attribute(_DST)
        address = "0.0.0.0" if value is None else socket.inet_ntop(self.family, value)  # noqa: S104 - no bind
        if value is None and self.family == socket.AF_INET6:
            address = "::"
        return f"{address}/{self.body[1]}"

    @property
    def family(self) -> int:
        """AF_INET or AF_INET6."""
        return self.body[0]

    @property
    def default(self) -> bool:
        """Whether it is a default route."""
        return self.body[1] == 0

    @property
    def link(self) -> int | None:
        """Number of the link that it leaves by; None when there is none or several (multipath)."""
        value = self._attribute(_OIF)
        return None if value is None else int(struct.unpack("=I", value)[0])

    @property
    def links(self) -> frozenset[int]:
        """Numbers of all links that it may leave by."""
        return frozenset(link for link, _ in self.hops)

    @property
    def hops(self) -> list[tuple[int, str | None]]:
        """Link and gateway of each way that it may take; one, unless it is multipath."""
        several = self._attribute(_MULTIPATH)
        if several is None:
            return [] if self.link is None else [(self.link, self.gateway)]
        found = []
        offset = 0
        while offset + 8 <= len(several):
            length, _, _, index = struct.unpack_from("=HBBI", several, offset)
            parts = dict(attributes(several[offset + 8 : offset + length]))
            gateway = socket.inet_ntop(self.family, parts[_GATEWAY]) if _GATEWAY in parts else None
            found.append((int(index), gateway))
            offset += max((length + 3) & ~3, 8)
        return found

    @property
    def gateway(self) -> str | None:
        """The next hop's address."""
        return self._address(_GATEWAY)

    @property
    def source(self) -> str | None:
        """The source address that it prefers."""
        return self._address(_PREFSRC)

    @property
    def metric(self) -> int:
        """Lower is better."""
        value = self._attribute(_PRIORITY)
        return 0 if value is None else int(struct.unpack("=I", value)[0])

    @property
    def protocol(self) -> int:
        """Who made it: RTPROT_KERNEL for those that come with an address."""
        return self.body[5]

    @property
    def kind(self) -> int:
        """RTN_UNICAST for one that leads somewhere."""
        return self.body[7]

    @property
    def scope(self) -> int:
        """SCOPE_LINK for what is on the link itself."""
        return self.body[6]

    def through(self, link: int, gateway: str | None, source: str | None) -> Route:
        """The same destination, metric and extras by another link, gateway and source."""
        kept = [
            (kind, value)
            for kind, value in attributes(self.body[HEADER.size :])
            if kind not in (_OIF, _GATEWAY, _PREFSRC, _MULTIPATH, _NH_ID)
        ]
        scope = SCOPE_UNIVERSE if gateway else SCOPE_LINK
        protocol = RTPROT_STATIC if self.protocol == RTPROT_KERNEL else self.protocol
        head = (
            self.body[:5] + bytes([protocol, scope, RTN_UNICAST]) + struct.pack("=I", RTNH_F_ONLINK if gateway else 0)
        )
        return Route(head + b"".join(attribute(*each) for each in sorted([*kept, *_hop(link, gateway, source)])))

    def strict(self) -> Route:
        """The same; but the kernel refuses it unless another route leads to its gateway."""
        return Route(self.body[:8] + bytes(4) + self.body[HEADER.size :])

    def at_metric(self, metric: int) -> Route:
        """The same route, more or less preferred."""
        kept = [each for each in attributes(self.body[HEADER.size :]) if each[0] != _PRIORITY]
        parts = sorted([*kept, (_PRIORITY, struct.pack("=I", metric))])
        return Route(self.body[: HEADER.size] + b"".join(attribute(*each) for each in parts))

    def _attribute(self, wanted: int) -> bytes | None:
        return next((value for kind, value in attributes(self.body[HEADER.size :]) if kind == wanted), None)

    def _address(self, wanted: int) -> str | None:
        value = self._attribute(wanted)
        return None if value is None else socket.inet_ntop(self.family, value)


def route(destination: str, link: int, gateway: str | None = None, source: str | None = None, metric: int = 0) -> Route:
    """A static route; with a gateway, that is taken to be on the link, whatever its subnet."""
    address, _, length = destination.partition("/")
    family = family_of(address)
    parts = _hop(link, gateway, source)
    if int(length):
        parts.append((_DST, socket.inet_pton(family, address)))
    if metric:
        parts.append((_PRIORITY, struct.pack("=I", metric)))
    scope, flags = (SCOPE_UNIVERSE, RTNH_F_ONLINK) if gateway else (SCOPE_LINK, 0)
    head = HEADER.pack(family, int(length), 0, 0, 0, RTPROT_STATIC, scope, RTN_UNICAST, flags)
    return Route(head + b"".join(attribute(*each) for each in sorted(parts)))


def family_of(address: str) -> int:
    """AF_INET or AF_INET6."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def unreachable_default(family: int = socket.AF_INET) -> Route:
    """The last route of a table: what nothing else of the table matched goes nowhere, not to the next table."""
    head = HEADER.pack(family, 0, 0, 0, 0, RTPROT_STATIC, SCOPE_UNIVERSE, RTN_UNREACHABLE, 0)
    worst = attribute(_PRIORITY, struct.pack("=I", 0xFFFFFFFF))
    if family == socket.AF_INET:
        return Route(head + worst)
    # As the kernel lists an IPv6 one: by lo, with a preference.
    return Route(head + attribute(_OIF, struct.pack("=I", _LOOPBACK)) + worst + attribute(_PREF, b"\0"))


def routes(where: Where, table: int = MAIN, family: int = socket.AF_INET) -> list[Route]:
    """The routes of a table, in the kernel's order. Raises OSError when the namespace is gone."""
    return tables(where, family).get(table, [])


def tables(where: Where, family: int = socket.AF_INET) -> dict[int, list[Route]]:
    """The routes of every table that has any, in the kernel's order, but for the kernel's own local table.

    Raises OSError when the namespace is gone.

    ``family`` AF_UNSPEC: of IPv4 and IPv6. A kernel without IPv6 has no routes of it.
    """
    # One question for each: asked for both at once, the kernel takes the lock that every plugin waits for.
    families = (family,) if family else (socket.AF_INET, socket.AF_INET6)
    found: dict[int, list[Route]] = {}
    with talking(where) as channel:
        answers = [each for one in families for each in channel.ask(RTM_GETROUTE, HEADER.pack(one, *bytes(8)))]
    for kind, body in answers:
        # Asked for a family that it does not know, the kernel lists all others.
        if kind != RTM_NEWROUTE or body[0] not in families or body[4] == LOCAL:
            continue
        flags = struct.unpack_from("=I", body, 8)[0]
        if not flags & RTM_F_CLONED:
            found.setdefault(_table(body), []).append(_normal(body, flags))
    return found


def set_routes(where: Where, table: int, wanted: Sequence[Route], family: int = socket.AF_INET) -> None:
    """Makes the table hold exactly ``wanted``: what is missing is added first, then the rest is removed.

    The table is not exact meanwhile: nothing may use it that cannot bear that. Raises KernelError.
    """
    with talking(where) as channel:
        more, less = changes(routes(channel, table, family), wanted, table)
        channel.order_all(more)
        channel.order_all(less)


def amend_routes(where: Where, table: int, gone: Iterable[Route], new: Iterable[Route]) -> None:
    """Takes some routes out of a table, then puts others in; what else it holds is left alone. Raises KernelError.

    The table lacks something meanwhile: nothing may use it that cannot bear that.
    """
    with talking(where) as channel:
        channel.order_all([removing(each, table) for each in gone])
        channel.order_all([adding(each, table) for each in sorted(new, key=lambda it: -it.scope)])


def changes(present: Sequence[Route], wanted: Sequence[Route], table: int) -> tuple[list[Order], list[Order]]:
    """What to add and what to remove so that a table with ``present`` holds exactly ``wanted``, in order."""
    # What others are reached through comes first: on-link routes before gateways.
    missing = sorted(_without(wanted, present), key=lambda it: -it.scope)
    surplus = _without(present, wanted)
    return [adding(each, table) for each in missing], [removing(each, table) for each in surplus]


def adding(route: Route, table: int) -> Order:
    """The order that adds a route beside what is there; the very same one there already is done already."""
    return Order(RTM_NEWROUTE, _in_table(route, table), NLM_F_CREATE | NLM_F_APPEND, frozenset({errno.EEXIST}))


def removing(route: Route, table: int) -> Order:
    """The order that removes a route; absent is done already."""
    return Order(RTM_DELROUTE, _in_table(route, table), tolerate=ABSENT)


def _hop(link: int, gateway: str | None, source: str | None) -> list[tuple[int, bytes]]:
    parts = [(_OIF, struct.pack("=I", link))]
    if gateway:
        parts.append((_GATEWAY, socket.inet_pton(family_of(gateway), gateway)))
    if source:
        parts.append((_PREFSRC, socket.inet_pton(family_of(source), source)))
    return parts


def _table(body: bytes) -> int:
    if body[4] not in (0, COMPAT):
        return body[4]
    wide = next((value for kind, value in attributes(body[HEADER.size :]) if kind == _TABLE), None)
    return body[4] if wide is None else int(struct.unpack("=I", wide)[0])


def _normal(body: bytes, flags: int) -> Route:
    """Without what belongs to the table or to this moment (table, cache, link state)."""
    parts = [each for each in attributes(body[HEADER.size :]) if each[0] not in _NOT_KEPT]
    if any(kind == _NH_ID for kind, _ in parts):
        # A next-hop object says it all; the kernel refuses both together.
        parts = [each for each in parts if each[0] not in (_OIF, _GATEWAY, _MULTIPATH)]
    head = body[:4] + b"\0" + body[5:8] + struct.pack("=I", flags & RTNH_F_ONLINK)
    return Route(head + b"".join(attribute(*each) for each in sorted(parts)))


def _in_table(route: Route, table: int) -> bytes:
    head = route.body[:4] + bytes([table if table < 256 else 0]) + route.body[5:]
    return head + attribute(_TABLE, struct.pack("=I", table))


def _without(some: Iterable[Route], others: Iterable[Route]) -> list[Route]:
    """``some`` less one of each of ``others``."""
    rest = list(others)
    left = []
    for each in some:
        if each in rest:
            rest.remove(each)
        else:
            left.append(each)
    return left
