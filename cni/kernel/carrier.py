"""Whether links of the node are there and up: one short question each, however many links the node has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cni.kernel.interfaces import link
from cni.kernel.netlink import Channel, talking


def carriers(names: Iterable[str]) -> Mapping[str, bool]:
    """By name: whether the link is there, set up, and has a carrier. Raises OSError when the kernel does not say."""
    with talking(None) as channel:
        return {name: _carries(channel, name) for name in names}


def _carries(channel: Channel, name: str) -> bool:
    found = link(channel, name)
    return found is not None and found.up and found.carrier
