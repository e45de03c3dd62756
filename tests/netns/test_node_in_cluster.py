"""A node in a cluster: the real agent and ``genie`` ask a real API server what a pod wants, and tell it what it got."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from cni.cluster import AttachmentDefinition, LogicalNetwork, Pod
from tests.support.administrator import Administrator
from tests.support.cluster import ApiServer
from tests.support.cluster.fixtures import api_server
from tests.support.cluster.programs import ROOT
from tests.support.manifests import Object, manifest
from tests.support.netns import this_thread_in
from tests.support.node import Node, Reply, links, node
from tests.support.relay import Relay, relay

__all__ = ["api_server"]

pytestmark = pytest.mark.cluster

NODE_NAME = "n1"
GENIE = {"cniVersion": "1.0.0", "name": "pods", "type": "genie"}


@dataclass
class Member:
    """A node and its cluster; what is between them is ``relay``."""

    node: Node
    admin: Administrator
    relay: Relay
    kubeconfig: Path
    namespace: str

    def make(self, value: Object) -> Object:
        """Create it in the test's namespace."""
        placed = replace(value, namespace=self.namespace)
        found = self.admin.apply(manifest(placed))
        return replace(placed, uid=found["metadata"]["uid"]) if isinstance(placed, Pod) else placed

    def pod(self, **annotations: str) -> Pod:
        """A pod of the node, with these annotations."""
        name = f"p-{uuid.uuid4().hex[:6]}"
        made = self.make(Pod(namespace="", name=name, uid="", node=NODE_NAME, annotations=annotations))
        assert isinstance(made, Pod)
        return made

    def call(self, command: str, pod: Pod, container: str, **config: Any) -> Reply:
        """As a kubelet's runtime calls, with nothing but the pod's names and uid."""
        args = f"K8S_POD_UID={pod.uid};K8S_POD_INFRA_CONTAINER_ID={container};K8S_POD_NAME={pod.name}"
        args += f";K8S_POD_NAMESPACE={pod.namespace};IgnoreUnknown=1"
        return self.node.call(self.node.environment(command, container, CNI_ARGS=args), {**GENIE, **config})

    def annotation(self, pod: Pod, key: str) -> Any:
        """What was written on the pod, JSON."""

        def written() -> bool:
            return key in self.admin.read(manifest(pod))["metadata"]["annotations"]

        self.node.until(written, f"{key} is written on the pod")
        return json.loads(self.admin.read(manifest(pod))["metadata"]["annotations"][key])


@pytest.fixture
def member(api_server: ApiServer, tmp_path: Path) -> Iterator[Member]:
    api_server.kubectl.apply(ROOT / "config/deploy/rbac-agent.yaml", ROOT / "config/deploy/policy-agent.yaml")
    namespace = f"t-{uuid.uuid4().hex[:8]}"
    with node(tmp_path) as made, closing(Administrator(api_server)) as admin:
        admin.namespace(namespace)
        place = partial(this_thread_in, made.name)
        with relay((api_server.address, api_server.port), place) as between:
            file = tmp_path / "kubeconfig"
            content = yaml.safe_load(api_server.kubeconfig_of("genie-agent", "genie-system").read_text())
            content["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{between.port}"
            file.write_text(yaml.safe_dump(content))
            for number, name in enumerate(("blue", "red")):
                ipam = made.host_local(f"10.{number + 1}.0.0/16")
                made.network(f"1{number}-{name}.conflist", {"type": "bridge", "bridge": f"br-{name}", "ipam": ipam})
            yield Member(made, admin, between, file, namespace)


@pytest.fixture
def own(member: Member) -> Member:
    """The agent has the cluster as its own."""
    member.node.extra["kubernetes"] = {"kubeconfig": str(member.kubeconfig)}
    member.node.start()
    return member


def test_a_pod_gets_what_its_annotation_asks_for_and_is_told(own: Member) -> None:
    pod, container = own.pod(cni="blue, red@eth5"), own.node.workload()
    reply = own.call("ADD", pod, container)
    assert reply.status == 0, reply.json
    assert {"eth0", "eth5"} <= links(container)
    told = own.annotation(pod, "multi-ip-preferences")
    assert {each["interface"]: each["ip"].rsplit(".", 2)[0] for each in told["ips"].values()} == {
        "eth0": "10.1",
        "eth5": "10.2",
    }
    assert own.call("DEL", pod, container).status == 0
    assert own.node.addresses_taken() == []


def test_definitions_and_logical_networks_are_the_clusters(own: Member) -> None:
    ipam = own.node.host_local("10.7.0.0/16")
    config = json.dumps({"cniVersion": "0.4.0", "type": "bridge", "bridge": "br7", "ipam": ipam})
    own.make(AttachmentDefinition(namespace="", name="seven", config=config))
    own.make(LogicalNetwork(namespace="", name="part", plugin="red", sub_subnet="10.2.9.0/24"))
    asks = own.pod(**{"k8s.v1.cni.cncf.io/networks": "seven@net7"})
    container = own.node.workload()
    reply = own.call("ADD", asks, container)
    assert reply.status == 0, reply.json
    status = own.annotation(asks, "k8s.v1.cni.cncf.io/network-status")
    assert [(each["name"].rsplit("/", 1)[-1], each["interface"]) for each in status][1:] == [("seven", "net7")]
    assert status[1]["ips"][0].startswith("10.7.")

    logical, container = own.pod(cni="", networks="part"), own.node.workload()
    reply = own.call("ADD", logical, container)
    assert reply.status == 0, reply.json
    assert reply.json["ips"][0]["address"].startswith("10.2.9.")


def test_a_pod_that_was_made_anew_is_another_one(own: Member) -> None:
    pod, container = own.pod(cni="blue"), own.node.workload()
    own.admin.delete(manifest(pod))
    for stranger in (pod, replace(pod, name="never-there")):
        reply = own.call("ADD", stranger, container)
        assert reply.status != 0
        assert f"{pod.namespace}/{stranger.name}" in reply.json["msg"] + reply.json["details"]
    assert links(container) == {"lo"}


def test_a_cluster_that_a_netconf_names(member: Member) -> None:
    member.node.start()
    pod, container = member.pod(cni="red"), member.node.workload()
    reply = member.call("ADD", pod, container, kubernetes={"kubeconfig": str(member.kubeconfig)})
    assert reply.status == 0, reply.json
    assert reply.json["ips"][0]["address"].startswith("10.2.")


def test_the_api_server_is_away(own: Member) -> None:
    known, first, second = own.pod(cni="blue"), own.node.workload(), own.node.workload()
    assert own.call("ADD", known, first).status == 0
    own.relay.cut()
    later = own.pod(cni="blue")  # the node cannot have heard of it
    reply = own.call("ADD", later, second)
    assert (reply.status != 0, reply.json["code"]) == (True, 11)
    assert links(second) == {"lo"}
    # What the node knows goes on: the same pod in a new sandbox, and every DEL.
    assert own.call("ADD", known, second).status == 0
    assert [own.call("DEL", known, each).status for each in (first, second)] == [0, 0]
    own.relay.mend()
    own.node.until(lambda: own.call("ADD", later, own.node.workload()).status == 0, "the cluster is back")
