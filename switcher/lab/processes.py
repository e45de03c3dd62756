"""The lab's processes: agents, controller, traffic. Each logs into the lab's directory and ends with the sandbox."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from switcher.lab.blueprint import CURRENCY, PHYSICAL_NETWORKS, WORLD, Blueprint, Node, Workload
from switcher.lab.command import LabError, environment, inside
from switcher.lab.networks import write_networks
from switcher.lab.requirements import plugin_directories, script
from switcher.lab.state import StateDirectory
from switcher.lab.story import LOADED, Story

START_SECONDS = 30.0
STOP_SECONDS = 15.0


class Process:
    """A process in a session of its own, so that the terminal's Ctrl-C reaches only the lab itself."""

    def __init__(self, name: str, argv: Sequence[str], log: Path) -> None:
        self.name = name
        self._argv = list(argv)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again; its log goes on."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(), start_new_session=True
            )

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def signal_stop(self) -> None:
        """Ask it to end; ``stop`` waits."""
        if self._process is not None and self.alive:
            self._process.terminate()

    def stop(self) -> None:
        """Ask it to end, wait, and kill it when it does not."""
        if self._process is None:
            return
        self.signal_stop()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """kill -9, of it alone: what it started must cope."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def wait_for(self, path: Path) -> None:
        """Wait until the file is there. Raises LabError with the end of its log when it dies before, or is too slow."""
        end = time.monotonic() + START_SECONDS
        while not path.exists():
            if not self.alive or time.monotonic() > end:
                raise LabError(f"{self.name} did not start; the end of {self._log}:\n{self.last_words()}")
            time.sleep(0.05)

    def last_words(self) -> str:
        """The end of its log."""
        return self._log.read_text(errors="replace")[-2000:].strip() if self._log.exists() else ""


def make_agent(node: Node, state: StateDirectory) -> Process:
    """The node's agent, with its settings and networks written."""
    home = state.node(node.name)
    home.mkdir(exist_ok=True)
    write_networks(node, home / "net.d", home / "ipam")
    settings = {
        "node": node.name,
        "socket": str(state.socket(node.name)),
        "state": str(home / "state"),
        "delSpool": str(home / "del-spool"),
        "confDir": str(home / "net.d"),
        "binDirs": [str(place) for place in plugin_directories()],
        "delegateDeadline": "60s",
        "uplinks": [
            {"physicalNetwork": network.name, "nic": network.nic, "capacity": network.capacity}
            for network in PHYSICAL_NETWORKS
        ],
        "controller": {"url": f"unix:{state.path / 'switcher.sock'}", "tokenFile": str(state.path / "token")},
        "sampleEvery": "1s",
        "metrics": f"unix:{home / 'metrics.sock'}",
    }
    for part in ("state", "del-spool", "ipam"):
        (home / part).mkdir(exist_ok=True)
    path = home / "agent.yaml"
    path.write_text(yaml.safe_dump(settings, sort_keys=False))
    argv = inside(node.name, str(script("genie-agent")), "--config", str(path))
    return Process(f"the agent of {node.name}", argv, state.logs(f"agent-{node.name}"))


def make_controller(blueprint: Blueprint, story: Story, state: StateDirectory) -> Process:
    """The controller, with its settings and token written; the objects must be there."""
    settings = {
        "database": f"sqlite:///{state.database}",
        "objects": [str(state.objects)],
        "listen": f"unix:{state.path / 'switcher.sock'}",
        "tokenFile": str(state.path / "token"),
        "nodes": {node.name: f"unix:{state.socket(node.name)}" for node in blueprint.nodes},
        "tick": f"{round(story.tick * 1000)}ms",
        "window": "2s",
        "staleAfter": "10s",
        "settlementCurrency": CURRENCY,
    }
    state.controller.write_text(yaml.safe_dump(settings, sort_keys=False))
    argv = [str(script("switcher")), "run", "--config", str(state.controller)]
    return Process("the controller", argv, state.logs("switcher"))


def write_token(state: StateDirectory) -> None:
    """The token that agents show to the controller."""
    path = state.path / "token"
    path.touch(mode=0o600)
    path.write_text(secrets.token_hex(16) + "\n")


def make_world(role: str, blueprint: Blueprint, state: StateDirectory) -> Process:
    """``sinks`` or ``clients``."""
    who = [f"{workload.name}:{workload.number}:{workload.kind.value}" for workload in blueprint.workloads]
    return _traffic("world", WORLD, [role, str(state.traffic(role)), str(state.addresses), *who], state.logs(role))


def make_workload(workload: Workload, state: StateDirectory) -> Process:
    """The process in a workload."""
    arguments = [workload.name, str(workload.number), workload.kind.value, str(state.traffic(workload.name))]
    return _traffic("workload", workload.name, arguments, state.logs(workload.name))


def make_flood(node: Node, bits_per_second: float, state: StateDirectory) -> Process:
    """Foreign load out of the node through its cheapest uplink."""
    network = next(network for network in PHYSICAL_NETWORKS if network.name == LOADED)
    arguments = [node.own_address(network), network.bridge, str(bits_per_second)]
    return _traffic("flood", node.name, arguments, state.logs(f"flood-{node.name}"))


def _traffic(module: str, namespace: str, arguments: Sequence[str], log: Path) -> Process:
    argv = inside(namespace, sys.executable, "-m", f"switcher.lab.traffic.{module}", *arguments)
    return Process(f"traffic in {namespace}", argv, log)
