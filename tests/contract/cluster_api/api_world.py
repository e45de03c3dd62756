"""The world with a real API server in it. The port is used with the agent's own rights and nothing more."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from cni.cluster import Cluster, Objects, Pod
from cni.kube import ApiCluster, Clusters
from cni.settings import Kubernetes
from tests.contract.cluster_api.worlds import BROKEN_CONFIG, T, soon
from tests.support.administrator import Administrator
from tests.support.cluster import ApiServer
from tests.support.manifests import Object, manifest
from tests.support.relay import Relay, relay

AGENT = ("genie-agent", "genie-system")
RUNTIME_CLASS = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "kata"},
    "handler": "kata",
}


class ApiWorld:
    """Use :func:`api_world`. The agent reaches the server through ``relay``."""

    def __init__(self, server: ApiServer, directory: Path, namespace: str, relay: Relay) -> None:
        self.node = f"n-{uuid.uuid4().hex[:8]}"
        self.server = server
        self.relay = relay
        self.admin = Administrator(server)
        self.admin.namespace(namespace)
        self._directory = directory
        self._made: list[Clusters] = []
        self.cluster: ApiCluster = self.connect(server.token(*AGENT))

    @property
    def objects(self) -> Objects:
        return self.cluster

    def connect(self, token: str) -> ApiCluster:
        """The cluster for the bearer of that token, through the relay."""
        return self.connect_by(self.kubeconfig(token))

    def connect_by(self, kubeconfig: Path) -> ApiCluster:
        """The cluster of an agent with that kubeconfig."""
        clusters = Clusters(Kubernetes(kubeconfig=kubeconfig), self.node, environment={})
        self._made.append(clusters)
        assert clusters.own is not None
        return clusters.own

    def kubeconfig(self, token: str) -> Path:
        """A new kubeconfig with that token."""
        cluster = {
            "server": f"https://127.0.0.1:{self.relay.port}",
            "certificate-authority": str(self.server.authority),
        }
        content = {
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "it", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "it",
        }
        path = self._directory / f"{uuid.uuid4().hex[:8]}.kubeconfig"
        path.write_text(json.dumps(content))
        return path

    def make(self, value: T) -> T:
        made = manifest(value)
        if isinstance(value, Pod) and value.runtime_class:
            self.admin.apply(RUNTIME_CLASS)
        found = self.admin.apply(made)
        if not isinstance(value, Pod):
            return value
        if value.deleting:
            self.admin.delete(made)
        return replace(value, uid=found["metadata"]["uid"])

    def delete(self, value: Object) -> None:
        self.admin.delete(manifest(value))

    def make_unusable(self, namespace: str, name: str) -> None:
        metadata = {"namespace": namespace, "name": name}
        kind = {"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition"}
        self.admin.apply({**kind, "metadata": metadata, "spec": {"config": BROKEN_CONFIG}})

    def label_node(self, labels: Mapping[str, str]) -> None:
        metadata = {"name": self.node, "labels": dict(labels)}
        self.admin.apply({"apiVersion": "v1", "kind": "Node", "metadata": metadata})

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        self.relay.cut()
        soon(lambda: not self.cluster.warm, "it is noticed that the server is away")
        yield
        self.relay.mend()

    def refused(self) -> Cluster:
        return self.connect("no-such-token")

    def close(self) -> None:
        """End everything that was made."""
        for clusters in self._made:
            clusters.stop()
        self.admin.close()


@contextlib.contextmanager
def api_world(server: ApiServer, directory: Path, namespace: str) -> Iterator[ApiWorld]:
    """A world whose watches are open."""
    with relay((server.address, server.port)) as passing:
        world = ApiWorld(server, directory, namespace, passing)
        try:
            soon(lambda: world.cluster.warm, "the watch of pods is open")
            yield world
        finally:
            world.close()
