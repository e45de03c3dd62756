"""Results of ADD: converted between versions of the specification, merged from several delegates. Pure.

Inside the agent a result has the shape of 1.1.0: ``interfaces``, ``ips``, ``routes``, ``dns``; fields that are unknown
to us are carried along. Source: CNI specification, "ADD Success"; containernetworking/cni ``pkg/types``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from ipaddress import ip_address, ip_interface, ip_network
from typing import Annotated, Any

import msgspec

Result = dict[str, Any]

OLDEST_SHAPE = ("0.1.0", "0.2.0")
"""These have ``ip4`` and ``ip6``."""
VERSIONED_IPS = ("0.3.0", "0.3.1", "0.4.0")
"""These say ``"version": "4"`` in each address."""
NEWEST_SHAPE = ("1.1.0",)
WITH_LENGTH = re.compile(r"[0-9a-fA-F.:]+/[0-9]{1,3}")
SINCE_1_1 = {
    "interfaces": frozenset({"mtu", "socketPath", "pciID"}),
    "routes": frozenset({"mtu", "advmss", "priority", "table", "scope"}),
}
"""What the entries of a result have from 1.1.0 on; older shapes are written without it."""


Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""What Go reads into an int."""


class _Interface(msgspec.Struct, rename="camel"):
    name: str = ""
    sandbox: str | None = None
    mac: str | None = None
    mtu: Number | None = None
    socket_path: str | None = None
    pci_id: str | None = msgspec.field(default=None, name="pciID")


class _Ip(msgspec.Struct):
    address: str
    gateway: str | None = None
    interface: Number | None = None


class _Route(msgspec.Struct):
    dst: str
    gw: str | None = None
    mtu: Number | None = None
    advmss: Number | None = None
    priority: Number | None = None
    table: Number | None = None
    scope: Number | None = None


class _Dns(msgspec.Struct):
    nameservers: list[str] | None = None
    search: list[str] | None = None
    options: list[str] | None = None
    domain: str | None = None


class _Oldest(msgspec.Struct):
    ip: str
    gateway: str | None = None
    routes: list[_Route] | None = None


class _Shape(msgspec.Struct):
    """What every result must be like, as far as we read it; Go writes null for what is empty."""

    interfaces: list[_Interface] | None = None
    ips: list[_Ip] | None = None
    routes: list[_Route] | None = None
    dns: _Dns | None = None
    ip4: _Oldest | None = None
    ip6: _Oldest | None = None


def canonical(result: Result) -> Result:
    """The result in the inner shape, without ``cniVersion``. Raises ValueError that says what cannot be read."""
    try:
        msgspec.convert(result, _Shape)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
    kept = _from_oldest(result) if result.get("ip4") or result.get("ip6") else dict(result)
    kept.pop("cniVersion", None)
    kept["ips"] = [{key: value for key, value in ip.items() if key != "version"} for ip in kept.get("ips") or []]
    kept["interfaces"] = list(kept.get("interfaces") or [])
    kept["routes"] = list(kept.get("routes") or [])
    kept["dns"] = dict(kept.get("dns") or {})
    _check_addresses(kept)
    return kept


def merged(results: Sequence[Result]) -> Result:
    """One result of several, in order: everything of all, so that the first one's address is the primary one.

    A route without gateway gets the first gateway of its family in its own result; where there is none it stays
    as it is. An index that points at no interface is dropped.
    """
    whole: Result = {"interfaces": [], "ips": [], "routes": [], "dns": {}}
    for result in results:
        part = canonical(result)
        offset = len(whole["interfaces"])
        whole["ips"] += [_shifted(ip, offset, len(part["interfaces"])) for ip in part["ips"]]
        whole["interfaces"] += part["interfaces"]
        whole["routes"] += [_with_gateway(route, part["ips"]) for route in part["routes"]]
        _add_dns(whole["dns"], part["dns"])
    return whole


