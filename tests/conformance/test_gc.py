"""GC: what the runtime no longer lists goes, and nothing else."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cni.wire import Ask, AttachOrder, Drain, MoveReason, Phase, SwitchOrder, Verify
from tests.support.node import Node, Reply, addresses, links, netns, rules
from tests.support.scripted import calls, commands, install_scripted

pytestmark = pytest.mark.netns

VALID = "cni.dev/valid-attachments"
OLD_KEY = "cni.dev/attachments"


def listed(*containers: str, ifname: str = "eth0") -> list[dict[str, str]]:
    return [{"containerID": container, "ifname": ifname} for container in containers]


def collect(here: Node, *containers: str, **keys: Any) -> Reply:
    """GC as a runtime calls it that knows these containers."""
    return here.about_node("GC", **{VALID: listed(*containers), **keys})


def attached(here: Node, networks: str, **changes: str) -> str:
    workload = here.workload()
    assert here.genie("ADD", workload, networks, "1.1.0", **changes).status == 0
    return workload


def containers(here: Node) -> set[str]:
    return {row[0] for row in here.rows()}


@pytest.mark.parametrize("key", [VALID, OLD_KEY], ids="T100 {}".format)
def test_what_is_listed_under_either_key_stays(here: Node, key: str) -> None:
    stays, goes = attached(here, "blue,red"), attached(here, "blue,red")
    before = [addresses(stays, ifname) for ifname in ("eth0", "eth1")]
    assert here.about_node("GC", **{key: listed(stays)}).status == 0
    assert containers(here) == {stays}
    assert [addresses(stays, ifname) for ifname in ("eth0", "eth1")] == before
    assert here.genie("CHECK", stays, version="1.1.0").status == 0
    assert (links(goes), rules(goes), len(here.addresses_taken())) == ({"lo"}, [], 2)


def test_T100_the_delegates_are_told_under_both_keys(here: Node) -> None:
    stays, goes = attached(here, "told"), attached(here, "told")
    assert collect(here, stays).status == 0
    told = calls(here.calls)[-1]
    assert told["env"]["CNI_COMMAND"] == "GC"
    assert told["config"][VALID] == told["config"][OLD_KEY] == listed(stays)
    assert goes not in json.dumps(told["config"])


def test_T101_without_the_key_nothing_is_removed(here: Node) -> None:
    workload = attached(here, "blue,told@net1")
    reply = here.about_node("GC")
    assert (reply.status, reply.stdout) == (0, b"")
    assert containers(here) == {workload}
    assert links(workload) == {"lo", "eth0"}
    assert commands(here.calls) == [("ADD", "scripted")]


@pytest.mark.parametrize("empty", [[], None], ids=["T101 empty", "T101 null"])
def test_an_empty_list_says_that_nothing_is_valid(here: Node, empty: object) -> None:
    attached(here, "blue,told@net1")
    assert here.about_node("GC", **{VALID: empty, OLD_KEY: empty}).status == 0
    assert (containers(here), here.addresses_taken()) == (set(), [])


@pytest.mark.parametrize("bad", [7, ["c1"], [{"containerID": "c1"}], [{"containerID": 1, "ifname": "eth0"}], "all"])
def test_a_list_that_cannot_be_read_removes_nothing(here: Node, bad: object) -> None:
    workload = attached(here, "blue")
    assert here.about_node("GC", **{VALID: bad}).json["code"] == 7
    assert containers(here) == {workload}


def test_T102_another_networks_attachments_stay(here: Node) -> None:
    ours, others = attached(here, "blue"), here.workload()
    config = {"cniVersion": "1.1.0", "name": "storage", "type": "genie"}
    assert here.call(here.environment("ADD", others, "blue"), config).status == 0
    assert collect(here).status == 0
    assert containers(here) == {others}
    assert links(ours) == {"lo"}
    assert here.genie("CHECK", others, version="1.1.0").status == 0


def test_T103_T107_first_what_is_stale_then_every_plugin_and_its_ipam(here: Node) -> None:
    pool = install_scripted(here.path / "bin", "pool").name
    here.network("30-told.conflist", {"type": "scripted", "tag": "a", "ipam": {"type": pool}}, cniVersion="1.1.0")
    here.network("40-both.conflist", *({"type": "scripted", "tag": tag} for tag in "bc"), cniVersion="1.1.0")
    here.network("50-off.conflist", {"type": "scripted", "tag": "off"}, cniVersion="1.1.0", disableGC=True)
    attached(here, "told,off")
    assert collect(here).status == 0
    assert commands(here.calls)[2:] == [
        ("DEL", "off"),
        ("DEL", "a"),
        ("GC", "a"),
        ("GC", "a"),  # by its IPAM plugin
        ("GC", "b"),
        ("GC", "c"),
    ]


def test_T104_all_is_tried_and_all_problems_are_told(here: Node) -> None:
    stuck = {"del": {"stderr": "stuck", "exit": 1}, "gc": {"stderr": "sulking", "exit": 1}}
    here.network("30-told.conflist", {"type": "scripted", **stuck}, cniVersion="1.1.0")
    here.network("40-last.conflist", {"type": "scripted", "tag": "last"}, cniVersion="1.1.0")
    first, second = attached(here, "told,blue"), attached(here, "told,blue")
    failed = collect(here)
    assert failed.json["code"] == 100
    for word in ("stuck", "sulking", first, second, "cni:told"):
        assert word in failed.json["details"]
    assert commands(here.calls)[-1] == ("GC", "last")
    assert here.addresses_taken() == [], "blue's, of both"
    assert sorted(row[1:] for row in here.rows()) == [("eth0", 0, "deleting")] * 2


def test_T105_a_second_gc_is_harmless(here: Node) -> None:
    stays = attached(here, "blue,told@net1")
    attached(here, "blue")
    for _ in range(3):
        assert collect(here, stays).status == 0
        assert containers(here) == {stays}
    assert here.genie("CHECK", stays, version="1.1.0").status == 0


def test_T106_what_is_being_added_is_newer_than_the_list(here: Node) -> None:
    reached, go = here.path / "reached", here.path / "go"
    slow = {"type": "scripted", "add": {"touch": str(reached), "wait_for": str(go)}}
    here.network("30-told.conflist", slow, cniVersion="1.1.0")
    workload, stale = here.workload(), attached(here, "red")
    with ThreadPoolExecutor(2) as pool:
        adding = pool.submit(here.genie, "ADD", workload, "blue,told@net1", "1.1.0")
        here.until(reached.exists, "the slow delegate runs")
        collecting = pool.submit(collect, here)
        here.until(lambda: stale not in containers(here), "the GC has made its choice")
        go.touch()
        assert (adding.result().status, collecting.result().status) == (0, 0)
    assert {row[3] for row in here.rows()} == {"ready"}
    assert here.genie("CHECK", workload, version="1.1.0").status == 0


def test_T106_a_del_and_a_gc_of_one_container_do_not_meet(here: Node) -> None:
    reached, go = here.path / "reached", here.path / "go"
    slow = {"type": "scripted", "del": {"touch": str(reached), "wait_for": str(go)}}
    here.network("30-told.conflist", slow, cniVersion="1.1.0")
    attached(here, "red", CNI_CONTAINERID="a-first")
    workload = attached(here, "told", CNI_CONTAINERID="b-next")
    with ThreadPoolExecutor(2) as pool:
        deleting = pool.submit(here.genie, "DEL", workload, None, "1.1.0", CNI_CONTAINERID="b-next")
        here.until(reached.exists, "the slow delegate runs")
        collecting = pool.submit(collect, here)
        here.until(lambda: "a-first" not in containers(here), "the GC has made its choice")
        go.touch()
        assert (deleting.result().status, collecting.result().status) == (0, 0)
    assert commands(here.calls).count(("DEL", "scripted")) == 1


def test_T106_T104_a_busy_container_is_left_to_the_next_gc(here: Node) -> None:
    go = here.path / "go"
    here.network("30-told.conflist", {"type": "scripted", "del": {"wait_for": str(go)}}, cniVersion="1.0.0")
    busy, idle = attached(here, "told"), attached(here, "blue")
    with ThreadPoolExecutor(1) as pool:
        deleting = pool.submit(here.genie, "DEL", busy, None, "1.1.0")
        here.until(lambda: ("DEL", "scripted") in commands(here.calls), "the slow delegate runs")
        failed = collect(here)
        assert (failed.json["code"], busy in failed.json["details"]) == (11, True)
        assert containers(here) == {busy}, f"{idle} is gone"
        go.touch()
        assert deleting.result().status == 0
    assert collect(here).status == 0


def test_T108_a_switch_in_flight_is_left_alone(here: Node) -> None:
    for number, name in enumerate(("left", "right"), start=5):
        bridge = {"type": "bridge", "bridge": f"br{number}", "isGateway": True}
        here.network(f"{number}0-{name}.conflist", {**bridge, "ipam": here.host_local(f"10.{number}.0.0/24")})
    workload = attached(here, "blue,left@net1")
    order = SwitchOrder(
        id="move-1",
        workload=f"lab/{workload}",
        attachment="net1",
        source="cni:left",
        target="cni:right",
        reason=MoveReason.MANUAL,
        verify=Verify(successes=1, deadline_seconds=5.0, settle_seconds=1.5),
        drain=Drain(minimum_seconds=0.1, quiet_seconds=0.1),
    )
    assert here.ask(Ask(ask="switch", switch=order)).error is None

    def switch() -> Any:
        return here.ask(Ask(ask="switches")).switches[0]

    here.until(lambda: switch().phase is Phase.DRAIN, "it drains")
    assert collect(here).status == 0
    assert len(here.rows()) == 3, "both generations, and eth0"
    here.until(lambda: switch().outcome is not None, "the switch ends")
    assert links(workload) == {"lo", "eth0", "net1"}
    assert collect(here).status == 0
    assert (here.rows(), here.addresses_taken()) == ([], [])


@pytest.mark.parametrize("hot", [False, True], ids=["T109 of the same ADD", "T109 hot-plugged"])
def test_an_interface_that_the_runtime_does_not_know_stays_with_its_container(here: Node, hot: bool) -> None:
    workload = attached(here, "blue" if hot else "blue,red@net1,told@net2")
    if hot:
        here.hot_plug(workload, "red", "net1")
        here.hot_plug(workload, "told", "net2")
    for _ in range(2):
        assert collect(here, workload).status == 0
    assert links(workload) == {"lo", "eth0", "net1"}
    assert len(here.rows()) == 3
    told = calls(here.calls)[-1]["config"]
    assert told[VALID] == listed(workload, ifname="net2"), "what the delegate knows it by"
    assert collect(here).status == 0
    assert (here.rows(), links(workload), here.addresses_taken()) == ([], {"lo"}, [])


def test_T109_a_namespace_that_no_runtime_knows_is_nobodys_garbage(here: Node) -> None:
    workload = here.workload()
    order = AttachOrder(workload=f"netns:{netns(workload)}", network="told")
    assert here.ask(Ask(ask="attach", attach=order)).error is None
    before = here.rows()
    assert collect(here).status == 0
    assert here.rows() == before
    assert calls(here.calls)[-1]["config"][VALID] != []
