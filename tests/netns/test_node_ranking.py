"""A blank ``cni`` annotation on a real node: the ranking decides while it is fresh, then the node's own counters."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cni.kernel.spaces import open_socket
from tests.support.ingest import Ingest, ingest
from tests.support.node import Node, addresses, netns, node, run
from tests.support.smart import entry, ranking

pytestmark = pytest.mark.netns

NETWORKS = {"blue": ("phynet0", "10.1.0."), "red": ("phynet1", "10.2.0.")}
"""Each with its physical network and the addresses that it gives."""
CAPACITY = "100Mbps"
LOAD_BPS = 40e6
PAYLOAD = 1400


@dataclass
class Site:
    """A node with two uplinks, eth2 (phynet0) and eth1 (phynet1), and a network on each."""

    node: Node
    controller: Ingest

    def ranked(self, *entries: Any, **fields: Any) -> None:
        """The controller answers with this ranking from now on; waits until the agent has it."""
        physical = {f"cni:{name}": NETWORKS[name][0] for name in NETWORKS}
        now = time.time()
        networks = [{**_plain(one), "physicalNetwork": physical[one.network], "sampledAt": now} for one in entries]
        self.controller.ranking = {**_plain(ranking(**fields)), "networks": networks}
        self.node.until(lambda: self.node.rows("SELECT 1 FROM meta WHERE key = 'ranking'"), "the ranking came")

    def add(self, workload: str | None = None) -> str:
        """Which network a workload gets that leaves it open."""
        workload = workload or self.node.workload()
        added = self.node.genie("ADD", workload, "")
        assert added.status == 0, added
        (address,) = addresses(workload, "eth0")
        (name,) = (name for name, (_, start) in NETWORKS.items() if address.startswith(start))
        return name

    @contextlib.contextmanager
    def load(self, nic_address: str, target: str) -> Iterator[None]:
        """LOAD_BPS of datagrams leave by the uplink with that address, until the agent has counted some of them."""
        stop = threading.Event()
        sender = threading.Thread(target=_send, args=(self.node.name, nic_address, target, stop), daemon=True)
        before = len(self.controller.batches)
        sender.start()
        try:
            self.node.until(lambda: len(self.controller.batches) >= before + 8, "the load is sampled")
            yield
        finally:
            stop.set()
            sender.join(10)


def _plain(message: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(message))
    return found


def _send(namespace: str, source: str, target: str, stop: threading.Event) -> None:
    burst = 20
    pause = burst * PAYLOAD * 8 / LOAD_BPS
    with open_socket(netns(namespace), socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        while not stop.wait(pause):
            for _ in range(burst):
                with contextlib.suppress(OSError):
                    sender.sendto(bytes(PAYLOAD), (target, 9))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ingest(tmp_path / "c.sock") as controller:
        (tmp_path / "token").write_text(controller.token)
        uplinks = [
            {"physicalNetwork": physical, "nic": nic, "capacity": CAPACITY}
            for physical, nic in (("phynet0", "eth2"), ("phynet1", "eth1"))
        ]
        told = {"url": controller.url, "tokenFile": str(tmp_path / "token")}
        with node(tmp_path / "node", controller=told, uplinks=uplinks, smart={"maxAge": "10m"}) as here:
            run("ip", "link", "add", "eth1", "netns", here.name, "type", "veth", "peer", "eth1", "netns", here.world)
            for namespace, address in ((here.name, "198.51.100.1/24"), (here.world, "198.51.100.2/24")):
                run("ip", "-n", namespace, "address", "add", address, "dev", "eth1")
                run("ip", "-n", namespace, "link", "set", "eth1", "up")
            for name, (physical, start) in NETWORKS.items():
                bridge = {"type": "bridge", "bridge": name, "ipam": here.host_local(f"{start}0/24")}
                here.network(f"10-{name}.conflist", bridge, **{"switcher.genie.io/physical-network": physical})
            here.start()
            yield Site(here, controller)


def test_the_ranking_decides_against_the_counters_and_outlives_the_agent(site: Site) -> None:
    site.ranked(entry("red", 1), entry("blue", 2))
    with site.load("198.51.100.1", "198.51.100.2"):
        assert site.add() == "red", "the counters would say blue"
        site.node.kill()
        site.controller.ranking = None
        site.node.start()
        assert site.add() == "red"


@pytest.mark.parametrize(
    ("busy", "calm"),
    [(("192.0.2.1", "192.0.2.2"), "red"), (("198.51.100.1", "198.51.100.2"), "blue")],
    ids=["phynet0 busy", "phynet1 busy"],
)
@pytest.mark.parametrize("old", [True, False], ids=["too old", "absent"])
def test_without_a_fresh_ranking_the_uplink_that_carries_less_is_chosen(
    site: Site, busy: tuple[str, str], calm: str, old: bool
) -> None:
    if old:
        worst = "blue" if calm == "red" else "red"
        site.ranked(entry(worst, 1), age_seconds=601.0)
    with site.load(*busy):
        assert [site.add() for _ in range(2)] == [calm] * 2


def test_a_herd_takes_no_more_than_the_room_that_was_ranked(site: Site) -> None:
    site.ranked(entry("blue", 1, room=5.0), entry("red", 2, room=90.0))
    workloads = [site.node.workload() for _ in range(12)]
    with ThreadPoolExecutor(12) as pool:
        assert Counter(pool.map(site.add, workloads)) == {"blue": 5, "red": 7}
    assert site.node.genie("DEL", workloads[0]).status == 0


def test_what_the_node_cannot_use_is_skipped_whatever_its_rank(site: Site) -> None:
    site.ranked(entry("blue", 1), entry("red", 2))
    assert site.add() == "blue"
    run("ip", "-n", site.node.world, "link", "set", "eth2", "down")
    assert site.add() == "red", "without a carrier"
    run("ip", "-n", site.node.world, "link", "set", "eth2", "up")
    assert site.add() == "blue"
    one = [[{"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.2", "rangeEnd": "10.1.0.3"}]]
    full = {"type": "bridge", "bridge": "blue", "ipam": site.node.host_local("", ranges=one)}
    site.node.network("10-blue.conflist", full, **{"switcher.genie.io/physical-network": "phynet0"})
    assert site.add() == "red", "both addresses of the range are taken"
