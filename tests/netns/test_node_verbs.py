"""CHECK and STATUS on a node: what the agent looks at itself, and what the delegates say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cni.wire import Ask, Drain, MoveReason, Outcome, Phase, SwitchOrder, SwitchStatus, Verify
from tests.support.node import Node, addresses, netns, node, run
from tests.support.scripted import calls, commands, install_scripted

pytestmark = pytest.mark.netns


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Node]:
    """Three bridges and a scripted network of 1.1.0; the first is what containers get by default."""
    with node(tmp_path) as made:
        for number, name in enumerate(("admin", "blue", "red"), start=1):
            ipam = made.host_local(f"10.{number}.0.0/24")
            bridge = {"type": "bridge", "bridge": f"br{number}", "isGateway": True, "ipam": ipam}
            made.network(f"{number}0-{name}.conflist", bridge)
        made.network("40-new.conflist", {"type": "scripted"}, cniVersion="1.1.0")
        made.start()
        yield made


def order(workload: str, settle: float) -> SwitchOrder:
    return SwitchOrder(
        id=f"move-{workload}",
        workload=f"lab/{workload}",
        attachment="net1",
        source="cni:blue",
        target="cni:red",
        reason=MoveReason.MANUAL,
        verify=Verify(successes=1, deadline_seconds=5.0, settle_seconds=settle),
        drain=Drain(minimum_seconds=0.1, quiet_seconds=0.1),
    )


def switch(here: Node) -> SwitchStatus:
    (found,) = here.ask(Ask(ask="switches")).switches
    return found


# --- CHECK ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        pytest.param("link delete net1", "interface net1", id="T83 interface"),
        pytest.param("address flush dev net1", "address 10.2.0.2/24", id="T83 address"),
        pytest.param("rule delete from 10.2.0.2 lookup 1001", "rule from 10.2.0.2", id="T83 rule"),
        pytest.param("route flush table 1001", "table 1001", id="T83 table"),
        pytest.param("link set net1 name gone", "interface net1", id="T83 another name"),
    ],
)
def test_check_sees_what_is_missing(here: Node, damage: str, word: str) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "admin,blue@net1").status == 0
    checked = here.genie("CHECK", workload, version="1.1.0")
    assert (checked.status, checked.stdout) == (0, b""), "T85 T23"
    if "name gone" in damage:
        run("ip", "-n", workload, "link", "set", "net1", "down")
    run("ip", "-n", workload, *damage.split())
    failed = here.genie("CHECK", workload, version="1.1.0")
    assert failed.status != 0
    assert word in failed.json["msg"]
    assert "cni:blue" in failed.json["details"]


def test_T84_what_others_add_later_is_tolerated(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue").status == 0
    run("ip", "-n", workload, "address", "add", "10.77.0.1/24", "dev", "eth0")
    run("ip", "-n", workload, "route", "add", "10.78.0.0/24", "via", "10.77.0.2")
    assert here.genie("CHECK", workload).status == 0


def test_T82_check_reaches_the_delegates_and_their_ipam(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue").status == 0
    (lease,) = (path for path in (here.path / "ipam").glob("*/10.*"))
    lease.unlink()
    failed = here.genie("CHECK", workload)
    assert failed.status != 0, "the interface is well, its lease is not"
    assert "host-local" in failed.stdout.decode()


def test_T81_the_agents_record_counts_not_what_the_runtime_sends(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "new").status == 0
    assert here.genie("CHECK", workload).status == 0, "without a prevResult"
    added, checked = calls(here.calls)
    assert checked["config"]["prevResult"]["tags"] == ["scripted"]
    assert checked["env"] == added["env"] | {"CNI_COMMAND": "CHECK"}


@pytest.mark.parametrize(
    ("disabled", "status"), [pytest.param(False, 1, id="T82 asked"), pytest.param(True, 0, id="T87 disableCheck")]
)
def test_a_list_may_disable_its_checks(here: Node, disabled: bool, status: int) -> None:
    plugin = {"type": "scripted", "check": {"stderr": "all wrong", "exit": 1}}
    here.network("40-new.conflist", plugin, cniVersion="1.1.0", disableCheck=disabled)
    workload = here.workload()
    assert here.genie("ADD", workload, "new").status == 0
    assert here.genie("CHECK", workload).status == status
    assert (("CHECK", "scripted") in commands(here.calls)) is not disabled


def test_T88_what_was_never_added_or_was_deleted_fails(here: Node) -> None:
    workload = here.workload()
    assert here.genie("CHECK", workload).json["code"] == 3
    assert here.genie("ADD", workload, "blue").status == 0
    assert here.genie("CHECK", workload, CNI_IFNAME="eth7").json["code"] == 3
    assert here.genie("DEL", workload).status == 0
    assert here.genie("CHECK", workload).json["code"] == 3


def test_T83_a_namespace_that_is_gone_fails(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue").status == 0
    run("ip", "netns", "del", workload)
    assert here.genie("CHECK", workload).json["code"] == 100


def test_T86_check_follows_a_switch(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "admin,blue@net1").status == 0
    assert here.ask(Ask(ask="switch", switch=order(workload, settle=2.0))).error is None
    here.until(lambda: switch(here).phase is Phase.DRAIN, "it drains")
    during = here.genie("CHECK", workload)
    assert during.status == 0, during
    here.until(lambda: switch(here).outcome is not None, "the switch ends")
    assert switch(here).outcome is Outcome.MOVED
    assert here.genie("CHECK", workload).status == 0
    (now,) = addresses(workload, "net1")
    run("ip", "-n", workload, "address", "flush", "dev", "net1")
    assert now in here.genie("CHECK", workload).json["msg"], "the new network's address is missed"


# --- STATUS -----------------------------------------------------------------------------------------------------


def test_T91_a_healthy_node_says_nothing(here: Node) -> None:
    reply = here.about_node("STATUS")
    assert (reply.status, reply.stdout, reply.stderr) == (0, b"", "")


def test_T90_status_and_gc_belong_to_1_1_0(here: Node) -> None:
    for command in ("STATUS", "GC"):
        assert here.about_node(command, cniVersion="1.0.0").json["code"] == 1


def test_T96_real_plugins_of_1_0_0_are_not_asked(here: Node) -> None:
    assert here.about_node("STATUS", default_plugin="blue,red").status == 0
    assert here.about_node("STATUS", default_plugin="new").status == 0
    assert commands(here.calls) == [("STATUS", "scripted")]


@pytest.mark.parametrize(
    ("code", "name"), [pytest.param(50, "T94 not ready", id="T94"), pytest.param(51, "T93 worse", id="T93")]
)
def test_T95_a_delegates_own_code_is_returned_and_add_and_del_go_on(here: Node, code: int, name: str) -> None:
    said = {"print": json.dumps({"cniVersion": "1.1.0", "code": code, "msg": name}), "exit": 1}
    here.network("40-new.conflist", {"type": "scripted", "status": said}, cniVersion="1.1.0")
    reply = here.about_node("STATUS", default_plugin="new")
    assert (reply.status, reply.json["code"], reply.json["msg"]) == (1, code, name)
    workload = here.workload()
    assert here.genie("ADD", workload, "new", version="1.1.0").status == 0, "T95"
    assert here.genie("DEL", workload, version="1.1.0").status == 0, "T95"
    assert here.about_node("STATUS").status == 0, "a network that only some ask for does not take the node away"


@pytest.mark.parametrize(
    ("network", "netconf", "word"),
    [
        pytest.param(None, {"default_plugin": "nowhere"}, "nowhere", id="T92 no such network"),
        pytest.param({"type": "no-such-plugin"}, {"default_plugin": "away"}, "no-such-plugin", id="T92 no plugin"),
    ],
)
def test_what_would_fail_every_add_is_not_ready(
    here: Node, network: dict[str, Any] | None, netconf: dict[str, Any], word: str
) -> None:
    if network is not None:
        here.network("50-away.conflist", network)
    reply = here.about_node("STATUS", **netconf)
    assert reply.json["code"] == 50
    assert word in reply.json["msg"]


def test_T92_no_network_no_store_and_no_agent_are_not_ready(here: Node) -> None:
    for file in here.conf_dir.iterdir():
        file.unlink()
    assert here.about_node("STATUS").json["code"] == 50
    here.network("10-blue.conflist", {"type": "scripted"})
    assert here.about_node("STATUS").status == 0
    here.rows("DROP TABLE attachments")
    assert here.about_node("STATUS").json["code"] == 50
    here.kill()
    assert here.about_node("STATUS").json["code"] == 50


def test_T92_a_cluster_that_cannot_be_asked_is_not_ready(here: Node) -> None:
    kubeconfig = here.path / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
    user = {"name": "u", "user": {"token": "t"}}
    content = {"clusters": [cluster], "contexts": [context], "users": [user], "current-context": "x"}
    kubeconfig.write_text(json.dumps(content))
    reply = here.about_node("STATUS", kubernetes={"kubeconfig": str(kubeconfig)})
    assert reply.json["code"] == 50
    assert "127.0.0.1:1" in reply.json["details"]
    assert here.about_node("STATUS").status == 0, "a configuration that needs no cluster"


def test_a_plugin_of_the_node_is_found_by_the_calls_cni_path(here: Node) -> None:
    install_scripted(here.path / "elsewhere", "newcomer")
    here.network("50-away.conflist", {"type": "newcomer"})
    assert here.about_node("STATUS", default_plugin="away").json["code"] == 50
    env = here.environment("STATUS", "", CNI_PATH=str(here.path / "elsewhere"), CNI_NETNS=netns("none"))
    assert (
        here.call(env, {"cniVersion": "1.1.0", "name": "pods", "type": "genie", "default_plugin": "away"}).status == 0
    )
