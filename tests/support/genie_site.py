"""A node as CNI-Genie's users have it: networks as their installers leave them, and what a pod leaves behind."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import stand_in
from tests.support.node import node, run
from tests.support.pods import Pods

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


@contextmanager
def genie_site(path: Path, **settings: Any) -> Iterator[Pods]:
    """The pods of such a node, whose agent runs; bridge, macvlan and sriov have programs and no file.

    ``settings`` go into the agent's.
    """
    with node(path, **settings) as made:
        for name in stand_in.NAMES:
            program = made.path / "bin" / name
            program.write_text(f"#!/bin/sh\nexec {sys.executable} -S {stand_in.__file__} {name} {made.calls}\n")
            program.chmod(0o755)
        for file, content in INSTALLED.items():
            (made.conf_dir / file).write_text(json.dumps(content))
        run("ip", "-n", made.name, "route", "add", "default", "via", "192.0.2.2")
        run("ip", "-n", made.name, "link", "add", "eth0", "type", "veth", "peer", "name", "sriov-pf")
        run("ip", "-n", made.name, "link", "set", "eth0", "up")
        made.start()
        yield Pods(made, NETCONF)
