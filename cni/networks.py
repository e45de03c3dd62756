"""Every network that a container can be attached to, by name: the node's files and the cluster's objects.

``cni:NAME`` is a configuration of the node, ``nad:NAMESPACE/NAME`` a NetworkAttachmentDefinition,
``logical:NAMESPACE/NAME`` a LogicalNetwork. A bare name is taken where only one matches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from cni import jsontext, logical
from cni.cluster import AttachmentDefinition, Cluster, ClusterAway, ClusterRefused, Objects, ObjectUnknown
from cni.logical import DEFAULT_NAMESPACE, LogicalRefused
from cni.model import PHYSICAL_NETWORK_KEY
from cni.netconf import ConfDir, NetworkConfig, NetworkUnknown, is_own, of_content
from cni.selection import LOGICAL_PREFIX, NAD_PREFIX

PREFIX = "cni:"
OLDEST_OF_OBJECTS = "0.3.0"
"""cniVersion of an object's configuration that names none (CNI-Genie's choice)."""

Labels = Callable[[], Mapping[str, str]]


class Networks:
    """All networks of the node. ``objects``: the cluster's, or those of files; None: there are only configurations.

    Every method that finds raises NetworkUnknown.
    """

    def __init__(self, conf_dir: ConfDir, objects: Objects | None = None, labels: Labels = dict) -> None:
        self._conf_dir = conf_dir
        self._objects = objects
        self._labels = labels

    def of_cluster(self, cluster: Cluster | None) -> Networks:
        """The same node as a member of a cluster; None: as it is."""
        if cluster is None or cluster is self._objects:
            return self
        return Networks(self._conf_dir, cluster, cluster.node_labels)

    def find(self, name: str) -> NetworkConfig:
        """The network of that name, in any of its spellings."""
        if name.startswith(PREFIX):
            return self._conf_dir.find(name)
        if name.startswith(NAD_PREFIX):
            return self._by_object(name, self._attachment_definition)
        if name.startswith(LOGICAL_PREFIX):
            return self._by_object(name, self._logical_network)
        return self._bare(name)

    def default(self) -> NetworkConfig:
        """What a container gets that asks for nothing."""
        return self._conf_dir.default()

    def all(self) -> list[NetworkConfig]:
        """Every network that this node can attach to now; what is unusable or not known yet is left out."""
        found = self._conf_dir.all()
        if self._objects is None:
            return found
        names = [f"{NAD_PREFIX}{each.namespace}/{each.name}" for each in self._objects.attachment_definitions()]
        names += [f"{LOGICAL_PREFIX}{each.namespace}/{each.name}" for each in self._objects.logical_networks()]
        for name in names:
            try:
                found.append(self.find(name))
            except NetworkUnknown:
                continue  # its own attachments will say what is wrong with it
        return found

    def _bare(self, name: str) -> NetworkConfig:
        whole = name if "/" in name else f"{DEFAULT_NAMESPACE}/{name}"
        spellings = [spelling for spelling in (NAD_PREFIX + whole, LOGICAL_PREFIX + whole) if self._is_known(spelling)]
        if "/" not in name:
            try:
                found = self._conf_dir.find(name)
            except NetworkUnknown:
                if not spellings:
                    raise
            else:
                spellings.insert(0, found.network)
        if len(spellings) > 1:
            raise NetworkUnknown(f"network {name!r} may be any of {', '.join(spellings)}: name one of these")
        if not spellings:
            raise NetworkUnknown(f"there is neither a NetworkAttachmentDefinition nor a LogicalNetwork {whole}")
        return self.find(spellings[0])

    def _is_known(self, spelling: str) -> bool:
        if self._objects is None:
            return False
        kind, _, whole = spelling.partition(":")
        known = self._objects.attachment_definitions() if kind == "nad" else self._objects.logical_networks()
        return any(f"{each.namespace}/{each.name}" == whole for each in known)

    def _by_object(self, name: str, find: Callable[[Objects, str, str, str], NetworkConfig]) -> NetworkConfig:
        namespace, slash, own = name.partition(":")[2].rpartition("/")
        if self._objects is None:
            text = f"network {name}: this node has neither a cluster nor a directory of objects to find it in"
            raise NetworkUnknown(f"{text}: give the agent's settings kubernetes or objects")
        try:
            return find(self._objects, name, namespace if slash else DEFAULT_NAMESPACE, own)
        except (ObjectUnknown, ClusterRefused, LogicalRefused) as error:
            raise NetworkUnknown(f"network {name}: {error}") from error
        except (ClusterAway, NetworkUnknown) as error:
            later = isinstance(error, ClusterAway) or error.later
            raise NetworkUnknown(f"network {name}: {error}", later=later) from error

    def _attachment_definition(self, objects: Objects, network: str, namespace: str, name: str) -> NetworkConfig:
        definition = objects.attachment_definition(namespace, name)
        content = self._content_of(definition)
        if is_own(content):
            raise NetworkUnknown("its configuration is genie's own, which would call itself")
        # A name that is blank is none (N4).
        listed = content if str(content.get("name") or "").strip() else {**content, "name": name}
        if not (listed.get("cniVersion") or listed.get("cniVersions")):
            listed = {**listed, "cniVersion": OLDEST_OF_OBJECTS}
        try:
            config = of_content(network, listed)
        except ValueError as error:
            raise NetworkUnknown(str(error)) from error
        physical = definition.annotations.get(PHYSICAL_NETWORK_KEY)
        return replace(config, physical_network=physical) if physical else config

    def _content_of(self, definition: AttachmentDefinition) -> dict[str, Any]:
        if not definition.config.strip():
            return self._conf_dir.by_own_name(definition.name)
        where = f"spec.config of NetworkAttachmentDefinition {definition.namespace}/{definition.name}"
        try:
            content = jsontext.parse(definition.config)
        except ValueError as error:
            raise NetworkUnknown(f"{where} is not JSON: {error}") from error
        if not isinstance(content, dict):
            raise NetworkUnknown(f"{where} is not a JSON object")
        return content

    def _logical_network(self, objects: Objects, network: str, namespace: str, name: str) -> NetworkConfig:
        plan = logical.plan(objects.logical_network(namespace, name), objects.physical_network)
        base = self._conf_dir.find(plan.plugin)
        parent = None if plan.physical is None else logical.parent_nic(plan.physical, self._labels)
        content = logical.carried_out(plan, msgspec.json.decode(base.config), parent)
        physical = base.physical_network if plan.physical is None else logical.physical_name(plan.physical)
        return replace(base, network=network, config=msgspec.json.encode(content), physical_network=physical)
