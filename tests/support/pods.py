"""Pods of a node as a runtime makes them: annotated, attached by the real binary, deleted, and what of them is left."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cni.cluster import Pod
from cni.publish import Notice, Publisher
from cni.store import Store
from cni.workload import WorkloadNamespaces
from tests.support.fake_cluster import FakeCluster
from tests.support.node import PLUGINS, Node, Reply, links, rules, run
from tests.support.scripted import calls

GROUPS = {"NetworkAttachmentDefinition": "k8s.cni.cncf.io"}
GENIES_GROUP = "alpha.network.k8s.io"


@dataclass
class Pods:
    """The pods of a node; its programs are found first, then the reference plugins."""

    node: Node
    netconf: Mapping[str, Any] = field(
        default_factory=lambda: {"cniVersion": "1.0.0", "name": "k8s-pod-network", "type": "genie"}
    )
    """What the runtime gives to genie, where a test does not say more."""

    @property
    def objects(self) -> Path:
        """The agent's directory of objects, where its settings name this one."""
        return self.node.path / "objects"

    def known(
        self,
        kind: str,
        name: str,
        spec: Mapping[str, Any] | None = None,
        namespace: str = "test",
        annotations: Mapping[str, str] | None = None,
    ) -> Path:
        """Make an object, in a file of its own."""
        metadata = {"name": name, "namespace": namespace, "annotations": dict(annotations or {})}
        content = {"apiVersion": f"{GROUPS.get(kind, GENIES_GROUP)}/v1", "kind": kind, "metadata": metadata}
        self.objects.mkdir(exist_ok=True)
        file = self.objects / f"{kind}-{namespace}-{name}.yaml"
        file.write_text(yaml.safe_dump(content if spec is None else {**content, "spec": dict(spec)}))
        return file

    def defined(self, name: str, config: Mapping[str, Any] | None = None, **how: Any) -> Path:
        """A NetworkAttachmentDefinition; None: its configuration is on the disk."""
        spec = None if config is None else {"config": json.dumps(config)}
        return self.known("NetworkAttachmentDefinition", name, spec, **how)

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
        given = {"CNI_ARGS": ";".join(f"{key}={value}" for key, value in args.items())}
        given["CNI_PATH"] = f"{self.node.path / 'bin'}:{PLUGINS}"
        whole = self.node.environment(command, workload, **{**given, **env})
        return self.node.call(whole, {**self.netconf, **(netconf or {})})

    def add(self, annotations: Mapping[str, str] | None, **how: Any) -> tuple[str, Reply]:
        """A new pod with these annotations, attached or not; ``how``: see :meth:`call`."""
        workload = self.node.workload()
        return workload, self.call("ADD", workload, annotations, **how)

    def delete(self, workload: str, annotations: Mapping[str, str] | None = None, **how: Any) -> Reply:
        """The pod's end; what it is annotated with by then need not be known."""
        return self.call("DEL", workload, annotations, **how)

    def written(self, workload: str, annotations: Mapping[str, str], namespace: str = "test") -> dict[str, str]:
        """The annotations of the pod after what its networks came to was written on it."""
        pod = Pod(namespace=namespace, name=workload, uid="u", node="n1", annotations=annotations)
        cluster = FakeCluster("n1", pod)
        store = Store(self.node.path / "state/store.db")
        try:
            publisher = Publisher(store, WorkloadNamespaces(), tuple)
            publisher.now(Notice(container_id=workload, cluster=cluster, pod=pod))
        finally:
            store.close()
        return dict(cluster.pod(namespace, workload).annotations)

    def calls(self) -> list[dict[str, Any]]:
        """Every call of a plugin that records its calls."""
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
        left += [f"route {line} of the pod" for line in routes(workload)]
        left += [f"route {line}" for line in routes(self.node.name) if "cali" in line or "veth" in line]
        return left


def given(workload: str) -> dict[str, list[str]]:
    """The IPv4 addresses of every interface of a pod, by name."""
    shown = json.loads(run("ip", "-n", workload, "-j", "-4", "address"))
    found = {each["ifname"]: [f"{a['local']}/{a['prefixlen']}" for a in each["addr_info"]] for each in shown if each}
    return {name: found.get(name, []) for name in sorted(links(workload) - {"lo"})}


def routes(namespace: str, table: str = "all") -> list[str]:
    """The IPv4 routes of a namespace that are not the kernel's own, as text."""
    lines = run("ip", "-n", namespace, "-4", "route", "show", "table", table).splitlines()
    return [line.strip() for line in lines if "table local" not in line]


def asymmetric(every: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wrong with the DELs: each ADD has one of the same environment and configuration, the last one first."""
    added = [_told(call) for call in every if call["env"]["CNI_COMMAND"] == "ADD"]
    deleted = [_told(call) for call in every if call["env"]["CNI_COMMAND"] == "DEL"]
    if len(added) != len(deleted):
        return [f"{len(added)} ADDs, {len(deleted)} DELs"]
    pairs = zip(reversed(added), deleted, strict=True)
    return [f"{one}\nwas deleted as\n{other}" for one, other in pairs if one != other]


def _told(call: Mapping[str, Any]) -> dict[str, Any]:
    env = {key: value for key, value in call["env"].items() if key != "CNI_COMMAND"}
    config = {key: value for key, value in call["config"].items() if key != "prevResult"}
    return {"env": env, "config": config}
