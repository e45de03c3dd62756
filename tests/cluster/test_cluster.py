"""The node with everything: pods by Debian's bridge alone, components away, the power gone, and no traces of it."""

from __future__ import annotations

import ipaddress
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cluster import Cluster, Component, ComponentError, KubectlError, agent, pod
from tests.support.cluster.component import until
from tests.support.cluster.images import BUSYBOX, PAUSE
from tests.support.cluster.programs import run
from tests.support.cluster.traces import Traces
from tests.support.shim import build_genie

PODS = ipaddress.ip_network("10.85.0.0/16")


@pytest.fixture(scope="module")
def clean(cluster: Cluster) -> Traces:
    """What there is without pods, after the plugins made what they keep."""
    name = fresh()
    cluster.run_pod(pod(name))
    cluster.delete_pod(name)
    cluster.settle()
    return cluster.traces()


@pytest.fixture
def traceless(cluster: Cluster, clean: Traces) -> Iterator[Traces]:
    """Nothing may be left after the test."""
    yield clean
    cluster.expect_traces(clean)


def fresh() -> str:
    return f"p-{uuid.uuid4().hex[:8]}"


def test_a_pod_is_on_the_network_and_leaves_no_trace(cluster: Cluster, traceless: Traces) -> None:
    first, second = fresh(), fresh()
    found = cluster.run_pod(pod(first))
    address = found["status"]["podIP"]
    assert ipaddress.ip_address(address) in PODS
    assert f"inet {address}/16" in cluster.kubectl("exec", first, "--", "ip", "address", "show", "eth0")
    cluster.run_pod(pod(second))
    assert "1 packets received" in cluster.kubectl("exec", second, "--", "ping", "-c", "1", "-W", "5", address)
    assert cluster.traces()["leases"] != traceless["leases"]
    for name in (first, second):
        cluster.delete_pod(name)


def test_the_images_are_ours(cluster: Cluster) -> None:
    named = cluster.ctr("images", "list", "--quiet").split()
    assert {PAUSE, BUSYBOX} <= set(named)


@pytest.mark.usefixtures("traceless")
@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("kube-apiserver", Component.stop),
        ("kube-controller-manager", Component.stop),
        ("kubelet", Component.stop),
        ("kubelet", Component.kill),
        ("containerd", Component.stop),
        ("containerd", Component.kill),
    ],
)
def test_pods_outlive_a_component_and_new_ones_come_after(
    cluster: Cluster, name: str, end: Callable[[Component], None]
) -> None:
    (component,) = (each for each in cluster.components if each.name == name)
    before, after = fresh(), fresh()
    lives = cluster.run_pod(pod(before))
    end(component)
    assert not component.running
    component.start()
    cluster.run_pod(pod(after))
    still = cluster.kubectl.read("get", "pod", before)
    assert still["status"]["containerStatuses"] == lives["status"]["containerStatuses"]
    for each in (before, after):
        cluster.delete_pod(each)


@pytest.mark.usefixtures("traceless")
def test_a_pod_waits_for_the_scheduler(cluster: Cluster) -> None:
    name = fresh()
    cluster.scheduler.stop()
    with pytest.raises(KubectlError, match="timed out"):
        cluster.run_pod(pod(name), seconds=2)
    assert cluster.kubectl.read("get", "pod", name)["status"]["phase"] == "Pending"
    cluster.scheduler.start()
    cluster.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=30s")
    cluster.delete_pod(name)


@pytest.mark.usefixtures("traceless")
def test_pods_come_back_after_a_power_cut(cluster: Cluster) -> None:
    name = fresh()
    cluster.run_pod(pod(name))
    cluster.power_off()
    dark = cluster.traces()
    assert {kind: dark[kind] for kind in ("namespaces", "mounts", "links", "firewall", "shims", "cgroups")} == {
        "namespaces": [],
        "mounts": [],
        "links": ["lo "],
        "firewall": [],
        "shims": [],
        "cgroups": [],
    }
    assert dark["leases"], "the disk is as it was"
    cluster.power_on()
    cluster.kubectl(
        "wait", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", f"pod/{name}", "--timeout=60s"
    )
    cluster.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
    cluster.delete_pod(name)


def test_a_leak_is_seen(cluster: Cluster, traceless: Traces) -> None:
    lease = cluster.leases / "pods/10.85.255.254"
    lease.write_text("nobody\n")
    with pytest.raises(ComponentError, match=r"leases.*10\.85\.255\.254"):
        cluster.expect_traces(traceless, seconds=1)
    lease.unlink()


@pytest.mark.usefixtures("traceless")
def test_genie_says_in_the_pods_events_why_it_waits(cluster: Cluster) -> None:
    """No agent runs: ``genie`` itself answers, and keeps the DELs where the agent will look for them."""
    name = fresh()
    (cluster.bin_dir / "genie").symlink_to(build_genie())
    cluster.install_network("00-genie.conf", {"cniVersion": "1.0.0", "name": "genie", "type": "genie"})
    try:
        cluster.kubectl.apply(pod(name))
        until(lambda: str(cluster.agent_socket) in events(cluster, name), "the pod's events name the socket", 30)
        assert any(cluster.agent_spool.iterdir())
    finally:
        cluster.remove_network("00-genie.conf")
        cluster.delete_pod(name)
        shutil.rmtree(cluster.agent_spool)
        (cluster.bin_dir / "genie").unlink()


@pytest.mark.usefixtures("traceless")
def test_genie_and_a_real_agent_attach_a_pod(cluster: Cluster, tmp_path: Path) -> None:
    blue = cluster.bridge("blue", "10.86.0.0/16")
    name = fresh()
    node_agent = agent(cluster, state=str(tmp_path))
    node_agent.start()
    try:
        cluster.install_network("20-blue.conflist", blue)
        cluster.install_network("00-genie.conf", {"cniVersion": "1.0.0", "name": "genie", "type": "genie"})
        found = cluster.run_pod(pod(name, annotations={"cni": "blue, pods@eth5"}))
        assert ipaddress.ip_address(found["status"]["podIP"]) in ipaddress.ip_network("10.86.0.0/16")
        shown = cluster.kubectl("exec", name, "--", "ip", "-o", "-4", "address")
        assert [line.split()[1] for line in shown.splitlines()] == ["lo", "eth0", "eth5"]
        cluster.delete_pod(name)
        cluster.settle()
    finally:
        for file in ("00-genie.conf", "20-blue.conflist"):
            cluster.remove_network(file)
        node_agent.stop()
        run("ip", "link", "delete", "br-blue")


def events(cluster: Cluster, name: str) -> str:
    return cluster.kubectl("get", "events", "--field-selector", f"involvedObject.name={name}")
