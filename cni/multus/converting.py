"""Multus' configuration converted to genie's: a netconf, configuration lists of inline delegates, and what is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from cni.annotations import parse_elements
from cni.multus.notes import notes_on
from cni.multus.reading import DEFAULT_NAME, Config, MultusRefused, is_daemons
from cni.netconf import file_key
from cni.networks import PREFIX
from cni.protocol import CniError
from cni.selection import NAD_PREFIX, SYSTEM_NAMESPACE

CONF_DIR = "/etc/cni/net.d"
MULTUS_CONF_DIR = "/etc/cni/multus/net.d"
FILE_SUFFIXES = (".conf", ".conflist", ".json")
GENIE_FILE = "00-genie.conf"
FIRST_NUMBER = 10
KEPT = ("namespaceIsolation", "multusNamespace", "systemNamespaces", "capabilities")
"""Fields that mean the same to genie."""


class Disk(Protocol):
    """The node's directories of configurations, as far as a name must be looked up in them."""

    def first(self, directory: str) -> str | None:
        """The first configuration's file; None when there is none, or the directory cannot be read."""

    def named(self, directory: str, name: str) -> tuple[str, Config] | None:
        """The file whose configuration has that name, and its content; None as above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What takes Multus' place. ``files`` have their names in the agent's ``confDir``; the first is genie's own."""

    files: Mapping[str, Config]
    notes: tuple[str, ...]
    """What has no counterpart, or must be done beside: ``FIELD: TEXT``."""


def convert(config: Config, disk: Disk, conf_dir: str = CONF_DIR) -> Converted:
    """Of a configuration that was read (:func:`cni.multus.read`); ``conf_dir``: the agent's. Raises MultusRefused."""
    notes: list[str] = []
    lists: dict[str, Config] = {}
    if config.get("clusterNetwork"):
        finder = _Finder(config, disk, conf_dir, notes)
        wanted = ["clusterNetwork", *(f"defaultNetworks[{n}]" for n in range(len(config.get("defaultNetworks", []))))]
        asked = [config["clusterNetwork"], *config.get("defaultNetworks", [])]
        networks = [finder.find(name, field) for name, field in zip(asked, wanted, strict=True)]
        if config.get("delegates"):
            notes.append("delegates: left out, as Multus does beside a clusterNetwork")
    elif config.get("delegates"):
        networks, lists = _inline(config, disk, conf_dir, notes)
    else:
        networks = _left_to_the_generator(config, notes)
    netconf = _netconf(config, networks)
    return Converted(files={GENIE_FILE: netconf, **lists}, notes=(*notes, *notes_on(config, conf_dir)))


