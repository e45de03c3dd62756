"""An attachment's own path, for life: a table with its routes, and a ``from ADDRESS`` rule to it.

Replies then leave by the link that their request came in on, whatever the default route says, and strict
reverse-path filtering accepts what comes in.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from cni.kernel import interfaces, policy, routing
from cni.kernel.interfaces import Address
from cni.kernel.netlink import Channel, Where, talking
from cni.kernel.policy import Rule
from cni.kernel.routing import Route

FIRST_TABLE = 1000
FIRST_PREFERENCE = 20000


def install_own_table(where: Where, ifname: str, table: int, gateways: Sequence[str] = ()) -> None:
    """Gives the link its table and one rule per address. Twice is harmless; what is too much goes.

    The table holds what is on the link, the routes that main has by it, and a default route: by the first of
    ``gateways`` (IPv4 ones count), else by the gateway that main's routes by the link name. Raises OSError.
    """
    with talking(where) as channel:
        link = interfaces.link(channel, ifname)
        if link is None:
            return
        addresses = interfaces.addresses_of(channel, link.index)
        tables = routing.tables(channel)
        routes = own_routes(link.index, addresses, tables.get(routing.MAIN, []), gateways)
        more, less = routing.changes(tables.get(table, []), routes, table)
        there = _rules_of(channel, table)
        wanted = {_rule(each.address, table) for each in addresses}
        channel.order_all([*more, *(policy.adding(rule) for rule in wanted.difference(there))])
        surplus = [rule for rule in there if rule not in wanted and rule.source]
        channel.order_all([*less, *(policy.deleting(rule) for rule in surplus)])


def default_nic() -> str | None:
    """The name of the NIC of this namespace's IPv4 default route, the best one; None when there is none."""
    defaults = [each for each in routing.routes(None) if each.default and each.link is not None]
    best = min(defaults, key=lambda each: each.metric, default=None)
    names = {link.index: link.name for link in interfaces.links(None).values()}
    return None if best is None else names.get(best.link or 0)


def remove_own_table(where: Where, table: int) -> None:
    """Removes every rule to the table and what is in it; what is not there is removed already. Raises OSError."""
    with talking(where) as channel:
        _, less = routing.changes(routing.routes(channel, table), (), table)
        channel.order_all([*(policy.deleting(rule) for rule in _rules_of(channel, table)), *less])


def own_routes(link: int, addresses: Sequence[Address], main: Sequence[Route], gateways: Sequence[str]) -> list[Route]:
    """What the own table of a link should hold, each route with the link's own address as its source."""
    if not addresses:
        return []
    source = addresses[0].address
    by_link = [each for each in main if each.link == link]
    wanted = [_connected(link, str(each), each.address) for each in addresses if each.prefix < 32]
    gateway = gateway_of(by_link, gateways)
    wanted += [each.through(link, each.gateway, source) for each in by_link if each.gateway and not each.default]
    if gateway:
        wanted.append(routing.route("0.0.0.0/0", link, gateway, source))
    return list(dict.fromkeys(wanted))


def gateway_of(by_link: Sequence[Route], named: Sequence[str]) -> str | None:
    """The link's IPv4 gateway: as its network names it, else as its routes do, a default route first."""
    for gateway in named:
        if ipaddress.ip_address(gateway).version == 4:
            return gateway
    for each in sorted(by_link, key=lambda route: not route.default):
        if each.gateway:
            return each.gateway
    return None


def _connected(link: int, address: str, source: str) -> Route:
    return routing.route(str(ipaddress.ip_interface(address).network), link, None, source)


def _rule(address: str, table: int) -> Rule:
    return Rule(preference=FIRST_PREFERENCE + table - FIRST_TABLE, table=table, source=address)


def _rules_of(channel: Channel, table: int) -> list[Rule]:
    return [rule for rule in policy.rules(channel) if rule.table == table]
