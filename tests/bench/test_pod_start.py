"""What users see: a pod's start with ``genie``, and with the plugin alone, on one node; and the agent on a full node.

From the request that makes a pod until the API says that it is ready. Most of it is not the network's: the kubelet
looks at its containers once a second.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator

import pytest

from tests.bench.test_cluster_view import cpu_seconds, resident_mb
from tests.support.administrator import Administrator
from tests.support.cluster import Cluster, pod
from tests.support.cluster.component import until
from tests.support.cluster.fixtures import cluster
from tests.support.cluster.site import Site

__all__ = ["cluster"]

pytestmark = [pytest.mark.bench, pytest.mark.cluster]

ROUNDS, AT_A_TIME = 10, 5
FULL = 110
FULL_NODE_SECONDS = 300.0
IDLE_SECONDS = 60.0
MEMORY_GOAL_MB = 60.0
IDLE_GOAL = 0.01


@pytest.fixture(scope="module")
def site(cluster: Cluster) -> Iterator[Site]:
    made = Site(cluster)
    with made.running():
        yield made


@pytest.fixture(scope="module")
def admin(site: Site) -> Iterator[Administrator]:
    made = Administrator(site.cluster.api)
    yield made
    made.close()


def test_pod_start(site: Site, admin: Administrator) -> None:
    found: dict[str, list[float]] = {"alone": [], "genie": []}
    for number in range(ROUNDS):
        for way in ("alone", "genie") if number % 2 else ("genie", "alone"):
            found[way] += start_some(site, admin, way)
    load = os.getloadavg()[0]
    print(f"\npod start, {ROUNDS * AT_A_TIME} pods each, {os.cpu_count()} cores, load {load:.1f}; s, p50 / p99")
    for way, seconds in found.items():
        print(f"  {way}: {percentile(seconds, 50):.3f} / {percentile(seconds, 99):.3f}")
    ratio = percentile(found["genie"], 50) / percentile(found["alone"], 50)
    print(f"  genie's p50 is {ratio:.3f} times the plugin's alone")
    assert ratio < 1.2


def start_some(site: Site, admin: Administrator, way: str) -> list[float]:
    """Seconds of each of some pods, made one after the other by one way; they are gone afterwards."""
    if way == "genie":
        site.genie.install()
    else:
        site.genie.uninstall()
    # The runtime reads its configurations again as soon as it hears of a change, but not at once.
    time.sleep(0.5)
    made = [pod(f"s-{way}-{number}") for number in range(AT_A_TIME)]
    seconds = [start(admin, manifest) for manifest in made]
    assert len(site.genie.rows()) == (AT_A_TIME if way == "genie" else 0)
    for manifest in made:
        admin.delete(manifest, grace_seconds=1)
    site.cluster.settle()
    return seconds


def start(admin: Administrator, manifest: dict[str, object]) -> float:
    """Seconds until it is ready."""
    began = time.perf_counter()
    version = admin.apply(manifest)["metadata"]["resourceVersion"]
    for found in admin.watch(manifest, version):
        conditions = found["status"].get("conditions", [])
        if any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
            break
    return time.perf_counter() - began


def percentile(seconds: list[float], percent: int) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1]


def test_the_agent_on_a_full_node(site: Site, admin: Administrator) -> None:
    """Real pods, each with its attachment, all of which the agent watches."""
    site.genie.install()
    names = [f"f-{number}" for number in range(FULL)]
    for name in names:
        admin.apply(pod(name))
    site.cluster.kubectl("wait", "--for=condition=Ready", f"--timeout={FULL_NODE_SECONDS:.0f}s", "pod", "--all")
    until(lambda: len(site.genie.rows()) == FULL, "all are attached", 10)
    process = site.genie.agent.process
    assert process is not None
    time.sleep(5)
    before = cpu_seconds(process.pid)
    time.sleep(IDLE_SECONDS)
    idle = (cpu_seconds(process.pid) - before) / IDLE_SECONDS
    memory = resident_mb(process.pid)
    print(f"\nthe agent of a node with {FULL} pods: {memory:.1f} MB resident, {idle:.2%} of a core idle")
    for name in names:
        admin.delete(pod(name), grace_seconds=1)
    site.cluster.settle()
    assert memory < MEMORY_GOAL_MB
    assert idle < IDLE_GOAL
