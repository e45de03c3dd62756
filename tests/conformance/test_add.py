"""ADD: the result, and what must not be touched."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cni.protocol import VERSIONS
from tests.support.node import Node, addresses, links, netns, rules, run
from tests.support.scripted import calls, commands, install_scripted

pytestmark = pytest.mark.netns

NETCONF = {"cniVersion": "1.1.0", "name": "pods", "type": "genie"}


def kernel_state(here: Node, workload: str) -> tuple[object, ...]:
    """All that an ADD could change, of the workload and of the node."""
    spaces = (workload, here.name)
    of_each = [(links(space), run("ip", "-n", space, "-4", "address"), rules(space)) for space in spaces]
    return of_each, here.addresses_taken(), here.rows()


def test_T40_T52_what_cannot_be_attached_changes_nothing(here: Node) -> None:
    workload = here.workload()
    run("ip", "-n", workload, "link", "add", "eth1", "type", "veth", "peer", "other")
    before = kernel_state(here, workload)
    for annotation in ("blue,red", "told@net1,blue@net1", "blue@eth0,red@eth0", "blue,red@eth1,told"):
        assert here.genie("ADD", workload, annotation).status == 1, annotation
        assert kernel_state(here, workload) == before, annotation
    assert commands(here.calls) == [], "the one before the clash was not attached and taken back"


@pytest.mark.parametrize("version", VERSIONS, ids="T41 {}".format)
@pytest.mark.parametrize("network", ["0.2.0", "0.4.0", "1.1.0"])
def test_the_result_is_in_the_calls_version_whatever_the_networks(shared: Node, version: str, network: str) -> None:
    ips = {"0.2.0": {"ip4": {"ip": "10.7.0.2/24"}}, "0.4.0": {"ips": [{"version": "4", "address": "10.7.0.2/24"}]}}
    result = {"cniVersion": network, **ips.get(network, {"ips": [{"address": "10.7.0.2/24"}]})}
    shared.network("30-told.conflist", {"type": "scripted", "add": {"print": json.dumps(result)}}, cniVersion=network)
    workload = shared.workload()
    added = shared.genie("ADD", workload, "told", version).json
    assert added["cniVersion"] == version
    if version in ("0.1.0", "0.2.0"):
        assert added["ip4"]["ip"] == "10.7.0.2/24"
    else:
        (address,) = added["ips"]
        assert address["address"] == "10.7.0.2/24"
        assert ("version" in address) is version.startswith("0.")
    assert shared.genie("DEL", workload, version=version).status == 0


@pytest.mark.parametrize("version", ["0.3.1", "1.1.0"], ids="T44 {}".format)
def test_a_chained_result_has_the_one_before_it(here: Node, version: str) -> None:
    workload = here.workload()
    family = {"version": "4"} if version == "0.3.1" else {}
    before = {
        "cniVersion": version,
        "interfaces": [{"name": "eth0", "sandbox": netns(workload)}],
        "ips": [{**family, "address": "10.7.0.2/24", "gateway": "10.7.0.1", "interface": 0}],
        "routes": [{"dst": "0.0.0.0/0", "gw": "10.7.0.1"}],
        "dns": {"nameservers": ["10.7.0.53"]},
    }
    env = here.environment("ADD", workload, "blue@net1")
    added = here.call(env, {**NETCONF, "cniVersion": version, "prevResult": before})
    assert added.status == 0, added
    result: dict[str, Any] = added.json
    assert result["interfaces"][0] == before["interfaces"][0]
    assert [(ip["address"], result["interfaces"][ip["interface"]]["name"]) for ip in result["ips"]] == [
        ("10.7.0.2/24", "eth0"),
        ("10.1.0.2/24", "net1"),
    ]
    assert before["routes"][0] in result["routes"]
    assert result["dns"] == before["dns"]
    assert here.genie("DEL", workload, version=version).status == 0


def test_T45_the_oldest_shape_is_told_to_the_oldest(here: Node) -> None:
    added = here.genie("ADD", here.workload(), "blue,red", "0.1.0")
    assert added.json == {
        "cniVersion": "0.1.0",
        "ip4": {"ip": "10.1.0.2/24", "gateway": "10.1.0.1"},
        "dns": {},
    }


def test_T46_what_1_1_0_brought_is_kept(here: Node) -> None:
    workload = here.workload()
    interface = {
        "name": "eth0", "sandbox": netns(workload), "mac": "02:00:00:00:00:01",
        "mtu": 9000, "socketPath": "/run/vhost.sock", "pciID": "0000:1f:00.6",
    }  # fmt: skip
    route = {"dst": "10.8.0.0/16", "gw": "10.7.0.1", "mtu": 1400, "advmss": 1360, "priority": 7, "table": 9, "scope": 0}
    result = {"cniVersion": "1.1.0", "interfaces": [interface], "ips": [], "routes": [route]}
    here.network("30-told.conflist", {"type": "scripted", "add": {"print": json.dumps(result)}}, cniVersion="1.1.0")
    added = here.genie("ADD", workload, "told", "1.1.0").json
    assert (added["interfaces"], added["routes"]) == ([interface], [route])


def test_T47_T48_a_failing_undo_is_told_beside_the_first_error(here: Node) -> None:
    stuck = {"stderr": "stuck", "exit": 1}
    here.network("30-told.conflist", {"type": "scripted", "tag": "first", "del": stuck})
    here.network("40-fails.conflist", {"type": "scripted", "tag": "second", "add": {"stderr": "no luck", "exit": 1}})
    workload = here.workload()
    error = here.genie("ADD", workload, "told,blue,fails").json
    assert "no luck" in error["msg"]
    assert "stuck" in error["details"]
    assert "cni:told" in error["details"]
    assert commands(here.calls) == [("ADD", "first"), ("ADD", "second"), ("DEL", "second"), ("DEL", "first")]
    assert links(workload) == {"lo"}, "blue, between them, is undone"
    assert [row[1:] for row in here.rows()] == [("eth0", 0, "deleting")], "still owed"


def test_T49_a_plugin_with_an_empty_result_is_attached_all_the_same(here: Node) -> None:
    here.network("30-told.conflist", {"type": "scripted", "add": {"print": "null"}})
    workload = here.workload()
    added = here.genie("ADD", workload, "told,blue@net1")
    assert added.status == 0, added
    assert [i["name"] for i in added.json["interfaces"] if i.get("sandbox")] == ["net1"]
    for command in ("CHECK", "DEL"):
        assert here.genie(command, workload).status == 0


def test_T51_one_network_twice_is_two_attachments(here: Node) -> None:
    workload = here.workload()
    added = here.genie("ADD", workload, "blue,blue@net1")
    assert added.status == 0, added
    assert len({ip["address"] for ip in added.json["ips"]}) == 2
    assert len(here.addresses_taken()) == 2
    assert {rule["table"] for rule in rules(workload)} == {"1000", "1001"}
    assert here.genie("DEL", workload).status == 0
    assert (links(workload), here.addresses_taken()) == ({"lo"}, [])


def test_T53_containers_do_not_wait_for_each_other(here: Node) -> None:
    first, second = here.path / "first", here.path / "second"
    # Each plugin waits for the other one: in turns neither would ever end.
    here.network("40-a.conflist", {"type": "scripted", "add": {"touch": str(first), "wait_for": str(second)}})
    here.network("50-b.conflist", {"type": "scripted", "add": {"touch": str(second), "wait_for": str(first)}})
    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(lambda network: here.genie("ADD", here.workload(), network), ("a", "b")))
    assert [reply.status for reply in replies] == [0, 0], replies


@pytest.mark.parametrize("path", ["none", "file", "directory"], ids="T54 T110 {}".format)
def test_no_delegate_runs_without_a_namespace(here: Node, path: str) -> None:
    paths = {"none": "/run/netns/none", "file": str(here.path / "agent.yaml"), "directory": str(here.path)}
    for command in ("ADD", "CHECK"):
        failed = here.genie(command, "c1", "told", CNI_NETNS=paths[path])
        assert failed.json["code"] in (3, 8)
    assert calls(here.calls) == []
    assert addresses(here.name, "eth2") == ["192.0.2.1/24"]


def test_what_fails_is_undone_by_the_plugins_of_the_calls_cni_path(here: Node) -> None:
    install_scripted(here.path / "elsewhere", "newcomer")
    here.network("30-told.conflist", {"type": "newcomer", "log": str(here.calls)})
    here.network("40-fails.conflist", {"type": "scripted", "add": {"stderr": "no luck", "exit": 1}})
    elsewhere = str(here.path / "elsewhere")
    assert here.genie("ADD", here.workload(), "told,fails", CNI_PATH=elsewhere).status == 1
    assert commands(here.calls)[-1] == ("DEL", "newcomer")
    assert here.rows() == []
