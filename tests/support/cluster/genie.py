"""``genie`` as what containerd calls, and the agent behind it."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.cluster.agent import agent
from tests.support.cluster.node import Cluster
from tests.support.shim import build_genie

NETCONF = "00-genie.conf"


@dataclass
class Genie:
    """Between the beginning and the end of :meth:`running`."""

    cluster: Cluster
    settings: Mapping[str, Any]
    """The agent's, beside those that every agent here has."""
    _forgiven: int = 0
    """Lines of the log."""

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Installed until the end of the block, and its agent running."""
        with self._agent(self.settings):
            self.install()
            try:
                yield
            finally:
                self.uninstall()

    @contextlib.contextmanager
    def another_agent(self, **settings: Any) -> Iterator[None]:
        """Until the end of the block these settings go over the agent's."""
        usual = self.agent
        usual.stop()
        with self._agent({**self.settings, **settings}):
            yield
        self.agent = usual
        usual.start()

    @contextlib.contextmanager
    def _agent(self, settings: Mapping[str, Any]) -> Iterator[None]:
        self.agent = agent(self.cluster, **settings)
        self.forgive_refusals()  # the log goes on; what stands there already was another's
        self.agent.start()
        try:
            yield
        finally:
            self.agent.stop()

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

    def failures(self, verb: str) -> list[tuple[int, str]]:
        """Code and error of such calls since the agent was started last."""
        lines = self.log()
        last = max(number for number, line in enumerate(lines) if line["text"] == "agent ready")
        return [(line["code"], line["error"]) for line in lines[last:] if line.get("command") == verb]

    def refusals(self) -> list[dict[str, Any]]:
        """What they logged of rights that they lacked, since :meth:`forgive_refusals`."""
        return [line for line in self.log()[self._forgiven :] if "forbidden" in json.dumps(line).lower()]

    def forgive_refusals(self) -> None:
        """Those so far: an API server that has just started does not know all roles yet, and refuses for a moment."""
        self._forgiven = len(self.log())
