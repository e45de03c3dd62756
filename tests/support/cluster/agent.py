"""The node's agent, as a real process beside the kubelet and containerd, with the rights that it is shipped with."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

from cni.wire import KIND_ASK, Answer, Ask, WireError, decode, encode, frame, read_frame
from tests.support.cluster.component import Component
from tests.support.cluster.node import Cluster
from tests.support.cluster.programs import ROOT
from tests.support.shim import build_genie

DEPLOY = ROOT / "config/deploy"
ACCOUNT = ("genie-agent", "genie-system")


def agent(cluster: Cluster, **settings: Any) -> Component:
    """``genie-agent`` for the cluster's node, not started; ``settings`` go over those that it would have.

    ``genie`` is put among the plugins, and the agent's account is made. The CNI configuration of ``genie`` is for the
    test to install. The agent's state stays in the cluster's directory for the next agent, as on a disk.
    """
    genie = cluster.bin_dir / "genie"
    genie.unlink(missing_ok=True)
    genie.symlink_to(build_genie())
    cluster.kubectl.apply(DEPLOY / "rbac-agent.yaml", DEPLOY / "policy-agent.yaml")
    file = cluster.directory / "agent.yaml"
    file.write_text(json.dumps({**_settings(cluster), **settings}))  # JSON is YAML
    command = [sys.executable, "-m", "cni.agent", "--config", str(file)]
    log = cluster.directory / "genie-agent.log"
    environment = {"MALLOC_ARENA_MAX": "1"}
    return Component("genie-agent", command, log, lambda: _answers(cluster.agent_socket), environment=environment)


def _settings(cluster: Cluster) -> dict[str, Any]:
    return {
        "node": cluster.node,
        "socket": str(cluster.agent_socket),
        "state": str(cluster.directory / "agent"),
        "delSpool": str(cluster.agent_spool),
        "confDir": str(cluster.conf_dir),
        "binDirs": [str(cluster.bin_dir)],
        "delegateDeadline": "10s",
        "kubernetes": {"kubeconfig": str(_kubeconfig(cluster))},
    }


def _kubeconfig(cluster: Cluster) -> Path:
    """With a token as a kubelet gives it: bound to the node, by which the policy knows which pods are the agent's."""
    api, (name, namespace) = cluster.api, ACCOUNT
    bound = ("--bound-object-kind=Node", f"--bound-object-name={cluster.node}")
    token = api.kubectl("create", "token", name, "-n", namespace, *bound).strip()
    return api.credentials.kubeconfig(f"{namespace}-{name}", api.url, token, namespace)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(5)
        peer.connect(str(path))
        peer.sendall(frame(KIND_ASK + encode(Ask(ask="status"))))
        try:
            answer: Answer = decode(read_frame(peer.recv), Answer)
        except WireError:  # it ended
            return False
        return answer.error is None
