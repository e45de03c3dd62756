"""The default routes of a namespace's main table: set aside, put back, and settled on one attachment of several.

cni.default_route says who has them. Some plugins fail where there is another default route, others put theirs before
it, and an IPv6 one is merged with it: so they are out of main while the plugins of another attachment run. What router
advertisements bring is the kernel's own and left alone.
"""

from __future__ import annotations

import errno
import ipaddress
import socket

from cni.default_route import Aside, DefaultRoute
from cni.kernel import interfaces, routing
from cni.kernel.netlink import Channel, KernelError, Order, Where, talking
from cni.kernel.routing import EVERYTHING, MAIN, RTN_UNICAST, RTPROT_RA, Route, family_of

_Way = tuple[int, int, int | None, str | None]
"""Family, metric, link and gateway."""


def set_defaults_aside(where: Where, *, take: bool = True) -> Aside:
    """Takes the default routes of both families out of main; not ``take``: only notes them. Raises OSError."""
    with talking(where) as channel:
        present = _defaults(channel)
        if take:
            channel.order_all([routing.removing(each, MAIN) for each in present])
    return Aside(tuple(each.body for each in present), take)


def put_defaults_back(where: Where, aside: Aside) -> None:
    """Main has them again; done already is done. Raises OSError."""
    if aside.taken and aside.routes:
        with talking(where) as channel:
            channel.order_all([routing.adding(Route(body), MAIN) for body in aside.routes])


def settle_defaults(where: Where, ifname: str, wanted: DefaultRoute, aside: Aside) -> None:
    """Leaves in main what ``wanted`` lets the attachment with this link have, and what it lets the others keep.

    What is to be there is added before the rest is removed: a container that had a default route has one all the time.
    Raises OSError, also when the link leads to no such gateway.
    """
    asked = {ipaddress.ip_address(gateway).version for gateway in wanted.gateways}
    former = [Route(body) for body in aside.routes]
    others = [each for each in former if _version(each) not in asked]
    with talking(where) as channel:
        present = _defaults(channel)
        kept = {way for each in others for way in _ways(each)}
        before = set() if aside.taken else {way for each in former for way in _ways(each)}
        kept |= {way for each in present for way in _ways(each) if way not in before and way[0] in wanted.kept - asked}
        kept |= _carried(channel, ifname, wanted.gateways, present)
        if aside.taken:
            channel.order_all([routing.adding(each, MAIN) for each in others])
        channel.order_all([order for each in present for order in _reduced(each, kept)])


def _carried(channel: Channel, ifname: str, gateways: tuple[str, ...], present: list[Route]) -> set[_Way]:
    """The ways by these gateways; those that are missing are made."""
    if not gateways:
        return set()
    link = interfaces.link(channel, ifname)
    if link is None:
        raise KernelError(errno.ENODEV, f"there is no {ifname} to carry the default route")
    there = {way[2:]: way for each in present for way in _ways(each)}
    found = set()
    for gateway in gateways:
        way = there.get((link.index, gateway))
        if way is None:
            _carry(channel, link.name, routing.route(EVERYTHING[family_of(gateway)], link.index, gateway))
        else:
            found.add(way)
    return found


def _carry(channel: Channel, ifname: str, default: Route) -> None:
    try:
        channel.order_all([routing.adding(default.strict(), MAIN)])
    except KernelError as error:
        text = f"the default route by {default.gateway} of {ifname} cannot be made: {error.strerror}"
        raise KernelError(error.errno or 0, text) from error


def _reduced(route: Route, kept: set[_Way]) -> list[Order]:
    """The orders that leave of the route what is kept."""
    ways = _ways(route)
    surplus = [way for way in ways if way not in kept]
    if len(surplus) == len(ways):
        return [routing.removing(route, MAIN)]
    return [routing.removing(route.through(link, gateway, None), MAIN) for _, _, link, gateway in surplus if link]


def _defaults(channel: Channel) -> list[Route]:
    main = routing.tables(channel, socket.AF_UNSPEC).get(MAIN, [])
    return [each for each in main if each.default and each.kind == RTN_UNICAST and each.protocol != RTPROT_RA]


def _ways(route: Route) -> list[_Way]:
    head = _version(route), route.metric
    return [(*head, link, gateway) for link, gateway in route.hops] or [(*head, None, None)]


def _version(route: Route) -> int:
    return 4 if route.family == socket.AF_INET else 6
