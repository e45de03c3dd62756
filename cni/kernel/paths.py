"""An attachment's own path, for life: a table with its routes, and a ``from ADDRESS`` rule to it.

Replies then leave by the link that their request came in on, whatever the default route says, and strict
reverse-path filtering accepts what comes in.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence

from cni.kernel import interfaces, policy, routing
from cni.kernel.interfaces import Address
from cni.kernel.netlink import Channel, Order, Where, talking
from cni.kernel.policy import Rule
from cni.kernel.routing import MAIN, SCOPE_UNIVERSE, Route

FIRST_TABLE = 1000
FIRST_PREFERENCE = 20000


def install_own_table(where: Where, ifname: str, table: int, gateways: Sequence[str] = ()) -> None:
    """Gives the link its table and one rule per address. Twice is harmless; what is too much goes.

    The table holds what is on the link, the routes that main has by it, and a default route: by the first of
    ``gateways`` of the family, else by the gateway that main's routes by the link name, or that the table has already.
    Raises OSError.
    """
    with talking(where) as channel:
        link = interfaces.index_of(channel, ifname)
        if link is None:
            return
        more: list[Order] = []
        less: list[Order] = []
        for family in (socket.AF_INET, socket.AF_INET6):
            addresses = _own_addresses(channel, link, family)
            if not addresses and family == socket.AF_INET6:
                continue  # perhaps the kernel has no IPv6 at all
            tables = routing.tables(channel, family)
            present = tables.get(table, [])
            by_link = [each for each in (*tables.get(MAIN, []), *present) if each.link == link]
            routes = own_routes(link, addresses, by_link, gateways)
            there = policy.rules_to(channel, table, family)
            wanted = {_rule(each.address, table, family) for each in addresses}
            to_add, to_remove = routing.changes(present, routes, table)
            more += [*to_add, *(policy.adding(rule) for rule in wanted.difference(there))]
            less += [*to_remove, *(policy.deleting(rule) for rule in there if rule not in wanted and rule.source)]
        channel.order_all(more)
        channel.order_all(less)


def default_nic() -> str | None:
    """The name of the NIC of this namespace's IPv4 default route, the best one; None when there is none."""
    defaults = [each for each in routing.routes(None) if each.default and each.link is not None]
    best = min(defaults, key=lambda each: each.metric, default=None)
    names = {link.index: link.name for link in interfaces.links(None).values()}
    return None if best is None else names.get(best.link or 0)


def remove_own_table(where: Where, table: int) -> None:
    """Removes every rule to the table and what is in it; what is not there is removed already. Raises OSError."""
    with talking(where) as channel:
        present = routing.tables(channel, socket.AF_UNSPEC).get(table, [])
        rules = policy.rules_to(channel, table, socket.AF_UNSPEC)
        _, less = routing.changes(present, (), table)
        channel.order_all([*(policy.deleting(rule) for rule in rules), *less])


def own_routes(
    link: int, addresses: Sequence[Address], by_link: Sequence[Route], gateways: Sequence[str]
) -> list[Route]:
    """What the own table of a link should hold in the addresses' family, given the routes that are by it."""
    if not addresses:
        return []
    # An IPv6 address that is being checked for duplicates cannot be named as a source yet; the rule selects it anyway.
    source = addresses[0].address if addresses[0].family == socket.AF_INET else None
    wanted = [routing.route(each.subnet, link, None, source and each.address) for each in addresses if not each.single]
    gateway = gateway_of(by_link, gateways, addresses[0].family)
    wanted += [each.through(link, each.gateway, source) for each in by_link if each.gateway and not each.default]
    if gateway:
        wanted.append(routing.route(routing.EVERYTHING[addresses[0].family], link, gateway, source))
    return list(dict.fromkeys(wanted))


def gateway_of(by_link: Sequence[Route], named: Sequence[str], family: int = socket.AF_INET) -> str | None:
    """The link's gateway: as its network names it, else as its routes do, a default route first."""
    for gateway in named:
        if routing.family_of(gateway) == family:
            return gateway
    for each in sorted(by_link, key=lambda route: not route.default):
        if each.gateway:
            return each.gateway
    return None


def _own_addresses(channel: Channel, link: int, family: int) -> list[Address]:
    """Those that others may know it by: not what every IPv6 link has of itself."""
    found = interfaces.addresses_of(channel, link, family)
    return [each for each in found if family == socket.AF_INET or each.scope == SCOPE_UNIVERSE]


def _rule(address: str, table: int, family: int) -> Rule:
    return Rule(preference=FIRST_PREFERENCE + table - FIRST_TABLE, table=table, source=address, family=family)