def in_version(result: Result, version: str) -> Result:
    """A result of the inner shape as ``version`` writes it."""
    if version in OLDEST_SHAPE:
        return {"cniVersion": version, **_as_oldest(result)}
    content = {key: value for key, value in result.items() if value or key == "dns"}
    if version not in NEWEST_SHAPE:
        for key in SINCE_1_1.keys() & content.keys():
            content[key] = [_without(entry, SINCE_1_1[key]) for entry in content[key]]
    if version in VERSIONED_IPS and content.get("ips"):
        content["ips"] = [{"version": str(_family(ip["address"])), **ip} for ip in content["ips"]]
    return {"cniVersion": version, **content}


def addresses_of(result: Result, ifname: str) -> tuple[str, ...]:
    """The addresses (``10.1.0.5/16``) of one interface; those that name no interface count as its own."""
    part = canonical(result)
    names = [interface.get("name") for interface in part["interfaces"]]
    found = []
    for ip in part["ips"]:
        index = ip.get("interface")
        if not isinstance(index, int) or not 0 <= index < len(names) or names[index] == ifname:
            found.append(str(ip["address"]))
    return tuple(found)


def _without(entry: Result, names: Collection[str]) -> Result:
    return {key: value for key, value in entry.items() if key not in names}


def _check_addresses(result: Result) -> None:
    """Raises ValueError that names what is no address."""
    for address in (*(ip["address"] for ip in result["ips"]), *(route["dst"] for route in result["routes"])):
        ip_interface(address)
        # Go takes neither a mask nor a zone, and does not do without the length.
        if not WITH_LENGTH.fullmatch(address):
            raise ValueError(f"{address!r} is not an address with its length, as 10.1.0.5/16")
    for gateway in (*(ip.get("gateway") for ip in result["ips"]), *(route.get("gw") for route in result["routes"])):
        if gateway and "%" in gateway:
            raise ValueError(f"{gateway!r} has a zone: a gateway is an address alone")
        if gateway:
            ip_address(gateway)


def _family(address: str) -> int:
    return ip_interface(address).version


def _shifted(ip: Result, offset: int, interfaces: int) -> Result:
    index = ip.get("interface")
    if isinstance(index, int) and 0 <= index < interfaces:
        return {**ip, "interface": index + offset}
    return {key: value for key, value in ip.items() if key != "interface"}


def _with_gateway(route: Result, ips: Sequence[Result]) -> Result:
    if route.get("gw"):
        return route
    family = ip_network(route["dst"], strict=False).version
    gateways = [ip["gateway"] for ip in ips if ip.get("gateway") and _family(ip["address"]) == family]
    return {**route, "gw": gateways[0]} if gateways else route


def _add_dns(whole: Result, part: Result) -> None:
    for key in ("nameservers", "search", "options"):
        new = [entry for entry in part.get(key) or [] if entry not in whole.get(key, [])]
        if new:
            whole[key] = whole.get(key, []) + new
    if part.get("domain") and not whole.get("domain"):
        whole["domain"] = part["domain"]


def _from_oldest(result: Result) -> Result:
    ips: list[Result] = []
    routes: list[Result] = []
    for key in ("ip4", "ip6"):
        entry = result.get(key)
        if not entry:
            continue
        ips.append({"address": entry["ip"], **({"gateway": entry["gateway"]} if entry.get("gateway") else {})})
        routes += entry.get("routes") or []
    return {"interfaces": [], "ips": ips, "routes": routes, "dns": dict(result.get("dns") or {})}


def _as_oldest(result: Result) -> Result:
    """The first address of each family, and the routes of all to it (as CNI-Genie's users know it)."""
    content: Result = {}
    for key, family in (("ip4", 4), ("ip6", 6)):
        first = next((ip for ip in result["ips"] if _family(ip["address"]) == family), None)
        if first is None:
            continue
        content[key] = {"ip": first["address"]}
        if first.get("gateway"):
            content[key]["gateway"] = first["gateway"]
        routes = [r for r in result["routes"] if ip_network(r["dst"], strict=False).version == family]
        if routes:
            content[key]["routes"] = [{k: r[k] for k in ("dst", "gw") if r.get(k)} for r in routes]
    return {**content, "dns": result["dns"]}
