"""A node as CNI-Genie's users have it: networks as their installers leave them, and what a pod leaves behind."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cni.cluster import Pod
from cni.publish import Notice, Publisher
from cni.store import Store
from cni.workload import WorkloadNamespaces
from tests.support import stand_in
from tests.support.fake_cluster import FakeCluster
from tests.support.node import PLUGINS, Node, Reply, addresses, links, node, rules, run
from tests.support.scripted import calls

SUBNETS = {
    "calico": stand_in.CALICO,
    "flannel": stand_in.FLANNEL,
    "romana": stand_in.ROMANA,
    "weave": stand_in.WEAVE,
    "bridge": "10.10.0.0/16",
    "macvlan": "10.10.0.0/16",
    "sriov": "10.55.206.0/26",
}
"""What each network gives out."""

INSTALLED: dict[str, dict[str, Any]] = {
    "00-genie.conf": {
        "name": "k8s-pod-network",
        "type": "genie",
        "log_level": "info",
        "datastore_type": "kubernetes",
        "hostname": "n1",
        "policy": {"type": "k8s", "k8s_auth_token": "none"},
        "kubernetes": {"k8s_api_root": "https://10.96.0.1:443", "kubeconfig": "/etc/cni/net.d/genie-kubeconfig"},
        "romana_root": "http://10.96.0.99:9600",
        "segment_label_name": "romanaSegment",
    },
    "10-calico.conflist": {
        "name": "k8s-pod-network",
        "cniVersion": "0.3.1",
        "plugins": [
            {"type": "calico", "datastore_type": "kubernetes", "mtu": 1440, "ipam": {"type": "calico-ipam"}},
            {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}},
        ],
    },
    "10-flannel.conf": {"name": "cbr0", "type": "flannel", "delegate": {"isDefaultGateway": True}},
    "10-romana.conf": {"name": "romana-k8s-network", "cniVersion": "0.3.0", "type": "romana", "plugin": "default"},
    "10-weave.conflist": {
        "cniVersion": "0.3.0",
        "name": "weave",
        "plugins": [
            {"name": "weave", "type": "weave-net", "hairpinMode": True},
            {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True},
        ],
    },
}
"""The files of ``/etc/cni/net.d``: genie's own, and those of calico, flannel, romana and weave."""

NETCONF = {"cniVersion": "0.3.1", "name": "k8s-pod-network", "type": "genie"}
"""What the runtime gives to genie, where a test does not say more."""


