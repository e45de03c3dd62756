"""How many addresses an IPAM plugin still has: host-local's, counted from its files.

Source: containernetworking/plugins, ``plugins/ipam/host-local`` (ranges, default gateway, one file per address).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any

DATA_DIR = "/var/lib/cni/networks"

Address = IPv4Address | IPv6Address


def free_addresses(network_name: str, plugins: list[dict[str, Any]]) -> int | None:
    """Attachments that still find an address; None when the list has no host-local or its ranges cannot be read.

    An attachment takes one address of every range set, so the emptiest set counts.
    """
    ipam = next((p["ipam"] for p in plugins if isinstance(p.get("ipam"), dict) and p["ipam"]), None)
    if ipam is None or ipam.get("type") != "host-local":
        return None
    try:
        sets = [[_bounds(entry) for entry in entries] for entries in _range_sets(ipam)]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if not sets:
        return None
    taken = _taken(Path(ipam.get("dataDir") or DATA_DIR, network_name))
    return min(_free(entries, taken) for entries in sets)


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


def _free(entries: Iterable[tuple[Address, Address, Address]], taken: set[Address]) -> int:
    free = 0
    for first, last, gateway in entries:
        size = int(last) - int(first) + 1
        inside = {a for a in {*taken, gateway} if a.version == first.version and int(first) <= int(a) <= int(last)}
        free += max(0, size - len(inside))
    return free


def _taken(directory: Path) -> set[Address]:
    """The addresses given out: host-local keeps a file named after each (``:`` is as it is on Linux)."""
    taken = set()
    try:
        names = [path.name for path in directory.iterdir()]
    except OSError:
        return set()
    for name in names:
        try:
            taken.add(ip_address(name))
        except ValueError:
            continue  # lock, last_reserved_ip.0
    return taken
