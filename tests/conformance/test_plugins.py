"""The reference plugins of Debian (CNI 1.0.0) and of their Go module (1.1.0), each through the real binary and agent.

Every case goes through ADD, CHECK and DEL twice. The first time may leave what a plugin makes once per node (a bridge,
a chain of iptables); the second time must leave nothing.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conformance.chains import CASES, Case, of_kind
from tests.support.node import Node, Reply, node, run
from tests.support.plugins import SETS, PluginSet, remains

pytestmark = pytest.mark.netns


@pytest.fixture(scope="module", params=SETS)
def plugins(request: pytest.FixtureRequest) -> PluginSet:
    return SETS[request.param]()


@pytest.fixture(scope="module")
def here(plugins: PluginSet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node with this set of plugins alone, and a NIC to spare."""
    path = tmp_path_factory.mktemp("node")
    with node(path, binDirs=[str(path / "bin"), str(plugins.directory)]) as made:
        made.cni_path = str(plugins.directory)
        spare = ("link", "add", "spare", "type", "veth", "peer", "name", "beyond", "netns", made.world)
        run("ip", "-n", made.name, *spare)
        made.start()
        yield made


@dataclass(frozen=True)
class Container:
    """One container of a case, as its runtime calls for it."""

    here: Node
    plugins: PluginSet
    workload: str
    supplied: dict[str, Any]

    def call(self, command: str) -> Reply:
        env = self.here.environment(command, self.workload, "net")
        netconf = {"cniVersion": self.plugins.version, "name": "pods", "type": "genie"}
        return self.here.call(env, {**netconf, "runtimeConfig": self.supplied})

    def succeed(self, *commands: str) -> None:
        for command in commands:
            reply = self.call(command)
            assert reply.status == 0, (command, reply)


def prepared(here: Node, plugins: PluginSet, case: Case) -> Container:
    """A container that was attached once already: what plugins make once per node is there."""
    here.network("10-net.conflist", *case.plugins(here), cniVersion=plugins.version)
    container = Container(here, plugins, here.workload(), case.supplied)
    container.succeed("ADD", "DEL")
    return container


@pytest.mark.parametrize("name", CASES)
def test_add_check_and_del_leave_nothing(here: Node, plugins: PluginSet, name: str) -> None:
    case = CASES[name]
    container = prepared(here, plugins, case)
    before = remains(here, container.workload)
    container.succeed("ADD")
    case.look(here, container.workload)
    if plugins.name in case.check_fails:
        assert case.check_fails[plugins.name] in container.call("CHECK").json["msg"]
    else:
        container.succeed("CHECK")
    container.succeed("DEL")
    assert remains(here, container.workload) == before


@pytest.mark.parametrize("name", ["all of them", "host-device"])
def test_status_is_well_and_gc_takes_what_is_stale_alone(here: Node, plugins: PluginSet, name: str) -> None:
    case = CASES[name]
    container = prepared(here, plugins, case)
    before = remains(here, container.workload)
    container.succeed("ADD")
    valid = [{"containerID": container.workload, "ifname": "eth0"}]
    assert here.about_node("STATUS", default_plugin="net").status == 0
    assert here.about_node("GC", **{"cni.dev/valid-attachments": valid}).status == 0
    case.look(here, container.workload)
    assert here.about_node("GC", **{"cni.dev/valid-attachments": []}).status == 0
    assert remains(here, container.workload) == before
    container.succeed("DEL")


@pytest.mark.parametrize("kind", ["vlan", "ipvlan"])
def test_a_kind_of_link_works_where_the_kernel_has_it_and_fails_in_words_where_not(
    here: Node, plugins: PluginSet, kind: str
) -> None:
    ipam = here.host_local("10.8.0.0/24")
    here.network("10-net.conflist", {"type": kind, "master": "eth2", "vlanId": 7, "ipam": ipam}, cniVersion="1.0.0")
    container = Container(here, plugins, here.workload(), {})
    before = remains(here, container.workload)
    if _kernel_has(here, kind):
        container.succeed("ADD")
        of_kind(kind)(here, container.workload)
        container.succeed("CHECK")
    else:
        refused = container.call("ADD")
        assert refused.status == 1
        assert "operation not supported" in refused.json["msg"]
    container.succeed("DEL")
    assert remains(here, container.workload) == before


def _kernel_has(here: Node, kind: str) -> bool:
    options = ["id", "9"] if kind == "vlan" else []
    add = ["ip", "-n", here.name, "link", "add", "link", "eth2", "name", "probe", "type", kind, *options]
    known = subprocess.run(add, check=False, capture_output=True).returncode == 0
    if known:
        run("ip", "-n", here.name, "link", "delete", "probe")
    return known
