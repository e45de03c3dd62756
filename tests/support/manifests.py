"""Values of the node's view of a cluster as the manifests that a user would write for them."""

from __future__ import annotations

from typing import Any

from cni.cluster import AttachmentDefinition, LogicalNetwork, PhysicalNetwork, Pod, Uplink

Object = Pod | AttachmentDefinition | LogicalNetwork | PhysicalNetwork
HOLD = "genie.test/hold"
"""A finalizer: a pod that has it stays, being deleted, until it is taken off."""


def manifest(value: Object) -> dict[str, Any]:
    """The object as it is created; a pod that is being deleted has a finalizer that holds it."""
    match value:
        case Pod():
            return _pod(value)
        case AttachmentDefinition():
            made = _object("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition", value)
            made["metadata"]["annotations"] = dict(value.annotations)
            return {**made, "spec": {"config": value.config}} if value.config else made
        case LogicalNetwork():
            spec = {"physicalNet": value.physical_net, "sub_subnet": value.sub_subnet, "plugin": value.plugin}
            return {**_object("alpha.network.k8s.io/v1", "LogicalNetwork", value), "spec": _given(spec)}
        case PhysicalNetwork():
            return {**_object("alpha.network.k8s.io/v1", "PhysicalNetwork", value), "spec": _physical(value)}


def _object(api_version: str, kind: str, value: Object) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"namespace": value.namespace, "name": value.name}}


def _given(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if value}


def _pod(pod: Pod) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "main", "image": "none"}
    if pod.devices:
        container["resources"] = {"limits": {"example.com/nic": "1"}}
    spec = {
        "nodeName": pod.node,
        "containers": [container],
        "hostNetwork": pod.host_network,
        "runtimeClassName": pod.runtime_class,
        "automountServiceAccountToken": False,
    }
    made = {**_object("v1", "Pod", pod), "spec": _given(spec)}
    made["metadata"].update(annotations=dict(pod.annotations), labels=dict(pod.labels))
    if pod.deleting:
        made["metadata"]["finalizers"] = [HOLD]
    return made


def _physical(network: PhysicalNetwork) -> dict[str, Any]:
    shared = {"plugin": network.plugin, "subnet": network.subnet, "dedicatedNet": network.dedicated}
    return _given(
        {
            "refer_nic": network.refer_nic,
            "sharedStatus": _given(shared),
            "uplinks": [_uplink(uplink) for uplink in network.uplinks],
            "capacity": network.capacity,
            "sla": network.sla,
        }
    )


def _uplink(uplink: Uplink) -> dict[str, Any]:
    expressions = [
        _given({"key": each.key, "operator": each.operator, "values": list(each.values)})
        for each in uplink.requirements
    ]
    selector = {"matchLabels": dict(uplink.node_selector), "matchExpressions": expressions}
    return _given({"refer_nic": uplink.refer_nic, "nodeSelector": _given(selector)})
