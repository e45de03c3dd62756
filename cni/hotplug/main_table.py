"""What a workload's main table loses and gets after a plugin has attached something. Values in, values out."""

from __future__ import annotations

import socket
from collections.abc import Collection, Sequence
from ipaddress import ip_address

from cni.kernel.routing import RTPROT_KERNEL, Route, route

ANYWHERE: dict[int, str] = {socket.AF_INET: "0.0.0.0/0", socket.AF_INET6: "::/0"}


def amendment(
    former: Sequence[Route], present: Sequence[Route], link: int | None, gateways: Sequence[str] | None = None
) -> tuple[list[Route], list[Route]]:
    """The routes to take out of main and those to put in, so that what had its way before still has it.

    ``former`` is main before the ADD, ``present`` after it, ``link`` the new link's number (None: it is gone). What
    was there comes back where a plugin took it away. By the new link stays what leads to where nothing led before; a
    default route beside another goes, and another route to a known destination is put behind the known one. What a
    third party changed meanwhile is left alone. ``gateways``: the new link is asked to carry the default route by
    these; empty: nobody shall have one.
    """
    asked = families_of(gateways)
    former = [each for each in former if not (each.default and each.family in asked)]
    metrics = _worst_metrics(former)
    gone: list[Route] = []
    new: list[Route] = []
    for each in present:
        if each.default and each.family in asked:
            gone.append(each)
            continue
        if each in former or link not in each.links or each.protocol == RTPROT_KERNEL:
            continue  # to a subnet that both links are on, the kernel itself keeps the older way first
        known = metrics.get((each.family, each.destination))
        if known is None:
            continue
        gone.append(each)
        if not each.default and len(each.links) == 1:
            new.append(each.at_metric(known + 1))
    left = [each for each in present if each not in gone]
    wanted = [] if link is None else [route(ANYWHERE[_family(each)], link, each) for each in gateways or ()]
    return gone, [*(each for each in former if each not in left), *new, *wanted]


def families_of(gateways: Sequence[str] | None) -> set[int]:
    """The address families whose default route is spoken of: those of the gateways, all when the list is empty."""
    if gateways is None:
        return set()
    return {_family(each) for each in gateways} or set(ANYWHERE)


def _family(gateway: str) -> int:
    return socket.AF_INET if ip_address(gateway).version == 4 else socket.AF_INET6


def still_possible(former: Sequence[Route], links: Collection[int]) -> list[Route]:
    """The routes whose links are all still there."""
    return [each for each in former if each.links <= set(links)]


def _worst_metrics(routes: Sequence[Route]) -> dict[tuple[int, str], int]:
    worst: dict[tuple[int, str], int] = {}
    for each in routes:
        key = each.family, each.destination
        worst[key] = max(worst.get(key, 0), each.metric)
    return worst
