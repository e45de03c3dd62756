"""A node's CNI configurations: the plain local network of the primary interfaces, and the three that cost money."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from switcher.lab.blueprint import MTU, PHYSICAL_NETWORKS, SINKS, Node, PhysicalNetwork
from switcher.lab.site import CLUSTER_BRIDGE

CNI_VERSION = "1.0.0"
CLUSTER = "cluster"
PHYSICAL_NETWORK_KEY = "switcher.genie.io/physical-network"


def write_networks(node: Node, directory: Path, leases: Path) -> None:
    """Write every configuration of the node into ``directory``; IPAM keeps its leases below ``leases``."""
    directory.mkdir(parents=True, exist_ok=True)
    lists = [(10, _cluster(node, leases)), *((20, _paid(network, node, leases)) for network in PHYSICAL_NETWORKS)]
    for order, document in lists:
        (directory / f"{order}-{document['name']}.conflist").write_text(json.dumps(document, indent=2) + "\n")


def _cluster(node: Node, leases: Path) -> dict[str, Any]:
    ranges = [[{"subnet": f"10.244.{node.number}.0/24", "rangeStart": f"10.244.{node.number}.10"}]]
    plugin = {
        "type": "bridge",
        "bridge": CLUSTER_BRIDGE,
        "mtu": MTU,
        "ipam": {"type": "host-local", "dataDir": str(leases), "ranges": ranges},
    }
    return {"cniVersion": CNI_VERSION, "name": CLUSTER, "plugins": [plugin]}


def _paid(network: PhysicalNetwork, node: Node, leases: Path) -> dict[str, Any]:
    share = {
        "subnet": network.subnet,
        "rangeStart": node.first_address(network),
        "rangeEnd": node.last_address(network),
        "gateway": network.gateway,
    }
    ipam = {
        "type": "host-local",
        "dataDir": str(leases),
        "ranges": [[share]],
        "routes": [{"dst": SINKS, "gw": network.gateway}],
    }
    link = (
        {"type": "macvlan", "master": network.nic, "mode": "bridge"}
        if network.plugin == "macvlan"
        else {"type": "bridge", "bridge": network.bridge}
    )
    return {
        "cniVersion": CNI_VERSION,
        "name": network.name,
        PHYSICAL_NETWORK_KEY: network.name,
        "plugins": [{**link, "mtu": MTU, "ipam": ipam}],
    }
