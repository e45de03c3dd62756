"""The agent's account: what config/deploy gives it is enough (the whole suite runs with it), and nothing more."""

from __future__ import annotations

import ssl
from typing import Any

import httpx2
import pytest

from cni.cluster import ClusterRefused
from cni.kube import ApiCluster
from tests.contract.cluster_api.api_world import AGENT, ApiWorld
from tests.contract.cluster_api.test_pods import pod
from tests.contract.cluster_api.worlds import soon
from tests.support.cluster import ApiServer
from tests.support.manifests import manifest

pytestmark = pytest.mark.cluster

MERGE = {"Content-Type": "application/merge-patch+json"}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}}
READER = """
{apiVersion: v1, kind: ServiceAccount, metadata: {name: NAME, namespace: genie-system}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: NAME}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: NAME}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: NAME}
subjects: [{kind: ServiceAccount, name: NAME, namespace: genie-system}]
"""


def somebody(server: ApiServer, token: str) -> httpx2.Client:
    """The bearer of a token, who asks for anything."""
    return httpx2.Client(
        base_url=server.url,
        verify=ssl.create_default_context(cafile=str(server.authority)),
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=30,
    )


def test_the_agent_can_do_nothing_but_its_work(api: ApiWorld, namespace: str) -> None:
    api.make(pod(api, namespace, labels={"app": "web"}))
    api.admin.apply({**SECRET, "metadata": {"name": "s", "namespace": namespace}})
    pods, secrets = f"/api/v1/namespaces/{namespace}/pods", f"/api/v1/namespaces/{namespace}/secrets"
    crds = "/apis/alpha.network.k8s.io/v1"
    with somebody(api.server, api.server.token(*AGENT)) as agent:
        refused = [
            agent.patch(f"{pods}/web-0", json={"metadata": {"labels": {"app": "db"}}}, headers=MERGE),
            agent.patch(f"{pods}/web-0", json={"metadata": {"annotations": {"a": "b"}}}, headers=MERGE),
            agent.patch(f"{pods}/web-0", json={"spec": {"activeDeadlineSeconds": 1}}, headers=MERGE),
            agent.put(f"{pods}/web-0/status", json=manifest(pod(api, namespace))),
            agent.delete(f"{pods}/web-0"),
            agent.post(pods, json=manifest(pod(api, namespace, "more"))),
            agent.post(f"{pods}/web-0/exec?command=sh"),
            agent.get(f"{secrets}/s"),
            agent.get(secrets),
            agent.get("/api/v1/nodes"),
            agent.patch(f"/api/v1/nodes/{api.node}", json={"metadata": {"labels": {"a": "b"}}}, headers=MERGE),
            agent.delete(f"{crds}/namespaces/{namespace}/logicalnetworks/net1"),
            agent.post(f"{crds}/namespaces/{namespace}/physicalnetworks", json={}),
            agent.get("/api/v1/configmaps"),
        ]
    assert [answer.status_code for answer in refused] == [403] * len(refused)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"metadata": {"labels": {"app": "db"}}}, "may not change a pod's labels"),
        ({"metadata": {"finalizers": ["genie.test/hold"]}}, "may not change a pod's finalizers"),
        ({"status": {"phase": "Failed"}}, "may not change a pod's status"),
        ({"status": {"podIP": "10.0.0.9", "podIPs": [{"ip": "10.0.0.9"}]}}, "may not change a pod's status"),
    ],
    ids=["labels", "finalizers", "phase", "address"],
)
def test_through_the_status_it_changes_annotations_only(
    api: ApiWorld, namespace: str, change: dict[str, Any], says: str
) -> None:
    made = api.make(pod(api, namespace, labels={"app": "web"}))
    path = f"/api/v1/namespaces/{namespace}/pods/web-0/status"
    with somebody(api.server, api.server.token(*AGENT)) as agent:
        answer = agent.patch(path, json=change, headers=MERGE)
    assert answer.status_code == 422
    assert says in answer.text
    assert api.admin.read(manifest(made))["metadata"]["labels"] == {"app": "web"}


def test_a_spec_in_a_patch_of_the_status_is_passed_over(api: ApiWorld, namespace: str) -> None:
    made = api.make(pod(api, namespace))
    change = {"metadata": {"annotations": {"a": "b"}}, "spec": {"activeDeadlineSeconds": 1}}
    with somebody(api.server, api.server.token(*AGENT)) as agent:
        assert agent.patch(f"/api/v1/namespaces/{namespace}/pods/web-0/status", json=change, headers=MERGE).is_success
    now = api.admin.read(manifest(made))
    assert "activeDeadlineSeconds" not in now["spec"]
    assert now["metadata"]["annotations"] == {"a": "b"}


def test_a_kubelets_token_is_good_for_pods_of_its_node_only(api: ApiWorld, namespace: str) -> None:
    api.label_node({})
    own, foreign = (api.make(pod(api, namespace, name, node=node)) for name, node in (("own", api.node), ("x", "n-x")))
    agent = api.connect(bound_token(api))
    agent.annotate(own, {"cni": "blue"})
    soon(lambda: agent.pod(namespace, "own", own.uid).annotations == {"cni": "blue"}, "it is written")
    with pytest.raises(ClusterRefused, match=f"the agent of {api.node} may not write to pods of n-x"):
        agent.annotate(foreign, {"cni": "blue"})


def bound_token(api: ApiWorld) -> str:
    """As a kubelet gets it for an agent's pod on the world's node."""
    account, namespace = AGENT
    agents = manifest(pod(api, namespace, f"agent-{api.node}"))
    agents["spec"]["serviceAccountName"] = account
    made = api.admin.apply(agents)
    reference = {"apiVersion": "v1", "kind": "Pod", "name": made["metadata"]["name"], "uid": made["metadata"]["uid"]}
    options = ("--bound-object-kind=Pod", f"--bound-object-name={reference['name']}")
    uid = f"--bound-object-uid={reference['uid']}"
    return api.server.kubectl("create", "token", account, "-n", namespace, *options, uid).strip()


def test_a_right_that_is_missing_is_named(api: ApiWorld, namespace: str) -> None:
    made = api.make(pod(api, namespace))
    api.server.kubectl.apply(READER.replace("NAME", "genie-reader"))
    cluster = api.connect(api.server.token("genie-reader", "genie-system"))
    # The right to read one pod is enough for an ADD; the watch stays cold.
    assert cluster.pod(namespace, "web-0", made.uid) == made
    assert not cluster.warm
    for act, right in (
        (lambda: cluster.annotate(made, {"a": "b"}), 'cannot patch resource "pods/status" in API group ""'),
        (cluster.node_labels, 'cannot get resource "nodes"'),
        (lambda: cluster.logical_network(namespace, "net1"), 'cannot get resource "logicalnetworks"'),
    ):
        with pytest.raises(ClusterRefused, match=right) as caught:
            act()
        assert "config/deploy/rbac-agent.yaml" in str(caught.value)


def test_the_account_of_a_stranger_sees_nothing(api: ApiWorld, namespace: str) -> None:
    api.server.kubectl("create", "serviceaccount", "nobody", "-n", namespace)
    cluster: ApiCluster = api.connect(api.server.token("nobody", namespace))
    with pytest.raises(ClusterRefused, match='cannot get resource "pods"'):
        cluster.pod(namespace, "web-0")
