"""The node with a containerd of today, which asks its plugin for STATUS; Debian 12's does not."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cluster import Cluster, Component, agent, pod
from tests.support.cluster.component import until
from tests.support.cluster.programs import ROOT


@pytest.fixture(scope="module")
def today(cluster: Cluster) -> Iterator[Cluster]:
    built = subprocess.run([str(ROOT / "tools/containerd"), "--if-built"], check=False, capture_output=True, text=True)
    if built.returncode != 0:
        pytest.skip(built.stderr.strip())
    with cluster.other_containerd("containerd-today", Path(built.stdout.strip())):
        yield cluster


@pytest.fixture
def node_agent(today: Cluster, tmp_path: Path) -> Iterator[Component]:
    """Running, and ``genie`` is the node's network."""
    made = agent(today, state=str(tmp_path))
    made.start()
    today.install_network("00-genie.conf", {"cniVersion": "1.1.0", "name": "genie", "type": "genie"})
    yield made
    made.start()  # for the pods that are being deleted
    today.remove_network("00-genie.conf")
    today.settle()
    made.stop()
    today.wait_until_ready()


def fresh() -> str:
    return f"p-{uuid.uuid4().hex[:8]}"


def test_it_is_another_containerd(today: Cluster) -> None:
    (node,) = today.kubectl.read("get", "nodes")["items"]
    assert node["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://2.")


def test_a_pod_comes_and_goes(today: Cluster) -> None:
    before, name = today.traces()["leases"], fresh()
    today.run_pod(pod(name))
    assert today.traces()["leases"] != before
    today.delete_pod(name)
    today.settle()


def test_a_pod_comes_and_goes_by_genie(today: Cluster, node_agent: Component) -> None:
    name = fresh()
    assert node_agent.running
    today.run_pod(pod(name, annotations={"cni": "pods, pods"}))
    shown = today.kubectl("exec", name, "--", "ip", "-o", "-4", "address")
    assert [line.split()[1] for line in shown.splitlines()] == ["lo", "eth0", "eth1"]
    today.delete_pod(name)


def test_the_node_is_ready_when_its_agent_is(today: Cluster, node_agent: Component) -> None:
    """STATUS answers 50 while the agent is away (CNI 1.1.0), and so no pods are sent here."""
    today.wait_until_ready()
    node_agent.stop()
    until(lambda: not ready(today), "the node is not ready without its agent", 40)
    node_agent.start()
    today.wait_until_ready()


def ready(cluster: Cluster) -> bool:
    (node,) = cluster.kubectl.read("get", "nodes")["items"]
    return any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"]["conditions"])
