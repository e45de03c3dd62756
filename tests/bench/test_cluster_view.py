"""What the node's view of its cluster costs: memory, idle CPU, and the time of each act, with 110 pods on the node.

The comparison is within one run: the agent with and without a cluster, and a bare GET of the same pod.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from cni.cluster import AttachmentDefinition, LogicalNetwork, PhysicalNetwork, Pod
from cni.kube import Clusters
from cni.settings import Kubernetes
from tests.contract.cluster_api.api_world import AGENT, ApiWorld, api_world
from tests.contract.cluster_api.conftest import DEPLOY
from tests.contract.cluster_api.worlds import soon
from tests.support.cluster import ApiServer
from tests.support.cluster.fixtures import api_server
from tests.support.cluster.programs import ROOT

__all__ = ["api_server"]

pytestmark = [pytest.mark.bench, pytest.mark.cluster]

PODS = 110
NETWORKS = 50
IDLE_SECONDS = 60.0
ROUNDS = 100
MEMORY_GOAL_MB = 60.0
IDLE_GOAL = 0.01


@pytest.fixture(scope="module")
def world(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    """A node full of pods as they are, among as many of another node, and networks."""
    api_server.kubectl.apply(DEPLOY / "rbac-agent.yaml", DEPLOY / "policy-agent.yaml")
    with api_world(api_server, tmp_path_factory.mktemp("world"), "crowd") as made:
        for number in range(PODS):
            made.admin.apply(crowded(f"p-{number}", made.node))
            made.admin.apply(crowded(f"q-{number}", "n-other"))
        for number in range(NETWORKS):
            where = {"namespace": "crowd", "name": f"n-{number}"}
            made.make(AttachmentDefinition(config=json.dumps({"type": "bridge", "bridge": f"br{number}"}), **where))
            made.make(LogicalNetwork(plugin="bridge", sub_subnet=f"10.1.{number}.0/24", **where))
            made.make(PhysicalNetwork(refer_nic="eth1", capacity="1Gbps", **where))
        yield made


def crowded(name: str, node: str) -> dict[str, object]:
    """A pod of the usual size: about 6 kB."""
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}
    container = {
        "name": "main",
        "image": "registry.example/shop/web:1.2.3",
        "env": [{"name": f"SETTING_{n}", "value": "some value of this setting"} for n in range(20)],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "livenessProbe": probe,
        "readinessProbe": probe,
    }
    annotations = {"k8s.v1.cni.cncf.io/networks": "blue,red", "prometheus.io/scrape": "true"}
    applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(container)}
    metadata = {
        "name": name,
        "namespace": "crowd",
        "labels": {"app": "web", "pod-template-hash": uuid.uuid4().hex[:10]},
        "annotations": {**annotations, **applied},
    }
    spec = {"nodeName": node, "containers": [container], "automountServiceAccountToken": False}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@contextmanager
def agent(directory: Path, node: str, **settings: object) -> Iterator[int]:
    """A real agent; its process id."""
    directory.mkdir()
    config = {
        "node": node,
        "socket": str(directory / "a.sock"),
        "state": str(directory / "state"),
        "delSpool": str(directory / "dels"),
        "confDir": str(directory / "net.d"),
        "sampleEvery": "10s",
        **settings,
    }
    (directory / "agent.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "cni.agent", "--config", str(directory / "agent.yaml")]
    with (directory / "log").open("wb") as log:
        running = subprocess.Popen(command, cwd=ROOT, stderr=log)
    try:
        soon(lambda: b"agent ready" in (directory / "log").read_bytes(), "the agent is ready")
        yield running.pid
    finally:
        running.terminate()
        running.wait(20)


def resident_mb(process: int) -> float:
    """Resident memory, MB (10^6 bytes)."""
    (line,) = [x for x in Path(f"/proc/{process}/status").read_text().splitlines() if x.startswith("VmRSS")]
    return int(line.split()[1]) * 1024 / 1e6


def cpu_seconds(process: int) -> float:
    """User and system time so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def times_ms(act: Callable[[int], object]) -> tuple[float, float]:
    """p50 and p99 of ``ROUNDS``."""
    taken = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        act(number)
        taken.append((time.perf_counter() - began) * 1e3)
    ordered = statistics.quantiles(taken, n=100)
    return statistics.median(taken), ordered[98]


def test_memory_and_idle_cpu(world: ApiWorld, tmp_path: Path) -> None:
    file = world.server.kubeconfig_of(*AGENT)
    with (
        agent(tmp_path / "without", "n1") as without,
        agent(tmp_path / "with", world.node, kubernetes={"kubeconfig": str(file)}) as with_cluster,
    ):
        time.sleep(5)
        before = {process: cpu_seconds(process) for process in (without, with_cluster)}
        time.sleep(IDLE_SECONDS)
        idle = {process: (cpu_seconds(process) - before[process]) / IDLE_SECONDS for process in before}
        memory = {process: resident_mb(process) for process in before}
    print(f"\nagent without a cluster: {memory[without]:.1f} MB resident, {idle[without]:.2%} of a core idle")
    print(f"with {PODS} pods watched: {memory[with_cluster]:.1f} MB resident, {idle[with_cluster]:.2%} of a core idle")
    assert memory[with_cluster] < MEMORY_GOAL_MB
    assert idle[with_cluster] < IDLE_GOAL


def test_latencies(world: ApiWorld) -> None:
    clusters = Clusters(Kubernetes(kubeconfig=world.server.kubeconfig_of(*AGENT)), world.node, environment={})
    cluster = clusters.own
    assert cluster is not None
    pods: dict[str, Pod] = {}
    cluster.on_pod(lambda _, pod: pods.update({pod.name: pod}))
    soon(lambda: len(pods) == PODS, "all pods are known")
    some = [pods[name] for name in sorted(pods)]
    bare = times_ms(lambda n: world.admin.read(crowded(f"p-{n}", world.node)))
    warm = times_ms(lambda n: cluster.pod("crowd", some[n].name, some[n].uid))
    cold = times_ms(lambda n: cluster.pod("crowd", f"q-{n}"))
    annotated = times_ms(lambda n: cluster.annotate(some[n], {"k8s.v1.cni.cncf.io/network-status": "[]"}))
    clusters.stop()
    print(f"\na bare GET of a pod: {bare[0]:.2f} ms p50, {bare[1]:.2f} ms p99")
    for what, (half, most) in (("pod() warm", warm), ("pod() cold", cold), ("annotate()", annotated)):
        print(f"{what}: {half:.4f} ms p50, {most:.4f} ms p99; {half / bare[0]:.4f} x the bare GET")
    assert warm[0] < bare[0] / 50
    assert cold[0] < bare[0] * 2
