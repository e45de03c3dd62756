"""The objects that describe networks, from their metadata and spec, wherever these were read. Pure.

Sources: the NetworkAttachmentDefinition standard, version 1.3, section 3; CNI-Genie's ``LogicalNetwork`` and
``PhysicalNetwork``, whose kinds its own examples also spell ``Logicalnetwork`` and ``Physicalnetwork``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast, get_args

from cni import jsontext
from cni.cluster import AttachmentDefinition, LogicalNetwork, Operator, PhysicalNetwork, Requirement, Uplink
from cni.objects.fields import Fields, Findings

Value = AttachmentDefinition | LogicalNetwork | PhysicalNetwork
T = TypeVar("T", AttachmentDefinition, LogicalNetwork, PhysicalNetwork)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What an object's metadata says, as far as it matters here."""

    namespace: str
    name: str
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[T]):
    """A kind of object: how it is called, and how its spec becomes a value."""

    name: str
    value: type[T]
    group: str
    version: str
    plural: str
    read: Callable[[Identity, Fields], T]

    @property
    def api_version(self) -> str:
        """As in an object's ``apiVersion``."""
        return f"{self.group}/{self.version}"

    def parse(self, identity: Identity, spec: Any) -> tuple[T, Findings]:
        """The value; not to be used when there are problems among the findings."""
        findings = Findings()
        fields = Fields(spec, "spec", findings)
        value = self.read(identity, fields)
        fields.end()
        return value, findings


def _attachment_definition(identity: Identity, spec: Fields) -> AttachmentDefinition:
    config = spec.text("config")
    if config:
        try:
            if not isinstance(jsontext.parse(config), dict):
                spec.problem("config", "must be a JSON object: a CNI configuration or list")
        except ValueError as error:
            spec.problem("config", f"is not JSON: {error}")
    return AttachmentDefinition(
        namespace=identity.namespace, name=identity.name, config=config, annotations=identity.annotations
    )


def _logical_network(identity: Identity, spec: Fields) -> LogicalNetwork:
    return LogicalNetwork(
        namespace=identity.namespace,
        name=identity.name,
        physical_net=spec.text("physicalNet"),
        sub_subnet=spec.subnet("sub_subnet"),
        plugin=spec.text("plugin"),
    )


def _physical_network(identity: Identity, spec: Fields) -> PhysicalNetwork:
    shared = spec.inner("sharedStatus")
    network = PhysicalNetwork(
        namespace=identity.namespace,
        name=identity.name,
        refer_nic=spec.device("refer_nic"),
        plugin=shared.text("plugin"),
        subnet=shared.subnet("subnet"),
        dedicated=shared.flag("dedicatedNet"),
        uplinks=tuple(_uplink(uplink) for uplink in spec.each("uplinks")),
        capacity=spec.text("capacity"),
        sla=spec.text("sla"),
    )
    shared.end()
    return network


def _uplink(fields: Fields) -> Uplink:
    selector = fields.inner("nodeSelector")
    uplink = Uplink(
        refer_nic=fields.device("refer_nic"),
        node_selector=selector.labels("matchLabels"),
        requirements=tuple(_requirement(each) for each in selector.each("matchExpressions")),
    )
    if not uplink.refer_nic:
        fields.problem("refer_nic", "is missing: name the interface that these nodes have")
    selector.end()
    fields.end()
    return uplink


def _requirement(fields: Fields) -> Requirement:
    key, operator, values = fields.text("key"), fields.text("operator"), fields.words("values")
    if not key:
        fields.problem("key", "is missing: name a label")
    if operator not in get_args(Operator):
        fields.problem("operator", f"{operator!r} must be one of {', '.join(get_args(Operator))}")
    if bool(values) != (operator in ("In", "NotIn")):
        fields.problem("values", "belong to In and NotIn, and to these alone")
    fields.end()
    return Requirement(key=key, operator=cast(Operator, operator), values=tuple(values))


ATTACHMENT_DEFINITION = Kind(
    name="NetworkAttachmentDefinition",
    value=AttachmentDefinition,
    group="k8s.cni.cncf.io",
    version="v1",
    plural="network-attachment-definitions",
    read=_attachment_definition,
)
LOGICAL_NETWORK = Kind(
    name="LogicalNetwork",
    value=LogicalNetwork,
    group="alpha.network.k8s.io",
    version="v1",
    plural="logicalnetworks",
    read=_logical_network,
)
PHYSICAL_NETWORK = Kind(
    name="PhysicalNetwork",
    value=PhysicalNetwork,
    group="alpha.network.k8s.io",
    version="v1",
    plural="physicalnetworks",
    read=_physical_network,
)
KINDS: tuple[Kind[AttachmentDefinition] | Kind[LogicalNetwork] | Kind[PhysicalNetwork], ...] = (
    ATTACHMENT_DEFINITION,
    LOGICAL_NETWORK,
    PHYSICAL_NETWORK,
)


def kind_called(name: str) -> Kind[AttachmentDefinition] | Kind[LogicalNetwork] | Kind[PhysicalNetwork] | None:
    """The kind of that name, in any case of its letters; None: it is none of ours."""
    return next((kind for kind in KINDS if kind.name.lower() == name.lower()), None)
