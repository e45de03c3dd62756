"""A small site in network namespaces: a world, a node with real CNI networks, and workloads.

The node has two bridge networks (``a``, ``b``), each routed over an uplink of its own, and a macvlan network (``m``)
on a wire with the world. The world answers at ``WORLD`` by all of them. Every namespace's name begins with a random
prefix, so that several sites can exist in one sandbox.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cni.kernel
from cni.attach import Attacher, AttachRequest
from cni.delegate import Delegates
from cni.hotplug import HotPlug, Parts
from cni.locks import ContainerLocks
from cni.model import Attachment
from cni.netconf import ConfDir
from cni.networks import Networks
from cni.store import Store
from cni.switch import Means, Switches
from cni.wire import Drain, MoveReason, Phase, SwitchOrder, SwitchStatus, Verify

WORLD = "10.99.0.1"
PLUGINS = ("/usr/lib/cni",)
TRAFFIC = str(Path(__file__).with_name("udp_traffic.py"))
STREAMS = str(Path(__file__).with_name("streams.py"))


def sh(command: str, check: bool = True) -> str:
    """What a command printed. Raises RuntimeError with what it complained of."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602 - our own text
    if check and done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stderr or done.stdout}")
    return done.stdout


@contextmanager
def this_thread_in(netns: str) -> Iterator[None]:
    """The calling thread, and those that it starts, are in the namespace meanwhile."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{netns}", os.O_RDONLY)
    try:
        assert libc.setns(there, 0x40000000) == 0, os.strerror(ctypes.get_errno())
        yield
    finally:
        assert libc.setns(home, 0x40000000) == 0
        os.close(home)
        os.close(there)


class Program:
    """A program in a namespace that ends when its stdin closes and then prints one JSON object."""

    def __init__(self, netns: str, script: str, *arguments: object) -> None:
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", netns, sys.executable, script, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.strip() == "ready", f"{arguments}: {line}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def end(self) -> dict[str, Any]:
        out, _ = self._process.communicate("over\n", timeout=30)
        return json.loads(out.strip().splitlines()[-1])

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@dataclass(slots=True)
class Site:
    """The namespaces and the files of one site."""

    root: Path
    prefix: str = field(default_factory=lambda: uuid.uuid4().hex[:6])
    programs: list[Program] = field(default_factory=list)

    @property
    def node(self) -> str:
        return f"{self.prefix}-node"

    @property
    def world(self) -> str:
        return f"{self.prefix}-world"

    def workload(self, number: int = 1) -> str:
        return f"{self.prefix}-w{number}"

    def path(self, number: int = 1) -> str:
        return f"/run/netns/{self.workload(number)}"

    def build(self, ip_masq: bool = False) -> None:
        """The namespaces, their links and the networks' configurations."""
        for name in (self.node, self.world):
            sh(f"ip netns add {name} && ip -n {name} link set lo up")
            sh(f"ip netns exec {name} sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0")
        sh(f"ip -n {self.world} addr add {WORLD}/32 dev lo")
        for number in (1, 2):
            self._uplink(number)
        for number in (3, 4):
            self._wire(number)
        sh(f"ip -n {self.node} route add {WORLD}/32 nexthop via 10.101.0.1 dev u1")
        for number, name in ((1, "a"), (2, "b")):
            sh(f"ip -n {self.world} route add 10.{number}.0.0/24 via 10.10{number}.0.2")
            self.configure(name, self.bridge(number, ip_masq))
        self.configure("m", self.macvlan())
        # One address, on two masters of one wire.
        for number in (3, 4):
            same = {**self.macvlan(), "master": f"u{number}"}
            same["ipam"] = {"type": "static", "addresses": [{"address": "10.3.0.50/24", "gateway": "10.3.0.1"}]}
            same["ipam"]["routes"] = [{"dst": "0.0.0.0/0"}]
            self.configure(f"s{number}", same)
        # Same subnet, and the same wire, as the first macvlan network, with other addresses.
        other = self.macvlan()
        other["ipam"]["ranges"] = [[{**self._range(3), "rangeStart": "10.3.0.100", "rangeEnd": "10.3.0.120"}]]
        self.configure("n", other)

    def _uplink(self, number: int) -> None:
        sh(f"ip link add u{number} netns {self.node} type veth peer name d{number} netns {self.world}")
        for netns, link, host in ((self.node, f"u{number}", 2), (self.world, f"d{number}", 1)):
            sh(f"ip -n {netns} addr add 10.10{number}.0.{host}/24 dev {link} && ip -n {netns} link set {link} up")

    def _wire(self, number: int) -> None:
        """A link of the node on the wire that the world has 10.3.0.1 on."""
        sh(f"ip link add u{number} netns {self.node} type veth peer name d{number} netns {self.world}")
        if number == 3:
            sh(f"ip -n {self.world} link add wire type bridge && ip -n {self.world} link set wire up")
            sh(f"ip -n {self.world} addr add 10.3.0.1/24 dev wire")
        sh(f"ip -n {self.world} link set d{number} master wire up && ip -n {self.node} link set u{number} up")

    def _range(self, number: int) -> dict[str, str]:
        return {"subnet": f"10.{number}.0.0/24", "gateway": f"10.{number}.0.1"}

    def ipam(self, number: int) -> dict[str, Any]:
        routes = [{"dst": "0.0.0.0/0"}]
        data = str(self.root / "ipam")
        return {"type": "host-local", "dataDir": data, "ranges": [[self._range(number)]], "routes": routes}

    def bridge(self, number: int, ip_masq: bool = False) -> dict[str, Any]:
        return {
            "type": "bridge",
            "bridge": f"br{number}",
            "isGateway": True,
            "ipMasq": ip_masq,
            "ipam": self.ipam(number),
        }

    def macvlan(self) -> dict[str, Any]:
        return {"type": "macvlan", "master": "u3", "mode": "bridge", "ipam": self.ipam(3)}

    def configure(self, name: str, *plugins: dict[str, Any]) -> None:
        """Writes the network ``cni:NAME``."""
        directory = self.root / "net.d"
        directory.mkdir(exist_ok=True)
        content = {"cniVersion": "1.0.0", "name": f"net-{name}", "plugins": list(plugins)}
        (directory / f"10-{name}.conflist").write_text(json.dumps(content))

    def add_workload(self, number: int = 1) -> str:
        name = self.workload(number)
        sh(f"ip netns add {name} && ip -n {name} link set lo up")
        return name

    def run(self, netns: str, script: str, *arguments: object) -> Program:
        program = Program(netns, script, *arguments)
        self.programs.append(program)
        return program

    def remove(self) -> None:
        for program in self.programs:
            program.kill()
        for netns in sh("ip netns list").split():
            if netns.startswith(self.prefix):
                sh(f"ip netns del {netns}")

    # What can leak, as text that two moments can be compared by.

    def inside(self, number: int = 1) -> dict[str, Any]:
        """All that a workload's namespace has."""
        return everything(self.workload(number))

    def outside(self) -> dict[str, Any]:
        """All that the node and its disk have."""
        ipam = sorted(str(file) for file in (self.root / "ipam").rglob("10.*"))
        iptables = sh(f"ip netns exec {self.node} iptables-save")
        rules = [line for line in iptables.splitlines() if not line.startswith("#") and not line.startswith(":")]
        scratch = sorted(str(file) for file in (self.root / "scratch").rglob("*"))
        return {**everything(self.node), "ipam": ipam, "iptables": rules, "scratch": scratch}


