"""What is written on a pod of its networks: the standard's status, and CNI-Genie's list of addresses. Pure.

Sources: NetworkAttachmentDefinition standard 1.3, section 5 (status); CNI-Genie's ``multi-ip-preferences``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cni.model import Attachment
from cni.results import addresses_of, canonical
from cni.selection import LOGICAL_PREFIX, NAD_PREFIX

ANY_DESTINATIONS = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """An attachment as it is now: its record, and what the kernel and its device say."""

    attachment: Attachment
    mac: str = ""
    mtu: int = 0
    device: Mapping[str, Any] = field(default_factory=dict)
    """Device information, as its plugin wrote it."""


def network_status(interfaces: Sequence[Interface]) -> str:
    """``k8s.v1.cni.cncf.io/network-status``: one entry per interface, in order.

    The default one is the first, which the pod has of the cluster's default network or in its place; whoever carries
    the pod's default route has ``gateway`` (sections 5.2 and 5.3; N11).
    """
    results = [canonical(json.loads(each.attachment.result)) for each in interfaces]
    gateways = [_default_gateways(result) for result in results]
    carrier = next((number for number, found in enumerate(gateways) if found), None)
    entries = []
    for number, (interface, result) in enumerate(zip(interfaces, results, strict=True)):
        named = gateways[number] if number == carrier else []
        entries.append(_entry(interface, result, default=number == 0, gateways=named))
    return json.dumps(entries, indent=1)


def multi_ip_preferences(interfaces: Sequence[Interface]) -> str | None:
    """``multi-ip-preferences``: every address and its interface; None for a single interface, as CNI-Genie."""
    if len(interfaces) < 2:
        return None
    found = [(address, each.attachment.ifname) for each in interfaces for address in _bare(each.attachment)]
    entries = {f"ip{n}": {"ip": address, "interface": ifname} for n, (address, ifname) in enumerate(found, start=1)}
    return json.dumps({"multi_entry": len(entries), "ips": entries}, separators=(",", ":"))


def _entry(
    interface: Interface, result: Mapping[str, Any], *, default: bool, gateways: Sequence[str]
) -> dict[str, Any]:
    attachment = interface.attachment
    entry: dict[str, Any] = {
        "name": _name(attachment),
        "interface": attachment.ifname,
        "ips": _bare(attachment),
        "mac": interface.mac,
        "mtu": interface.mtu,
        "default": default,
        "dns": result["dns"],
        "device-info": dict(interface.device),
        "gateway": gateways,
    }
    # dns is always there, as the older implementations write it; the others only when they say something.
    return {key: value for key, value in entry.items() if value or key == "dns"}


def _name(attachment: Attachment) -> str:
    """``namespace/name`` of an object; a configuration's own name."""
    for prefix in (NAD_PREFIX, LOGICAL_PREFIX):
        if attachment.network.startswith(prefix):
            return attachment.network.removeprefix(prefix)
    return str(json.loads(attachment.config).get("name") or attachment.network)


def _bare(attachment: Attachment) -> list[str]:
    # A result calls the interface what it was called at its ADD.
    return [address.partition("/")[0] for address in addresses_of(json.loads(attachment.result), attachment.name)]


def _default_gateways(result: Mapping[str, Any]) -> list[str]:
    """Of the default routes: their own gateways, else those of the addresses of their family."""
    found = []
    for route in result["routes"]:
        if route.get("dst") not in ANY_DESTINATIONS:
            continue
        v6 = ":" in str(route["dst"])
        named = [ip["gateway"] for ip in result["ips"] if ip.get("gateway") and (":" in str(ip["address"])) == v6]
        found += [route["gw"]] if route.get("gw") else named[:1]
    return list(dict.fromkeys(found))
