"""The networks of the node that ``genie`` is tried on: files, objects, and the links that stand for its NICs.

Files: ``pods`` (the node's default), ``blue``, ``red`` (macvlan) and ``ports`` (with portmap). Objects in the namespace
``default``: the definitions ``green``, ``asked`` (takes addresses and MACs) and ``red`` (means the file), and the
logical networks ``net1``, ``net2`` (on a dedicated physical network) and ``net3`` (on a shared one).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address, ip_network
from typing import Any

from cni.cluster import AttachmentDefinition, LogicalNetwork, PhysicalNetwork
from tests.support.cluster.node import Cluster
from tests.support.cluster.programs import run
from tests.support.manifests import Object, manifest

UPLINKS = {"phynet1": "up1", "phynet2": "up2"}
SUBNETS = {
    "pods": "10.85.0.0/16",
    "blue": "10.86.0.0/16",
    "red": "10.87.0.0/16",
    "ports": "10.88.0.0/16",
    "green": "10.89.0.0/16",
    "asked": "10.90.0.0/16",
    "net1": "10.85.0.0/16",
    "net2": "10.86.64.0/20",
    "net3": "10.87.64.0/20",
}
"""What each gives out; a logical network may give a part of its plugin's."""

HOME = "default"


def belongs(address: str, network: str) -> bool:
    """Whether that network gives it out."""
    return ip_address(address) in ip_network(SUBNETS[network])


@contextmanager
def networks(cluster: Cluster) -> Iterator[None]:
    """Installed until the end of the block; the objects stay, for nobody minds them."""
    with ExitStack() as undo:
        for name in UPLINKS.values():
            _uplink(cluster, name, undo)
        for file, content in _files(cluster).items():
            cluster.install_network(file, content)
            undo.callback(cluster.remove_network, file)
        cluster.kubectl.apply(*map(manifest, _objects(cluster)))
        yield


def _uplink(cluster: Cluster, name: str, undo: ExitStack) -> None:
    """A NIC with its far end, which stays when the node is rebooted."""
    run("ip", "link", "add", name, "type", "veth", "peer", f"{name}-far")
    undo.callback(run, "ip", "link", "delete", name)
    for end in (name, f"{name}-far"):
        run("ip", "link", "set", end, "up")
        cluster.hardware.add(end)
        undo.callback(cluster.hardware.discard, end)


def _files(cluster: Cluster) -> dict[str, dict[str, Any]]:
    physical = "switcher.genie.io/physical-network"
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True}
    ports = cluster.bridge("ports", SUBNETS["ports"])
    macvlan = {"type": "macvlan", "master": UPLINKS["phynet2"], "ipam": _ipam(cluster, "red")}
    return {
        "20-blue.conflist": {**_listed("blue", _bridge(cluster, "blue")), physical: "phynet1"},
        "30-red.conflist": {**_listed("red", macvlan), physical: "phynet2"},
        "40-ports.conflist": {**ports, "plugins": [*ports["plugins"], portmap]},
    }


def _objects(cluster: Cluster) -> list[Object]:
    green = {"cniVersion": "1.0.0", **_bridge(cluster, "green")}
    asked = {"cniVersion": "1.0.0", "capabilities": {"ips": True, "mac": True}, **_bridge(cluster, "asked")}
    return [
        AttachmentDefinition(namespace=HOME, name="green", config=json.dumps(green)),
        AttachmentDefinition(namespace=HOME, name="asked", config=json.dumps(asked)),
        AttachmentDefinition(namespace=HOME, name="red"),
        LogicalNetwork(namespace=HOME, name="net1", plugin="pods"),
        PhysicalNetwork(
            namespace=HOME, name="all-mine", refer_nic="up1", plugin="blue", subnet=SUBNETS["blue"], dedicated=True
        ),
        LogicalNetwork(namespace=HOME, name="net2", physical_net="all-mine", sub_subnet=SUBNETS["net2"]),
        PhysicalNetwork(namespace=HOME, name="everybodys", refer_nic=UPLINKS["phynet1"]),
        LogicalNetwork(
            namespace=HOME, name="net3", physical_net="everybodys", plugin="red", sub_subnet=SUBNETS["net3"]
        ),
    ]


def _listed(name: str, plugin: dict[str, Any]) -> dict[str, Any]:
    return {"cniVersion": "1.0.0", "name": name, "plugins": [plugin]}


def _bridge(cluster: Cluster, name: str) -> dict[str, Any]:
    """Without a gateway: a network for the pods among themselves."""
    return {"type": "bridge", "bridge": f"br-{name}", "ipam": _ipam(cluster, name)}


def _ipam(cluster: Cluster, network: str) -> dict[str, Any]:
    ranges = [[{"subnet": SUBNETS[network]}]]
    return {"type": "host-local", "ranges": ranges, "dataDir": str(cluster.leases)}
