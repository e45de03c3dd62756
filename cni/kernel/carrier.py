"""Whether links of the node are there and up: one short question each, however many links the node has."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from cni.kernel.interfaces import IFF_LOWER_UP, IFF_UP, RTEXT_FILTER_SKIP_STATS, RTM_GETLINK, RTM_NEWLINK
from cni.kernel.netlink import ABSENT, Channel, KernelError, encoded

FLAGS = struct.Struct("=8xI")
"""Where a link's flags are in ``struct ifinfomsg`` (linux/rtnetlink.h)."""


def carriers(names: Iterable[str]) -> Mapping[str, bool]:
    """By name: whether the link is there, set up, and has a carrier. Raises OSError when the kernel does not say."""
    with Channel(None) as channel:
        return {name: _carries(channel, name) for name in names}


def _carries(channel: Channel, name: str) -> bool:
    request = ifinfmsg()
    request["attrs"] = [("IFLA_IFNAME", name), ("IFLA_EXT_MASK", RTEXT_FILTER_SKIP_STATS)]
    try:
        answers = channel.get(RTM_GETLINK, encoded(request))
    except KernelError as error:
        if error.errno in ABSENT:
            return False
        raise
    flags = [FLAGS.unpack_from(body)[0] for kind, body in answers if kind == RTM_NEWLINK]
    return any(flag & IFF_UP and flag & IFF_LOWER_UP for flag in flags)
