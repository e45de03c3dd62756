"""Builds the site: ``world`` with a bridge and a gateway per physical network, and the nodes with an uplink into each.

The namespaces live in the sandbox's own /run/netns, so they end with the sandbox whatever happens.
"""

from __future__ import annotations

from switcher.lab.blueprint import CLIENT, FLOOD_SINK, MTU, PHYSICAL_NETWORKS, SINK, WORLD, Blueprint, Node
from switcher.lab.command import NETNS_DIR, batch, inside, run

CLUSTER_BRIDGE = "cluster"
QUIET = (
    # One address family, so that a node is compared with itself before and after without what IPv6 adds by itself.
    "net/ipv6/conf/all/disable_ipv6=1",
    "net/ipv6/conf/default/disable_ipv6=1",
    # Ask for neighbours with the address of the link asked on, as a gateway does.
    "net/ipv4/conf/all/arp_announce=2",
)


def cluster_address(node: Node) -> str:
    """The node's address in the plain local network of the workloads' primary interfaces."""
    return f"10.244.{node.number}.1"


def make_namespace(name: str) -> None:
    """An empty namespace with its loopback up. Raises LabError when it exists."""
    run(["ip", "netns", "add", name])
    writes = "; ".join(f"echo {line.split('=')[1]} > /proc/sys/{line.split('=')[0]}" for line in QUIET)
    run(inside(name, "sh", "-c", f"{writes}; ip link set lo up"))


def remove_namespace(name: str) -> None:
    """Remove the namespace; one that is not there is a success."""
    if (NETNS_DIR / name).exists():
        run(["ip", "netns", "del", name])


def build(blueprint: Blueprint) -> None:
    """Make ``world`` and all nodes. Raises LabError."""
    make_namespace(WORLD)
    lines = [f"address add {address}/32 dev lo" for address in (SINK, CLIENT, FLOOD_SINK)]
    for network in PHYSICAL_NETWORKS:
        lines += [
            f"link add {network.name} mtu {MTU} type bridge",
            f"address add {network.gateway}/16 dev {network.name}",
            f"link set {network.name} up",
        ]
    batch("ip", WORLD, lines)
    for node in blueprint.nodes:
        _add_node(node)


def _add_node(node: Node) -> None:
    make_namespace(node.name)
    lines = [
        f"link add {CLUSTER_BRIDGE} mtu {MTU} type bridge",
        f"address add {cluster_address(node)}/24 dev {CLUSTER_BRIDGE}",
        f"link set {CLUSTER_BRIDGE} up",
    ]
    far = []
    for network in PHYSICAL_NETWORKS:
        end = node.far_end(network)
        lines.append(f"link add {network.nic} mtu {MTU} type veth peer name {end} mtu {MTU} netns {WORLD}")
        lines.append(f"link set {network.nic} up")
        far += [f"link set {end} master {network.name}", f"link set {end} up"]
        if network.plugin == "bridge":
            lines += [
                f"link add {network.bridge} mtu {MTU} type bridge",
                f"link set {network.nic} master {network.bridge}",
                f"address add {node.own_address(network)}/16 dev {network.bridge}",
                f"link set {network.bridge} up",
                f"route add {FLOOD_SINK}/32 via {network.gateway} dev {network.bridge} metric {10 + network.number}",
            ]
    batch("ip", node.name, lines)
    batch("ip", WORLD, far)


def destroy(blueprint: Blueprint) -> None:
    """Remove all namespaces of the site and its workloads; what is not there is a success."""
    for name in (*(w.name for w in blueprint.workloads), *(n.name for n in blueprint.nodes), WORLD):
        remove_namespace(name)
