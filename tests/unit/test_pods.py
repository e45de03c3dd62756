"""Who asks for networks: a pod of the cluster, or a container that says so itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from cni.args import parse_args
from cni.cluster import Cluster, ClusterRefused, Pod
from cni.pods import Asking, NoClusters, asking
from cni.protocol import Call, CniError
from tests.support.fake_cluster import FakeCluster

POD = Pod(
    namespace="shop", name="web-0", uid="u1", node="n1", annotations={"cni": "of-the-server"}, labels={"app": "web"}
)
OF_POD = "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_POD_UID=u1"
OWN = f";K8S_ANNOT={json.dumps({'cni': 'own', 'switcher.genie.io/labels': 'app=own'})}"


@dataclass
class Named:
    """A configuration of genie names this cluster, or one that cannot be used."""

    cluster: Cluster | None = None
    refused: str = ""
    own: Cluster | None = None

    def of(self, config: Mapping[str, Any]) -> Cluster | None:  # noqa: ARG002 - the port's parameter
        if self.refused:
            raise ClusterRefused(self.refused)
        return self.cluster


def asks(clusters: Any, args: str, **config: Any) -> Asking:
    call = Call(
        command="ADD",
        container_id="c1",
        netns="/run/netns/c1",
        ifname="eth0",
        args=args,
        version="1.0.0",
        config={"name": "pods", "type": "genie", **config},
    )
    return asking(clusters, call, parse_args(args))


def test_a_pods_annotations_and_labels_are_the_servers() -> None:
    cluster = FakeCluster("n1", POD)
    who = asks(Named(cluster), OF_POD + OWN)
    assert (who.workload, who.namespace, who.pod, who.cluster) == ("shop/web-0", "shop", POD, cluster)
    assert (who.annotations, who.labels) == ({"cni": "of-the-server"}, {"app": "web"})


@pytest.mark.parametrize(
    ("clusters", "workload"),
    [
        pytest.param(NoClusters(), "shop/web-0", id="no server is named"),
        pytest.param(Named(refused="no such kubeconfig"), "shop/web-0", id="what names it cannot be used"),
        pytest.param(Named(FakeCluster("n1")), "shop/web-0", id="it does not know the pod"),
    ],
)
def test_fault_2_annotations_of_the_environment_count_where_no_server_tells(clusters: Any, workload: str) -> None:
    who = asks(clusters, OF_POD + OWN)
    assert (who.workload, who.namespace, who.pod) == (workload, "shop", None)
    assert (who.annotations["cni"], who.labels) == ("own", {"app": "own"})


class Counting(FakeCluster):
    """Counts how often a pod is read."""

    reads = 0

    def pod(self, namespace: str, name: str, uid: str = "") -> Pod:
        self.reads += 1
        return super().pod(namespace, name, uid)


def test_fault_17_a_pod_is_read_once() -> None:
    cluster = Counting("n1", POD)
    asks(Named(cluster), OF_POD)
    assert cluster.reads == 1


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        pytest.param({"away": True}, 11, "does not answer", id="away: try again"),
        pytest.param({"refused": "may not get pods"}, 100, "may not get pods", id="refused"),
    ],
)
def test_a_server_that_does_not_tell_fails_the_add(change: dict[str, Any], code: int, word: str) -> None:
    cluster = FakeCluster("n1", POD)
    for name, value in change.items():
        setattr(cluster, name, value)
    args = OF_POD.replace(";K8S_POD_UID=u1", "")
    with pytest.raises(CniError) as caught:
        asks(Named(cluster), args)
    assert caught.value.code == code
    assert "pod shop/web-0 cannot be read" in caught.value.msg
    assert word in caught.value.details
    assert asks(Named(cluster), args + OWN).annotations["cni"] == "own"


def test_a_pod_that_was_seen_is_attached_while_the_server_is_away() -> None:
    cluster = FakeCluster("n1", POD)
    cluster.away = True
    assert asks(Named(cluster), OF_POD).pod == POD


def test_another_pod_of_the_same_name_is_not_meant() -> None:
    with pytest.raises(CniError, match="u1, not u2"):
        asks(Named(FakeCluster("n1", POD)), OF_POD.replace("u1", "u2"))


@pytest.mark.parametrize(
    ("clusters", "word"),
    [
        pytest.param(NoClusters(), "Error building kubernetes client", id="U1"),
        pytest.param(Named(refused="kubeconfig /none: no such file"), "/none", id="U1 a kubeconfig that is not there"),
    ],
)
def test_a_pod_of_which_nobody_tells_is_refused(clusters: Any, word: str) -> None:
    with pytest.raises(CniError) as caught:
        asks(clusters, OF_POD)
    assert caught.value.code == 7
    assert word in str(caught.value)


@pytest.mark.parametrize("clusters", [NoClusters(), Named(FakeCluster("n1", POD))], ids=["alone", "in a cluster"])
def test_a_container_that_is_no_pod_needs_no_server(clusters: Any) -> None:
    who = asks(clusters, "IgnoreUnknown=1")
    assert (who.workload, who.namespace, who.pod, who.annotations) == ("c1", "default", None, {})
    assert asks(clusters, OWN[1:]).annotations["cni"] == "own"


TOLD = {"runtimeConfig": {"io.kubernetes.cri.pod-annotations": {"cni": "of-the-runtime"}}}


def test_what_the_runtime_tells_counts_where_nothing_else_does() -> None:
    cluster = FakeCluster("n1")
    cluster.away = True
    who = asks(Named(cluster), OF_POD, **TOLD)
    assert who.pod == Pod(namespace="shop", name="web-0", uid="u1", annotations={"cni": "of-the-runtime"})
    assert (who.cluster, who.annotations) == (cluster, {"cni": "of-the-runtime"}), "it is written to when that is back"
    assert asks(NoClusters(), OF_POD, **TOLD).annotations == {"cni": "of-the-runtime"}
    assert asks(Named(refused="no such kubeconfig"), OF_POD, **TOLD).annotations == {"cni": "of-the-runtime"}
    assert asks(NoClusters(), OF_POD + OWN, **TOLD).annotations["cni"] == "own"
    assert asks(Named(FakeCluster("n1", POD)), OF_POD, **TOLD).pod == POD


@pytest.mark.parametrize("told", [["cni"], {"cni": 1}, "cni"])
def test_the_runtime_must_tell_annotations(told: Any) -> None:
    with pytest.raises(CniError, match="must be an object of strings"):
        asks(NoClusters(), OF_POD, runtimeConfig={"io.kubernetes.cri.pod-annotations": told})
