"""The kernel as attaching uses it: each call opens one line into the workload's namespace and says all on it."""

from __future__ import annotations

import socket
from collections.abc import Collection, Mapping, Sequence
from ipaddress import ip_interface

from cni import kernel
from cni.default_route import Aside, DefaultRoute
from cni.kernel import interfaces, policy, routing
from cni.kernel.interfaces import Link
from cni.kernel.netlink import Channel, talking


class WorkloadNamespaces:
    """The port ``VerbKernel`` of cni.means. Safe for threads."""

    def netns_identity(self, path: str) -> str | None:
        """See ``WorkloadKernel.netns_identity``."""
        return kernel.netns_identity(path)

    def links(self, netns: str) -> Mapping[str, Link]:
        """See ``VerbKernel.links``."""
        return kernel.links(netns)

    def link_names(self, netns: str) -> Collection[str]:
        """See ``VerbKernel.link_names``."""
        return interfaces.names(netns)

    def lacks(self, netns: str, ifname: str, addresses: Sequence[str], table: int | None) -> list[str]:
        """See ``VerbKernel.lacks``."""
        with talking(netns) as channel:
            return _lacking(channel, ifname, addresses, table)

    def install_own_table(self, netns: str, ifname: str, table: int, gateways: Sequence[str] = ()) -> None:
        """See ``WorkloadKernel.install_own_table``."""
        kernel.install_own_table(netns, ifname, table, gateways)

    def set_defaults_aside(self, netns: str, *, take: bool = True) -> Aside:
        """See ``WorkloadKernel.set_defaults_aside``."""
        return kernel.set_defaults_aside(netns, take=take)

    def put_defaults_back(self, netns: str, aside: Aside) -> None:
        """See ``WorkloadKernel.put_defaults_back``."""
        kernel.put_defaults_back(netns, aside)

    def settle_defaults(self, netns: str, ifname: str, wanted: DefaultRoute, aside: Aside) -> None:
        """See ``WorkloadKernel.settle_defaults``."""
        kernel.settle_defaults(netns, ifname, wanted, aside)

    def remove_own_table(self, netns: str, table: int) -> None:
        """See ``WorkloadKernel.remove_own_table``."""
        kernel.remove_own_table(netns, table)


def _lacking(channel: Channel, ifname: str, addresses: Sequence[str], table: int | None) -> list[str]:
    link = interfaces.link(channel, ifname)
    if link is None:
        return [f"interface {ifname} is missing"]
    there = {
        ip_interface(str(each))
        for family in (socket.AF_INET, socket.AF_INET6)
        for each in interfaces.addresses_of(channel, link.index, family)
    }
    wanted = [ip_interface(address) for address in addresses]
    lacking = [f"address {address} of {ifname} is missing" for address in wanted if address not in there]
    if table is None:
        return lacking
    sources = {rule.source for rule in policy.rules(channel) if rule.table == table}
    own = [str(address.ip) for address in wanted if address.version == 4]
    lacking += [f"the rule from {address} to table {table} is missing" for address in own if address not in sources]
    if not any(route.link == link.index for route in routing.routes(channel, table)):
        lacking.append(f"table {table} of {ifname} has no route by it")
    return lacking
