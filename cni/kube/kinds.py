"""What is read of each kind: only what the port's values need is ever decoded, the rest is passed over as bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from cni.cluster import AttachmentDefinition, LogicalNetwork, PhysicalNetwork, Pod
from cni.objects.parsing import ATTACHMENT_DEFINITION, LOGICAL_NETWORK, PHYSICAL_NETWORK, Identity, Kind

LAST_APPLIED_KEY = "kubectl.kubernetes.io/last-applied-configuration"
"""A copy of the whole manifest, kept for kubectl; not kept in memory."""
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
NATIVE_DOMAIN = "kubernetes.io"

Value = Pod | AttachmentDefinition | LogicalNetwork | PhysicalNetwork
T = TypeVar("T", Pod, AttachmentDefinition, LogicalNetwork, PhysicalNetwork)
S = TypeVar("S", bound=msgspec.Struct)
Content = bytes | msgspec.Raw


class Metadata(msgspec.Struct, rename="camel"):
    """``metadata``, without what it has for others."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    annotations: dict[str, str] | None = None
    labels: dict[str, str] | None = None
    deletion_timestamp: str | None = None


class _Resources(msgspec.Struct):
    requests: dict[str, Any] | None = None
    limits: dict[str, Any] | None = None


class _Container(msgspec.Struct):
    resources: _Resources | None = None


class _PodSpec(msgspec.Struct, rename="camel"):
    node_name: str = ""
    host_network: bool = False
    runtime_class_name: str | None = None
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None
    resource_claims: list[msgspec.Raw] | None = None


class _PodObject(msgspec.Struct):
    metadata: Metadata
    spec: _PodSpec | None = None


class _SpecObject(msgspec.Struct):
    metadata: Metadata
    spec: Any = None


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """One object as the server has it."""

    value: T
    version: str
    """Its ``resourceVersion``."""
    why_unusable: str = ""
    """Not empty: the value is not to be used."""
    remarks: tuple[str, ...] = ()
    """What its author should know."""


@dataclass(frozen=True, slots=True)
class Resource(Generic[T]):
    """A kind, its place in the API, and how its objects are read."""

    kind: str
    group: str
    version: str
    plural: str
    read: Callable[[Content], Seen[T]]
    """Raises msgspec.DecodeError for what is no object at all."""

    def path(self, namespace: str = "", name: str = "", below: str = "") -> str:
        """Of all objects of the cluster, or of one, or of a part of one."""
        root = f"/apis/{self.group}" if self.group else "/api"
        within = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        one = "".join(f"/{quote(part, safe='')}" for part in (name, below) if part)
        return f"{root}/{self.version}{within}/{self.plural}{one}"


def can_exist(namespace: str, name: str) -> bool:
    """Whether Kubernetes allows such names. Others are never put into a path: they come from annotations."""
    return bool(NAME.fullmatch(namespace)) and bool(NAME.fullmatch(name))


def _read_pod(content: Content) -> Seen[Pod]:
    found = _decoded(content, _PodObject)
    metadata, spec = found.metadata, found.spec or _PodSpec()
    pod = Pod(
        namespace=metadata.namespace,
        name=metadata.name,
        uid=metadata.uid,
        node=spec.node_name,
        annotations=_annotations(metadata),
        labels=metadata.labels or {},
        host_network=spec.host_network,
        deleting=metadata.deletion_timestamp is not None,
        runtime_class=spec.runtime_class_name or "",
        devices=bool(spec.resource_claims) or any(map(_is_device, _resources(spec))),
    )
    return Seen(pod, metadata.resource_version)


def _reader(kind: Kind[Any]) -> Callable[[Content], Seen[Any]]:
    def read(content: Content) -> Seen[Any]:
        found = _decoded(content, _SpecObject)
        metadata = found.metadata
        identity = Identity(namespace=metadata.namespace, name=metadata.name, annotations=_annotations(metadata))
        value, findings = kind.parse(identity, found.spec)
        return Seen(value, metadata.resource_version, "; ".join(findings.problems), tuple(findings.unknown))

    return read


def _decoded(content: Content, kind: type[S]) -> S:
    try:
        return msgspec.json.decode(content, type=kind)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error


def _annotations(metadata: Metadata) -> dict[str, str]:
    annotations = metadata.annotations or {}
    annotations.pop(LAST_APPLIED_KEY, None)
    return annotations


def _resources(spec: _PodSpec) -> set[str]:
    """The names of all resources that any container asks for."""
    names: set[str] = set()
    for container in [*(spec.containers or []), *(spec.init_containers or [])]:
        asked = container.resources or _Resources()
        names.update(asked.requests or {}, asked.limits or {})
    return names


def _is_device(resource: str) -> bool:
    """An extended resource: with a domain that is not Kubernetes' own (kubernetes.io, "Extended resources")."""
    domain, slash, _ = resource.partition("/")
    return slash != "" and domain != NATIVE_DOMAIN and not domain.endswith(f".{NATIVE_DOMAIN}")


PODS: Resource[Pod] = Resource("Pod", "", "v1", "pods", _read_pod)


def _resource(kind: Kind[Any]) -> Resource[Any]:
    return Resource(kind.name, kind.group, kind.version, kind.plural, _reader(kind))


ATTACHMENT_DEFINITIONS: Resource[AttachmentDefinition] = _resource(ATTACHMENT_DEFINITION)
LOGICAL_NETWORKS: Resource[LogicalNetwork] = _resource(LOGICAL_NETWORK)
PHYSICAL_NETWORKS: Resource[PhysicalNetwork] = _resource(PHYSICAL_NETWORK)
