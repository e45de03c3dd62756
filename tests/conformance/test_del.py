"""DEL: by what ADD recorded, backwards, as often as it takes, and never in another's namespace."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.node import Node, addresses, links, rules, run
from tests.support.scripted import calls, commands

pytestmark = pytest.mark.netns

NETCONF = {"cniVersion": "1.1.0", "name": "pods", "type": "genie"}
STUCK = {"stderr": "stuck", "exit": 1}


def nothing_left(here: Node, workload: str) -> bool:
    return (here.rows(), here.addresses_taken(), links(workload), rules(workload)) == ([], [], {"lo"}, [])


def damage(here: Node, column: str, value: bytes) -> None:
    here.change(f"UPDATE attachments SET {column} = ? WHERE network = 'cni:blue'", value)  # noqa: S608 - our own words


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param({}, id="T63 none"),
        pytest.param({"prevResult": None}, id="T63 null"),
        pytest.param({"prevResult": {}}, id="T63 empty"),
        pytest.param({"prevResult": {"cniVersion": "1.1.0", "ips": 7}}, id="T63 damaged"),
        pytest.param({"prevResult": [], "runtimeConfig": "?"}, id="T63 no object"),
    ],
)
def test_a_del_needs_no_result_of_the_runtime(here: Node, keys: dict[str, Any]) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue,told@net1").status == 0
    reply = here.call(here.environment("DEL", workload), {**NETCONF, **keys})
    assert (reply.status, reply.stdout) == (0, b"")
    assert nothing_left(here, workload)


def test_T65_a_del_after_a_failed_add_succeeds(here: Node) -> None:
    here.network("40-fails.conflist", {"type": "scripted", "tag": "fails", "add": STUCK})
    workload = here.workload()
    assert here.genie("ADD", workload, "blue,told,fails").status == 1
    for _ in range(2):
        assert here.genie("DEL", workload, "blue,told,fails").status == 0
    assert nothing_left(here, workload)


def test_T66_a_del_asks_nobody_about_the_pod(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue,told@net1").status == 0
    args = f"IgnoreUnknown=1;K8S_POD_NAMESPACE=lab;K8S_POD_NAME={workload};K8S_POD_UID=u-1"
    api = {"kubernetes": {"kubeconfig": "/nowhere/kubeconfig", "k8s_api_root": "https://192.0.2.99:6443"}}
    reply = here.call(here.environment("DEL", workload, CNI_ARGS=args), {**NETCONF, **api})
    assert reply.status == 0, reply
    assert nothing_left(here, workload)
    assert commands(here.calls)[-1] == ("DEL", "scripted")


def test_T67_T68_the_delegates_get_what_their_add_got(here: Node) -> None:
    plugin = {"type": "scripted", "tag": "then", "capabilities": {"portMappings": True, "bandwidth": True}}
    here.network("30-told.conflist", plugin, cniVersion="1.1.0")
    workload = here.workload()
    supplied = {"portMappings": [{"hostPort": 8080, "containerPort": 80}], "dns": {"servers": ["10.0.0.53"]}}
    env = here.environment("ADD", workload, "told", CNI_ARGS="IgnoreUnknown=1;K8S_POD_NAMESPACE=lab;SITE=7")
    assert here.call(env, {**NETCONF, "default_plugin": "told", "runtimeConfig": supplied}).status == 0
    here.network("30-told.conflist", {**plugin, "tag": "now"}, cniVersion="1.1.0")
    env = here.environment("DEL", workload, CNI_ARGS="IgnoreUnknown=1")
    assert here.call(env, {**NETCONF, "runtimeConfig": {"portMappings": []}}).status == 0
    added, deleted = calls(here.calls)
    assert deleted["env"] == added["env"] | {"CNI_COMMAND": "DEL"}
    assert added["config"]["runtimeConfig"] == {"portMappings": supplied["portMappings"]}
    result = deleted["config"].pop("prevResult")
    assert deleted["config"] == added["config"]
    assert result["tags"] == ["then"]


@pytest.mark.parametrize("version", ["0.3.1", "0.4.0", "1.1.0"], ids="T69 {}".format)
def test_every_plugin_gets_the_final_result(here: Node, version: str) -> None:
    plugins = [{"type": "scripted", "tag": tag} for tag in "abc"]
    here.network("30-told.conflist", *plugins, cniVersion=version)
    workload = here.workload()
    assert here.genie("ADD", workload, "told").status == 0
    assert here.genie("DEL", workload).status == 0
    given = [call["config"].get("prevResult") for call in calls(here.calls)[3:]]
    assert [each and each["tags"] for each in given] == [None if version == "0.3.1" else ["a", "b", "c"]] * 3


def test_T70_attachments_and_their_plugins_go_backwards(here: Node) -> None:
    for number in (1, 2):
        plugins = [{"type": "scripted", "tag": f"{number}{tag}"} for tag in "ab"]
        here.network(f"4{number}-list{number}.conflist", *plugins)
    workload = here.workload()
    assert here.genie("ADD", workload, "list2@z9,list1@a0").status == 0, "the order is the annotation's, not the names'"
    assert here.genie("DEL", workload).status == 0
    adds, dels = commands(here.calls)[:4], commands(here.calls)[4:]
    assert [tag for _, tag in adds] == ["2a", "2b", "1a", "1b"]
    assert [tag for _, tag in dels] == ["1b", "1a", "2b", "2a"]


def test_T71_T72_what_failed_is_kept_and_only_that(here: Node) -> None:
    fuse = here.path / "fuse"
    fuse.touch()
    stuck = {"del": {**STUCK, "while": str(fuse)}}
    here.network("30-told.conflist", {"type": "scripted", "tag": "a"}, {"type": "scripted", "tag": "b", **stuck})
    workload = here.workload()
    assert here.genie("ADD", workload, "blue,told,red").status == 0
    for _ in range(2):
        failed = here.genie("DEL", workload)
        assert "stuck" in failed.json["msg"]
        assert [row[1:] for row in here.rows()] == [("eth1", 0, "deleting")]
        assert links(workload) == {"lo"}
    assert commands(here.calls)[-2:] == [("DEL", "b"), ("DEL", "a")], "a is asked although b failed"
    fuse.unlink()
    assert here.genie("DEL", workload).status == 0
    assert nothing_left(here, workload)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        pytest.param("result", b"{", id="T73 result"),
        pytest.param("config", b"{", id="T73 configuration"),
        pytest.param("config", b'{"plugins": 7}', id="T73 configuration without plugins"),
    ],
)
def test_a_damaged_record_is_deleted_by_what_else_is_known(here: Node, column: str, value: bytes) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "red,blue").status == 0
    damage(here, column, value)
    assert here.genie("DEL", workload).status == 0
    assert nothing_left(here, workload)


def test_T73_a_damaged_record_without_other_evidence_is_an_error(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue").status == 0
    damage(here, "config", b"{")
    (here.conf_dir / "10-blue.conflist").unlink()
    failed = here.genie("DEL", workload)
    assert failed.json["code"] == 7
    assert "cni:blue" in failed.json["details"]
    assert len(here.rows()) == 1, "it is still owed"


def test_T74_a_late_del_leaves_the_pods_new_sandbox_alone(here: Node) -> None:
    old, new = here.workload(), here.workload()
    args = 'IgnoreUnknown=1;K8S_POD_NAMESPACE=lab;K8S_POD_NAME=w01;K8S_ANNOT={"cni": "blue,red"}'
    for workload in (old, new):
        assert here.genie("ADD", workload, CNI_ARGS=args).status == 0
    before = [addresses(new, ifname) for ifname in ("eth0", "eth1")]
    run("ip", "netns", "del", old)
    assert here.genie("DEL", old, CNI_NETNS="", CNI_ARGS=args).status == 0
    assert [addresses(new, ifname) for ifname in ("eth0", "eth1")] == before
    assert len(rules(new)) == 2
    assert {row[0] for row in here.rows()} == {new}
    assert here.genie("CHECK", new, CNI_ARGS=args).status == 0


def test_T74_a_late_del_leaves_a_namespace_alone_that_took_the_name(here: Node) -> None:
    old = here.workload()
    assert here.genie("ADD", old, "blue,red").status == 0
    run("ip", "netns", "del", old)
    run("ip", "netns", "add", old)
    assert here.genie("ADD", old, "blue,red", CNI_CONTAINERID="newer").status == 0
    before = [addresses(old, ifname) for ifname in ("eth0", "eth1")]
    assert here.genie("DEL", old).status == 0
    assert [addresses(old, ifname) for ifname in ("eth0", "eth1")] == before
    assert {row[0] for row in here.rows()} == {"newer"}
    assert len(here.addresses_taken()) == 2
    assert here.genie("CHECK", old, CNI_CONTAINERID="newer").status == 0


@pytest.mark.parametrize("text", ["link NOT FOUND", "open /x: No such file or directory"], ids=["T75 link", "T75 file"])
def test_a_failing_del_is_not_taken_for_done(here: Node, text: str) -> None:
    said = {"print": json.dumps({"code": 120, "msg": text, "details": text}), "exit": 1}
    here.network("30-told.conflist", {"type": "scripted", "del": said})
    workload = here.workload()
    assert here.genie("ADD", workload, "told").status == 0
    failed = here.genie("DEL", workload)
    assert failed.json["code"] == 120
    assert not any(word in failed.stdout.decode().lower() for word in ("not found", "no such file or directory"))


def test_T76_what_was_hot_plugged_goes_with_its_container(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue").status == 0
    for network, ifname in (("told", "net1"), ("red", "net2")):
        here.hot_plug(workload, network, ifname)
    assert links(workload) == {"lo", "eth0", "net2"}
    assert here.genie("DEL", workload).status == 0
    assert nothing_left(here, workload)
    assert commands(here.calls)[-1] == ("DEL", "scripted")
