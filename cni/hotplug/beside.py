"""Main kept as it was while a plugin attaches something beside what is there: pinned, put right, unpinned."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from cni.hotplug.journal import Entry
from cni.hotplug.main_table import amendment, still_possible
from cni.kernel import interfaces, routing
from cni.kernel.routing import MAIN, Route
from cni.kernel.spaces import read_sysctl
from cni.switch import pin
from cni.switch.attaching import routes_from


def main_now(netns: str) -> tuple[str, ...]:
    """Main's routes of all address families, as the journal keeps them. Raises OSError."""
    return tuple(route.body.hex() for family in _families(netns) for route in routing.routes(netns, MAIN, family))


def pin_former(entry: Entry) -> None:
    """The workload goes by its former routes, whatever happens to main. Raises OSError."""
    former = routes_from(entry.former)
    for family in _families(entry.netns):
        pin.put(entry.netns, _of(family, former), family)


def put_main_right(entry: Entry) -> None:
    """Main gets back what the ADD took, and loses what it was not asked for. Behind the pin. Raises OSError."""
    there = interfaces.links(entry.netns)
    former = still_possible(routes_from(entry.former), {link.index for link in there.values()})
    new = there.get(entry.name)
    for family in _families(entry.netns):
        present = routing.routes(entry.netns, MAIN, family)
        gone, wanted = amendment(_of(family, former), present, new.index if new else None)
        routing.amend_routes(entry.netns, MAIN, gone, wanted)


def unpin(netns: str) -> None:
    """Main rules again. Raises OSError."""
    for family in _families(netns):
        pin.drop(netns, family)


def _families(netns: str) -> tuple[int, ...]:
    """The address families whose routes count: IPv6 only where the kernel has it."""
    has_ipv6 = read_sysctl(netns, "net/ipv6/conf/all/disable_ipv6") is not None
    return (socket.AF_INET, socket.AF_INET6) if has_ipv6 else (socket.AF_INET,)


def _of(family: int, routes: Sequence[Route]) -> list[Route]:
    return [route for route in routes if route.family == family]
