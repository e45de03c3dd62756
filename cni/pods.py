"""Who asks for networks: the pod in the cluster, or a container outside of one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from cni.annotations import labels_of
from cni.args import annotations_of, namespace_of, workload_of
from cni.cluster import Cluster, ClusterAway, ClusterRefused, ObjectUnknown, Pod
from cni.protocol import Call, CniError, Code

TOLD_BY_RUNTIME = "io.kubernetes.cri.pod-annotations"
"""Capability by which containerd (from 1.6 on) supplies a pod's annotations where genie's configuration declares it."""

log = logging.getLogger(__name__)


class Clusters(Protocol):
    """The clusters that configurations of genie name."""

    @property
    def own(self) -> Cluster | None:
        """The agent's own, of its settings; None: it has none."""

    def of(self, config: Mapping[str, Any]) -> Cluster | None:
        """The one that this configuration names, else the agent's own; None: there is none.

        Raises ClusterRefused when what names it cannot be used.
        """


class NoClusters:
    """An agent outside Kubernetes."""

    own = None

    def of(self, config: Mapping[str, Any]) -> Cluster | None:  # noqa: ARG002 - the port's parameter
        """None, always."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A container and what it asks for."""

    workload: str
    """``namespace/pod``, or the container's id."""
    namespace: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    pod: Pod | None = None
    cluster: Cluster | None = None


def asking(clusters: Clusters, call: Call, args: Mapping[str, str]) -> Asking:
    """Who this ADD is for, by its parsed CNI_ARGS.

    A pod's annotations are the API server's. Where that cannot be asked, or does not know the pod, ``K8S_ANNOT``
    speaks, else what the runtime says of the pod. Raises CniError: better no network than the wrong one.
    """
    given = annotations_of(args)
    told = None if given is not None else _told_by_runtime(call)
    name = args.get("K8S_POD_NAME")
    try:
        cluster = clusters.of(call.config)
    except ClusterRefused as error:
        if given is None and told is None:
            raise CniError(Code.INVALID_CONFIG, str(error)) from error
        log.warning("the cluster cannot be used; the caller's annotations count", extra={"error": str(error)})
        cluster = None
    if not name:
        return _outside(call, args, given or {}, cluster)
    if cluster is None:
        return _without_cluster(call, args, given if given is not None else told)
    try:
        pod = cluster.pod(namespace_of(args), name, args.get("K8S_POD_UID", ""))
    except (ClusterAway, ClusterRefused, ObjectUnknown) as error:
        if given is None and told is None:
            code = Code.TRY_LATER if isinstance(error, ClusterAway) else Code.FAILED
            raise CniError(code, f"pod {workload_of(args, call.container_id)} cannot be read", str(error)) from error
        log.warning("a pod cannot be read; its caller's annotations count", extra={"pod": name, "error": str(error)})
        if given is not None:
            return _outside(call, args, given, cluster)
        pod = Pod(namespace=namespace_of(args), name=name, uid=args.get("K8S_POD_UID", ""), annotations=told or {})
    return _of_pod(pod, cluster)


def _told_by_runtime(call: Call) -> dict[str, str] | None:
    """The pod's annotations as the runtime knows them; None: it does not say. Raises CniError."""
    told = (call.config.get("runtimeConfig") or {}).get(TOLD_BY_RUNTIME)
    if told is None:
        return None
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise CniError(Code.INVALID_CONFIG, f"runtimeConfig: {TOLD_BY_RUNTIME} must be an object of strings")
    return told


def _without_cluster(call: Call, args: Mapping[str, str], annotations: Mapping[str, str] | None) -> Asking:
    if annotations is None:
        text = "Error building kubernetes client: neither the network configuration nor the agent names an API server"
        raise CniError(Code.INVALID_CONFIG, text, "give kubernetes.kubeconfig, or annotations as K8S_ANNOT in CNI_ARGS")
    return _outside(call, args, annotations, None)


def _of_pod(pod: Pod, cluster: Cluster) -> Asking:
    return Asking(
        workload=f"{pod.namespace}/{pod.name}",
        namespace=pod.namespace,
        annotations=pod.annotations,
        labels=pod.labels,
        pod=pod if pod.uid else None,
        cluster=cluster,
    )


def _outside(call: Call, args: Mapping[str, str], annotations: Mapping[str, str], cluster: Cluster | None) -> Asking:
    return Asking(
        workload=workload_of(args, call.container_id),
        namespace=namespace_of(args),
        annotations=annotations,
        labels=labels_of(annotations),
        cluster=cluster,
    )
