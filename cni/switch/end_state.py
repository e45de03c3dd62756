"""What a workload's main table should hold when a move is over. Values in, values out."""

from __future__ import annotations

from collections.abc import Sequence

from cni.kernel.routing import RTPROT_KERNEL, Route
from cni.switch.journal import Side


class NoWayError(Exception):
    """A destination that the old network reached by its gateway has no gateway in the new one."""

    def __init__(self, route: Route) -> None:
        self.default = route.default
        what = "the default route" if route.default else f"the route to {route.destination}"
        super().__init__(f"the old attachment carries {what}, and the new network names no gateway")


def routes_by_new(former: Sequence[Route], present: Sequence[Route], old_link: int, new: Side) -> list[Route]:
    """The routes by the new link: its network's own, and all that went by the old link, sent by the new gateway.

    ``present`` is main after the ADD. A default route goes by the new link only when one went by the old: a default
    that a plugin added unasked is left out. Raises NoWayError when there is no gateway to send something by.
    """
    own = [route for route in present if route.link == new.link and not route.default]
    there = {route.destination for route in own}
    carried = []
    for route in former:
        if old_link not in route.links or route.protocol == RTPROT_KERNEL or route.destination in there:
            continue
        if new.gateway is None and route.gateway is not None:
            raise NoWayError(route)
        source = new.address if route.source else None
        carried.append(route.through(new.link, new.gateway, source))
    return list(dict.fromkeys([*own, *carried]))


def main_after(former: Sequence[Route], by_new: Sequence[Route], old_link: int) -> list[Route]:
    """Main without the old link's routes, the other attachments' as they were, and the new link's."""
    return [*(route for route in former if old_link not in route.links), *by_new]
