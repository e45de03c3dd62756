"""Where cases are run: a node of its own with a real agent and real plugins, and looks at what became of it.

The agent and its plugins see the machine's files read-only: whatever path a request names, nothing is written there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cni.kernel import interfaces
from cni.kernel.spaces import inside
from cni.wire import HEADER, MAX_REPLY, Ask, WireError, read_frame
from tests.fuzz.case import Case
from tests.fuzz.looking import Seen, look
from tests.support.node import Node, netns, node
from tests.support.shim import build_genie

CONTAINER = "sandbox-1"
WORKLOAD = "c-fuzz"
REPLY_SECONDS = 60.0
"""No call takes longer: every delegate is killed at its deadline."""
DEADLINE = "5s"
CALM = ("bridge", "ptp", "macvlan", "tuning", "scripted", "portmap", "bandwidth", "host-local", "static", "loopback")

READ_ONLY = """
mount --bind "$1" "$1" && mount -o remount,bind,ro / && shift && exec "$@"
"""


@dataclass(frozen=True)
class Said:
    """What came back. ``closed``: the connection ended without a reply; ``late``: nothing came in time."""

    status: int = -1
    stdout: bytes = b""
    stderr: str = ""
    closed: bool = False
    late: bool = False
    seconds: float = 0.0


@dataclass
class World:
    """Use :func:`world`."""

    node: Node
    genie: Path
    log_read: int = 0
    furnished: int = 0
    bridges: dict[str, int] = field(default_factory=dict)

    @property
    def words(self) -> dict[str, str]:
        """What ``@DIR@`` and its like mean here."""
        return {"@DIR@": str(self.node.path), "@CID@": CONTAINER, "@NETNS@": netns(WORKLOAD)}

    @property
    def calm(self) -> str:
        """A CNI_PATH by which every plugin succeeds and does nothing."""
        return str(self.node.path / "calm")

    def furnish(self, case: Case) -> None:
        """The configurations and objects of the case, and no others."""
        self.furnished += 1
        # A file of objects that turns bad keeps its former content: each case has files of its own.
        objects = {f"{self.furnished}-{name}": data for name, data in case.objects.items()}
        for directory, files in ((self.node.conf_dir, case.confs), (self.node.path / "objects", objects)):
            shutil.rmtree(directory)
            directory.mkdir()
            for name, data in files.items():
                (directory / name).write_bytes(data)

    def send(self, case: Case) -> Said:
        """The request by a frame of our own, or by the real binary where that can take it."""
        started = time.monotonic()
        said = None
        if case.binary and case.damage is None:
            with contextlib.suppress(OSError, ValueError):  # an environment that no process can have
                said = self._by_binary(case)
        if said is None:
            said = self.exchange(case.body())
        return Said(**{**vars(said), "seconds": time.monotonic() - started})

    def exchange(self, body: bytes) -> Said:
        """One frame and its reply."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.settimeout(REPLY_SECONDS)
            try:
                peer.connect(str(self.node.socket))
                peer.sendall(HEADER.pack(len(body)) + body)
                reply = read_frame(peer.recv, MAX_REPLY)
            except TimeoutError:
                return Said(late=True)
            except (WireError, OSError) as error:
                return Said(closed=True, stderr=repr(error))
        return Said(reply[0], reply[1:])

    def _by_binary(self, case: Case) -> Said:
        env = {**case.env, "GENIE_AGENT_SOCKET": str(self.node.socket), "GENIE_SPOOL": str(self.node.path / "spool")}
        try:
            # As a runtime does it, in the node's own namespace.
            done = inside(
                netns(self.node.name),
                lambda: subprocess.run(
                    [self.genie], input=case.stdin, env=env, capture_output=True, check=False, timeout=REPLY_SECONDS
                ),
            )
        except subprocess.TimeoutExpired:
            return Said(late=True)
        return Said(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))

    def look(self) -> Seen:
        """What is there now."""
        seen, self.bridges = look(self.node, WORKLOAD)
        return seen

    def owed(self) -> list[tuple[str, str]]:
        """Container and CNI_IFNAME of each ADD that the store still knows of."""
        rows = self.node.rows("SELECT DISTINCT container_id, runtime_ifname FROM attachments")
        return [(container, ifname) for container, ifname in rows]

    def new_log(self) -> list[str]:
        """The agent's lines since the last look."""
        with (self.node.path / "agent.log").open("rb") as log:
            log.seek(self.log_read)
            data = log.read()
        self.log_read += len(data)
        return data.decode("utf-8", "replace").split("\n")[:-1]

    def forget_log(self) -> None:
        """Starts it anew, so that it does not fill the memory; the agent appends."""
        os.truncate(self.node.path / "agent.log", 0)
        self.log_read = 0

    def silence(self) -> str | None:
        """Why the agent, or its store, does not answer; None: it does."""
        ended = self.node.agent.poll() if self.node.agent is not None else -1
        if ended is not None:
            return f"it has ended with {ended}"
        try:
            return self.node.ask(STATUS).error
        except (OSError, WireError) as error:
            return repr(error)

    def weight(self) -> dict[str, int]:
        """Open files, threads and kilobytes of memory of the agent."""
        assert self.node.agent is not None
        process = Path(f"/proc/{self.node.agent.pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        return {
            "files": len(list((process / "fd").iterdir())),
            "threads": int(status["Threads"]),
            "kilobytes": int(status["VmRSS"].split()[0]),
        }

    def sweep(self) -> None:
        """No bridge: the plugin leaves them as its configuration made them, which need not suit the next one."""
        for number in self.bridges.values():
            interfaces.delete(netns(self.node.name), number)

    def clean(self) -> None:
        """A bare namespace, no lease, no row, whatever was left: each case begins like the first."""
        for link in self.look().node_links:
            subprocess.run(["ip", "-n", self.node.name, "link", "del", link], check=False, capture_output=True)
        with contextlib.closing(sqlite3.connect(self.node.path / "state/store.db", timeout=10)) as store, store:
            store.execute("DELETE FROM attachments")
        for directory in (self.node.path / "ipam", self.node.var_lib / "cni"):
            shutil.rmtree(directory, ignore_errors=True)
        subprocess.run(["ip", "netns", "del", WORKLOAD], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "add", WORKLOAD], check=True, capture_output=True)
        self.restart()

    def restart(self) -> None:
        """Another agent on the same state."""
        self.node.kill()
        shutil.rmtree(self.node.path / "spool", ignore_errors=True)
        self.node.start()
        self.log_read = (self.node.path / "agent.log").stat().st_size


STATUS = Ask(ask="status")


@contextlib.contextmanager
def world(path: Path) -> Iterator[World]:
    """A node with an agent, in namespaces of its own."""
    with node(path, objects=str(path / "objects"), delegateDeadline=DEADLINE, sampleEvery="1h") as made:
        (path / "objects").mkdir()
        (path / "spool").mkdir()
        for kind in CALM:
            program = path / "calm" / kind
            program.parent.mkdir(exist_ok=True)
            program.write_text("#!/bin/sh\nexit 0\n")
            program.chmod(0o755)
        subprocess.run(["ip", "netns", "add", WORKLOAD], check=True)
        made.workloads.append(WORKLOAD)
        made.confined = ("sh", "-c", READ_ONLY, "read-only", str(path))
        made.start()
        yield World(made, build_genie("genie-sanitized"))