def _netconf(config: Config, networks: Sequence[str]) -> Config:
    netconf: Config = {"cniVersion": config["cniVersion"]} if "cniVersion" in config else {}
    netconf |= {"name": config.get("name") or DEFAULT_NAME, "type": "genie", "interfacePrefix": "net"}
    if networks:
        netconf["default_plugin"] = ",".join(networks)
    if config.get("kubeconfig"):
        netconf["kubernetes"] = {"kubeconfig": config["kubeconfig"]}
    netconf |= {key: config[key] for key in KEPT if config.get(key)}
    if config.get("defaultNetworks"):
        netconf.setdefault("systemNamespaces", [SYSTEM_NAMESPACE])
    shared = config.get("globalNamespaces")
    if shared:
        parts = shared.split(",") if isinstance(shared, str) else shared
        netconf["globalNamespaces"] = [part.strip() for part in parts if part.strip()]
    return netconf


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds what a name in ``clusterNetwork`` or ``defaultNetworks`` means, in Multus' order."""

    config: Config
    disk: Disk
    conf_dir: str
    notes: list[str]

    def find(self, asked: str, field: str) -> str:
        """The network's name for genie. Raises MultusRefused."""
        network = self._by_path(asked, field) if "/" in asked else self._by_name(asked, field)
        try:
            (element,) = parse_elements(network)
        except (CniError, ValueError):
            element = None
        if element is None or element.network != network:
            raise MultusRefused(
                [f"{field}: {asked!r} cannot be named in default_plugin: rename it, without ',', '@' and spaces"]
            )
        return network

    def _by_name(self, asked: str, field: str) -> str:
        namespace = self.config.get("multusNamespace") or SYSTEM_NAMESPACE
        directory = on_host(self.config, self.config.get("confDir") or MULTUS_CONF_DIR)
        found = self.disk.named(directory, asked)
        definition = f"{NAD_PREFIX}{namespace}/{asked}"
        if found is None:
            return definition
        self.notes.append(
            f"{field}: taken for {directory}/{found[0]}; Multus takes a NetworkAttachmentDefinition {namespace}/{asked}"
            f" first: should there be one, write {definition} into default_plugin"
        )
        return self._of_file(directory, found[0], field)

    def _by_path(self, asked: str, field: str) -> str:
        path = PurePosixPath(on_host(self.config, asked))
        if path.suffix in FILE_SUFFIXES:
            return self._of_file(str(path.parent), path.name, field)
        file = self.disk.first(str(path))
        if file is None:
            text = f"{field}: no configuration can be read in directory {path}: convert on the node, or name the file"
            raise MultusRefused([text])
        return self._of_file(str(path), file, field)

    def _of_file(self, directory: str, file: str, field: str) -> str:
        target = file
        if file.endswith(".json"):
            target = f"{file.removesuffix('.json')}.conf"
        if directory != self.conf_dir or target != file:
            self.notes.append(f"{field}: copy {directory}/{file} to {self.conf_dir}/{target}")
        return PREFIX + file_key(Path(target))


def _inline(config: Config, disk: Disk, conf_dir: str, notes: list[str]) -> tuple[list[str], dict[str, Config]]:
    """The networks of the inline delegates, and the configuration lists that they need, by file."""
    networks: list[str] = []
    lists: dict[str, Config] = {}
    for number, delegate in enumerate(config["delegates"]):
        field = f"delegates[{number}]"
        name = delegate.get("name") or f"{config.get('name') or DEFAULT_NAME}-{number}"
        if not delegate.get("name"):
            notes.append(f"{field}: has no name and is called {name}; host-local keeps addresses by that name")
        if number and any(key.lower() == "masterplugin" for key in delegate):
            notes.append(f"{field}.masterplugin: the default network is the first delegate: put this one there")
        listed = _as_list(delegate, name)
        there = disk.named(conf_dir, name)
        if there is not None and _as_list(there[1], name) == listed:
            # Multus' generator copied it from there; the network's owner may change it there.
            notes.append(f"{field}: is the same as {conf_dir}/{there[0]}, which is used")
            networks.append(PREFIX + file_key(Path(there[0])))
            continue
        key = name if PREFIX + name not in networks else f"{name}-{number}"
        networks.append(PREFIX + key)
        lists[f"{FIRST_NUMBER + number}-{key}.conflist"] = listed
    return networks, lists


def _as_list(delegate: Config, name: str) -> Config:
    content = {key: value for key, value in delegate.items() if key.lower() != "masterplugin"}
    head: Config = {key: content.pop(key) for key in ("cniVersion", "name") if key in content}
    inner: Config = content if "plugins" in content else {"plugins": [content]}
    return {**head, "name": name, **inner}


def _left_to_the_generator(config: Config, notes: list[str]) -> list[str]:
    """What Multus' daemon makes of the directory of configurations: its first, or the one that is named."""
    master = config.get("multusMasterCNI")
    if master:
        return [PREFIX + file_key(Path(master))]
    notes.append(
        "multusConfigFile: the default network is the first configuration in confDir beside genie's own, as with Multus"
    )
    return []


def on_host(config: Mapping[str, Any], path: str) -> str:
    """A path of Multus' daemon, which sees the node's files below ``/host``, as the node has it."""
    inside = is_daemons(config) or config.get("type") == "multus-shim"
    return path.removeprefix("/host") if inside and path.startswith("/host/") else path
