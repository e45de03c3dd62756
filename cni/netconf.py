"""The node's CNI configurations: finding a network ``cni:NAME``, and what is known about each.

A name is looked for as CNI-Genie does it: files ``*.conf`` and ``*.conflist`` in name order, each known by its file
name without extension and without everything up to the first ``-`` (``10-calico.conflist`` is ``calico``,
``10-my-net.conf`` is ``my-net``), the first one that can be parsed wins; only then by the configuration's own ``name``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from cni.addresses import free_addresses
from cni.model import PHYSICAL_NETWORK_KEY

PREFIX = "cni:"
OWN_TYPE = "genie"
SUFFIXES = (".conf", ".conflist")


class NetworkUnknown(Exception):  # noqa: N818 - the word that callers read best
    """No usable configuration has that name; the text says which files were looked at and what is wrong with them."""


class _Unusable(Exception):  # noqa: N818 - never leaves this module
    """This file is no usable configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """A configuration of the node as a list, ready for the delegates."""

    network: str
    """``cni:NAME``, the same however it was asked for."""
    own_name: str
    """The ``name`` in the configuration: what IPAM plugins keep their addresses under."""
    config: bytes
    """The configuration list, JSON."""
    physical_network: str | None
    path: Path

    def free_addresses(self) -> int | None:
        """How many more attachments find an address; None when its IPAM does not let us know."""
        return free_addresses(self.own_name, msgspec.json.decode(self.config)["plugins"])


class ConfDir:
    """The configurations in one directory, read anew at each question: administrators edit them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, name: str) -> NetworkConfig:
        """The network ``NAME`` or ``cni:NAME``. Raises NetworkUnknown."""
        wanted = name.removeprefix(PREFIX)
        problems: list[str] = []
        usable = list(self._usable(problems))
        for config in usable:
            if config.network == PREFIX + wanted:
                return config
        for config in usable:
            if config.own_name == wanted:
                return config
        raise NetworkUnknown(_unknown(wanted, self.path, usable, problems))

    def default(self) -> NetworkConfig:
        """The first configuration by file name that is not genie's own. Raises NetworkUnknown."""
        problems: list[str] = []
        for config in self._usable(problems):
            return config
        raise NetworkUnknown("; ".join([f"no network is configured in {self.path} beside genie's own", *problems]))

    def all(self) -> list[NetworkConfig]:
        """Every network that this node can attach to, by file name; unusable files are left out."""
        return list(self._usable([]))

    def _usable(self, problems: list[str]) -> Iterator[NetworkConfig]:
        taken: set[str] = set()
        for path in self._files():
            try:
                config = _load(path, taken)
            except _Unusable as error:
                problems.append(f"{path.name}: {error}")
                continue
            if config is not None and config.network not in taken:
                taken.add(config.network)
                yield config

    def _files(self) -> list[Path]:
        try:
            return sorted(path for path in self.path.iterdir() if path.suffix in SUFFIXES and path.is_file())
        except OSError:
            return []


def file_key(path: Path) -> str:
    """The name that a file is known by: ``10-my-net.conf`` is ``my-net``, ``weave.conf`` is ``weave``."""
    base = path.name.removesuffix(path.suffix)
    dash = base.find("-")
    return base[dash + 1 :] if dash > 0 else base


def as_list(content: dict[str, Any], fallback_name: str) -> dict[str, Any]:
    """A configuration as a list: a single plugin becomes a list of one, as libcni does it.

    Raises ValueError that says what is missing.
    """
    if "plugins" in content:
        plugins = content["plugins"]
        if not content.get("name"):
            raise ValueError("a configuration list needs a name")
        if not isinstance(plugins, list) or not plugins:
            raise ValueError("plugins must be a list with at least one plugin")
        if not all(isinstance(plugin, dict) and plugin.get("type") for plugin in plugins):
            raise ValueError("every plugin needs a type")
        return content
    if not content.get("type"):
        raise ValueError("a plugin's type is missing (is it a .conflist?)")
    plugin = {key: value for key, value in content.items() if key != PHYSICAL_NETWORK_KEY}
    listed = {"name": content.get("name") or fallback_name, "plugins": [plugin]}
    for key in ("cniVersion", "cniVersions", PHYSICAL_NETWORK_KEY):
        if key in content:
            listed[key] = content[key]
    return listed


def _load(path: Path, taken: set[str]) -> NetworkConfig | None:
    """The configuration in the file; None for genie's own. Raises _Unusable."""
    try:
        content = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Unusable(str(error)) from error
    if not isinstance(content, dict):
        raise _Unusable("not a JSON object")
    key = file_key(path)
    try:
        listed = as_list(content, key)
    except ValueError as error:
        raise _Unusable(str(error)) from error
    if any(plugin["type"] == OWN_TYPE for plugin in listed["plugins"]):
        return None
    physical = listed.get(PHYSICAL_NETWORK_KEY)
    if physical is not None and not isinstance(physical, str):
        raise _Unusable(f"{PHYSICAL_NETWORK_KEY} must be a name")
    own_name = str(listed["name"])
    # A file whose key an earlier file has taken is still found by its own name.
    return NetworkConfig(
        network=PREFIX + (own_name if PREFIX + key in taken else key),
        own_name=own_name,
        config=msgspec.json.encode(listed),
        physical_network=physical,
        path=path,
    )


def _unknown(wanted: str, directory: Path, usable: list[NetworkConfig], problems: list[str]) -> str:
    known = ", ".join(sorted(config.network.removeprefix(PREFIX) for config in usable)) or "none"
    text = f"no usable configuration for network {wanted!r} in {directory} (known: {known})"
    return "; ".join([text, *problems])
