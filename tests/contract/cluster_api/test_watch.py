"""The watch on a real API server: restarts, silence, kinds that come later; warm, it asks nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cni.cluster import ClusterAway, LogicalNetwork, ObjectUnknown, PodEvent
from cni.kube import ApiCluster
from cni.kube.api import Api, Point
from cni.kube.failures import Expired
from cni.kube.given import Given
from cni.kube.kinds import PODS
from cni.kube.sources import Source
from tests.contract.cluster_api.api_world import ApiWorld, api_world
from tests.contract.cluster_api.conftest import DEPLOY
from tests.contract.cluster_api.test_pods import Heard, pod
from tests.contract.cluster_api.worlds import soon
from tests.support.administrator import Administrator
from tests.support.cluster import ApiServer
from tests.support.cluster.apiserver import CRDS
from tests.support.cluster.apiserver import api_server as made_api_server
from tests.support.manifests import manifest

pytestmark = pytest.mark.cluster


def test_a_warm_watch_asks_nothing(api: ApiWorld, namespace: str) -> None:
    network = api.make(LogicalNetwork(namespace=namespace, name="net1", plugin="weave"))
    made = api.make(pod(api, namespace, annotations={"cni": "blue"}))
    heard = Heard(namespace)
    api.cluster.on_pod(heard)
    heard.until(1)
    soon(lambda: network in api.cluster.logical_networks(), "the network is known")
    with api.relay.silent():
        began = time.monotonic()
        assert api.cluster.pod(namespace, "web-0", made.uid) == made
        assert api.cluster.logical_network(namespace, "net1") == network
        assert time.monotonic() - began < 0.1
        with pytest.raises(ClusterAway, match="did not answer within 3 s"):
            api.cluster.pod(namespace, "unseen", "some-uid")


def test_the_watch_outlives_a_restart_of_the_server(api: ApiWorld, namespace: str) -> None:
    heard = Heard(namespace)
    api.cluster.on_pod(heard)
    stays, goes = (api.make(pod(api, namespace, name)) for name in ("stays", "goes"))
    heard.until(2)
    api.server.server.kill()
    try:
        soon(lambda: not api.cluster.warm, "it is noticed")
        assert api.cluster.pod(namespace, "stays", stays.uid) == stays
    finally:
        api.server.server.start()
    later = api.make(pod(api, namespace, "later"))
    api.delete(goes)
    soon(lambda: (PodEvent.ADDED, later) in heard.events, "the new pod is heard of")
    soon(lambda: heard.events[-1][0] is PodEvent.DELETED, "it is heard that the other is gone")
    told = [(event, pod.name) for event, pod in heard.events if event is not PodEvent.CHANGED]
    assert sorted(told) == [("added", "goes"), ("added", "later"), ("added", "stays"), ("deleted", "goes")]
    soon(lambda: api.cluster.warm, "the watch is warm")


def test_what_happened_while_the_server_was_away_is_heard_afterwards(api: ApiWorld, namespace: str) -> None:
    heard = Heard(namespace)
    api.cluster.on_pod(heard)
    goes, changes = (api.make(pod(api, namespace, name)) for name in ("goes", "changes"))
    heard.until(2)
    with api.away():
        api.delete(goes)
        changed = api.make(replace(changes, annotations={"cni": "red"}))
        comes = api.make(pod(api, namespace, "comes"))

    def told() -> set[tuple[PodEvent, str]]:
        return {(event, pod.uid) for event, pod in heard.events[2:]}

    wanted = {(PodEvent.DELETED, goes.uid), (PodEvent.CHANGED, changed.uid), (PodEvent.ADDED, comes.uid)}
    soon(lambda: wanted <= told(), "all three are heard of")


def test_the_first_pod_that_is_read_after_an_outage_opens_the_watch(api: ApiWorld, namespace: str) -> None:
    """Else the pods that are attached until its next try, half a minute later, would not be known in a next outage."""
    with api.away():
        time.sleep(8)  # by then pauses are four seconds and more
        made = api.make(pod(api, namespace))
    began = time.monotonic()
    assert api.cluster.pod(namespace, "web-0", made.uid) == made
    soon(lambda: api.cluster.warm, "the watch is open")
    assert time.monotonic() - began < 1.0


def test_a_version_that_is_too_old_is_known_as_such(api: ApiWorld) -> None:
    given = Given(source="", kubeconfig=api.kubeconfig(api.server.credentials.tokens["admin"]))
    admin = Api(Source(given, Path("/nowhere"), {}), 3.0)
    _, now = admin.list(PODS, "", cheap=False)
    with pytest.raises(Expired), admin.watch(PODS, "", Point(now.server, "1"), 5) as events:
        list(events)
    with admin.watch(PODS, "", now, 1) as events:
        assert [event.type for event in events if event.type != "BOOKMARK"] == []
    with pytest.raises(Expired, match="another one"), admin.watch(PODS, "", Point("https://other", "1"), 5):
        pass
    admin.close()


def test_a_server_that_falls_silent_is_not_warm(api: ApiWorld, namespace: str) -> None:
    given = Given(source="", kubeconfig=api.kubeconfig(api.server.token("genie-agent", "genie-system")))
    cluster = ApiCluster(Api(Source(given, Path("/nowhere"), {}), 0.5, silence=1.0), api.node)
    try:
        soon(lambda: cluster.warm, "the watch is open")
        made = api.make(pod(api, namespace))
        soon(lambda: cluster.pod(namespace, "web-0", made.uid) == made, "the pod is known")
        with api.relay.silent():
            soon(lambda: not cluster.warm, "the silence is noticed")
            assert cluster.pod(namespace, "web-0", made.uid) == made
            with pytest.raises(ClusterAway):
                cluster.pod(namespace, "web-0")
        soon(lambda: cluster.warm, "it speaks again")
    finally:
        cluster.stop()


def test_a_kubeconfig_that_changes_is_followed(api: ApiWorld, namespace: str) -> None:
    made = api.make(pod(api, namespace))
    file = api.kubeconfig("no-such-token")
    cluster = api.connect_by(file)
    with pytest.raises(Exception, match="does not accept"):
        cluster.pod(namespace, "web-0", made.uid)
    api.kubeconfig(api.server.token("genie-agent", "genie-system")).rename(file)
    assert cluster.pod(namespace, "web-0", made.uid) == made
    soon(lambda: cluster.warm, "the watch is open too")


@pytest.fixture
def bare(tmp_path: Path, namespace: str) -> Iterator[ApiWorld]:
    """A server of its own, that does not know our kinds."""
    with made_api_server() as server:
        server.kubectl.apply(DEPLOY / "rbac-agent.yaml")
        with api_world(server, tmp_path, namespace) as made:
            yield made


def test_kinds_may_be_installed_later(bare: ApiWorld, namespace: str) -> None:
    made = bare.make(pod(bare, namespace))
    assert bare.cluster.pod(namespace, "web-0", made.uid) == made
    network = LogicalNetwork(namespace=namespace, name="net1", plugin="weave")
    with pytest.raises(ObjectUnknown, match=r"does not know logicalnetworks.*install config/crds"):
        bare.cluster.logical_network(namespace, "net1")
    assert list(bare.cluster.logical_networks()) == []
    _install(bare.server)
    admin = Administrator(bare.server)
    admin.apply(manifest(network))
    admin.close()
    # The first who asks finds it, and from then on it is watched: nobody waits for the next try.
    assert bare.cluster.logical_network(namespace, "net1") == network
    soon(lambda: list(bare.cluster.logical_networks()) == [network], "it is watched")


def _install(server: ApiServer) -> None:
    server.kubectl.apply(*sorted(CRDS.glob("*.yaml")))
    server.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
