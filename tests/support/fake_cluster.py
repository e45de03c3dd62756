"""A cluster in memory that behaves: it passes the contract suite that the API server passes too."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from cni.cluster import (
    AttachmentDefinition,
    ClusterAway,
    ClusterRefused,
    LogicalNetwork,
    ObjectUnknown,
    ObjectUnusable,
    PhysicalNetwork,
    Pod,
    PodEvent,
    PodListener,
)

Object = Pod | AttachmentDefinition | LogicalNetwork | PhysicalNetwork
log = logging.getLogger(__name__)

T = TypeVar("T", Pod, AttachmentDefinition, LogicalNetwork, PhysicalNetwork)


class FakeCluster:
    """``cni.cluster.Cluster``, seen from ``node``. Tests say what is there: :meth:`put`, :meth:`remove`.

    ``away``: the server does not answer; what the node has seen is still known. ``refused``: the text of its refusal.
    ``unusable``: why an object (kind, namespace, name) cannot be used. ``patches``: every pod that was annotated, as it
    was then. ``labels``: the node's.
    """

    def __init__(self, node: str = "n1", *objects: Object) -> None:
        self.node = node
        self.away = False
        self.refused = ""
        self.unusable: dict[tuple[str, str, str], str] = {}
        self.patches: list[Pod] = []
        self.labels: Mapping[str, str] = {}
        self._lock = threading.RLock()
        self._objects: dict[tuple[type, str, str], Object] = {}
        self._listeners: list[PodListener] = []
        self.put(*objects)

    def put(self, *objects: Object) -> None:
        """Make these, or let them take the place of what has their name."""
        with self._lock:
            for made in objects:
                before = self._objects.get(_key(made))
                self._objects[_key(made)] = made
                if isinstance(made, Pod) and made.node == self.node:
                    self._tell(made, before if isinstance(before, Pod) else None)

    def remove(self, gone: Object) -> None:
        """Delete it; a pod is said to be on its way out before it is gone."""
        with self._lock:
            now = self._objects[_key(gone)]
            if isinstance(now, Pod):
                self.put(replace(now, deleting=True))
            last = self._objects.pop(_key(gone))
            if isinstance(last, Pod) and last.node == self.node:
                self._call(PodEvent.DELETED, last)

    def pod(self, namespace: str, name: str, uid: str = "") -> Pod:
        """See ``cni.cluster.Cluster``."""
        with self._lock:
            pod = self._objects.get((Pod, namespace, name))
            seen = isinstance(pod, Pod) and pod.node == self.node and uid != "" and pod.is_meant_by(uid)
            self._answering(seen)
            if not isinstance(pod, Pod):
                raise ObjectUnknown("Pod", namespace, name)
            if not pod.is_meant_by(uid):
                raise ObjectUnknown("Pod", namespace, name, f"the one of that name now is {pod.uid}, not {uid}")
            return pod

    def annotate(self, pod: Pod, annotations: Mapping[str, str | None]) -> None:
        """See ``cni.cluster.Cluster``."""
        with self._lock:
            self._answering(seen=False)
            now = self.pod(pod.namespace, pod.name)
            if now.uid != pod.uid:
                raise ObjectUnknown("Pod", pod.namespace, pod.name, f"the one of that name now is {now.uid}")
            changed = {**now.annotations, **annotations}
            kept = {key: value for key, value in changed.items() if value is not None}
            annotated = replace(now, annotations=kept)
            self.put(annotated)
            self.patches.append(annotated)

    def on_pod(self, listener: PodListener) -> None:
        """See ``cni.cluster.Cluster``."""
        with self._lock:
            others, self._listeners = self._listeners, [listener]
            for pod in self._all(Pod):
                if pod.node == self.node:
                    self._call(PodEvent.ADDED, pod)
            self._listeners = [*others, listener]

    def node_labels(self) -> Mapping[str, str]:
        """See ``cni.cluster.Cluster``; the attribute ``labels``."""
        with self._lock:
            self._answering(seen=True)
            return self.labels

    def attachment_definition(self, namespace: str, name: str) -> AttachmentDefinition:
        """See ``cni.cluster.Objects``."""
        return self._one(AttachmentDefinition, "NetworkAttachmentDefinition", namespace, name)

    def logical_network(self, namespace: str, name: str) -> LogicalNetwork:
        """See ``cni.cluster.Objects``."""
        return self._one(LogicalNetwork, "LogicalNetwork", namespace, name)

    def physical_network(self, namespace: str, name: str) -> PhysicalNetwork:
        """See ``cni.cluster.Objects``."""
        return self._one(PhysicalNetwork, "PhysicalNetwork", namespace, name)

    def attachment_definitions(self) -> Sequence[AttachmentDefinition]:
        """See ``cni.cluster.Objects``."""
        return self._all(AttachmentDefinition)

    def logical_networks(self) -> Sequence[LogicalNetwork]:
        """See ``cni.cluster.Objects``."""
        return self._all(LogicalNetwork)

    def _one(self, kind: type[T], called: str, namespace: str, name: str) -> T:
        with self._lock:
            found = self._objects.get((kind, namespace, name))
            why = self.unusable.get((called, namespace, name))
            self._answering(found is not None or why is not None)
            if why is not None:
                raise ObjectUnusable(called, namespace, name, why)
            if not isinstance(found, kind):
                raise ObjectUnknown(called, namespace, name)
            return found

    def _all(self, kind: type[T]) -> list[T]:
        with self._lock:
            found = [each for each in self._objects.values() if isinstance(each, kind)]
        return sorted(found, key=lambda each: (each.namespace, each.name))

    def check(self) -> None:
        """See ``cni.cluster.Cluster``."""
        self._answering(seen=False)

    def _answering(self, seen: bool) -> None:
        if self.refused:
            raise ClusterRefused(self.refused)
        if self.away and not seen:
            raise ClusterAway("the API server does not answer")

    def _tell(self, pod: Pod, before: Pod | None) -> None:
        if before is not None and before.uid != pod.uid:
            self._call(PodEvent.DELETED, before)
            before = None
        if before != pod:
            self._call(PodEvent.ADDED if before is None else PodEvent.CHANGED, pod)

    def _call(self, event: PodEvent, pod: Pod) -> None:
        for listener in self._listeners:
            try:
                listener(event, pod)
            except Exception:
                log.exception("a listener failed")


def _key(thing: Object) -> tuple[type, str, str]:
    return (type(thing), thing.namespace, thing.name)
