"""Main kept as it was while a plugin attaches something beside what is there: pinned, put right, unpinned."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence

from cni.hotplug.journal import Entry
from cni.hotplug.main_table import amendment, families_of, still_possible
from cni.kernel import interfaces, routing
from cni.kernel.routing import MAIN, Route
from cni.kernel.spaces import read_sysctl
from cni.switch import pin
from cni.switch.attaching import routes_from


def main_now(netns: str) -> tuple[str, ...]:
    """Main's routes of all address families, as the journal keeps them. Raises OSError."""
    return tuple(route.body.hex() for family in _families(netns) for route in routing.routes(netns, MAIN, family))


def pin_former(entry: Entry) -> None:
    """The workload goes by its former routes, whatever happens to main; twice is harmless. Raises OSError."""
    former = _former(entry, interfaces.links(entry.netns))
    for family in _families(entry.netns):
        pin.put(entry.netns, _of(family, former), family)


def put_main_right(entry: Entry) -> None:
    """Main gets back what the ADD took, and loses what it was not asked for. Behind the pin. Raises OSError."""
    there = interfaces.links(entry.netns)
    former = _former(entry, there)
    new = there.get(entry.name)
    link, gateways = (new.index, entry.gateways) if new else (None, None)
    for family in _families(entry.netns):
        present = routing.routes(entry.netns, MAIN, family)
        asked = None if gateways is None or family not in families_of(gateways) else _of_family(family, gateways)
        gone, wanted = amendment(_of(family, former), present, link, asked)
        routing.amend_routes(entry.netns, MAIN, gone, wanted)


def hand_over(netns: str, leaving: str, tables: Sequence[int]) -> tuple[int, str | None] | None:
    """Gives the default route to the first of these tables that has one, when only the leaving link carries it.

    IPv4. The table whose it is now, and its gateway; None: nothing was to be done, or nobody can. Raises OSError.
    """
    link = interfaces.link(netns, leaving)
    carried = [route for route in routing.routes(netns) if route.default]
    if link is None or not carried or any(route.links != {link.index} for route in carried):
        return None
    for table in tables:
        heir = next((route for route in routing.routes(netns, table) if route.default), None)
        if heir is not None:
            routing.amend_routes(netns, MAIN, (), [heir])  # first: at no moment is there none
            routing.amend_routes(netns, MAIN, carried, ())
            return table, heir.gateway
    return None


def _former(entry: Entry, there: Mapping[str, interfaces.Link]) -> list[Route]:
    """Of the former routes those whose links are still there."""
    return still_possible(routes_from(entry.former), {link.index for link in there.values()})


def unpin(netns: str) -> None:
    """Main rules again. Raises OSError."""
    for family in _families(netns):
        pin.drop(netns, family)


def _families(netns: str) -> tuple[int, ...]:
    """The address families whose routes count: IPv6 only where the kernel has it."""
    has_ipv6 = read_sysctl(netns, "net/ipv6/conf/all/disable_ipv6") is not None
    return (socket.AF_INET, socket.AF_INET6) if has_ipv6 else (socket.AF_INET,)


def _of_family(family: int, gateways: Sequence[str]) -> list[str]:
    return [each for each in gateways if families_of([each]) == {family}]


def _of(family: int, routes: Sequence[Route]) -> list[Route]:
    return [route for route in routes if route.family == family]
