"""cnitool, the CNI project's own runtime for hands, as a judge from outside: libcni calls ``genie`` as runtimes do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.node import Node, addresses, links, netns, node, run
from tests.support.plugins import PluginSet, modules, remains
from tests.support.scripted import calls
from tests.support.shim import build_genie

pytestmark = pytest.mark.netns

NETWORK = "pods"
VERSIONS = ["0.4.0", "1.0.0", "1.1.0"]


@dataclass(frozen=True)
class Judge:
    """cnitool on a node, with a directory of configurations and a cache of its own."""

    here: Node
    plugins: PluginSet

    def configure(self, *listed: Mapping[str, Any], version: str = "1.1.0") -> None:
        """Write the one network that cnitool knows."""
        content = {"cniVersion": version, "name": NETWORK, "plugins": listed}
        (self.here.path / "cnitool.d/10-pods.conflist").write_text(json.dumps(content))

    def run(self, command: str, workload: str = "none", **more: str) -> subprocess.CompletedProcess[str]:
        """cnitool; its cache is under /var/lib, where this node's own directory stands for the time being.

        It wants a namespace for STATUS and GC too, and does not look at it.
        """
        env = {
            **os.environ,
            "NETCONFPATH": str(self.here.path / "cnitool.d"),
            "CNI_PATH": f"{self.here.path}/bin:{self.plugins.directory}",
            "GENIE_AGENT_SOCKET": str(self.here.socket),
            "GENIE_SPOOL": str(self.here.path / "spool"),
            **more,
        }
        cache = str(self.here.path / "cache")
        private = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /var/lib && exec "$@"', cache)
        tool = (str(self.plugins.directory / "cnitool"), command, NETWORK, netns(workload))
        return subprocess.run(
            ["ip", "netns", "exec", self.here.name, *private, *tool],
            env=env, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def succeed(self, command: str, workload: str = "none", **more: str) -> str:
        done = self.run(command, workload, **more)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Judge]:
    plugins = modules()
    with node(tmp_path, binDirs=[str(tmp_path / "bin"), str(plugins.directory)]) as here:
        bridge = {"type": "bridge", "bridge": "br0", "isGateway": True, "ipam": here.host_local("10.1.0.0/24")}
        here.network("10-blue.conflist", bridge, cniVersion="1.1.0")
        macvlan = {"type": "macvlan", "master": "eth2", "ipam": here.host_local("10.2.0.0/24")}
        here.network("20-red.conflist", macvlan, cniVersion="1.1.0")
        told = {"type": "scripted", "capabilities": {"portMappings": True}}
        here.network("30-told.conflist", told, cniVersion="1.1.0")
        for directory in ("cnitool.d", "cache"):
            (here.path / directory).mkdir()
        shutil.copy(build_genie(), here.path / "bin/genie")
        here.cni_path = str(plugins.directory)
        here.start()
        yield Judge(here, plugins)


@pytest.mark.parametrize("version", VERSIONS)
def test_add_check_and_del(judge: Judge, version: str) -> None:
    here = judge.here
    judge.configure({"type": "genie", "default_plugin": "blue,red@net1"}, version=version)
    workload = here.workload()
    judge.succeed("add", workload)
    judge.succeed("del", workload)
    before = remains(here, workload)
    result = json.loads(judge.succeed("add", workload))
    assert result["cniVersion"] == version
    inside = {i["name"] for i in result["interfaces"] if i.get("sandbox") == netns(workload)}
    assert inside == {"eth0", "net1"}
    assert {ip["address"] for ip in result["ips"]} == {
        *addresses(workload, "eth0"),
        *addresses(workload, "net1"),
    }
    judge.succeed("check", workload)
    for _ in range(2):
        judge.succeed("del", workload)
    assert remains(here, workload) == before


def test_check_says_what_is_wrong(judge: Judge) -> None:
    judge.configure({"type": "genie", "default_plugin": "blue,red@net1"})
    workload = judge.here.workload()
    judge.succeed("add", workload)
    run("ip", "-n", workload, "address", "flush", "dev", "net1")
    failed = judge.run("check", workload)
    assert failed.returncode == 1
    assert "address 10.2.0.2/24 of net1 is missing" in failed.stderr
    judge.succeed("del", workload)


def test_a_second_add_and_a_missing_namespace_are_refused(judge: Judge) -> None:
    judge.configure({"type": "genie", "default_plugin": "blue"})
    workload = judge.here.workload()
    judge.succeed("add", workload)
    assert "a DEL must come before another ADD" in judge.run("add", workload).stderr
    assert "not a network namespace" in judge.run("add", "none").stderr
    judge.succeed("check", workload)


def test_status_follows_the_agent(judge: Judge) -> None:
    judge.configure({"type": "genie", "default_plugin": "blue"})
    judge.succeed("status")
    (judge.here.conf_dir / "10-blue.conflist").unlink()
    assert "blue" in judge.run("status").stderr
    judge.here.kill()
    away = judge.run("status")
    assert away.returncode == 1
    assert "the genie agent is away" in away.stderr


def test_gc_ends_what_the_tool_knows_and_nobody_elses(judge: Judge) -> None:
    here = judge.here
    judge.configure({"type": "genie", "default_plugin": "blue,red@net1"})
    known = [here.workload(), here.workload()]
    for workload in known:
        judge.succeed("add", workload)
    others = here.workload()
    assert here.genie("ADD", others, "blue,told@net1", "1.1.0").status == 0
    judge.succeed("gc")
    assert [links(workload) for workload in known] == [{"lo"}] * 2
    assert {row[0] for row in here.rows()} == {others}, "cnitool lists nothing: then nothing is stale"
    assert here.genie("CHECK", others, version="1.1.0").status == 0
    assert len(here.addresses_taken()) == 1


def test_capabilities_and_arguments_reach_the_delegates(judge: Judge) -> None:
    judge.configure({"type": "genie", "default_plugin": "told", "capabilities": {"portMappings": True}})
    workload = judge.here.workload()
    mappings = {"portMappings": [{"hostPort": 8080, "containerPort": 80}], "mac": "02:00:00:00:00:01"}
    more = {"CAP_ARGS": json.dumps(mappings), "CNI_ARGS": "IgnoreUnknown=1;SITE=7", "CNI_IFNAME": "net9"}
    judge.succeed("add", workload, **more)
    judge.succeed("del", workload, **more)
    for call in calls(judge.here.calls):
        assert call["config"]["runtimeConfig"] == {"portMappings": mappings["portMappings"]}
        assert call["env"]["CNI_ARGS"] == "IgnoreUnknown=1;SITE=7"
        assert call["env"]["CNI_IFNAME"] == "net9"


@pytest.mark.parametrize("version", VERSIONS)
def test_genie_at_the_head_of_a_chain(judge: Judge, version: str) -> None:
    here = judge.here
    tuning = {"type": "tuning", "mtu": 1400}
    judge.configure({"type": "genie", "default_plugin": "blue"}, tuning, version=version)
    workload = here.workload()
    judge.succeed("add", workload)
    judge.succeed("del", workload)
    before = remains(here, workload)
    judge.succeed("add", workload)
    (shown,) = json.loads(run("ip", "-n", workload, "-j", "link", "show", "eth0"))
    assert shown["mtu"] == 1400
    judge.succeed("check", workload)
    judge.succeed("del", workload)
    assert remains(here, workload) == before


def test_genie_in_the_middle_of_a_chain(judge: Judge) -> None:
    here = judge.here
    first = {"type": "bridge", "bridge": "br9", "isGateway": True, "ipam": here.host_local("10.9.0.0/24")}
    judge.configure(first, {"type": "genie", "default_plugin": "red@net1"}, {"type": "tuning", "mtu": 1400})
    workload = here.workload()
    judge.succeed("add", workload)
    judge.succeed("del", workload)
    before = remains(here, workload)
    result = json.loads(judge.succeed("add", workload))
    inside = [i["name"] for i in result["interfaces"] if i.get("sandbox") == netns(workload)]
    assert inside == ["eth0", "net1"]
    named = {result["interfaces"][ip["interface"]]["name"]: ip["address"] for ip in result["ips"]}
    assert {name: [address] for name, address in named.items()} == {name: addresses(workload, name) for name in inside}
    # bridge takes every address of the whole result for its own interface's: no CHECK of its own succeeds here.
    assert "Failed to match addr" in judge.run("check", workload).stderr
    judge.succeed("del", workload)
    assert remains(here, workload) == before
