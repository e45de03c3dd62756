"""The API server alone: our kinds, service accounts' real tokens and rights, and the server away."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cluster import ApiServer, Kubectl, KubectlError
from tests.support.cluster.programs import ROOT

GENIE = "alpha.network.k8s.io/v1"


@pytest.fixture
def namespace(api_server: ApiServer) -> Iterator[str]:
    name = f"t-{uuid.uuid4().hex[:8]}"
    api_server.kubectl("create", "namespace", name)
    yield name
    api_server.kubectl("delete", "namespace", name, "--wait=false")


def network(kind: str, namespace: str, **spec: Any) -> dict[str, Any]:
    name = f"n-{uuid.uuid4().hex[:8]}"
    return {"apiVersion": GENIE, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        pytest.param("PhysicalNetwork", {"refer_nic": "eth1"}, id="uplink only"),
        pytest.param(
            "PhysicalNetwork",
            {"refer_nic": "eth1", "sharedStatus": {"plugin": "weave", "subnet": "10.1.0.0/16", "dedicatedNet": True}},
            id="Genie's dedicated",
        ),
        pytest.param("PhysicalNetwork", {"refer_nic": "eth1", "sharedStatus": {"dedicatedNet": False}}, id="shared"),
        pytest.param("LogicalNetwork", {"physicalNet": "phynet1", "sub_subnet": "10.1.2.0/24"}, id="on a dedicated"),
        pytest.param("LogicalNetwork", {"plugin": "weave", "sub_subnet": "fd00:1::/64"}, id="on none, IPv6"),
    ],
)
def test_a_network_is_kept_as_it_was_written(
    api_server: ApiServer, namespace: str, kind: str, spec: dict[str, Any]
) -> None:
    made = network(kind, namespace, **spec)
    api_server.kubectl.apply(made)
    assert api_server.kubectl.read("get", kind, "-n", namespace, made["metadata"]["name"])["spec"] == spec


def test_the_examples_of_the_documentation_are_valid(api_server: ApiServer) -> None:
    text = (ROOT / "config/examples/physical-networks.yaml").read_text()
    api_server.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", input=_in_default_namespace(text))


@pytest.mark.parametrize(
    ("kind", "spec", "says"),
    [
        pytest.param("PhysicalNetwork", {"capacity": "1Gbps"}, "needs refer_nic", id="no uplink"),
        pytest.param("PhysicalNetwork", {"uplinks": []}, "needs refer_nic", id="no uplinks"),
        pytest.param("PhysicalNetwork", {"refer_nic": "eth1", "capacity": "1 GB"}, "spec.capacity", id="no rate"),
        pytest.param("PhysicalNetwork", {"refer_nic": "eth1", "sla": "101"}, "spec.sla", id="too much"),
        pytest.param("PhysicalNetwork", {"refer_nic": "eth1/2"}, "spec.refer_nic", id="no interface name"),
        pytest.param(
            "PhysicalNetwork", {"refer_nic": "eth1", "sharedStatus": {"subnet": "10.1"}}, "is no subnet", id="no subnet"
        ),
        pytest.param(
            "PhysicalNetwork", {"refer_nic": "eth1", "capasity": "1Gbps"}, 'unknown field "spec.capasity"', id="typo"
        ),
        pytest.param("LogicalNetwork", {"sub_subnet": "10.1.2.0/24"}, "needs physicalNet or plugin", id="neither"),
        pytest.param("LogicalNetwork", {"plugin": "weave", "sub_subnet": "10.1.2.0"}, "is no subnet", id="an address"),
    ],
)
def test_a_wrong_network_is_refused_with_its_place(
    api_server: ApiServer, namespace: str, kind: str, spec: dict[str, Any], says: str
) -> None:
    with pytest.raises(KubectlError, match=says):
        api_server.kubectl.apply(network(kind, namespace, **spec))


def test_an_attachment_definition_may_be_empty(api_server: ApiServer, namespace: str) -> None:
    definition = {"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition"}
    api_server.kubectl.apply({**definition, "metadata": {"name": "weave", "namespace": namespace}})
    assert "weave" in api_server.kubectl("get", "net-attach-def", "-n", namespace)


def test_a_service_account_may_only_what_it_was_given(api_server: ApiServer, namespace: str) -> None:
    kubectl = api_server.kubectl
    kubectl("create", "serviceaccount", "reader", "-n", namespace)
    reader = Kubectl(kubectl.program, api_server.kubeconfig_of("reader", namespace))
    with pytest.raises(KubectlError, match="Forbidden"):
        reader("get", "configmaps")
    kubectl("create", "role", "read", "--verb=list", "--resource=configmaps", "-n", namespace)
    kubectl("create", "rolebinding", "read", "--role=read", f"--serviceaccount={namespace}:reader", "-n", namespace)
    assert reader.read("get", "configmaps")["items"] == []


def test_what_it_holds_outlives_its_absence(api_server: ApiServer, namespace: str) -> None:
    made = network("LogicalNetwork", namespace, plugin="weave")
    api_server.kubectl.apply(made)
    api_server.server.stop()
    with pytest.raises(KubectlError, match="refused"):
        api_server.kubectl("get", "namespaces")
    api_server.server.start()
    assert made["metadata"]["name"] in api_server.kubectl("get", "logicalnetworks", "-n", namespace)


def _in_default_namespace(text: str) -> str:
    return text.replace("namespace: genie-system", "namespace: default")
