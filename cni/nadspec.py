"""The network selection annotation of the NetworkAttachmentDefinition standard, version 1.3, section 4.1.2. Pure.

``k8s.v1.cni.cncf.io/networks`` is a comma list of ``[NAMESPACE/]NAME[@INTERFACE]``, or a JSON list of objects. It is
JSON when its text contains ``[``, ``{`` or ``"``. Whatever is wrong makes the whole annotation invalid.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from ipaddress import ip_address, ip_interface
from typing import Any

from cni import jsontext
from cni.protocol import CniError, Code, check_ifname

JSON_MARKS = '[{"'
MAC = re.compile(r"[0-9a-fA-F]{2}([:-])[0-9a-fA-F]{2}(\1[0-9a-fA-F]{2}){4}|([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}")
GUID = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){7}|[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){19}")
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
REVERSE_DNS = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(/.+)?")
MAX_NAME = 253


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What one element asks of its network beside its name; empty: not asked."""

    ips: tuple[str, ...] = ()
    mac: str = ""
    guid: str = ""
    """InfiniBand GUID."""
    port_mappings: tuple[Mapping[str, Any], ...] = ()
    bandwidth: Mapping[str, Any] = field(default_factory=dict)
    device_id: str = ""
    cni_args: Mapping[str, Any] = field(default_factory=dict)
    """For ``args.cni`` of every plugin of the network."""
    default_route: tuple[str, ...] | None = None
    """Gateways of the pod's default route, by this attachment; empty: the pod has none; None: nothing is said."""
    ipam_claim: str = ""
    """Name of an IPAMClaim in the pod's namespace."""


NO_OPTIONS = Options()


@dataclass(frozen=True, slots=True, kw_only=True)
class NadElement:
    """One NetworkAttachmentDefinition asked for; ``ifname`` None: it gets a name by its place."""

    namespace: str
    name: str
    ifname: str | None = None
    options: Options = NO_OPTIONS


def parse_networks(text: str, namespace: str, key: str) -> list[NadElement]:
    """The elements of annotation ``key``; names without namespace are in ``namespace``. Blank: none.

    Raises CniError that names the element and what is wrong with it (N5).
    """
    if not text.strip():
        return []
    if any(mark in text for mark in JSON_MARKS):
        elements = [_from_object(entry, namespace, f"{key}[{n}]") for n, entry in enumerate(_json_list(text, key))]
    else:
        elements = [_from_text(part, namespace, f"{key}: {part.strip()!r}") for part in text.split(",")]
    routed = [element for element in elements if element.options.default_route is not None]
    if len(routed) > 1:
        names = ", ".join(f"{element.namespace}/{element.name}" for element in routed)
        raise _bad(f"{key}: default-route may be on one element only", names)
    return elements


def _json_list(text: str, key: str) -> list[Any]:
    try:
        content = jsontext.parse(text)
    except ValueError as error:
        raise _bad(f"annotation {key} is not JSON", str(error)) from error
    # The standard wants a list; Multus' users write a lone object too, and its meaning is plain.
    entries = [content] if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise _bad(f"annotation {key} must be a list of objects", repr(content)[:100])
    return entries


def _from_text(part: str, namespace: str, path: str) -> NadElement:
    rest, at, ifname = part.strip().rpartition("@")
    if not at:
        rest, ifname = ifname, ""
    elif not ifname.strip():
        raise _bad(f"{path}: an interface's name is empty after @")
    there, slash, name = rest.strip().partition("/")
    if not slash:
        there, name = namespace, there
    if "/" in name:
        raise _bad(f"{path}: not [NAMESPACE/]NAME[@INTERFACE]")
    return NadElement(
        namespace=_matching(there, LABEL, f"{path}: namespace"),
        name=_matching(name, SUBDOMAIN, f"{path}: name"),
        ifname=_ifname(ifname.strip(), path) if at else None,
    )


def _from_object(entry: Any, namespace: str, path: str) -> NadElement:
    if not isinstance(entry, dict):
        raise _bad(f"{path} must be an object", repr(entry)[:100])
    _check_keys(entry, path)
    # null stands for absent, as Go's decoders take it.
    given = {key: value for key, value in entry.items() if value is not None}
    ifname = _string(given.get("interface", ""), f"{path}.interface")
    return NadElement(
        namespace=_matching(_string(given.get("namespace") or namespace, f"{path}.namespace"), LABEL, path),
        name=_matching(_string(given.get("name", ""), f"{path}.name"), SUBDOMAIN, f"{path}.name"),
        ifname=_ifname(ifname, f"{path}.interface") if ifname else None,
        options=_options(given, path),
    )