VOLATILE = ("flags", "expires", "valid_life_time", "preferred_life_time", "ifindex", "link_index", "tentative")


def everything(netns: str) -> dict[str, Any]:
    """Links, addresses, routes of all tables, rules, nft tables and the switch's sysctls of a namespace."""

    def listed(command: str) -> list[str]:
        entries = json.loads(sh(f"ip -j -n {netns} {command}") or "[]")
        return sorted(json.dumps({k: v for k, v in e.items() if k not in VOLATILE}, sort_keys=True) for e in entries)

    links = json.loads(sh(f"ip -j -n {netns} -d link"))
    addresses = json.loads(sh(f"ip -j -n {netns} -4 addr"))
    sysctls = sh(
        f"ip netns exec {netns} sysctl -a -r 'net.ipv4.conf.*.(arp_ignore|arp_announce|rp_filter)' 2>/dev/null"
    )
    return {
        "links": sorted((link["ifname"], "UP" in link["flags"]) for link in links if "link_type" in link),
        "addresses": sorted((a["ifname"], f"{i['local']}/{i['prefixlen']}") for a in addresses for i in a["addr_info"]),
        "routes": listed("-4 route show table all"),
        "rules": listed("-4 rule"),
        "nft": [line for line in sh(f"ip netns exec {netns} nft list tables").splitlines() if "genie" in line],
        "sysctls": sorted(sysctls.splitlines()),
        "endpoints": sh(f"ip -n {netns} mptcp endpoint"),
    }


