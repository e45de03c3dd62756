"""What the contract suite needs of a world with a cluster in it; and the worlds that need no API server."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

import yaml

from cni.cluster import Cluster, Objects, Pod
from cni.objects import DirectoryObjects
from tests.support.fake_cluster import FakeCluster
from tests.support.manifests import Object, manifest

SOON_SECONDS = 30.0
BROKEN_CONFIG = '{"type":'

T = TypeVar("T", bound=Object)


class ObjectsWorld(Protocol):
    """A place with objects, and somebody who makes and deletes them."""

    @property
    def objects(self) -> Objects:
        """The port under test."""

    def make(self, value: T) -> T:
        """Create it, or change what has its name; a pod comes back with its uid."""

    def delete(self, value: Object) -> None:
        """Delete it, without grace."""

    def make_unusable(self, namespace: str, name: str) -> None:
        """A NetworkAttachmentDefinition whose configuration is ``BROKEN_CONFIG``."""


class ClusterWorld(ObjectsWorld, Protocol):
    """A cluster, one of its nodes, and what may befall them."""

    node: str

    @property
    def cluster(self) -> Cluster:
        """The port under test, seen from ``node``."""

    def label_node(self, labels: Mapping[str, str]) -> None:
        """Give the node these labels, beside what it has."""

    def away(self) -> contextlib.AbstractContextManager[None]:
        """Meanwhile the API server does not answer."""

    def refused(self) -> Cluster:
        """The same cluster, for somebody whom the server does not let in."""


class FakeWorld:
    """A world in memory."""

    def __init__(self) -> None:
        self.node = "n1"
        self.cluster = FakeCluster(self.node)

    @property
    def objects(self) -> Objects:
        return self.cluster

    def make(self, value: T) -> T:
        if isinstance(value, Pod) and not value.uid:
            value = replace(value, uid=str(uuid.uuid4()))
        self.cluster.put(value)
        return value

    def delete(self, value: Object) -> None:
        self.cluster.remove(value)

    def make_unusable(self, namespace: str, name: str) -> None:
        self.cluster.unusable["NetworkAttachmentDefinition", namespace, name] = "spec.config: is not JSON"

    def label_node(self, labels: Mapping[str, str]) -> None:
        self.cluster.labels = labels

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        self.cluster.away = True
        yield
        self.cluster.away = False

    def refused(self) -> Cluster:
        other = FakeCluster(self.node)
        other.refused = "401 Unauthorized"
        return other


class FilesWorld:
    """A directory; every object is a file of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.objects = DirectoryObjects(path)

    def make(self, value: T) -> T:
        self._file(value.namespace, value.name).write_text(yaml.safe_dump(manifest(value)))
        return value

    def delete(self, value: Object) -> None:
        self._file(value.namespace, value.name).unlink()

    def make_unusable(self, namespace: str, name: str) -> None:
        metadata = {"namespace": namespace, "name": name}
        content = {
            "apiVersion": "k8s.cni.cncf.io/v1",
            "kind": "NetworkAttachmentDefinition",
            "metadata": metadata,
            "spec": {"config": BROKEN_CONFIG},
        }
        self._file(namespace, name).write_text(yaml.safe_dump(content))

    def _file(self, namespace: str, name: str) -> Path:
        return self._path / f"{namespace}-{name}.yaml"


def soon(true: Callable[[], bool], what: str) -> None:
    """Wait until it is true, which it must become."""
    deadline = time.monotonic() + SOON_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"not within {SOON_SECONDS} s: {what}"
        time.sleep(0.02)