def _options(given: Mapping[str, Any], path: str) -> Options:
    asked = {name: read(given[key], f"{path}.{key}") for key, (name, read) in OPTIONS.items() if key in given}
    options = Options(**asked)
    if options.ips and options.ipam_claim:
        raise _bad(f"{path}: ips and ipam-claim-reference exclude each other", "leave one of them out")
    return options


def _check_keys(entry: Mapping[str, Any], path: str) -> None:
    """Unknown keys must be somebody's own: reverse-DNS, such as ``example.com/rate`` (N2)."""
    known = ("name", "namespace", "interface", *OPTIONS)
    for key in entry:
        if key in known or REVERSE_DNS.fullmatch(key):
            continue
        near = get_close_matches(key, known, 1)
        hint = f"did you mean {near[0]}?" if near else "keys of your own must be reverse-DNS, as example.com/key"
        raise _bad(f"{path}.{key}: unknown key", hint)


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _bad(f"{path} must be a string", repr(value)[:100])
    return value.strip()


def _strings(value: Any, path: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _bad(f"{path} must be a list of strings", repr(value)[:100])
    return tuple(_string(entry, f"{path}[{number}]") for number, entry in enumerate(value))


def _matching(value: str, pattern: re.Pattern[str], path: str) -> str:
    if not pattern.fullmatch(value) or len(value) > MAX_NAME:
        raise _bad(f"{path}: not a valid name", repr(value)[:300])
    return value


def _ifname(value: str, path: str) -> str:
    try:
        check_ifname(value)
    except CniError as error:
        raise _bad(f"{path}: {error.msg}", repr(value)[:100]) from error
    return value


def _addresses(value: Any, path: str) -> tuple[str, ...]:
    """Addresses with or without a prefix length."""
    addresses = _strings(value, path)
    for number, address in enumerate(addresses):
        try:
            ip_interface(address)
        except ValueError as error:
            raise _bad(f"{path}[{number}] is not an IP address", str(error)) from error
    return addresses


def _gateways(value: Any, path: str) -> tuple[str, ...]:
    gateways = _strings(value, path)
    for number, gateway in enumerate(gateways):
        try:
            ip_address(gateway)
        except ValueError as error:
            raise _bad(f"{path}[{number}] is not an IP address", str(error)) from error
    families = [ip_address(gateway).version for gateway in gateways]
    if len(set(families)) != len(families):
        raise _bad(f"{path} has several gateways of one family", ", ".join(gateways))
    return gateways


def _mac(value: Any, path: str) -> str:
    mac = _string(value, path)
    if mac and not MAC.fullmatch(mac):
        raise _bad(f"{path} is not a MAC address", repr(mac)[:100])
    return mac


def _guid(value: Any, path: str) -> str:
    guid = _string(value, path)
    if guid and not GUID.fullmatch(guid):
        raise _bad(f"{path} is not an InfiniBand GUID", repr(guid)[:100])
    return guid


def _object(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad(f"{path} must be an object", repr(value)[:100])
    return value


def _port_mappings(value: Any, path: str) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(value, list):
        raise _bad(f"{path} must be a list of objects", repr(value)[:100])
    mappings = tuple(_object(entry, f"{path}[{number}]") for number, entry in enumerate(value))
    for number, mapping in enumerate(mappings):
        for key in ("hostPort", "containerPort"):
            port = mapping.get(key)
            if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
                raise _bad(f"{path}[{number}].{key} must be a port, 1 to 65535", repr(port)[:100])
    return mappings


def _bandwidth(value: Any, path: str) -> dict[str, Any]:
    limits = _object(value, path)
    for key in ("ingressRate", "ingressBurst", "egressRate", "egressBurst"):
        limit = limits.get(key, 0)
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
            raise _bad(f"{path}.{key} must be a whole number", repr(limit)[:100])
    return limits


def _bad(msg: str, details: str = "") -> CniError:
    return CniError(Code.INVALID_ENVIRONMENT, msg, details)


OPTIONS: dict[str, tuple[str, Callable[[Any, str], Any]]] = {
    "ips": ("ips", _addresses),
    "mac": ("mac", _mac),
    "infiniband-guid": ("guid", _guid),
    "portMappings": ("port_mappings", _port_mappings),
    "bandwidth": ("bandwidth", _bandwidth),
    "deviceID": ("device_id", _string),
    "cni-args": ("cni_args", _object),
    "default-route": ("default_route", _gateways),
    "ipam-claim-reference": ("ipam_claim", _string),
}
"""The annotation's key, the field of Options, and how the one becomes the other."""
