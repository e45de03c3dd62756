"""CNI-Genie's cases with objects, as its samples have them: logical and physical networks, attachment definitions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_interface, ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.support.genie_site import SUBNETS, genie_site
from tests.support.node import links, run
from tests.support.pods import Pods, asymmetric, given

pytestmark = pytest.mark.netns

NAD = "k8s.v1.cni.cncf.io/networks"
WEAVE_IN_SPEC = {
    "cniVersion": "0.3.0",
    "plugins": [
        {"name": "weave", "type": "weave-net", "hairpinMode": True},
        {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True},
    ],
}
FLANNEL_IN_SPEC = {"cniVersion": "0.3.0", "type": "flannel", "delegate": {"isDefaultGateway": True}}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Pods]:
    (tmp_path / "objects").mkdir()
    with genie_site(tmp_path, objects=str(tmp_path / "objects")) as made:
        yield made


def attached(site: Pods, annotations: dict[str, str], expected: dict[str, str], namespace: str = "default") -> str:
    """A pod that got exactly these interfaces, each with an address of its subnet."""
    site.forget_calls()
    workload, added = site.add(annotations, namespace=namespace)
    assert added.status == 0, added
    found = given(workload)
    assert set(found) == set(expected)
    for ifname, subnet in expected.items():
        assert [ip_interface(address).ip in ip_network(subnet) for address in found[ifname]] == [True], ifname
    return workload


def gone(site: Pods, workload: str) -> None:
    """The pod ends, and nothing of it is left, whatever became of its objects."""
    assert site.delete(workload).status == 0
    assert asymmetric(site.calls()) == []
    assert site.leftovers(workload) == []


@pytest.mark.parametrize(
    ("kind", "namespace"),
    [
        pytest.param("LogicalNetwork", "default", id="E17 E18"),
        pytest.param("Logicalnetwork", "default", id="E17 E18 as the samples spell it"),
        pytest.param("LogicalNetwork", "shop", id="E18 of the pod's namespace"),
    ],
)
def test_a_pod_on_a_logical_network(site: Pods, kind: str, namespace: str) -> None:
    site.known(kind, "net1", {"plugin": "weave", "sub_subnet": "10.32.20.0/24"}, namespace)
    workload = attached(site, {"cni": "", "networks": "net1"}, {"eth0": "10.32.20.0/24"}, namespace)
    (weave,) = site.calls()
    assert weave["config"]["ipam"]["subnet"] == "10.32.20.0/24", "where weave reads it"
    gone(site, workload)


@pytest.mark.parametrize("plugin", ["bridge", "macvlan"], ids="E18 {}, which has no file".format)
def test_a_logical_network_of_a_generated_configuration(site: Pods, plugin: str) -> None:
    site.known("PhysicalNetwork", "p", {"refer_nic": "eth2", "uplinks": [{"refer_nic": "eth0"}]}, "default")
    logical = {"physicalNet": "p", "plugin": plugin, "sub_subnet": "10.66.0.0/24"}
    site.known("LogicalNetwork", "net1", logical, "default")
    workload = attached(site, {"cni": "", "networks": "net1"}, {"eth0": "10.66.0.0/24"})
    (call,) = site.calls()
    assert call["config"].get("master") == (None if plugin == "bridge" else "eth0"), "where it has a parent"
    gone(site, workload)


def test_E18_a_logical_network_of_another_namespace_is_not_meant(site: Pods) -> None:
    site.known("LogicalNetwork", "net1", {"plugin": "weave"}, "default")
    workload, refused = site.add({"cni": "", "networks": "net1"}, namespace="shop")
    assert refused.status == 1
    assert "there is no LogicalNetwork shop/net1" in refused.json["msg"]
    assert site.leftovers(workload) == []


def test_fault_23_sample_pod_multi_networks_with_dedicated_and_shared(site: Pods) -> None:
    """net1@eth0 on a dedicated physical network, net2@eth4 on a shared one, which always failed with CNI-Genie."""
    dedicated = {"dedicatedNet": True, "plugin": "weave", "subnet": "10.32.0.0/16"}
    site.known("Physicalnetwork", "phynet1", {"refer_nic": "eth0", "sharedStatus": dedicated}, "default")
    site.known("Physicalnetwork", "phynet2", {"refer_nic": "eth2", "sharedStatus": {"dedicatedNet": False}}, "default")
    site.known("Logicalnetwork", "net1", {"physicalNet": "phynet1", "sub_subnet": "10.32.0.0/24"}, "default")
    shared = {"physicalNet": "phynet2", "plugin": "macvlan", "sub_subnet": "10.66.0.0/24"}
    site.known("Logicalnetwork", "net2", shared, "default")
    asked = {"cni": "", "networks": "net1@eth0,net2@eth4"}
    workload = attached(site, asked, {"eth0": "10.32.0.0/24", "eth4": "10.66.0.0/24"})
    (shown,) = json.loads(run("ip", "-n", workload, "-j", "-d", "link", "show", "eth4"))
    assert shown["linkinfo"]["info_kind"] == "macvlan"
    nic = json.loads(run("ip", "-n", site.node.name, "-j", "link", "show", "eth2"))[0]["ifindex"]
    assert shown["link_index"] == nic, "refer_nic is the parent"
    for file in site.objects.iterdir():
        file.unlink()
    gone(site, workload)


@pytest.mark.parametrize(
    ("logical", "physical", "reason"),
    [
        pytest.param(
            {"physicalNet": "p", "plugin": "flannel", "sub_subnet": "10.244.0.0/24"},
            {"refer_nic": "eth1"},
            "plugin flannel cannot give addresses of 10.244.0.0/24",
            id="flannel has a subnet of its own",
        ),
        pytest.param(
            {"physicalNet": "p", "sub_subnet": "10.33.0.0/24"},
            {"sharedStatus": {"dedicatedNet": True, "plugin": "weave", "subnet": "10.32.0.0/16"}},
            "sub_subnet 10.33.0.0/24 is not inside 10.32.0.0/16",
            id="outside the dedicated one",
        ),
        pytest.param({"physicalNet": "p"}, {"refer_nic": "eth1"}, "spec.plugin", id="shared, no plugin"),
        pytest.param(
            {"plugin": "odd", "sub_subnet": "10.9.0.0/24"}, {}, "IPAM", id="fault 23 an ipam that is no object"
        ),
        pytest.param({"plugin": "nowhere"}, {}, "nowhere", id="no such plugin"),
    ],
)
def test_what_makes_no_network_is_refused_with_its_reason(
    site: Pods, logical: dict[str, Any], physical: dict[str, Any], reason: str
) -> None:
    site.node.network("10-odd.conf", {"type": "bridge", "ipam": "host-local"})
    site.known("LogicalNetwork", "net1", logical, "default")
    site.known("PhysicalNetwork", "p", physical, "default")
    site.known("LogicalNetwork", "weave", {"plugin": "weave"}, "default")
    workload, refused = site.add({"cni": "", "networks": "weave,net1"}, namespace="default")
    assert reason in refused.json["msg"]
    assert "logical:default/net1" in refused.json["msg"]
    assert site.calls() == [], "nothing was begun"
    assert site.leftovers(workload) == []


def test_E19_E20_E21_E22_definitions_in_spec_and_in_a_file(site: Pods) -> None:
    """A pod on test/flannel-conf, whose configuration has no name, and network/weave, whose configuration is a file."""
    site.defined("flannel-conf", FLANNEL_IN_SPEC, namespace="test")
    site.defined("weave", namespace="network")
    expected = {"eth0": SUBNETS["calico"], "eth1": SUBNETS["flannel"], "eth2": SUBNETS["weave"]}
    workload = attached(site, {NAD: "flannel-conf,network/weave"}, expected, "test")
    names = {call["env"]["CNI_IFNAME"]: call["config"]["name"] for call in site.calls()}
    assert names == {"eth0": "k8s-pod-network", "eth1": "flannel-conf", "eth2": "weave"}
    for file in site.objects.iterdir():
        file.unlink()
    gone(site, workload)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param("flannel@eth1, network/weavenet@eth5", id="sample in the form of names"),
        pytest.param(
            '[\n  {\n    "name":"flannel",\n    "interface": "eth1"\n  },\n'
            '  {\n    "name":"weavenet",\n    "namespace": "network",\n    "interface": "eth5"\n  }\n]\n',
            id="sample in the form of JSON",
        ),
    ],
)
def test_samples_of_definitions(site: Pods, asked: str) -> None:
    site.defined("flannel", FLANNEL_IN_SPEC, namespace="test")
    site.defined("weavenet", WEAVE_IN_SPEC, namespace="network")
    expected = {"eth0": SUBNETS["calico"], "eth1": SUBNETS["flannel"], "eth5": SUBNETS["weave"]}
    workload = attached(site, {NAD: asked}, expected, "test")
    written = json.loads(site.written(workload, {NAD: asked})["k8s.v1.cni.cncf.io/network-status"])
    assert [(entry["name"], entry["interface"]) for entry in written] == [
        ("k8s-pod-network", "eth0"),
        ("test/flannel", "eth1"),
        ("network/weavenet", "eth5"),
    ]
    gone(site, workload)
    assert links(workload) == {"lo"}
