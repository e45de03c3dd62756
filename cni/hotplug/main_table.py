"""What a workload's main table loses and gets after a plugin has attached something. Values in, values out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cni.kernel.routing import RTPROT_KERNEL, Route


def amendment(former: Sequence[Route], present: Sequence[Route], link: int | None) -> tuple[list[Route], list[Route]]:
    """The routes to take out of main and those to put in, so that what had its way before still has it.

    ``former`` is main before the ADD, ``present`` after it, ``link`` the new link's number (None: it is gone). What
    was there comes back where a plugin took it away. By the new link stays what leads to where nothing led before; a
    default route beside another goes, and another route to a known destination is put behind the known one. What a
    third party changed meanwhile is left alone.
    """
    gone: list[Route] = []
    new: list[Route] = []
    metrics = _worst_metrics(former)
    for each in present:
        if each in former or link not in each.links or each.protocol == RTPROT_KERNEL:
            continue  # to a subnet that both links are on, the kernel itself keeps the older way first
        known = metrics.get((each.family, each.destination))
        if known is None:
            continue
        gone.append(each)
        if not each.default and len(each.links) == 1:
            new.append(each.at_metric(known + 1))
    left = [each for each in present if each not in gone]
    return gone, [*(each for each in former if each not in left), *new]


def still_possible(former: Sequence[Route], links: Collection[int]) -> list[Route]:
    """The routes whose links are all still there."""
    return [each for each in former if each.links <= set(links)]


def _worst_metrics(routes: Sequence[Route]) -> dict[tuple[int, str], int]:
    worst: dict[tuple[int, str], int] = {}
    for each in routes:
        key = each.family, each.destination
        worst[key] = max(worst.get(key, 0), each.metric)
    return worst
