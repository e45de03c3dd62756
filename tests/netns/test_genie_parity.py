"""What CNI-Genie's own end-to-end tests attach, with the assertions that these lack. The ids are the checklist's."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_interface, ip_network

import pytest

from tests.support.genie_site import INSTALLED, SUBNETS, genie_site
from tests.support.node import netns
from tests.support.pods import Pods, asymmetric, given

pytestmark = pytest.mark.netns

Expected = dict[str, str]
"""The network of each interface, in the order of attachment."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    with genie_site(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        pytest.param({"cni": "calico"}, {"eth0": "calico"}, id="E1 calico"),
        pytest.param({"cni": "romana"}, {"eth0": "romana"}, id="E2 romana"),
        pytest.param({"cni": "weave"}, {"eth0": "weave"}, id="E3 weave"),
        pytest.param({"cni": "flannel,weave"}, {"eth0": "flannel", "eth1": "weave"}, id="E4 flannel, weave"),
        pytest.param({"cni": "bridge"}, {"eth0": "bridge"}, id="E6 bridge, which has no file"),
        pytest.param({"cni": "weave,bridge"}, {"eth0": "weave", "eth1": "bridge"}, id="E7 weave, bridge"),
        pytest.param({"cni": "macvlan"}, {"eth0": "macvlan"}, id="E8 macvlan, which has no file"),
        pytest.param({"cni": "weave,flannel"}, {"eth0": "weave", "eth1": "flannel"}, id="E9 weave, flannel"),
        pytest.param({"cni": "sriov"}, {"eth0": "sriov"}, id="E10 sriov, which has no file"),
        pytest.param({"cni": "flannel,flannel"}, {"eth0": "flannel", "eth1": "flannel"}, id="E11 flannel twice"),
        pytest.param(
            {"cni": "flannel,weave,flannel"},
            {"eth0": "flannel", "eth1": "weave", "eth2": "flannel"},
            id="E12 flannel twice, weave between",
        ),
        pytest.param({}, {"eth0": "calico"}, id="E15 an empty map of annotations"),
        pytest.param({"build": "two"}, {"eth0": "calico"}, id="E14 a foreign annotation"),
        pytest.param(
            {"cni": "flannel,weave@eth4,flannel@eth5, flannel"},
            {"eth0": "flannel", "eth4": "weave", "eth5": "flannel", "eth1": "flannel"},
            id="E16 names between automatic ones",
        ),
        pytest.param(
            {"cni": "flannel,weave@eth4,flannel@eth3"},
            {"eth0": "flannel", "eth4": "weave", "eth3": "flannel"},
            id="sample pod-plugin-with-ifname",
        ),
        pytest.param(
            {"cni": "romana@eth1,weave,flannel@foo,bridge"},
            {"eth1": "romana", "eth0": "weave", "foo": "flannel", "eth2": "bridge"},
            id="numbers are skipped that were asked for",
        ),
    ],
)
def test_a_pod_is_attached_and_leaves_nothing(site: Pods, annotations: dict[str, str], expected: Expected) -> None:
    site.forget_calls()
    workload, added = site.add(annotations)
    assert added.status == 0, added
    found = given(workload)
    assert set(found) == set(expected)
    for ifname, network in expected.items():
        (address,) = found[ifname]
        assert ip_interface(address).ip in ip_network(SUBNETS[network])
    assert [ip["address"] for ip in added.json["ips"]] == [found[ifname][0] for ifname in expected], "in order"
    assert site.delete(workload, annotations).status == 0
    assert asymmetric(site.calls()) == []
    assert site.leftovers(workload) == []


@pytest.mark.parametrize(
    "args",
    [
        pytest.param("K8S_POD_NAMESPACE=test;K8S_POD_NAME=nginx;K8S_ANNOT=", id="E13 a pod without annotations"),
        pytest.param("", id="E13 outside Kubernetes"),
    ],
)
def test_who_asks_for_nothing_gets_the_first_network(site: Pods, args: str) -> None:
    workload, added = site.add(None, CNI_ARGS=args)
    assert added.status == 0, added
    assert ip_interface(given(workload)["eth0"][0]).ip in ip_network(SUBNETS["calico"])
    assert site.delete(workload, CNI_ARGS=args).status == 0
    assert site.leftovers(workload) == []


def test_U3_spaces_duplicates_and_a_plugin_that_nobody_knows(site: Pods) -> None:
    """Genie's unit test, with plugins that run: an arbitrary name with a configuration is as good as a known one."""
    bridge = {"type": "bridge", "bridge": "br7", "ipam": site.node.host_local("10.7.0.0/24")}
    site.node.network("10-abc.conf", bridge)
    workload, added = site.add({"cni": "flannel, weave, abc, flannel"})
    assert added.status == 0, added
    assert sorted(given(workload)) == ["eth0", "eth1", "eth2", "eth3"]
    assert given(workload)["eth2"][0].startswith("10.7.0.")
    inside = [each["name"] for each in added.json["interfaces"] if each.get("sandbox") == netns(workload)]
    # flannel's file names no version: its results are of the oldest shape, which names no interface.
    assert inside == ["eth1", "eth2"]
    assert site.delete(workload).status == 0
    assert site.leftovers(workload) == []


def test_U1_without_an_api_server_a_pods_annotations_are_unknown(site: Pods) -> None:
    workload, refused = site.add(None, netconf={"cniVersion": ""})
    assert refused.status == 1
    assert "Error building kubernetes client" in refused.json["msg"]
    assert "K8S_ANNOT" in refused.json["details"], "what to do"
    assert site.leftovers(workload) == []


def test_U2_a_del_needs_no_api_server(site: Pods) -> None:
    """CNI-Genie's DEL fails here, as it asks the API server what to delete.

    Ours goes by the record of the ADD: it must succeed, and release everything, whatever is known of the pod by then.
    """
    workload, added = site.add({"cni": "weave,flannel"})
    assert added.status == 0, added
    deleted = site.delete(workload, netconf={"cniVersion": ""})
    assert (deleted.status, deleted.stdout) == (0, b"")
    assert site.leftovers(workload) == []
    assert site.delete(workload).status == 0, "and of a pod that was never added"


@pytest.mark.parametrize("version", ["0.1.0", "0.2.0"])
def test_the_shipped_configuration_is_answered_with_the_first_address(site: Pods, version: str) -> None:
    """CNI-Genie's own file, fields that mean nothing included; the runtime's version decides the result's shape."""
    shipped = {**INSTALLED["00-genie.conf"], "cniVersion": version}
    workload, added = site.add({"cni": "weave,flannel"}, netconf=shipped)
    assert added.status == 0, added
    assert added.json["ip4"]["ip"] == given(workload)["eth0"][0]
    assert site.delete(workload).status == 0
    assert site.leftovers(workload) == []


def test_a_default_list_serves_pods_without_annotation(site: Pods) -> None:
    listed = {"default_plugin": "flannel,weave@eth7,flannel"}
    for unasked in ({}, {"build": "two"}):
        workload, added = site.add(unasked, netconf=listed)
        assert added.status == 0, added
        assert sorted(given(workload)) == ["eth0", "eth1", "eth7"]
        assert site.delete(workload).status == 0
    workload, added = site.add({"cni": "romana"}, netconf=listed)
    assert sorted(given(workload)) == ["eth0"], "an annotation replaces it"
    assert site.delete(workload).status == 0
    assert site.leftovers(workload) == []
