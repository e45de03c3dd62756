"""The kubelet, and the other programs beside the API server."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.cluster.component import Component, answers
from tests.support.cluster.credentials import Credentials

ROOT = Path("/var/lib/kubelet")
"""Some of its paths are fixed, so all are where they are on any node; the cluster has its own directory there."""

TUNABLES = [
    Path("/proc/sys", name)
    for name in (
        "kernel/keys/root_maxbytes",
        "kernel/keys/root_maxkeys",
        "kernel/panic",
        "kernel/panic_on_oops",
        "vm/overcommit_memory",
        "vm/panic_on_oom",
    )
]
"""What the kubelet sets for the whole machine; the tests' machine must stay as it was."""


@dataclass(frozen=True)
class Programs:
    """The programs in ``directory``, run with ``home`` as the place of their logs, for the node of that name."""

    directory: Path
    home: Path
    node: str
    keys: Credentials

    def kubelet(self, address: str, runtime: Path) -> Component:
        """At this address, over the container runtime's socket. Pods' cgroups are below those with ``home``'s name."""
        configuration = self.home / "kubelet.yaml"
        configuration.write_text(json.dumps(_configuration(self.home, runtime, self.keys)))  # JSON is YAML
        options = [
            f"--config={configuration}",
            f"--hostname-override={self.node}",
            f"--node-ip={address}",
            f"--root-dir={ROOT}",
        ]
        return self._component(
            "kubelet", f"system-node-{self.node}", options, answers("http://127.0.0.1:10248/healthz")
        )

    def controller_manager(self) -> Component:
        """With a service account for each of its controllers, as everywhere: RBAC lets nobody do everything."""
        options = [
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={self.keys.key}",
            f"--root-ca-file={self.keys.certificate}",
        ]
        return self._controller("kube-controller-manager", 10257, options)

    def scheduler(self) -> Component:
        """The default one."""
        return self._controller("kube-scheduler", 10259, [])

    def _controller(self, name: str, port: int, options: Sequence[str]) -> Component:
        common = [
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--tls-cert-file={self.keys.certificate}",
            f"--tls-private-key-file={self.keys.key}",
        ]
        ready = answers(f"https://127.0.0.1:{port}/healthz", self.keys.certificate)
        return self._component(name, f"system-{name}", [*common, *options], ready)

    def _component(self, name: str, user: str, options: Sequence[str], ready: Callable[[], bool]) -> Component:
        command = [str(self.directory / name), f"--kubeconfig={self.keys.directory / user}.kubeconfig", *options]
        return Component(name, command, self.home / f"{name}.log", ready)


def _configuration(home: Path, runtime: Path, keys: Credentials) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{runtime}",
        "authentication": {"x509": {"clientCAFile": str(keys.certificate)}, "anonymous": {"enabled": False}},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{home.name}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "podLogsDir": str(home / "pod-logs"),
        "volumePluginDir": str(ROOT / "volume-plugins"),
        "resolvConf": "",  # pods need no names from outside, and nobody answers them:
        "clusterDNS": ["10.96.0.10"],
        "makeIPTablesUtilChains": False,  # nothing of the kubelet's among the rules that tests compare
        "maxPods": 250,
        "registryPullQPS": 0,
        "serializeImagePulls": False,
        # The machine is not the cluster's: however full its disk is, pods stay.
        "evictionHard": {"memory.available": "1Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        "imageGCHighThresholdPercent": 100,
        "shutdownGracePeriod": "0s",
    }
