"""What the node needs of a Kubernetes cluster, as values and a port. Pure.

The adapters are ``cni.kube`` (the API server) and ``cni.objects`` (YAML files, where there is no cluster).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol, assert_never

STATIC_POD_UID_KEY = "kubernetes.io/config.hash"
"""On the mirror of a static pod: the uid that kubelet, and so the runtime, knows the pod by."""


class ObjectUnknown(Exception):  # noqa: N818 - the word that callers read best
    """There is no such object: asking again is in vain until somebody makes it."""

    def __init__(self, kind: str, namespace: str, name: str, why: str = "") -> None:
        self.kind = kind
        super().__init__(self._text(f"{kind} {namespace}/{name}", why))

    def _text(self, what: str, why: str) -> str:
        return f"there is no {what}" + (f": {why}" if why else "")


class ObjectUnusable(ObjectUnknown):
    """It is there, but says something that cannot be meant; the text says what, and where in it."""

    def _text(self, what: str, why: str) -> str:
        return f"{what} cannot be used: {why}"


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

    def is_meant_by(self, uid: str) -> bool:
        """Whether a runtime that gives this uid means this pod; without one every pod of the name is meant."""
        return uid in ("", self.uid, self.annotations.get(STATIC_POD_UID_KEY))


class PodEvent(StrEnum):
    """What happened to a pod of this node."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"


PodListener = Callable[[PodEvent, Pod], None]
Operator = Literal["In", "NotIn", "Exists", "DoesNotExist"]


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
class Requirement:
    """One of a selector's ``matchExpressions``."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """As Kubernetes has it: NotIn is also true where there is no such label."""
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels
            case _:
                assert_never(self.operator)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """The NIC of those nodes that the selector selects."""

    refer_nic: str
    node_selector: Mapping[str, str] = field(default_factory=dict)
    """Labels that a node must have (``matchLabels``)."""
    requirements: tuple[Requirement, ...] = ()
    """What else must hold of its labels (``matchExpressions``)."""

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether a node with these labels has this uplink; an empty selector selects every node."""
        plain = all(labels.get(key) == value for key, value in self.node_selector.items())
        return plain and all(requirement.holds(labels) for requirement in self.requirements)


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
    """The objects that describe networks. Every method may be called from any thread.

    Those for one object raise ObjectUnknown (ObjectUnusable), ClusterAway or ClusterRefused. What has been seen before
    is answered while the server is away: a node goes on attaching pods to the networks that it knows.
    """

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
    """A Kubernetes cluster, seen from one of its nodes."""

    def pod(self, namespace: str, name: str, uid: str = "") -> Pod:
        """The pod as it is now, of that uid where one is given: a pod that was made anew is another one.

        Answered from the watch when that is warm and has it, else by one bounded read; while the server is away,
        as it was last seen, if a uid says that it is the same. Raises ObjectUnknown, ClusterAway, ClusterRefused.
        """

    def annotate(self, pod: Pod, annotations: Mapping[str, str | None]) -> None:
        """Sets these annotations of that very pod (its uid), None removes one; others stay as they are.

        Raises ObjectUnknown when the pod is gone or another now, ClusterAway, ClusterRefused.
        """

    def on_pod(self, listener: PodListener) -> None:
        """Tells of every pod of this node: those that are there (ADDED), then each that comes, changes or goes.

        CHANGED means that the value is another one. The calls come one at a time, those to come from a thread of the
        cluster's own, which is held up by them. An exception is logged.
        """

    def check(self) -> None:
        """Whether it could be asked now; asks only when the watch does not say. Raises ClusterAway, ClusterRefused."""

    def node_labels(self) -> Mapping[str, str]:
        """The labels of this node, at most a minute old. Raises ObjectUnknown, ClusterAway, ClusterRefused."""
