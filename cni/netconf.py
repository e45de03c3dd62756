"""The node's CNI configurations: finding a network ``cni:NAME``, and what is known about each.

A name is looked for as CNI-Genie does it: files ``*.conf`` and ``*.conflist`` in name order, each known by its file
name without extension and without everything up to the first ``-`` (``10-calico.conflist`` is ``calico``,
``10-my-net.conf`` is ``my-net``), the first one that can be parsed wins; only then by the configuration's own ``name``,
and last by the whole file name without extension, as ``my-net.conf`` is ``net`` by that rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from cni import jsontext
from cni.addresses import free_addresses
from cni.generated import generate, why_not
from cni.model import PHYSICAL_NETWORK_KEY
from cni.pluginfiles import with_plugin_files

PREFIX = "cni:"
OWN_TYPE = "genie"
ATTACHING_TYPES = frozenset({"bridge", "host-device", "ipvlan", "macvlan", "ptp", "tap", "vlan", OWN_TYPE})
"""Plugins that ask an IPAM plugin, and are none."""
SUFFIXES = (".conf", ".conflist")


class NetworkUnknown(Exception):  # noqa: N818 - the word that callers read best
    """No usable configuration has that name; the text says where was looked, what is wrong there and what to do."""

    def __init__(self, text: str, *, later: bool = False) -> None:
        self.later = later
        """Only who could tell is away now: the same question may succeed later."""
        super().__init__(text)


class _Unusable(Exception):  # noqa: N818 - never leaves this module
    """This file is no usable configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """A network's configuration as a list, ready for the delegates."""

    network: str
    """``cni:NAME``, ``nad:NAMESPACE/NAME`` or ``logical:NAMESPACE/NAME``, the same however it was asked for."""
    own_name: str
    """The ``name`` in the configuration: what IPAM plugins keep their addresses under."""
    config: bytes
    """The configuration list, JSON."""
    physical_network: str | None

    def free_addresses(self) -> int | None:
        """How many more attachments find an address; None when its IPAM does not let us know."""
        return free_addresses(self.own_name, msgspec.json.decode(self.config)["plugins"])


class ConfDir:
    """The configurations in one directory, read anew at each question: administrators edit them.

    ``default_nic`` tells the NIC of the node's default route, for configurations that are made up.
    """

    def __init__(self, path: Path, default_nic: Callable[[], str | None] = lambda: None) -> None:
        self.path = path
        self._default_nic = default_nic

    def find(self, name: str) -> NetworkConfig:
        """The network ``NAME`` or ``cni:NAME``: of the files, else made up for a well-known plugin.

        Raises NetworkUnknown.
        """
        wanted = name.removeprefix(PREFIX)
        problems: list[str] = []
        usable = list(self._usable(problems))
        for name_of in (_key_of, _own_name_of, _base_of):
            for base, config in usable:
                if name_of(base, config) == wanted:
                    return config
        made_up = generate(wanted, self._default_nic)
        if made_up is not None:
            return of_content(PREFIX + wanted, made_up)
        raise NetworkUnknown(_unknown(wanted, self.path, [config for _, config in usable], problems))

    def by_own_name(self, name: str) -> dict[str, Any]:
        """The content of the file whose ``name`` says so: of a ``.conflist``, else of a ``.conf`` or ``.json`` (N3).

        That is how the standard finds what a NetworkAttachmentDefinition leaves to the disk. Raises NetworkUnknown.
        """
        problems: list[str] = []
        for suffixes in ((".conflist",), (".conf", ".json")):
            for path in self._files(suffixes):
                try:
                    content = _read(path)
                except _Unusable as error:
                    problems.append(f"{path.name}: {error}")
                    continue
                if content.get("name") == name and not is_own(content):
                    return content
        raise NetworkUnknown("; ".join([f"no configuration named {name!r} is in {self.path}", *problems]))

    def default(self) -> NetworkConfig:
        """The first configuration by file name that is not genie's own. Raises NetworkUnknown."""
        problems: list[str] = []
        for _, config in self._usable(problems):
            return config
        raise NetworkUnknown("; ".join([f"no network is configured in {self.path} beside genie's own", *problems]))

    def all(self) -> list[NetworkConfig]:
        """Every network that this node can attach to, by file name; unusable files are left out."""
        return [config for _, config in self._usable([])]

    def _usable(self, problems: list[str]) -> Iterator[tuple[str, NetworkConfig]]:
        """Each configuration, and the name of its file without extension."""
        taken: set[str] = set()
        for path in self._files():
            try:
                config = _load(path, taken)
            except _Unusable as error:
                problems.append(f"{path.name}: {error}")
                continue
            if config is not None and config.network not in taken:
                taken.add(config.network)
                yield _base(path), config

    def _files(self, suffixes: tuple[str, ...] = SUFFIXES) -> list[Path]:
        try:
            return sorted(path for path in self.path.iterdir() if path.suffix in suffixes and path.is_file())
        except OSError:
            return []


