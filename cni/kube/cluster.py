"""``cni.cluster.Cluster`` over an API server: answers from the watch while that is warm, else by one bounded read."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from cni.cluster import (
    AttachmentDefinition,
    ClusterAway,
    LogicalNetwork,
    ObjectUnknown,
    ObjectUnusable,
    PhysicalNetwork,
    Pod,
    PodEvent,
    PodListener,
)
from cni.kube.api import Api
from cni.kube.kinds import ATTACHMENT_DEFINITIONS, LOGICAL_NETWORKS, PHYSICAL_NETWORKS, PODS, Resource, Seen
from cni.kube.mirror import Mirror

LABELS_SECONDS = 60.0
STOP_SECONDS = 2.0

T = TypeVar("T", AttachmentDefinition, LogicalNetwork, PhysicalNetwork)

log = logging.getLogger(__name__)


class ApiCluster:
    """One cluster, seen from one of its nodes. Watches from its making until :meth:`stop`."""

    def __init__(self, api: Api, node: str) -> None:
        self._api = api
        self._node = node
        self._pods = Mirror(api, PODS, f"spec.nodeName={node}")
        self._attachment_definitions = Mirror(api, ATTACHMENT_DEFINITIONS)
        self._logical_networks = Mirror(api, LOGICAL_NETWORKS)
        self._physical_networks = Mirror(api, PHYSICAL_NETWORKS)
        self._labels_lock = threading.Lock()
        self._labels: Mapping[str, str] | None = None
        self._labels_until = 0.0
        self._told_of_node = False
        for mirror in self._mirrors:
            mirror.start()

    @property
    def warm(self) -> bool:
        """Whether the pods of this node are known without asking."""
        return self._pods.warm

    @property
    def unsafe(self) -> str:
        """What is unsafe about the connection in use, and where it was read; empty: nothing."""
        return self._api.unsafe

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End the watches, waiting so long at most."""
        for mirror in self._mirrors:
            mirror.stop()
        self._api.close()
        until = time.monotonic() + seconds
        for mirror in self._mirrors:
            mirror.join(max(0.0, until - time.monotonic()))

    def pod(self, namespace: str, name: str, uid: str = "") -> Pod:
        """See ``cni.cluster.Cluster``."""
        seen, warm = self._pods.find(namespace, name)
        known = seen.value if seen is not None and seen.value.is_meant_by(uid) else None
        if warm and known is not None:
            return known
        try:
            pod = self._api.read(PODS, namespace, name).value
        except ClusterAway as error:
            if known is None or not uid:
                raise
            log.warning("pod as it was last seen", extra={"pod": f"{namespace}/{name}", "error": str(error)})
            return known
        if not self._pods.warm:
            self._pods.nudge()
        if not pod.is_meant_by(uid):
            raise ObjectUnknown(PODS.kind, namespace, name, f"the one of that name now is {pod.uid}, not {uid}")
        self._compare_node(pod)
        return pod

    def annotate(self, pod: Pod, annotations: Mapping[str, str | None]) -> None:
        """See ``cni.cluster.Cluster``."""
        if annotations:
            self._api.annotate(pod, annotations)

    def on_pod(self, listener: PodListener) -> None:
        """See ``cni.cluster.Cluster``."""

        def follow(before: Pod | None, now: Pod | None) -> None:
            if before is not None and (now is None or now.uid != before.uid):
                listener(PodEvent.DELETED, before)
                before = None
            if now is not None:
                listener(PodEvent.ADDED if before is None else PodEvent.CHANGED, now)

        self._pods.follow(follow)

    def check(self) -> None:
        """See ``cni.cluster.Cluster``."""
        if not self.warm:
            with suppress(ObjectUnknown):  # an answer too
                self._api.node_labels(self._node)

    def node_labels(self) -> Mapping[str, str]:
        """See ``cni.cluster.Cluster``."""
        with self._labels_lock:
            if self._labels is not None and time.monotonic() < self._labels_until:
                return self._labels
            try:
                self._labels = self._api.node_labels(self._node)
            except ClusterAway:
                if self._labels is None:
                    raise
            else:
                self._labels_until = time.monotonic() + LABELS_SECONDS
            return self._labels

    def attachment_definition(self, namespace: str, name: str) -> AttachmentDefinition:
        """See ``cni.cluster.Objects``."""
        return self._one(self._attachment_definitions, ATTACHMENT_DEFINITIONS, namespace, name)

    def logical_network(self, namespace: str, name: str) -> LogicalNetwork:
        """See ``cni.cluster.Objects``."""
        return self._one(self._logical_networks, LOGICAL_NETWORKS, namespace, name)

    def physical_network(self, namespace: str, name: str) -> PhysicalNetwork:
        """See ``cni.cluster.Objects``."""
        return self._one(self._physical_networks, PHYSICAL_NETWORKS, namespace, name)

    def attachment_definitions(self) -> Sequence[AttachmentDefinition]:
        """See ``cni.cluster.Objects``."""
        return self._attachment_definitions.usable()

    def logical_networks(self) -> Sequence[LogicalNetwork]:
        """See ``cni.cluster.Objects``."""
        return self._logical_networks.usable()

    def _one(self, mirror: Mirror[T], resource: Resource[T], namespace: str, name: str) -> T:
        seen, warm = mirror.find(namespace, name)
        if seen is None or not warm:
            seen = self._read(mirror, resource, (namespace, name), seen)
        if seen.why_unusable:
            raise ObjectUnusable(resource.kind, namespace, name, seen.why_unusable)
        return seen.value

    def _read(self, mirror: Mirror[T], resource: Resource[T], key: tuple[str, str], known: Seen[T] | None) -> Seen[T]:
        try:
            read = self._api.read(resource, *key)
        except ClusterAway as error:
            if known is None:
                raise
            extra = {"kind": resource.kind, "object": "/".join(key), "error": str(error)}
            log.warning("object as it was last seen", extra=extra)
            return known
        if not mirror.warm:
            mirror.nudge()
        return read

    def _compare_node(self, pod: Pod) -> None:
        """A watch for the pods of a node that nobody else calls so would hear of none, and every ADD would ask."""
        if pod.node not in ("", self._node) and not self._told_of_node:
            self._told_of_node = True
            log.warning(
                "pod of another node: the agent's setting node must be the node's name in the cluster",
                extra={"pod": f"{pod.namespace}/{pod.name}", "its_node": pod.node, "node": self._node},
            )

    @property
    def _mirrors(
        self,
    ) -> tuple[Mirror[Pod] | Mirror[AttachmentDefinition] | Mirror[LogicalNetwork] | Mirror[PhysicalNetwork], ...]:
        return (self._pods, self._attachment_definitions, self._logical_networks, self._physical_networks)
