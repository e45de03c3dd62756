"""The same agent for what is no pod of the cluster: containerd alone, and callers that bring annotations along."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support.cluster.genie import NETCONF
from tests.support.cluster.images import BUSYBOX
from tests.support.cluster.networks import belongs
from tests.support.cluster.programs import installed, run
from tests.support.cluster.site import Site

USUAL = """
mount -t tmpfs tmpfs /etc && mkdir -p /etc/cni/net.d && mount --bind "$1" /etc/cni/net.d
mount -t tmpfs tmpfs /opt && mkdir -p /opt/cni/bin && mount --bind "$2" /opt/cni/bin
shift 2 && exec "$@"
"""
"""Runs a command for which the node's networks and plugins are where ``ctr`` looks for them: it has no option."""


def test_containerd_alone(site: Site) -> None:
    """``ctr run --cni`` gives no arguments: the container gets the default network, and nothing of it stays."""
    ctr = [installed("ctr"), "--address", str(site.cluster.runtime.socket), "--namespace", "k8s.io"]
    container = [BUSYBOX, f"c-{uuid.uuid4().hex[:8]}", "ip", "-o", "address", "show", "eth0"]
    places = [str(site.cluster.conf_dir), str(site.cluster.bin_dir)]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", USUAL, "sh", *places, *ctr, "run", "--rm", "--cni", *container],
        env={**os.environ, **site.cluster.runtime.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert belongs(done.stdout.split("inet ")[1].split("/")[0], "pods")


@pytest.fixture
def container() -> Iterator[str]:
    name = f"c-{uuid.uuid4().hex[:8]}"
    run("ip", "netns", "add", name)
    yield name
    run("ip", "netns", "delete", name)


def test_annotations_in_the_arguments(site: Site, container: str) -> None:
    """As Mesos and Nomad call: no pod of this cluster, so what comes with the call counts."""
    result = call(site, "ADD", container, {"cni": "blue@net5,pods"})
    assert [each["name"] for each in result["interfaces"] if each.get("sandbox")] == ["net5", "eth0"]
    assert set(json_links(container)) == {"lo", "net5", "eth0"}
    call(site, "DEL", container, {})


def call(site: Site, command: str, container: str, annotations: Mapping[str, str]) -> Any:
    """What ``genie`` prints, called as a runtime does."""
    args = f"IgnoreUnknown=1;K8S_POD_NAMESPACE=lab;K8S_POD_NAME=w;K8S_ANNOT={json.dumps(annotations)}"
    environment = {
        "CNI_COMMAND": command,
        "CNI_CONTAINERID": container,
        "CNI_NETNS": f"/run/netns/{container}",
        "CNI_IFNAME": "eth0",
        "CNI_ARGS": args,
        "CNI_PATH": str(site.cluster.bin_dir),
        "PATH": os.environ["PATH"],
        **site.cluster.runtime.environment,
    }
    netconf = (site.cluster.conf_dir / NETCONF).read_bytes()
    genie = str(site.cluster.bin_dir / "genie")
    done = subprocess.run([genie], input=netconf, env=environment, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout.decode()
    return json.loads(done.stdout) if done.stdout else None


def json_links(namespace: str) -> list[str]:
    return [link["ifname"] for link in json.loads(run("ip", "-n", namespace, "-j", "link"))]
