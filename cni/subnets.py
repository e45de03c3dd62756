"""Giving a network another subnet: put where its IPAM plugin really reads it. Pure.

Sources: the plugins' own configuration: host-local (``subnet``, ``ranges``), weave (``ipam.subnet``), calico-ipam
(``ipv4_pools``, ``ipv6_pools``).
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

Subnet = IPv4Network | IPv6Network
Config = dict[str, Any]

OF_A_RANGE = ("rangeStart", "rangeEnd", "gateway")
"""What belongs to one subnet, and has no place in another."""


class SubnetRefused(Exception):  # noqa: N818 - the word that callers read best
    """The network cannot be given that subnet; the text says why and what to do."""


def with_subnet(listed: Mapping[str, Any], subnet: str) -> Config:
    """The configuration list with ``subnet`` in place of its own of that family. Raises SubnetRefused."""
    try:
        wanted = ip_network(subnet)
    except ValueError as error:
        raise SubnetRefused(f"{subnet!r} is not a subnet: {error}") from error
    plugins = list(listed["plugins"])
    position = next((n for n, plugin in enumerate(plugins) if _has_ipam(plugin)), None)
    if position is None:
        kinds = ", ".join(str(plugin["type"]) for plugin in plugins)
        raise SubnetRefused(f"no plugin of {kinds} has an IPAM section that a subnet could be put into")
    plugins[position] = _changed(plugins[position], wanted)
    return {**listed, "plugins": plugins}


def _has_ipam(plugin: Mapping[str, Any]) -> bool:
    return isinstance(plugin.get("ipam"), dict) or plugin.get("type") in WITH_OWN_IPAM


def _changed(plugin: Mapping[str, Any], wanted: Subnet) -> Config:
    ipam = plugin.get("ipam") or {}
    if not isinstance(ipam, dict):
        raise SubnetRefused(f"ipam of plugin {plugin.get('type')} must be an object")
    kind = str(ipam.get("type") or WITH_OWN_IPAM.get(str(plugin.get("type")), ""))
    change = CHANGES.get(kind)
    if change is None:
        named = f"IPAM plugin {kind}" if kind else f"plugin {plugin.get('type')} without IPAM"
        raise SubnetRefused(f"{named} takes no subnet from its configuration: use host-local, weave or calico-ipam")
    return {**plugin, "ipam": change(ipam, wanted)}


def _host_local(ipam: Config, wanted: Subnet) -> Config:
    """``ranges`` and the older ``subnet`` are both read; those of the other family stay."""
    ranges = ipam.get("ranges") or []
    if not _are_ranges(ranges):
        raise SubnetRefused('ranges of IPAM plugin host-local must be a list of lists as [[{"subnet": "10.1.0.0/16"}]]')
    others = [entries for entries in ranges if not any(_is_like(each, wanted) for each in entries)]
    replaced = _is_like(ipam, wanted)
    dropped = {"ranges", "subnet", *OF_A_RANGE} if replaced else {"ranges"}
    kept = {key: value for key, value in ipam.items() if key not in dropped}
    # An administrator's gateway and bounds still hold where they lie within the subnet.
    bounds = {key: ipam[key] for key in OF_A_RANGE if replaced and key in ipam and _inside(ipam[key], wanted)}
    return {**kept, "ranges": [[{"subnet": str(wanted), **bounds}], *others]}


def _are_ranges(ranges: object) -> bool:
    return isinstance(ranges, list) and all(
        isinstance(entries, list) and all(isinstance(each, dict) for each in entries) for entries in ranges
    )


def _is_like(entry: Mapping[str, Any], wanted: Subnet) -> bool:
    try:
        return ip_network(str(entry.get("subnet")), strict=False).version == wanted.version
    except ValueError:
        return False


def _inside(address: object, subnet: Subnet) -> bool:
    try:
        return ip_address(str(address)) in subnet
    except ValueError:
        return False


def _weave(ipam: Config, wanted: Subnet) -> Config:
    if wanted.version == 6:
        raise SubnetRefused("weave gives IPv4 addresses only")
    return {**ipam, "subnet": str(wanted)}


def _calico(ipam: Config, wanted: Subnet) -> Config:
    return {**ipam, f"ipv{wanted.version}_pools": [str(wanted)]}


CHANGES = {
    "host-local": _host_local,
    "weave": _weave,
    "weave-ipam": _weave,
    "weave-net": _weave,
    "calico-ipam": _calico,
}
WITH_OWN_IPAM = {"weave-net": "weave"}
"""Plugins that give addresses themselves where no IPAM section is written."""
