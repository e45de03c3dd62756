"""A node on which ``genie`` is what containerd calls: pods on its networks, and what may be left of them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cni.deviceinfo import DIRECTORY as DEVICES
from tests.support.cluster.component import until
from tests.support.cluster.genie import Genie
from tests.support.cluster.networks import UPLINKS, networks
from tests.support.cluster.node import Cluster, pod
from tests.support.cluster.programs import run
from tests.support.cluster.traces import Traces

STATUS = "k8s.v1.cni.cncf.io/network-status"
NETWORKS = "k8s.v1.cni.cncf.io/networks"
PING = ("busybox", "ping", "-q", "-c", "1", "-W", "5")


@dataclass
class Site:
    """The node between the beginning and the end of :meth:`running`; ``settings`` are the agent's."""

    cluster: Cluster
    settings: Mapping[str, Any] = field(default_factory=dict)
    clean: Traces = field(default_factory=dict)
    """What there is without pods, when plugins have made what they keep."""

    def __post_init__(self) -> None:
        uplinks = [{"physicalNetwork": name, "nic": nic, "capacity": "1Gbps"} for name, nic in UPLINKS.items()]
        self.genie = Genie(self.cluster, {"uplinks": uplinks, **self.settings})

    @contextmanager
    def running(self) -> Iterator[None]:
        """``genie`` and its networks are installed, and the agent runs; there must be no pods when it ends."""
        with networks(self.cluster), self.genie.running():
            if self.cluster.traces() != self.clean:
                self.warm()
            yield

    def start(self, *manifests: Mapping[str, Any], seconds: float = 60.0) -> list[Any]:
        """Makes pods of the namespace ``default``, all at once, and waits until they are ready: as the API has them."""
        self.cluster.kubectl.apply(*manifests)
        names = [manifest["metadata"]["name"] for manifest in manifests]
        return self.ready(*names, seconds=seconds)

    def ready(self, *names: str, seconds: float = 60.0) -> list[Any]:
        """Waits until they are."""
        pods = [f"pod/{name}" for name in names]
        self.cluster.kubectl("wait", "--for=condition=Ready", f"--timeout={seconds:.0f}s", *pods)
        return [self.cluster.kubectl.read("get", each) for each in pods]

    def remove(self, *names: str) -> None:
        """Deletes pods and waits until they are gone."""
        self.cluster.kubectl("delete", "pod", "--timeout=60s", *names)

    def warm(self) -> None:
        """Has plugins make what they keep for all pods: bridges and firewall chains."""
        self.start(
            pod("first", annotations={NETWORKS: "green,red,asked"}), with_port("second", 4000, {"cni": "ports,blue"})
        )
        self.remove("first", "second")
        self.cluster.settle()
        self.clean = self.clean or self.cluster.traces()

    def gone(self, *names: str) -> None:
        """Waits until pods that were deleted are gone."""
        pods = [f"pod/{name}" for name in names]
        self.cluster.kubectl("wait", "--for=delete", "--timeout=60s", *pods)

    def reach(self, one: str, other: str) -> None:
        """The one pod reaches the other over every interface that this one has; needs no API server."""
        (namespace,) = self.namespaces(one)
        for name, link in self.links(other).items():
            run("ip", "netns", "exec", namespace, *PING, "-I", name, *link.addresses)

    def inside(self, name: str, *command: str) -> str:
        """Runs a program of the image in a pod."""
        return self.cluster.kubectl("exec", name, "--", *command)

    def rows_of(self, name: str) -> list[tuple[str, ...]]:
        """What the agent's store has of a pod."""
        return [row for row in self.genie.rows() if row[0] == f"default/{name}"]

    def namespaces(self, name: str) -> list[str]:
        """The names of a pod's network namespaces: one, or two while a sandbox takes another's place."""
        return sorted({Path(row[4]).name for row in self.rows_of(name)})

    def is_attached(self, name: str, interfaces: int) -> bool:
        """Whether a pod has so many, all of them ready, in one namespace."""
        rows = self.rows_of(name)
        return len(rows) == interfaces and len(self.namespaces(name)) == 1 and all(row[3] == "ready" for row in rows)

    def end_sandbox(self, name: str) -> None:
        """Kills what keeps a pod's namespaces: the kubelet makes it another sandbox."""
        (namespace,) = self.namespaces(name)
        held = [int(line) for line in run("ip", "netns", "pids", namespace).split()]
        (pause,) = [number for number in held if Path(f"/proc/{number}/comm").read_text() == "pause\n"]
        os.kill(pause, signal.SIGKILL)

    def links(self, name: str) -> dict[str, Link]:
        """What the kernel has in a pod's network namespace, but for ``lo``."""
        (namespace,) = self.namespaces(name)
        found = json.loads(run("ip", "-n", namespace, "-j", "address"))
        return {link["ifname"]: _link(link) for link in found if link["ifname"] != "lo"}

    def written(self, name: str, key: str = STATUS, seconds: float = 10.0) -> Any:
        """An annotation that the agent writes, decoded; waits for it."""
        until(lambda: key in self._annotations(name), f"annotation {key} on {name}", seconds)
        return json.loads(self._annotations(name)[key])

    def events(self, name: str) -> str:
        """What has been told of a pod so far."""
        return self.cluster.kubectl("get", "events", "-o", "wide", f"--field-selector=involvedObject.name={name}")

    def expect_clean(self, seconds: float = 20.0) -> None:
        """Waits until nothing of pods is left, nowhere. Raises ComponentError with what it is."""
        self.cluster.expect_traces(self.clean, seconds)
        until(lambda: not self.left(), "the agent forgets all pods", seconds)

    def left(self) -> list[Any]:
        """What the agent holds of pods."""
        devices = [str(file) for file in DEVICES.glob("*")]
        return [*self.genie.rows(), *self.genie.spooled(), *devices]

    def _annotations(self, name: str) -> Mapping[str, str]:
        found: Mapping[str, str] = self.cluster.kubectl.read("get", "pod", name)["metadata"].get("annotations", {})
        return found


@dataclass(frozen=True)
class Link:
    """A link as the kernel has it."""

    mac: str
    mtu: int
    addresses: Sequence[str]
    """IPv4, without lengths."""


def _link(shown: Mapping[str, Any]) -> Link:
    addresses = [address["local"] for address in shown["addr_info"] if address["family"] == "inet"]
    return Link(shown["address"], shown["mtu"], addresses)


def with_port(name: str, port: int, annotations: Mapping[str, str]) -> dict[str, Any]:
    """A pod that serves ``hello NAME`` on its port 80, which is also this port of the node."""
    made: dict[str, Any] = pod(name, annotations=annotations)
    (container,) = made["spec"]["containers"]
    served = f"mkdir -p /www && echo hello {name} > /www/index.html && exec httpd -f -p 80 -h /www"
    container["command"] = ["sh", "-c", f"trap 'exit 0' TERM; ({served}) & wait"]
    container["ports"] = [{"containerPort": 80, "hostPort": port}]
    return made
