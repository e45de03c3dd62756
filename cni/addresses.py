"""How many addresses an IPAM plugin still has: host-local's, counted from its files.

Source: containernetworking/plugins, ``plugins/ipam/host-local`` (ranges, default gateway, one file per address).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any

from cni.wire import MOST_ADDRESSES

DATA_DIR = "/var/lib/cni/networks"

Address = IPv4Address | IPv6Address
Numbered = tuple[int, int]
"""An address as its version and its number: a pool is counted for every pod, and holds hundreds."""


def free_addresses(network_name: str, plugins: list[dict[str, Any]]) -> int | None:
    """Attachments that still find an address; None when the list has no host-local or its ranges cannot be read.

    An attachment takes one address of every range set, so the emptiest set counts. At most ``MOST_ADDRESSES``.
    """
    ipam = next((p["ipam"] for p in plugins if isinstance(p.get("ipam"), dict) and p["ipam"]), None)
    if ipam is None or ipam.get("type") != "host-local":
        return None
    try:
        sets = [[_bounds(entry) for entry in entries] for entries in _range_sets(ipam)]
        taken = _taken(Path(ipam.get("dataDir") or DATA_DIR, network_name))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if not sets:
        return None
    return min(MOST_ADDRESSES, *(_free(entries, taken) for entries in sets))


def _range_sets(ipam: dict[str, Any]) -> list[list[dict[str, Any]]]:
    sets = list(ipam.get("ranges") or [])
    if ipam.get("subnet"):
        sets.insert(0, [ipam])
    return sets


def _bounds(entry: dict[str, Any]) -> tuple[Address, Address, Address]:
    """First and last address given out, and the gateway, which never is."""
    subnet = ip_network(entry["subnet"], strict=False)
    first = ip_address(entry["rangeStart"]) if entry.get("rangeStart") else subnet.network_address + 1
    top = subnet.broadcast_address - 1 if subnet.version == 4 else subnet.broadcast_address
    last = ip_address(entry["rangeEnd"]) if entry.get("rangeEnd") else top
    gateway = ip_address(entry["gateway"]) if entry.get("gateway") else subnet.network_address + 1
    return first, last, gateway


def _free(entries: Iterable[tuple[Address, Address, Address]], taken: Collection[Numbered]) -> int:
    free = 0
    for first, last, gateway in entries:
        low, high = int(first), int(last)
        inside = {number for version, number in taken if version == first.version and low <= number <= high}
        if gateway.version == first.version and low <= int(gateway) <= high:
            inside.add(int(gateway))
        free += max(0, high - low + 1 - len(inside))
    return free


def _taken(directory: Path) -> list[Numbered]:
    """The addresses given out: host-local keeps a file named after each (``:`` is as it is on Linux)."""
    try:
        names = os.listdir(directory)  # noqa: PTH208 - a Path for each of hundreds of names is what takes the time
    except OSError:
        return []
    numbered = (_numbered(name) for name in names)
    return [each for each in numbered if each is not None]


def _numbered(name: str) -> Numbered | None:
    """None: no address (lock, last_reserved_ip.0)."""
    version, family = (6, socket.AF_INET6) if ":" in name else (4, socket.AF_INET)
    try:
        return version, int.from_bytes(socket.inet_pton(family, name), "big")
    except (OSError, ValueError):
        return None
