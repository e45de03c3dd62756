"""What the node needs of a Kubernetes cluster, as values and a port. Pure.

The adapters are ``cni.kube`` (the API server) and ``cni.objects`` (YAML files, where there is no cluster).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class ObjectUnknown(Exception):  # noqa: N818 - the word that callers read best
    """There is no such object: asking again is in vain until somebody makes it."""

    def __init__(self, kind: str, namespace: str, name: str, why: str = "") -> None:
        self.kind = kind
        super().__init__(f"there is no {kind} {namespace}/{name}" + (f": {why}" if why else ""))


class ClusterAway(Exception):  # noqa: N818 - the same
    """The API server does not answer, or not in time: the same question may succeed later."""


class ClusterRefused(Exception):  # noqa: N818 - the same
    """The API server does not let us: credentials or rights are wrong; the text says which right is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod, as far as its networks go."""

    namespace: str
    name: str
    uid: str
    node: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    host_network: bool = False
    deleting: bool = False
    runtime_class: str = ""
    devices: bool = False
    """Whether it asks for devices of a device plugin (extended resources) or by resource claims."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentDefinition:
    """A NetworkAttachmentDefinition (``k8s.cni.cncf.io/v1``)."""

    namespace: str
    name: str
    config: str = ""
    """``spec.config``: a CNI configuration or list as JSON; empty: it is on the node's disk under the object's name."""
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogicalNetwork:
    """CNI-Genie's LogicalNetwork (``alpha.network.k8s.io/v1``); empty: not given."""

    namespace: str
    name: str
    physical_net: str = ""
    sub_subnet: str = ""
    plugin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """The NIC of those nodes whose labels match."""

    refer_nic: str
    node_selector: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalNetwork:
    """CNI-Genie's PhysicalNetwork (``alpha.network.k8s.io/v1``) with our additions; empty: not given."""

    namespace: str
    name: str
    refer_nic: str = ""
    plugin: str = ""
    subnet: str = ""
    dedicated: bool = False
    uplinks: tuple[Uplink, ...] = ()
    capacity: str = ""
    sla: str = ""


class Objects(Protocol):
    """The objects that describe networks. Every method raises ObjectUnknown, ClusterAway or ClusterRefused."""

    def attachment_definition(self, namespace: str, name: str) -> AttachmentDefinition:
        """One NetworkAttachmentDefinition."""

    def logical_network(self, namespace: str, name: str) -> LogicalNetwork:
        """One LogicalNetwork."""

    def physical_network(self, namespace: str, name: str) -> PhysicalNetwork:
        """One PhysicalNetwork."""

    def attachment_definitions(self) -> Sequence[AttachmentDefinition]:
        """All that are known now, by namespace and name; asks nobody, so it may be behind."""

    def logical_networks(self) -> Sequence[LogicalNetwork]:
        """All that are known now, by namespace and name; asks nobody, so it may be behind."""


class Cluster(Objects, Protocol):
    """A Kubernetes cluster, seen from one of its nodes. Every method may be called from any thread."""

    def pod(self, namespace: str, name: str, uid: str = "") -> Pod:
        """The pod as it is now, of that uid where one is given: a pod that was made anew is another one.

        Answered from the watch when that is warm and has it, else by one bounded read.
        Raises ObjectUnknown, ClusterAway, ClusterRefused.
        """

    def annotate(self, pod: Pod, annotations: Mapping[str, str | None]) -> None:
        """Sets these annotations of that very pod (its uid), None removes one; others stay as they are.

        Raises ObjectUnknown when the pod is gone or another now, ClusterAway, ClusterRefused.
        """
