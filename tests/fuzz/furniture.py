"""What requests find: the networks of a node's files, and the objects that describe networks; as trees."""

from __future__ import annotations

from typing import Any

from tests.fuzz.documents import Text, Tree


def ipam(subnet: str, **keys: Tree) -> dict[str, Tree]:
    return {"type": "host-local", "ranges": [[{"subnet": subnet}]], "dataDir": "@DIR@/ipam", **keys}


def listed(name: str, *plugins: Tree, version: str = "1.0.0", **keys: Tree) -> dict[str, Tree]:
    return {"cniVersion": version, "name": name, "plugins": list(plugins), **keys}


def told(**does: Tree) -> dict[str, Tree]:
    """The scripted plugin; ``add`` and the like say what it does."""
    return {"type": "scripted", "log": "@DIR@/calls", **does}


BLUE = listed(
    "blue",
    {"type": "bridge", "bridge": "br0", "isGateway": True, "mtu": 1400, "ipam": ipam("10.1.0.0/24")},
    **{"switcher.genie.io/physical-network": "phynet0"},
)
GREEN = listed("green", {"type": "ptp", "ipam": ipam("10.2.0.0/24", routes=[{"dst": "10.9.0.0/16"}])}, version="0.4.0")
CHAIN = listed(
    "chain",
    {
        "type": "bridge",
        "bridge": "br1",
        "capabilities": {"ips": True, "mac": True},
        "ipam": ipam("10.3.0.0/24", routes=[{"dst": "0.0.0.0/0", "gw": "10.3.0.1"}]),
        "dns": {"nameservers": ["10.3.0.1"], "search": ["lab"]},
    },
    {"type": "tuning", "capabilities": {"mac": True}, "sysctl": {"net.ipv4.conf.IFNAME.arp_filter": "1"}},
)
SINGLE = {"cniVersion": "0.3.1", "name": "single", "type": "bridge", "bridge": "br2", "ipam": ipam("10.4.0.0/24")}
TOLD = listed("told", told(), version="1.1.0")

PRINTED = {
    "cniVersion": "1.1.0",
    "interfaces": [
        {"name": "veth1", "mac": "02:00:00:00:00:01", "mtu": 1500},
        {"name": "eth0", "mac": "02:00:00:00:00:02", "sandbox": "@NETNS@", "mtu": 1500, "pciID": "0000:01:00.0"},
    ],
    "ips": [{"address": "10.7.0.5/24", "gateway": "10.7.0.1", "interface": 1}, {"address": "fd00:7::5/64"}],
    "routes": [{"dst": "0.0.0.0/0", "gw": "10.7.0.1", "mtu": 1400, "table": 100}, {"dst": "10.9.0.0/16"}],
    "dns": {"nameservers": ["10.7.0.1"], "domain": "lab", "search": ["lab"], "options": ["ndots:5"]},
}
OLDEST = {
    "cniVersion": "0.2.0",
    "ip4": {"ip": "10.7.0.5/24", "gateway": "10.7.0.1", "routes": [{"dst": "0.0.0.0/0", "gw": "10.7.0.1"}]},
    "ip6": {"ip": "fd00:7::5/64"},
    "dns": {"nameservers": ["10.7.0.1"]},
}


def definition(name: str, config: Tree, namespace: str = "lab", **annotations: str) -> dict[str, Tree]:
    """A NetworkAttachmentDefinition."""
    return {
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        "spec": {} if config is None else {"config": Text(config)},
    }


def genie(kind: str, name: str, **spec: Tree) -> dict[str, Tree]:
    """A LogicalNetwork or PhysicalNetwork."""
    metadata = {"name": name, "namespace": "lab"}
    return {"apiVersion": "alpha.network.k8s.io/v1", "kind": kind, "metadata": metadata, "spec": spec}


PLAIN = listed("plain", {"type": "bridge", "bridge": "br3", "ipam": ipam("10.6.0.0/24")})
DEFINITIONS: dict[str, Any] = {
    "one.yaml": definition("one", CHAIN, **{"switcher.genie.io/physical-network": "phynet0"}),
    "two.yaml": definition("two", {"type": "ptp", "ipam": ipam("10.5.0.0/24")}),
    "disk.yaml": definition("blue", None),
    "told.yaml": definition("told", TOLD, "kube-system"),
}
LOGICAL: dict[str, Any] = {
    "phy.yaml": genie(
        "PhysicalNetwork",
        "phy",
        refer_nic="eth2",
        sharedStatus={"plugin": "plain", "subnet": "10.6.0.0/16", "dedicatedNet": True},
        uplinks=[
            {
                "nodeSelector": {
                    "matchLabels": {"zone": "a"},
                    "matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}],
                },
                "refer_nic": "eth2",
            }
        ],
        capacity="100Mbps",
        sla="99.9",
    ),
    "shared.yaml": genie("Physicalnetwork", "shared", refer_nic="eth2", sharedStatus={"dedicatedNet": False}),
    "net1.yaml": genie("LogicalNetwork", "net1", physicalNet="phy", sub_subnet="10.6.7.0/24"),
    "net2.yaml": genie("Logicalnetwork", "net2", physicalNet="shared", plugin="plain", sub_subnet="10.6.8.0/24"),
}
