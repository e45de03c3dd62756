"""What a running agent measures and tells: real counters, pushed to a small controller; its metrics; its end."""

from __future__ import annotations

import http.client
import itertools
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cni.kernel.spaces import open_socket
from cni.sense.push import UnixConnection
from tests.support.ingest import Ingest, ingest
from tests.support.node import Node, netns, node

pytestmark = pytest.mark.netns

FRAME_BYTES = 1000
FRAMES = 20
HEADERS = 42
"""Of Ethernet, IPv4 and UDP."""


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[Ingest]:
    with ingest(tmp_path / "c.sock") as made:
        yield made


@pytest.fixture
def here(tmp_path: Path, controller: Ingest) -> Iterator[Node]:
    token = tmp_path / "token"
    token.write_text(controller.token)
    metrics = f"unix:{tmp_path}/metrics.sock"
    told = {"url": controller.url, "tokenFile": str(token)}
    with node(tmp_path / "node", controller=told, metrics=metrics) as made:
        bridge = {"type": "bridge", "bridge": "br0", "isGateway": True, "ipam": made.host_local("10.1.0.0/24")}
        made.network("10-blue.conflist", bridge)
        ipam = made.host_local("192.0.2.0/24", ranges=[[{"subnet": "192.0.2.0/24", "rangeStart": "192.0.2.100"}]])
        made.network("20-red.conflist", {"type": "macvlan", "master": "eth2", "ipam": ipam})
        made.start()
        yield made


def talk(source: str, target: str, address: str, *, answered: bool = True) -> None:
    """Send FRAMES frames of FRAME_BYTES from one namespace to an address of another, each answered by its like."""
    with (
        open_socket(netns(source), socket.AF_INET, socket.SOCK_DGRAM) as one,
        open_socket(netns(target), socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        one.settimeout(5)
        other.settimeout(5)
        other.bind((address, 0))
        for _ in range(FRAMES):
            one.sendto(bytes(FRAME_BYTES - HEADERS), other.getsockname())
            data, peer = other.recvfrom(FRAME_BYTES)
            if answered:
                other.sendto(data, peer)
                one.recv(FRAME_BYTES)


def carried(controller: Ingest, network: str) -> tuple[int, int]:
    """Bytes (in, out) of all attachments on a network, in all batches."""
    samples = [sample for batch in controller.batches.values() for sample in batch.traffic if sample.network == network]
    return sum(sample.in_bytes for sample in samples), sum(sample.out_bytes for sample in samples)


def test_bytes_are_counted_once_and_to_the_right_network(here: Node, controller: Ingest) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue,red@net1").status == 0
    talk(workload, here.name, "10.1.0.1")
    here.kill()
    talk(workload, here.world, "192.0.2.2")
    here.start()
    whole = FRAMES * FRAME_BYTES
    here.until(lambda: min(*carried(controller, "cni:blue"), *carried(controller, "cni:red")) >= whole, "all is told")
    for network in ("cni:blue", "cni:red"):
        for direction in carried(controller, network):
            assert whole <= direction < whole + 6000, "beside the frames only neighbour discovery and the like"
    assert list(controller.batches) == list(range(1, len(controller.batches) + 1)), "no number is missing"


def test_intervals_are_contiguous_across_restarts(here: Node, controller: Ingest) -> None:
    for _ in range(2):
        before = len(controller.batches)
        here.until(lambda before=before: len(controller.batches) > before + 3, "some batches")
        here.kill()
        here.start()
    here.until(lambda: here.rows("SELECT count(*) FROM batches") == [(0,)], "the spool is empty")
    samples = sorted((s for b in controller.batches.values() for s in b.uplinks), key=lambda sample: sample.start)
    assert len(samples) > 5
    for one, next_one in itertools.pairwise(samples):
        assert one.start + one.seconds == pytest.approx(next_one.start, abs=1e-6)
    assert {sample.physical_network for sample in samples} == {"phynet0"}


def test_uplinks_count_in_towards_the_node(here: Node, controller: Ingest) -> None:
    here.until(lambda: len(controller.batches) > 2, "counting has begun")
    talk(here.world, here.name, "192.0.2.1", answered=False)

    def totals() -> tuple[int, int]:
        samples = [sample for batch in controller.batches.values() for sample in batch.uplinks]
        return sum(sample.in_bytes for sample in samples), sum(sample.out_bytes for sample in samples)

    here.until(lambda: totals()[0] >= FRAMES * FRAME_BYTES, "what came in is told")
    assert totals()[1] < 5000


def test_metrics_are_served(here: Node) -> None:
    workload = here.workload()
    here.genie("ADD", workload, "blue")
    here.genie("ADD", workload, "nowhere")
    connection = UnixConnection(str(here.path.parent / "metrics.sock"), 10)
    connection.request("GET", "/metrics")
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    assert response.status == http.client.OK
    assert 'genie_verb_seconds_count{code="0",verb="ADD"} 1.0' in text
    assert 'genie_verb_seconds_count{code="7",verb="ADD"} 1.0' in text
    assert 'genie_delegate_seconds_count{command="ADD",plugin="bridge"} 1.0' in text
    assert "genie_attachments 1.0" in text
    assert workload not in text, "no pod names in labels"


def test_the_agent_ends_cleanly_and_logs_lines_of_json(here: Node) -> None:
    assert here.stop() == 0
    assert not here.socket.exists()
    lines = [json.loads(line) for line in (here.path / "agent.log").read_text().splitlines()]
    assert [line["text"] for line in lines] == ["agent ready", "agent stops"]