def file_key(path: Path) -> str:
    """The name that a file is known by: ``10-my-net.conf`` is ``my-net``, ``weave.conf`` is ``weave``."""
    base = _base(path)
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
        if not all(isinstance(plugin, dict) and _has_type(plugin) for plugin in plugins):
            raise ValueError("every plugin needs a type")
        return content
    if not _has_type(content):
        raise ValueError("a plugin's type is missing (is it a .conflist?)")
    plugin = {key: value for key, value in content.items() if key != PHYSICAL_NETWORK_KEY}
    listed = {"name": content.get("name") or fallback_name, "plugins": [plugin]}
    for key in ("cniVersion", "cniVersions", PHYSICAL_NETWORK_KEY):
        if key in content:
            listed[key] = content[key]
    return listed


def _has_type(plugin: Mapping[str, Any]) -> bool:
    return isinstance(plugin.get("type"), str) and bool(plugin["type"])


def _refuse_endless(plugin: Mapping[str, Any]) -> None:
    """Raises ValueError for a plugin that would start itself, as its IPAM plugin gets the same configuration."""
    ipam = plugin.get("ipam")
    named = ipam.get("type") if isinstance(ipam, dict) else None
    if isinstance(named, str) and (named == plugin["type"] or named in ATTACHING_TYPES):
        raise ValueError(f"ipam: {named} gives no addresses, it would start itself without end; name an IPAM plugin")


def of_content(network: str, content: dict[str, Any], fallback_name: str = "") -> NetworkConfig:
    """A configuration by its content, as ``network``. Raises ValueError that says what is wrong with it."""
    listed = as_list(content, fallback_name)
    for plugin in listed["plugins"]:
        _refuse_endless(plugin)
    physical = listed.get(PHYSICAL_NETWORK_KEY)
    if physical is not None and not isinstance(physical, str):
        raise ValueError(f"{PHYSICAL_NETWORK_KEY} must be a name")
    return NetworkConfig(
        network=network,
        own_name=str(listed["name"]),
        config=msgspec.json.encode(listed),
        physical_network=physical,
    )


def is_own(content: dict[str, Any]) -> bool:
    """Whether it is genie's own configuration, or has genie in its chain: no network to attach to."""
    plugins = content.get("plugins")
    entries = plugins if isinstance(plugins, list) else [content]
    return any(isinstance(entry, dict) and entry.get("type") == OWN_TYPE for entry in entries)


def _base(path: Path) -> str:
    return path.name.removesuffix(path.suffix)


def _key_of(_: str, config: NetworkConfig) -> str:
    return config.network.removeprefix(PREFIX)


def _own_name_of(_: str, config: NetworkConfig) -> str:
    return config.own_name


def _base_of(base: str, _: NetworkConfig) -> str:
    return base


def _read(path: Path) -> dict[str, Any]:
    """Raises _Unusable."""
    try:
        content = jsontext.parse(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _Unusable(str(error)) from error
    if not isinstance(content, dict):
        raise _Unusable("not a JSON object")
    try:
        return with_plugin_files(content, path.parent)
    except ValueError as error:
        raise _Unusable(str(error)) from error


def _load(path: Path, taken: set[str]) -> NetworkConfig | None:
    """The configuration in the file; None for genie's own. Raises _Unusable."""
    content = _read(path)
    if is_own(content):
        return None
    key = file_key(path)
    try:
        config = of_content(PREFIX + key, content, key)
    except ValueError as error:
        raise _Unusable(str(error)) from error
    # A file whose key an earlier file has taken is still found by its own name.
    return replace(config, network=PREFIX + config.own_name) if config.network in taken else config


def _unknown(wanted: str, directory: Path, usable: list[NetworkConfig], problems: list[str]) -> str:
    known = ", ".join(sorted(config.network.removeprefix(PREFIX) for config in usable)) or "none"
    text = f"no usable configuration for network {wanted!r} in {directory} (known: {known})"
    return "; ".join([f"{text}; {why_not(wanted)}", *problems])
