"""Whether links of the node are there and up: one short question each, however many links the node has.

Written without pyroute2's messages: it is asked for every pod that leaves its network open.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

from cni.kernel.interfaces import IFF_LOWER_UP, IFF_UP, RTEXT_FILTER_SKIP_STATS, RTM_GETLINK, RTM_NEWLINK
from cni.kernel.netlink import ABSENT, Channel, KernelError, attribute

LINK = struct.Struct("=BxHiII")
"""``struct ifinfomsg``: family, type, index, flags, change (linux/rtnetlink.h)."""
IFLA_IFNAME = 3
IFLA_EXT_MASK = 29
LONGEST_NAME = 15
"""Bytes; the kernel has no link of a longer name, and refuses the question."""


def carriers(names: Iterable[str]) -> Mapping[str, bool]:
    """By name: whether the link is there, set up, and has a carrier. Raises OSError when the kernel does not say."""
    with Channel(None) as channel:
        return {name: len(name.encode()) <= LONGEST_NAME and _carries(channel, name) for name in names}


def _carries(channel: Channel, name: str) -> bool:
    mask = struct.pack("=I", RTEXT_FILTER_SKIP_STATS)
    question = LINK.pack(0, 0, 0, 0, 0) + attribute(IFLA_IFNAME, name.encode() + b"\0") + attribute(IFLA_EXT_MASK, mask)
    try:
        answers = channel.get(RTM_GETLINK, question)
    except KernelError as error:
        if error.errno in ABSENT:
            return False
        raise
    flags = [LINK.unpack_from(body)[3] for kind, body in answers if kind == RTM_NEWLINK]
    return any(flag & IFF_UP and flag & IFF_LOWER_UP for flag in flags)
