"""``genie`` as what containerd calls, and the agent behind it."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.cluster.agent import agent
from tests.support.cluster.component import Component
from tests.support.cluster.node import Cluster
from tests.support.shim import build_genie

NETCONF = "00-genie.conf"


@dataclass
class Genie:
    """Use :func:`genie`."""

    cluster: Cluster
    agent: Component
    forgiven: int = 0

    def install(self, **netconf: Any) -> None:
        """The binary, by rename as over one that runs, and its configuration: containerd calls it from now on."""
        fresh = self.cluster.bin_dir / ".genie.new"
        shutil.copy2(build_genie(), fresh)
        fresh.rename(self.cluster.bin_dir / "genie")
        content = {
            "cniVersion": "1.0.0",
            "name": "k8s-pod-network",
            "type": "genie",
            "capabilities": {"portMappings": True},
            **netconf,
        }
        self.cluster.install_network(NETCONF, content)

    def uninstall(self) -> None:
        """Containerd calls the next network by name from now on."""
        self.cluster.remove_network(NETCONF)

    def rows(self) -> list[tuple[str, ...]]:
        """What the agent's store has: workload, attachment, network, state and namespace."""
        query = "SELECT workload, name, network, state, netns FROM attachments ORDER BY container_id, position"
        with contextlib.closing(sqlite3.connect(self.cluster.directory / "agent/store.db")) as store:
            return store.execute(query).fetchall()

    def spooled(self) -> list[str]:
        """DELs that wait for the agent."""
        return sorted(file.name for file in self.cluster.agent_spool.glob("*"))

    def log(self) -> list[dict[str, Any]]:
        """Everything that the agents here have logged."""
        text = self.agent.log.read_text() if self.agent.log.exists() else ""
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def codes(self, verb: str) -> list[int]:
        """How such calls failed since the agent was started last."""
        lines = self.log()
        last = max(number for number, line in enumerate(lines) if line["text"] == "agent ready")
        return [line["code"] for line in lines[last:] if line.get("command") == verb]

    def refusals(self) -> list[dict[str, Any]]:
        """What they logged of rights that they lacked, since :meth:`forgive_refusals`."""
        return [line for line in self.log() if "forbidden" in json.dumps(line).lower()][self.forgiven :]

    def forgive_refusals(self) -> None:
        """Those so far: an API server that has just started does not know all roles yet, and refuses for a moment."""
        self.forgiven += len(self.refusals())


@contextlib.contextmanager
def genie(cluster: Cluster, **settings: Any) -> Iterator[Genie]:
    """Installed, and its agent running, until the end of the block; ``settings`` are the agent's."""
    made = Genie(cluster, agent(cluster, **settings))
    made.forgive_refusals()  # the log goes on; what stands there already was another's
    try:
        made.agent.start()
        made.install()
        yield made
    finally:
        made.uninstall()
        made.agent.stop()
