"""What the lab is made of, as values: physical networks, nodes, workloads and the addresses of all of them.

The physical networks are the classic picture of CNI-Genie: three uplinks of each node at different prices.
Addresses are private (10.0.0.0/8) and from the documentation range 203.0.113.0/24 (RFC 5737).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

WORLD = "world"
NAMESPACE = "lab"
ATTACHMENT = "net1"
START_NETWORK = "phynet2"
SINK = "203.0.113.1"
CLIENT = "203.0.113.2"
FLOOD_SINK = "203.0.113.9"
SINKS = "203.0.113.0/24"
MTU = 9000
CURRENCY = "USD"
MOST_NODES = 9
MOST_WORKLOADS = 60

BULK_PORT = 20_000
SMALL_PORT = 21_000
TCP_PORT = 22_000
MPTCP_PORT = 22_001
SERVER_PORT = 5_000
FLOOD_PORT = 9
BULK_SIZE = 8_900
"""Bytes of payload: large datagrams carry the same rate in few packets."""
BULK_PER_SECOND = 275.0
SMALL_SIZE = 200
SMALL_PER_SECOND = 100.0
REQUESTS_PER_SECOND = 50.0
DEMAND_BPS = 20e6
"""About what one workload sends, headers included."""


class Kind(StrEnum):
    """What a workload does beside its bulk stream."""

    MPTCP = "mptcp"
    UDP_IN = "udp-in"
    UDP_OUT = "udp-out"
    TCP_OUT = "tcp-out"
    TCP_IN = "tcp-in"


BULK = "udp-bulk"
KINDS = (
    Kind.MPTCP, Kind.UDP_IN, Kind.UDP_OUT, Kind.TCP_OUT, Kind.TCP_IN, Kind.UDP_OUT,
    Kind.UDP_IN, Kind.TCP_OUT, Kind.UDP_OUT, Kind.TCP_IN, Kind.UDP_IN, Kind.UDP_OUT,
)  # fmt: skip
STAYS = 3
"""The number of the workload that is marked do-not-move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalNetwork:
    """An uplink of every node. ``price`` is money per attachment and hour."""

    name: str
    number: int
    nic: str
    capacity_bps: float
    price: Decimal
    sla: str
    plugin: str

    @property
    def capacity(self) -> str:
        """As users write it."""
        return f"{self.capacity_bps / 1e9:g}Gbps" if self.capacity_bps >= 1e9 else f"{self.capacity_bps / 1e6:g}Mbps"

    @property
    def subnet(self) -> str:
        """One subnet spans all nodes, as a physical network does."""
        return f"10.{100 + self.number}.0.0/16"

    @property
    def gateway(self) -> str:
        """The address in ``world`` that leads to the sinks."""
        return f"10.{100 + self.number}.0.1"

    @property
    def bridge(self) -> str:
        """The node's bridge that has the uplink as a port; unused by macvlan."""
        return f"br-{self.name}"


PHYSICAL_NETWORKS = (
    PhysicalNetwork(
        name="phynet2", number=2, nic="eth0", capacity_bps=10e9, price=Decimal("11.80"), sla="99.9", plugin="macvlan"
    ),
    PhysicalNetwork(
        name="phynet1", number=1, nic="eth1", capacity_bps=1e9, price=Decimal("6.90"), sla="95", plugin="bridge"
    ),
    PhysicalNetwork(
        name="phynet0", number=0, nic="eth2", capacity_bps=100e6, price=Decimal("3.47"), sla="90", plugin="bridge"
    ),
)
BY_NAME = {network.name: network for network in PHYSICAL_NETWORKS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node is a network namespace of the same name."""

    name: str
    number: int

    def first_address(self, network: PhysicalNetwork) -> str:
        """Start of the node's share of the physical network's subnet."""
        return f"10.{100 + network.number}.{self.number}.10"

    def last_address(self, network: PhysicalNetwork) -> str:
        """End of that share."""
        return f"10.{100 + network.number}.{self.number}.250"

    def own_address(self, network: PhysicalNetwork) -> str:
        """The node's own address there; foreign load comes from it."""
        return f"10.{100 + network.number}.{self.number}.2"

    def far_end(self, network: PhysicalNetwork) -> str:
        """Name, in ``world``, of the other end of the node's uplink."""
        return f"{self.name}-{network.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A workload is a network namespace of the same name."""

    name: str
    number: int
    node: str
    kind: Kind
    do_not_move: bool = False

    @property
    def id(self) -> str:
        """As agents and controller name it."""
        return f"{NAMESPACE}/{self.name}"


@dataclass(frozen=True, slots=True)
class Blueprint:
    """All of a lab."""

    nodes: tuple[Node, ...]
    workloads: tuple[Workload, ...]

    def on(self, node: str) -> tuple[Workload, ...]:
        """The node's workloads."""
        return tuple(workload for workload in self.workloads if workload.node == node)


def draw(nodes: int, workloads: int) -> Blueprint:
    """A lab of that size; workloads go round the nodes. Raises ValueError for sizes beyond its limits."""
    if not 1 <= nodes <= MOST_NODES:
        raise ValueError(f"a lab has 1 to {MOST_NODES} nodes, not {nodes}")
    if not 1 <= workloads <= MOST_WORKLOADS:
        raise ValueError(f"a lab has 1 to {MOST_WORKLOADS} workloads, not {workloads}")
    return Blueprint(
        nodes=tuple(Node(name=f"n{number}", number=number) for number in range(1, nodes + 1)),
        workloads=tuple(
            Workload(
                name=f"w{number:02}",
                number=number,
                node=f"n{(number - 1) % nodes + 1}",
                kind=KINDS[(number - 1) % len(KINDS)],
                do_not_move=number == STAYS,
            )
            for number in range(1, workloads + 1)
        ),
    )
