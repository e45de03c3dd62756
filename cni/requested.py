"""What a pod's annotation asks of a network beside its name, turned into what the plugins are told. Pure.

Source: NetworkAttachmentDefinition standard 1.3, section 4.1.2; CNI conventions (``runtimeConfig``, ``args.cni``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cni.nadspec import Options
from cni.protocol import CniError, Code

DEVICE_INFO = "CNIDeviceInfoFile"
"""Capability of plugins that describe the device they attached in a file (Device Information Specification)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the plugins of one attachment get."""

    config: bytes
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    args: Mapping[str, str] = field(default_factory=dict)
    """For CNI_ARGS."""


def request(network: str, config: bytes, options: Options, *, as_args: bool = False) -> Request:
    """The network's configuration and capabilities with the options in them.

    ``as_args``: addresses and MAC go into CNI_ARGS as CNI-Genie did, whatever the plugins declare. Raises CniError
    when no plugin of the network declares a capability that is needed (N6): what was asked would be passed over.
    """
    listed: dict[str, Any] = msgspec.json.decode(config)
    wanted = _capabilities(options)
    args = {}
    if as_args:
        args = {"IP": ",".join(wanted.pop("ips", ())), "MAC": wanted.pop("mac", "")}
    lacking = sorted(set(wanted) - declared(listed))
    if lacking:
        text = f"network {network} cannot be asked for {', '.join(lacking)}"
        raise CniError(
            Code.INVALID_CONFIG, text, f"none of its plugins declares it under capabilities: {kinds(listed)}"
        )
    if options.device_id:
        listed = _with_device(listed, options.device_id)
        if "deviceID" in declared(listed):
            wanted["deviceID"] = options.device_id
    cni_args = dict(options.cni_args)
    if options.ipam_claim:
        cni_args["ipam-claim-reference"] = options.ipam_claim
    if cni_args:
        listed = _with_args(listed, cni_args)
    changed = bool(options.device_id or cni_args)
    return Request(
        config=msgspec.json.encode(listed) if changed else config,
        capabilities=wanted,
        args={key: value for key, value in args.items() if value},
    )


def declared(listed: Mapping[str, Any]) -> set[str]:
    """The capabilities that at least one plugin of the list declares."""
    found = set()
    for plugin in listed["plugins"]:
        capabilities = plugin.get("capabilities")
        if isinstance(capabilities, dict):
            found |= {name for name, on in capabilities.items() if on}
    return found


def kinds(listed: Mapping[str, Any]) -> str:
    """The plugins' types, for a message."""
    return ", ".join(str(plugin["type"]) for plugin in listed["plugins"])


def _capabilities(options: Options) -> dict[str, Any]:
    every: dict[str, Any] = {
        "ips": list(options.ips),
        "mac": options.mac,
        "infinibandGUID": options.guid,
        "portMappings": [dict(mapping) for mapping in options.port_mappings],
        "bandwidth": dict(options.bandwidth),
    }
    return {name: value for name, value in every.items() if value}


def _with_device(listed: dict[str, Any], device: str) -> dict[str, Any]:
    """The device for the plugin that attaches it: the first of the list."""
    first, *others = listed["plugins"]
    return {**listed, "plugins": [{**first, "deviceID": device}, *others]}


def _with_args(listed: dict[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    plugins = []
    for plugin in listed["plugins"]:
        args = _object(plugin.get("args"))
        own = _object(args.get("cni"))
        plugins.append({**plugin, "args": {**args, "cni": {**own, **wanted}}})
    return {**listed, "plugins": plugins}


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
