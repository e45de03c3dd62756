"""A node in a network namespace of its own: a real agent, the real ``genie`` binary, real plugins, workloads."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cni.wire import KIND_ASK, MAX_REPLY, Answer, Ask, AttachOrder, decode, encode, frame, read_frame
from tests.support.scripted import install_scripted
from tests.support.shim import ROOT, build_genie

PLUGINS = "/usr/lib/cni"
READY_SECONDS = 20.0


@dataclass(frozen=True)
class Reply:
    """How ``genie`` ended."""

    status: int
    stdout: bytes
    stderr: str

    @property
    def json(self) -> Any:
        """What it printed."""
        return json.loads(self.stdout)


@dataclass
class Node:
    """Use :func:`node`. ``world`` is the namespace at the far end of the uplink ``eth2`` (192.0.2.1, .2)."""

    path: Path
    name: str = field(default_factory=lambda: f"n-{uuid.uuid4().hex[:8]}")
    extra: dict[str, Any] = field(default_factory=dict)
    agent: subprocess.Popen[bytes] | None = None
    workloads: list[str] = field(default_factory=list)
    cni_path: str = PLUGINS
    """CNI_PATH of the calls."""
    confined: Sequence[str] = ()
    """A command that runs the agent with fewer rights."""

    @property
    def world(self) -> str:
        """The other end of the uplink."""
        return f"w{self.name[1:]}"

    @property
    def conf_dir(self) -> Path:
        """The CNI configurations."""
        return self.path / "net.d"

    @property
    def calls(self) -> Path:
        """The scripted plugin's log."""
        return self.path / "calls"

    @property
    def var_lib(self) -> Path:
        """What the agent and its plugins find as /var/lib."""
        return self.path / "var-lib"

    @property
    def socket(self) -> Path:
        """The agent's."""
        return self.path / "a.sock"

    def build(self) -> None:
        """The namespaces, the uplink, the directories."""
        self.conf_dir.mkdir(parents=True)
        self.var_lib.mkdir()
        install_scripted(self.path / "bin")
        run("ip", "netns", "add", self.name)
        run("ip", "netns", "add", self.world)
        run("ip", "-n", self.name, "link", "set", "lo", "up")
        run("ip", "link", "add", "eth2", "netns", self.name, "type", "veth", "peer", "eth2", "netns", self.world)
        for namespace, address in ((self.name, "192.0.2.1/24"), (self.world, "192.0.2.2/24")):
            run("ip", "-n", namespace, "address", "add", address, "dev", "eth2")
            run("ip", "-n", namespace, "link", "set", "eth2", "up")

    def destroy(self) -> None:
        """Whatever is left."""
        self.kill()
        for namespace in (*self.workloads, self.world, self.name):
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)

    def settings(self) -> dict[str, Any]:
        """What the agent's file says."""
        return {
            "node": "n1",
            "socket": str(self.socket),
            "state": str(self.path / "state"),
            "delSpool": str(self.path / "spool"),
            "confDir": str(self.conf_dir),
            "binDirs": [str(self.path / "bin"), PLUGINS],
            "delegateDeadline": "10s",
            "uplinks": [{"physicalNetwork": "phynet0", "nic": "eth2", "capacity": "100Mbps"}],
            "sampleEvery": "200ms",
            **self.extra,
        }

    def start(self) -> None:
        """Start the agent and wait until it answers."""
        config = self.path / "agent.yaml"
        config.write_text(yaml.safe_dump(self.settings()))
        # Plugins that are told no directory keep their files under /var/lib/cni: each node has its own.
        inside = ["sh", "-c", 'mount --bind "$0" /var/lib && exec "$@"', str(self.var_lib)]
        agent = [sys.executable, "-m", "cni.agent", "--config", str(config)]
        command = ["ip", "netns", "exec", self.name, *inside, *self.confined, *agent]
        with (self.path / "agent.log").open("ab") as log:
            self.agent = subprocess.Popen(command, cwd=ROOT, stderr=log, stdin=subprocess.DEVNULL)
        self.until(self._answers, "the agent answers")

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        assert self.agent is not None
        self.agent.terminate()
        status = self.agent.wait(30)
        self.agent = None
        return status

    def kill(self) -> None:
        """kill -9."""
        if self.agent is not None:
            self.agent.send_signal(signal.SIGKILL)
            self.agent.wait()
            self.agent = None

    def network(self, file: str, *plugins: Mapping[str, Any], **keys: Any) -> None:
        """Write a configuration list; ``{"type": "scripted"}`` logs to ``calls``."""
        listed = [{"log": str(self.calls), **p} if p["type"] == "scripted" else dict(p) for p in plugins]
        name = file.split("-", 1)[-1].rsplit(".", 1)[0]
        content = {"cniVersion": "1.0.0", "name": name, "plugins": listed, **keys}
        (self.conf_dir / file).write_text(json.dumps(content))

    def host_local(self, subnet: str, **keys: Any) -> dict[str, Any]:
        """An ipam section that keeps its files under this node."""
        return {"type": "host-local", "ranges": [[{"subnet": subnet}]], "dataDir": str(self.path / "ipam"), **keys}

    def addresses_taken(self) -> list[str]:
        """What host-local has given out."""
        files = [*(self.path / "ipam").glob("*/*"), *(self.var_lib / "cni/networks").glob("*/*")]
        return sorted(file.name for file in files if file.name != "lock" and not file.name.startswith("last_"))

    def workload(self) -> str:
        """A new namespace; its path is ``netns(name)``."""
        name = f"c-{uuid.uuid4().hex[:8]}"
        run("ip", "netns", "add", name)
        self.workloads.append(name)
        return name

    def environment(self, command: str, workload: str, cni: str | None = None, **changes: str) -> dict[str, str]:
        """The environment of a call; ``cni`` is the annotation."""
        annotations = {} if cni is None else {"cni": cni}
        args = f"IgnoreUnknown=1;K8S_POD_NAMESPACE=lab;K8S_POD_NAME={workload};K8S_ANNOT={json.dumps(annotations)}"
        return {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": workload,
            "CNI_NETNS": netns(workload),
            "CNI_IFNAME": "eth0",
            "CNI_ARGS": args,
            "CNI_PATH": self.cni_path,
            "GENIE_AGENT_SOCKET": str(self.socket),
            "GENIE_SPOOL": str(self.path / "spool"),
            "PATH": os.environ["PATH"],
            **changes,
        }

    def genie(
        self, command: str, workload: str, cni: str | None = None, version: str = "1.0.0", **changes: str
    ) -> Reply:
        """Call the real binary as a runtime does."""
        config = {"cniVersion": version, "name": "pods", "type": "genie"}
        return self.call(self.environment(command, workload, cni, **changes), config)

    def call(self, env: Mapping[str, str], config: Mapping[str, Any] | bytes) -> Reply:
        """Call the real binary with this environment and configuration."""
        done = subprocess.run(
            [build_genie()],
            input=config if isinstance(config, bytes) else json.dumps(config).encode(),
            env=dict(env),
            capture_output=True,
            check=False,
            timeout=120,
        )
        return Reply(done.returncode, done.stdout, done.stderr.decode())

    def about_node(self, command: str, **keys: Any) -> Reply:
        """STATUS or GC, as a runtime calls them: without a container; ``keys`` go into the configuration."""
        config = {"cniVersion": "1.1.0", "name": "pods", "type": "genie", **keys}
        whole = self.environment(command, "")
        env = {key: whole[key] for key in ("CNI_COMMAND", "CNI_PATH", "GENIE_AGENT_SOCKET", "GENIE_SPOOL", "PATH")}
        return self.call(env, config)

    def ask(self, ask: Ask) -> Answer:
        """Ask the agent."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.settimeout(20)
            peer.connect(str(self.socket))
            peer.sendall(frame(KIND_ASK + encode(ask)))
            answer: Answer = decode(read_frame(peer.recv, MAX_REPLY), Answer)
        return answer

    def hot_plug(self, workload: str, network: str, ifname: str = "") -> None:
        """Attach a running container (``workload()``'s name) to one more network, as an operator does."""
        order = AttachOrder(workload=f"lab/{workload}", network=network, ifname=ifname)
        answer = self.ask(Ask(ask="attach", attach=order))
        assert answer.error is None, answer.error

    def rows(
        self, query: str = "SELECT container_id, name, generation, state FROM attachments"
    ) -> list[tuple[Any, ...]]:
        """What the agent's store holds."""
        with contextlib.closing(sqlite3.connect(self.path / "state/store.db")) as store:
            return store.execute(query).fetchall()

    def change(self, statement: str, *values: object) -> None:
        """Change what the agent's store holds, behind its back."""
        with contextlib.closing(sqlite3.connect(self.path / "state/store.db")) as store, store:
            store.execute(statement, values)

    def links(self) -> set[str]:
        """The links of the node beside those that every node has."""
        return links(self.name) - {"lo", "eth2"}

    def until(self, true: Any, what: str, seconds: float = READY_SECONDS) -> None:
        """Wait until ``true()``; fails with the agent's log."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline or (self.agent is not None and self.agent.poll() is not None):
                log = self.path / "agent.log"
                raise AssertionError(f"not within {seconds} s: {what}\n{log.read_text() if log.exists() else ''}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return self.ask(Ask(ask="status")).error is None
        except OSError:
            return False


@contextlib.contextmanager
def node(path: Path, **extra: Any) -> Iterator[Node]:
    """A node without a started agent; ``extra`` goes into the agent's settings."""
    made = Node(path, extra=extra)
    try:
        made.build()
        yield made
    finally:
        made.destroy()


def run(*command: str) -> str:
    """A command that must succeed; its output."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def netns(name: str) -> str:
    """The path of a namespace."""
    return f"/run/netns/{name}"


def links(namespace: str) -> set[str]:
    """Names of all links of a namespace."""
    return {link["ifname"] for link in json.loads(run("ip", "-n", namespace, "-j", "link"))}


def addresses(namespace: str, ifname: str) -> list[str]:
    """IPv4 addresses of a link, with their lengths."""
    (shown,) = json.loads(run("ip", "-n", namespace, "-j", "-4", "address", "show", "dev", ifname))
    return [f"{info['local']}/{info['prefixlen']}" for info in shown["addr_info"]]


def rules(namespace: str) -> list[dict[str, Any]]:
    """The rules that are not the kernel's own three."""
    every: Sequence[dict[str, Any]] = json.loads(run("ip", "-n", namespace, "-j", "rule"))
    return [rule for rule in every if rule["priority"] not in (0, 32766, 32767)]
