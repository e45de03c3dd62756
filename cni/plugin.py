"""What the plugins of a configuration list are told: a list as far as running it goes, and one run's input.

Source: CNI specification 1.1.0, sections 1 (configuration), 2 (protocol) and 4 (deriving execution configuration).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cni import jsontext

KNOWN_VERSIONS = ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
PREV_RESULT_AT_DEL = "0.4.0"
"""From this version on a DEL carries the result of the ADD, and there is a CHECK."""
STATUS_AND_GC = "1.1.0"
"""From this version on there are STATUS and GC."""

FAILED = 100
"""A delegate failed without saying how."""
DEADLINE = 101
"""A delegate was killed at its deadline."""
MISSING = 102
"""A delegate's program is nowhere on the path."""
BUSY = 11
"""Other operations are in the way (CNI specification: try again later)."""
UNDECODABLE = 6
"""What a delegate printed cannot be read (CNI specification: failed to decode content)."""
BAD_CONFIG = 7
"""The configuration itself cannot be run (CNI specification: invalid network config)."""

OF_CONTAINER = frozenset({"CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS"})
"""What STATUS and GC do not have: they are about the node."""

VALID_ATTACHMENTS = ("cni.dev/valid-attachments", "cni.dev/attachments")
"""The specification's key of a GC's input, and the one that libcni up to 1.2.0 wrote; both are read and written."""

Config = dict[str, Any]


def nothing() -> None:
    """Done where nothing is to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What the plugins of one configuration list are told, the same for ADD and DEL of one attachment.

    STATUS and GC are about the node: they have no container.
    """

    container_id: str = ""
    netns: str = ""
    ifname: str = ""
    args: str = ""
    """CNI_ARGS."""
    capabilities: bytes = b"{}"
    """The runtime's capability arguments, JSON; each plugin gets those that it declares."""
    env: Mapping[str, str] = field(default_factory=dict)
    """The caller's environment: its CNI_PATH is searched first."""
    begun: Callable[[], None] = nothing
    """Of an ADD: called once, when the first plugin has been started and before it is told its configuration. What it
    raises ends the ADD, and the plugin."""


class DelegateError(Exception):
    """A delegate failed; code, message and details are its own where it gave any."""

    def __init__(self, code: int, msg: str, details: str = "", *, left_behind: bool = False) -> None:
        self.code = code
        self.msg = msg
        self.details = details
        self.left_behind = left_behind
        """A failed ADD could not be undone: a DEL is still owed."""
        super().__init__(f"{msg}; {details}" if details else msg)


@dataclass(frozen=True, slots=True)
class Network:
    """A configuration list as far as running it goes."""

    name: str
    version: str
    plugins: list[Config]
    disable_check: bool
    disable_gc: bool

    @classmethod
    def parse(cls, config: bytes) -> Network:
        """Raises DelegateError with code 7 when the list cannot be run."""
        content = decoded(config)
        if content is None:
            raise DelegateError(BAD_CONFIG, "the network configuration is not a JSON object")
        name, plugins = content.get("name"), content.get("plugins")
        if not isinstance(name, str) or not name:
            raise DelegateError(BAD_CONFIG, "the network configuration has no name")
        if not isinstance(plugins, list) or not plugins:
            raise DelegateError(BAD_CONFIG, f"network {name}: no plugins")
        if not all(isinstance(plugin, dict) and isinstance(plugin.get("type"), str) for plugin in plugins):
            raise DelegateError(BAD_CONFIG, f"network {name}: every plugin needs a type")
        disabled = [str(content.get(key)).lower() == "true" for key in ("disableCheck", "disableGC")]
        return cls(name, _chosen_version(content, name), plugins, *disabled)


def has_status_and_gc(network: Network) -> bool:
    return version_tuple(network.version) >= version_tuple(STATUS_AND_GC)


def kinds_of(plugin: Config) -> list[str]:
    """The plugin's type, and its IPAM plugin's."""
    ipam = plugin.get("ipam")
    inner = ipam.get("type") if isinstance(ipam, dict) else None
    return [str(plugin["type"]), inner] if isinstance(inner, str) and inner else [str(plugin["type"])]


def _chosen_version(content: Config, name: str) -> str:
    """The highest version that the list offers (``cniVersion``, ``cniVersions``) and we know."""
    offered = content.get("cniVersions") or []
    if not isinstance(offered, list):
        raise DelegateError(BAD_CONFIG, f"network {name}: cniVersions must be a list of versions")
    if content.get("cniVersion"):
        offered = [*offered, content["cniVersion"]]
    if not offered:
        return KNOWN_VERSIONS[0]
    known = [version for version in offered if version in KNOWN_VERSIONS]
    if not known:
        raise DelegateError(1, f"network {name}: no supported cniVersion", f"offered {offered}, known {KNOWN_VERSIONS}")
    return str(max(known, key=version_tuple))


def version_tuple(version: str) -> tuple[int, ...]:
    """``0.4.0`` as numbers, for comparison."""
    return tuple(int(part) for part in version.split("."))


def find_program(kind: str, path: tuple[str, ...]) -> str:
    """The plugin's program, the first on the path. Raises DelegateError when there is none."""
    if not kind or "/" in kind or kind in (".", ".."):
        raise DelegateError(BAD_CONFIG, f"plugin type {kind!r} is not a file name")
    for directory in path:
        program = Path(directory, kind)
        if program.is_file() and os.access(program, os.X_OK):
            return str(program)
    raise DelegateError(
        MISSING, f"plugin {kind} is not installed", f"looked in {os.pathsep.join(path)}: install it there"
    )


def plugin_config(network: Network, plugin: Config, call: Invocation, previous: Config | None) -> Config:
    supplied = decoded(call.capabilities) or {}
    declared = plugin.get("capabilities")
    wanted = {name for name, on in declared.items() if on} if isinstance(declared, dict) else set()
    runtime = {name: value for name, value in supplied.items() if name in wanted}
    kept = {key: value for key, value in plugin.items() if key != "capabilities" and not key.startswith("cni.dev/")}
    config = {**kept, "name": network.name, "cniVersion": network.version}
    config.pop("prevResult", None)
    if runtime:
        config["runtimeConfig"] = runtime
    if previous is not None:
        config["prevResult"] = previous
    return config


@functools.cache
def _own_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("CNI_")}


def environment(command: str, call: Invocation, path: tuple[str, ...]) -> dict[str, str]:
    """The caller's whole environment over the agent's own, as if the caller had run the plugin itself."""
    callers = {key: value for key, value in call.env.items() if key not in OF_CONTAINER}
    whole = {**_own_environment(), **callers, "CNI_COMMAND": command, "CNI_PATH": os.pathsep.join(path)}
    if command in ("STATUS", "GC"):
        return whole
    return {
        **whole,
        "CNI_CONTAINERID": call.container_id,
        "CNI_NETNS": call.netns,
        "CNI_IFNAME": call.ifname,
        "CNI_ARGS": call.args,
    }


def decoded(data: bytes) -> Config | None:
    """The JSON object in ``data``; None when it is anything else."""
    try:
        content = jsontext.parse(data)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