class Site:
    """A node with those networks, its agent running; bridge, macvlan and sriov have programs and no file."""

    def __init__(self, made: Node) -> None:
        self.node = made
        self.path = f"{made.path / 'bin'}:{PLUGINS}"
        """CNI_PATH."""
        for name in stand_in.NAMES:
            program = made.path / "bin" / name
            program.write_text(f"#!/bin/sh\nexec {sys.executable} -S {stand_in.__file__} {name} {made.calls}\n")
            program.chmod(0o755)
        for file, content in INSTALLED.items():
            (made.conf_dir / file).write_text(json.dumps(content))
        run("ip", "-n", made.name, "route", "add", "default", "via", "192.0.2.2")
        run("ip", "-n", made.name, "link", "add", "eth0", "type", "veth", "peer", "name", "sriov-pf")
        run("ip", "-n", made.name, "link", "set", "eth0", "up")

    def call(
        self,
        command: str,
        workload: str,
        annotations: Mapping[str, str] | None,
        netconf: Mapping[str, Any] | None = None,
        namespace: str = "test",
        **env: str,
    ) -> Reply:
        """The runtime's call of genie for the pod ``NAMESPACE/WORKLOAD`` that has these annotations; None: unknown."""
        args = {"IgnoreUnknown": "1", "K8S_POD_NAMESPACE": namespace, "K8S_POD_NAME": workload}
        args |= {"K8S_POD_INFRA_CONTAINER_ID": workload, "K8S_POD_UID": f"uid-{workload}"}
        if annotations is not None:
            args["K8S_ANNOT"] = json.dumps(annotations)
        given = {"CNI_ARGS": ";".join(f"{key}={value}" for key, value in args.items()), "CNI_PATH": self.path}
        return self.node.call(
            self.node.environment(command, workload, **{**given, **env}), {**NETCONF, **(netconf or {})}
        )

    def add(self, annotations: Mapping[str, str] | None, **how: Any) -> tuple[str, Reply]:
        """A new pod with these annotations, attached or not; ``how``: see :meth:`call`."""
        workload = self.node.workload()
        return workload, self.call("ADD", workload, annotations, **how)

    def delete(self, workload: str, annotations: Mapping[str, str] | None = None, **how: Any) -> Reply:
        """The pod's end; what it is annotated with by then need not be known."""
        return self.call("DEL", workload, annotations, **how)

    def written(self, workload: str, annotations: Mapping[str, str], namespace: str = "test") -> dict[str, str]:
        """The annotations of the pod after what its networks came to was written on it."""
        cluster = FakeCluster(
            "n1", Pod(namespace=namespace, name=workload, uid="u", node="n1", annotations=annotations)
        )
        store = Store(self.node.path / "state/store.db")
        try:
            notice = Notice(container_id=workload, cluster=cluster, pod=cluster.pod(namespace, workload))
            Publisher(store, WorkloadNamespaces(), tuple).now(notice)
        finally:
            store.close()
        return dict(cluster.pod(namespace, workload).annotations)

    def calls(self) -> list[dict[str, Any]]:
        """Every call of a stand-in."""
        return calls(self.node.calls)

    def forget_calls(self) -> None:
        """From now on."""
        self.node.calls.unlink(missing_ok=True)

    def leftovers(self, workload: str) -> list[str]:
        """What a deleted pod has left: records, addresses, links on either side, rules, routes."""
        left = [f"record {row}" for row in self.node.rows() if row[0] == workload]
        left += [f"address {address}" for address in self.node.addresses_taken()]
        left += [f"link {name} of the pod" for name in links(workload) - {"lo"}]
        left += [f"link {name}" for name in self.node.links() if name.startswith(("veth", "cali"))]
        left += [f"rule {rule}" for rule in rules(workload)]
        left += [f"route {line} of the pod" for line in _routes(workload)]
        left += [f"route {line}" for line in _routes(self.node.name) if "cali" in line or "veth" in line]
        return left


def given(workload: str) -> dict[str, list[str]]:
    """The addresses of every interface of a pod, by name."""
    return {name: addresses(workload, name) for name in sorted(links(workload) - {"lo"})}


def asymmetric(every: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wrong with the DELs: each ADD has one of the same environment and configuration, the last one first."""
    added = [_told(call) for call in every if call["env"]["CNI_COMMAND"] == "ADD"]
    deleted = [_told(call) for call in every if call["env"]["CNI_COMMAND"] == "DEL"]
    if len(added) != len(deleted):
        return [f"{len(added)} ADDs, {len(deleted)} DELs"]
    pairs = zip(reversed(added), deleted, strict=True)
    return [f"{one}\nwas deleted as\n{other}" for one, other in pairs if one != other]


@contextmanager
def genie_site(path: Path, **settings: Any) -> Iterator[Site]:
    """Such a node; ``settings`` go into the agent's."""
    with node(path, **settings) as made:
        site = Site(made)
        made.start()
        yield site


def _told(call: Mapping[str, Any]) -> dict[str, Any]:
    env = {key: value for key, value in call["env"].items() if key != "CNI_COMMAND"}
    config = {key: value for key, value in call["config"].items() if key != "prevResult"}
    return {"env": env, "config": config}


def _routes(namespace: str) -> list[str]:
    lines = run("ip", "-n", namespace, "-4", "route", "show", "table", "all").splitlines()
    return [line for line in lines if "table local" not in line]