@dataclass(slots=True)
class Node:
    """The agent's parts of a site, without its sockets."""

    site: Site
    store: Store
    attacher: Attacher
    switches: Switches
    locks: ContainerLocks

    @classmethod
    def open(cls, site: Site, **means: Any) -> Node:
        store = Store(site.root / "store.db")
        attacher = Attacher(store, Delegates(PLUGINS, 20.0), cni.kernel)
        locks = ContainerLocks()
        parts = Means(
            store=store,
            attacher=attacher,
            locks=locks,
            networks=ConfDir(site.root / "net.d"),
            scratch=site.root / "scratch",
            **means,
        )
        return cls(site, store, attacher, Switches(parts), locks)

    def add(self, network: str, number: int = 1, name: str = "net1", **fields: Any) -> Attachment:
        """Attaches a workload as a hot add does."""
        request = AttachRequest(
            container_id=f"{self.site.prefix}c{number}",
            name=name,
            workload=f"lab/w{number}",
            netns=self.site.path(number),
            ifname=name,
            network=ConfDir(self.site.root / "net.d").find(network),
            **fields,
        )
        return self.attacher.attach(request)

    def plugging(self, reached: Callable[[str], None] = lambda _: None) -> HotPlug:
        """Hot add and remove, as the agent has it."""
        return HotPlug(
            Parts(
                store=self.store,
                attacher=self.attacher,
                locks=self.locks,
                networks=Networks(ConfDir(self.site.root / "net.d")),
                switches=self.switches,
                reached=reached,
            )
        )

    def warm_up(self, *networks: str) -> None:
        """Has the plugins make what they never remove: their bridges."""
        self.site.add_workload(99)
        for network in networks:
            self.attacher.detach(self.add(network, 99))

    def attached(self, number: int = 1) -> list[Attachment]:
        return self.store.of_container(f"{self.site.prefix}c{number}")

    def address(self, number: int = 1) -> str:
        """Of the generation that has the true name."""
        found = cni.kernel.addresses(self.site.path(number), "net1")
        return found[0].address

    def publish(self, order: SwitchOrder, file: Path) -> None:
        """Tells the workload's peers, who look into the file, its new address; while it drains, or the test fails.

        Whoever is told after the drain's deadline loses what he sent meanwhile, and that shows nothing.
        """
        file.write_text(self.address())
        status = self.status(order)
        since = time.time() - (status.shifted_at or 0.0)
        assert status.phase is Phase.DRAIN, f"the drain was over before the peers knew, {since:.1f} s after the shift"

    def status(self, order: SwitchOrder) -> SwitchStatus:
        return next(each for each in self.switches.statuses() if each.id == order.id)

    def finish(self, order: SwitchOrder, seconds: float = 60.0) -> SwitchStatus:
        status = self.switches.join(order.id, seconds)
        assert status is not None
        assert status.phase is Phase.DONE, status
        return status

    def wait_for(self, order: SwitchOrder, phase: Phase, seconds: float = 20.0) -> SwitchStatus:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = self.status(order)
            if status.phase is phase or status.phase is Phase.DONE:
                assert status.phase is phase, status
                return status
            time.sleep(0.02)
        raise AssertionError(f"not in {phase} after {seconds} s: {status}")

    def close(self) -> None:
        self.switches.stop()
        self.store.close()


def order(source: str, target: str, number: int = 1, **fields: Any) -> SwitchOrder:
    """A move that settles and drains quickly."""
    quick: dict[str, Any] = {
        "verify": Verify(targets=(f"ping://{WORLD}",), successes=2, deadline_seconds=5, settle_seconds=1),
        "drain": Drain(deadline_seconds=15, minimum_seconds=0.5, quiet_seconds=0.3),
        "reason": MoveReason.MANUAL,
        **fields,
    }
    return SwitchOrder(
        id=uuid.uuid4().hex,
        workload=f"lab/w{number}",
        attachment="net1",
        source=f"cni:{source}",
        target=f"cni:{target}",
        **quick,
    )
