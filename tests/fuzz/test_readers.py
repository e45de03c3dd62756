"""Every reader of documents that others write answers with its own refusal, whatever they are: never with a trace."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from cni import settings as agent_settings
from cni.cluster import ClusterRefused
from cni.kube import kinds
from cni.kube.given import Given, of_netconf
from cni.kube.sources import Source
from cni.multus.converting import convert
from cni.multus.reading import MultusRefused, read
from cni.wire import Answer, Ask, Ingested, WireError, decode
from tests.fuzz.corpus import MULTUS
from tests.fuzz.documents import Text, Tree, content
from tests.fuzz.furniture import BLUE, DEFINITIONS, LOGICAL
from tests.fuzz.strategies import changed

DOCUMENTS = 100

SETTINGS = {
    "node": "n1",
    "uplinks": [{"physicalNetwork": "phynet0", "nic": "eth2", "capacity": "100Mbps"}],
    "controller": {"url": "unix:/run/switcher.sock", "tokenFile": "/etc/token"},
    "kubernetes": {"kubeconfig": "/etc/kubeconfig", "readDeadline": "3s"},
    "binDirs": ["/opt/cni/bin"],
    "sampleEvery": "10s",
    "metrics": "127.0.0.1:9464",
}
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
    "clusters": [{"name": "k", "cluster": {"server": "https://127.0.0.1:6443", "certificate-authority-data": "eA=="}}],
    "users": [{"name": "u", "user": {"token": "t", "client-certificate": "/none", "client-key-data": "eA=="}}],
}
NETCONF = {
    "kubernetes": {"kubeconfig": "/etc/kubeconfig", "k8s_api_root": "https://127.0.0.1/api/v1"},
    "policy": {"k8s_auth_token": "t", "k8s_client_key": "/key", "k8s_api_root": "127.0.0.1"},
}
MULTUS_NETCONF = {
    **MULTUS,
    "name": "multus",
    "type": "multus-shim",
    "kubeconfig": "/etc/kubeconfig",
    "clusterNetwork": "blue",
    "defaultNetworks": ["blue"],
    "delegates": [BLUE, {"type": "flannel", "name": "f", "delegate": {"isDefaultGateway": True}}],
    "capabilities": {"portMappings": True},
    "runtimeConfig": {"portMappings": []},
    "logLevel": "debug",
    "systemNamespaces": ["kube-system"],
}
POD = {
    "metadata": {
        "name": "web-0",
        "namespace": "lab",
        "uid": "1",
        "annotations": {"cni": "blue"},
        "labels": {"app": "web"},
    },
    "spec": {
        "nodeName": "n1",
        "hostNetwork": False,
        "containers": [{"resources": {"limits": {"example.com/nic": "1"}}}],
        "resourceClaims": [{"name": "nic"}],
    },
}
ORDER = {"id": "o", "workload": "w", "attachment": "eth0", "source": "cni:a", "target": "cni:b", "reason": "Manual"}
RANKING = {
    "sequence": 7,
    "ranking": {
        "node": "n1",
        "computedAt": 1.5,
        "demandBps": 1e6,
        "networks": [{"network": "cni:blue", "physicalNetwork": "phynet0", "rank": 1, "pricePerHour": "0.1"}],
    },
}


class NoDisk:
    """A node without configurations."""

    def first(self, directory: str) -> None:
        """None, always."""

    def named(self, directory: str, name: str) -> None:
        """None, always."""


@contextlib.contextmanager
def _file(data: bytes) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        file.write(data)
        file.flush()
        yield Path(file.name)


def _settings(data: bytes) -> None:
    with _file(data) as file, contextlib.suppress(agent_settings.SettingsError):
        agent_settings.load(file)


def _kubeconfig(data: bytes) -> None:
    with _file(data) as file, contextlib.suppress(ClusterRefused):
        Source(Given(source="a test", kubeconfig=file), Path("/none"), {}).connection()


def _netconf(data: bytes) -> None:
    config = _decoded(data)
    if isinstance(config, dict):
        with contextlib.suppress(ClusterRefused):
            Source(of_netconf(config), Path("/none"), {}).connection()


def _multus(data: bytes) -> None:
    with contextlib.suppress(MultusRefused, UnicodeDecodeError):
        convert(read(data.decode()), NoDisk())


def _object_of(resource: kinds.Resource[Any]) -> Callable[[bytes], None]:
    def one(data: bytes) -> None:
        with contextlib.suppress(msgspec.DecodeError):
            resource.read(data)

    return one


def _message(kind: type[Any]) -> Callable[[bytes], None]:
    def one(data: bytes) -> None:
        with contextlib.suppress(WireError):
            decode(data, kind)

    return one


def _decoded(data: bytes) -> Any:
    with contextlib.suppress(ValueError, RecursionError):
        return msgspec.json.decode(data)


READERS: dict[str, tuple[Tree, Callable[[bytes], None]]] = {
    "the agent's settings": (SETTINGS, _settings),
    "a kubeconfig": (KUBECONFIG, _kubeconfig),
    "a netconf that names a cluster": (NETCONF, _netconf),
    "a configuration of Multus": (MULTUS_NETCONF, _multus),
    "a pod": (POD, _object_of(kinds.PODS)),
    "a definition": (DEFINITIONS["one.yaml"], _object_of(kinds.ATTACHMENT_DEFINITIONS)),
    "a logical network": (LOGICAL["net1.yaml"], _object_of(kinds.LOGICAL_NETWORKS)),
    "a physical network": (LOGICAL["phy.yaml"], _object_of(kinds.PHYSICAL_NETWORKS)),
    "an order": ({"ask": "switch", "switch": ORDER}, _message(Ask)),
    "an answer": ({"error": None, "switches": [ORDER], "node": "n1"}, _message(Answer)),
    "a ranking": (RANKING, _message(Ingested)),
}


@pytest.mark.parametrize("name", READERS)
def test_a_reader_refuses_in_its_own_words(name: str) -> None:
    document, take = READERS[name]
    take(content(document))

    @settings(max_examples=DOCUMENTS, derandomize=True, database=None, deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(changed(Text(document)))
    def attempt(data: bytes) -> None:
        take(data)

    attempt()
