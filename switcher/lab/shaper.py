"""Gives every uplink its rate, in both directions, and reads what it carried and dropped.

HTB (tc-htb(8)) on each end of the uplink; the workloads and the foreign load have a class each under one ceiling, so
that they share the capacity and yet every byte and every drop is known by whose it was. The queues are long: only
real want of capacity drops a packet.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from switcher.lab.blueprint import FLOOD_PORT, PHYSICAL_NETWORKS, WORLD, Blueprint, Node, PhysicalNetwork
from switcher.lab.command import LabError, batch, run

OURS = "10:"
FOREIGN = "20:"
BURST_SECONDS = 0.01
QUEUE_SECONDS = 0.4
LEAST_BURST = 131_072
LEAST_QUEUE = 4_000_000
MOST_QUEUE = 64_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """One direction of an uplink, since it was made: bytes sent and packets dropped for want of capacity."""

    ours: int = 0
    foreign: int = 0
    drops: int = 0
    """Of the workloads' packets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkPoint:
    """One uplink over the interval that ends at ``at`` (seconds since the epoch)."""

    at: float
    seconds: float
    node: str
    physical_network: str
    out: Counters
    into: Counters
    """Differences over the interval; ``into`` is towards the node."""

    @property
    def load_bps(self) -> float:
        """Of the busier direction."""
        busier = max(self.out.ours + self.out.foreign, self.into.ours + self.into.foreign)
        return busier * 8 / self.seconds

    @property
    def foreign_bps(self) -> float:
        """Foreign load of the direction that has more of it."""
        return max(self.out.foreign, self.into.foreign) * 8 / self.seconds


def shape_site(blueprint: Blueprint) -> None:
    """Shape both ends of every uplink. Raises LabError when the kernel lacks HTB."""
    for node in blueprint.nodes:
        batch("tc", node.name, [line for network in PHYSICAL_NETWORKS for line in _lines(network.nic, network)])
        far = [line for network in PHYSICAL_NETWORKS for line in _lines(node.far_end(network), network)]
        batch("tc", WORLD, far)


def _lines(device: str, network: PhysicalNetwork) -> list[str]:
    rate = int(network.capacity_bps)
    burst = max(LEAST_BURST, int(rate / 8 * BURST_SECONDS))
    limit = min(MOST_QUEUE, max(LEAST_QUEUE, int(rate / 8 * QUEUE_SECONDS)))
    bucket = f"ceil {rate}bit burst {burst} cburst {burst} quantum 60000"
    parent = f"dev {device} parent"
    return [
        f"qdisc add dev {device} root handle 1: htb default 10",
        f"class add {parent} 1: classid 1:1 htb rate {rate}bit {bucket}",
        f"class add {parent} 1:1 classid 1:10 htb rate {rate // 2}bit {bucket}",
        f"class add {parent} 1:1 classid 1:20 htb rate {rate // 2}bit {bucket}",
        f"qdisc add {parent} 1:10 handle {OURS} bfifo limit {limit}",
        f"qdisc add {parent} 1:20 handle {FOREIGN} bfifo limit {limit}",
        f"filter add {parent} 1: protocol ip u32 match ip protocol 17 0xff"
        f" match ip dport {FLOOD_PORT} 0xffff flowid 1:20",
    ]


def read_counters(namespace: str) -> dict[str, Counters]:
    """The counters of every shaped device of a namespace, by device. Raises LabError."""
    return parse_counters(run(["tc", "-n", namespace, "-s", "-j", "qdisc", "show"]))


def parse_counters(text: str) -> dict[str, Counters]:
    """What ``tc -s -j qdisc show`` printed, by device."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for qdisc in json.loads(text):
        if qdisc.get("handle") in (OURS, FOREIGN):
            found.setdefault(qdisc["dev"], {})[qdisc["handle"]] = (qdisc["bytes"], qdisc["drops"])
    return {
        device: Counters(ours=parts[OURS][0], foreign=parts[FOREIGN][0], drops=parts[OURS][1])
        for device, parts in found.items()
        if OURS in parts and FOREIGN in parts
    }


def difference(after: Counters, before: Counters) -> Counters:
    """What passed between two readings."""
    return Counters(
        ours=after.ours - before.ours, foreign=after.foreign - before.foreign, drops=after.drops - before.drops
    )


class Sampler(threading.Thread):
    """Reads all uplinks every ``interval`` seconds; ``points`` grows by one an uplink each time."""

    def __init__(self, blueprint: Blueprint, interval: float = 1.0, keep: int = 100_000) -> None:
        super().__init__(name="sampler", daemon=True)
        self.points: list[UplinkPoint] = []
        self._nodes = blueprint.nodes
        self._interval = interval
        self._keep = keep
        self._stopping = threading.Event()
        self._last: tuple[float, dict[str, dict[str, Counters]]] | None = None

    def run(self) -> None:
        """Sample until stopped; a reading that fails while the site goes away is skipped."""
        while not self._stopping.wait(self._interval):
            try:
                self.sample()
            except LabError:
                continue

    def sample(self) -> None:
        """One reading of all uplinks. Raises LabError."""
        now = time.time()
        counters = {name: read_counters(name) for name in (WORLD, *(node.name for node in self._nodes))}
        if self._last is not None:
            before_at, before = self._last
            for node in self._nodes:
                self.points.extend(_points(node, (before_at, now), before, counters))
            del self.points[: -self._keep]
        self._last = now, counters

    def latest(self) -> list[UplinkPoint]:
        """The newest point of each uplink."""
        newest = {(point.node, point.physical_network): point for point in list(self.points)[-3 * len(self._nodes) :]}
        return list(newest.values())

    def stop(self) -> None:
        """End after a last reading."""
        self._stopping.set()
        self.join(10)
        self.sample()


def _points(
    node: Node,
    span: tuple[float, float],
    before: dict[str, dict[str, Counters]],
    after: dict[str, dict[str, Counters]],
) -> Iterable[UplinkPoint]:
    for network in PHYSICAL_NETWORKS:
        far = node.far_end(network)
        yield UplinkPoint(
            at=span[1],
            seconds=max(span[1] - span[0], 1e-3),
            node=node.name,
            physical_network=network.name,
            out=difference(after[node.name][network.nic], before[node.name][network.nic]),
            into=difference(after[WORLD][far], before[WORLD][far]),
        )
