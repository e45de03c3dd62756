"""NetworkAttachmentDefinitions through the real binary: what is attached, in which order, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.node import Node, links, node
from tests.support.pods import Pods, asymmetric, given
from tests.support.scripted import commands

pytestmark = pytest.mark.netns

NAD = "k8s.v1.cni.cncf.io/networks"
DEFAULT = "v1.multus-cni.io/default-network"


@pytest.fixture
def pods(tmp_path: Path) -> Iterator[Pods]:
    """Pods whose default network is ``base``; the definition ``test/told`` records its calls."""
    with furnished(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    """The same, for tests whose pods are refused."""
    with furnished(tmp_path_factory.mktemp("node")) as made:
        yield made


@contextmanager
def furnished(path: Path) -> Iterator[Pods]:
    with node(path, objects=str(path / "objects")) as made:
        made.network("10-base.conflist", bridge(made, 1))
        found = Pods(made)
        found.defined("told", recording(made))
        made.start()
        yield found


def bridge(made: Node, number: int, **keys: Any) -> dict[str, Any]:
    """A bridge of its own with the addresses of 10.N.0.0/24."""
    return {"type": "bridge", "bridge": f"br{number}", "ipam": made.host_local(f"10.{number}.0.0/24"), **keys}


def recording(made: Node, **keys: Any) -> dict[str, Any]:
    """A plugin that records its calls and does as ``keys`` say."""
    return {"cniVersion": "1.0.0", "type": "scripted", "log": str(made.calls), **keys}


def refused(pods: Pods, asked: str, **how: Any) -> dict[str, Any]:
    """The error of a pod that is not attached, and of which nothing is left."""
    workload, added = pods.add({NAD: asked}, **how)
    assert added.status == 1, added
    assert pods.leftovers(workload) == []
    error: dict[str, Any] = added.json
    return error


def text(error: dict[str, Any]) -> str:
    return f"{error['msg']}; {error.get('details', '')}"


# --- which configuration --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param("blue@x1,other/red", id="N1 N12 the comma form"),
        pytest.param('[{"name":"blue","interface":"x1"},{"name":"red","namespace":"other"}]', id="N1 N12 JSON"),
        pytest.param(
            '[{"name":"blue","interface":"x1","example.com/own":[1]},{"name":"red","namespace":"other"}]', id="N2"
        ),
    ],
)
def test_the_default_network_comes_first_and_then_what_is_asked_for(pods: Pods, asked: str) -> None:
    pods.defined("blue", {"cniVersion": "1.0.0", **bridge(pods.node, 2)})
    pods.defined("red", {"cniVersion": "1.0.0", **bridge(pods.node, 3)}, namespace="other")
    workload, added = pods.add({NAD: asked})
    assert added.status == 0, added
    assert given(workload) == {"eth0": ["10.1.0.2/24"], "x1": ["10.2.0.2/24"], "eth1": ["10.3.0.2/24"]}
    assert [ip["address"] for ip in added.json["ips"]] == ["10.1.0.2/24", "10.2.0.2/24", "10.3.0.2/24"]
    assert pods.delete(workload).status == 0
    assert pods.leftovers(workload) == []


@pytest.mark.parametrize(
    ("files", "network"),
    [
        pytest.param({"30-x.conf": "blue", "90-y.conflist": "blue"}, "90-y.conflist", id="N3 a list before a file"),
        pytest.param({"30-x.conf": "blue", "20-blue.conf": "other"}, "30-x.conf", id="N3 by the name in it"),
        pytest.param({"30-x.json": "blue"}, "30-x.json", id="N3 a file called JSON"),
        pytest.param(
            {"05-own.conflist": "blue", "04-broken.conflist": "", "30-x.conf": "blue"},
            "30-x.conf",
            id="N3 fault 22 neither genie's own nor a broken one",
        ),
    ],
)
def test_a_definition_without_configuration_is_found_on_the_disk(
    pods: Pods, files: dict[str, str], network: str
) -> None:
    for file, name in files.items():
        plugin = recording(pods.node, tag=file)
        if "own" in file:
            plugin = {"type": "genie"}
        content = {"name": name, "plugins": [plugin]} if file.endswith("list") else {**plugin, "name": name}
        whole = json.dumps({"cniVersion": "1.0.0", **content})
        (pods.node.conf_dir / file).write_text(whole if name else whole[:20])
    pods.defined("blue")
    workload, added = pods.add({NAD: "blue"})
    assert added.status == 0, added
    assert commands(pods.node.calls) == [("ADD", network)]
    for path in (*pods.objects.iterdir(), *(pods.node.conf_dir / file for file in files)):
        path.unlink()
    assert pods.delete(workload).status == 0
    assert asymmetric(pods.calls()) == []
    assert pods.leftovers(workload) == []


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        pytest.param(None, "no configuration named 'blue' is in", id="N3 nowhere"),
        pytest.param({"type": "genie"}, "would call itself", id="genie itself"),
        pytest.param({"plugins": [{"type": "bridge"}, {"type": "genie"}]}, "would call itself", id="genie in a chain"),
        pytest.param({"cniVersion": "1.0.0"}, "type is missing", id="no type"),
        pytest.param({"type": "absent-plugin"}, "plugin absent-plugin is not installed", id="no program"),
    ],
)
def test_a_definition_that_cannot_be_attached_is_told_by_its_name(
    shared: Pods, config: dict[str, Any] | None, reason: str
) -> None:
    shared.forget_calls()
    shared.defined("blue", config)
    error = refused(shared, "told,blue")
    assert reason in text(error)
    assert "nad:test/blue" in text(error)


def test_an_unknown_definition_is_told_with_where_it_was_looked_for(shared: Pods) -> None:
    assert "there is no NetworkAttachmentDefinition test/nowhere" in text(refused(shared, "nowhere"))
    assert "there is no NetworkAttachmentDefinition other/told" in text(refused(shared, "other/told"))


@pytest.mark.parametrize(
    ("config", "name"),
    [
        pytest.param({}, "told", id="N4 without a name"),
        pytest.param({"name": " "}, "told", id="N4 a blank name"),
        pytest.param({"name": "own"}, "own", id="N4 its own name"),
    ],
)
def test_the_name_of_a_configuration(pods: Pods, config: dict[str, str], name: str) -> None:
    pods.defined("told", {**recording(pods.node), **config})
    assert pods.add({NAD: "told"})[1].status == 0
    (call,) = pods.calls()
    assert (call["config"]["name"], call["config"]["cniVersion"]) == (name, "1.0.0")


def test_a_configuration_without_version_is_of_the_one_that_genie_assumed(pods: Pods) -> None:
    pods.defined("told", {"type": "scripted", "log": str(pods.node.calls)})
    assert pods.add({NAD: "told"})[1].status == 0
    (call,) = pods.calls()
    assert call["config"]["cniVersion"] == "0.3.0"


# --- names, order, failures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        pytest.param("told@eth0", "eth0", id="N7 the default network has it"),
        pytest.param("told@x,told@x", "x", id="N7 twice"),
        pytest.param('[{"name":"told","ips":["10.2.0.300"]}]', "ips[0]", id="N5 ips"),
        pytest.param('[{"name":"told"},{"name":"told","mac":"1"}]', "[1].mac", id="N5 mac"),
        pytest.param('[{"name":"told","interface":"a b"}]', "interface", id="N5 interface"),
        pytest.param('[{"name":"told","rate":1}]', "rate: unknown key", id="N2"),
        pytest.param('[{"name":"told","ips":["10.2.0.3"],"ipam-claim-reference":"c"}]', "exclude", id="N9"),
        pytest.param(
            '[{"name":"told","default-route":["10.0.0.1"]},{"name":"told","default-route":[]}]', "one element", id="N8"
        ),
    ],
)
def test_a_bad_annotation_is_refused_whole(shared: Pods, asked: str, word: str) -> None:
    shared.forget_calls()
    error = refused(shared, asked)
    assert error["code"] == 4
    assert word in text(error)
    assert shared.calls() == [], "nothing was begun"


def test_an_interface_that_is_there_already_is_a_failure(pods: Pods) -> None:
    workload, added = pods.add({NAD: "told@net1"})
    assert added.status == 0, added
    again = pods.call("ADD", workload, {NAD: "told@net1"}, CNI_IFNAME="eth7")
    assert again.status == 1, "N7"
    assert "net1" in again.json["msg"]
    assert pods.delete(workload).status == 0


def test_N10_one_network_several_times(pods: Pods) -> None:
    pods.defined("blue", {"cniVersion": "1.0.0", **bridge(pods.node, 2)})
    asked = {NAD: "blue,blue@x,blue"}
    workload, added = pods.add(asked)
    assert added.status == 0, added
    assert set(given(workload)) == {"eth0", "eth1", "x", "eth2"}
    taken = [address for ifname in ("eth1", "x", "eth2") for address in given(workload)[ifname]]
    assert sorted(taken) == ["10.2.0.2/24", "10.2.0.3/24", "10.2.0.4/24"]
    entries = json.loads(pods.written(workload, asked)["k8s.v1.cni.cncf.io/network-status"])
    assert [(e["name"], e["interface"]) for e in entries[1:]] == [
        ("test/blue", "eth1"),
        ("test/blue", "x"),
        ("test/blue", "eth2"),
    ]
    assert pods.delete(workload).status == 0
    assert pods.leftovers(workload) == []


def test_N13_setting_up_stops_at_the_first_failure(pods: Pods) -> None:
    for name, keys in {"first": {}, "bad": {"add": {"stderr": "no luck", "exit": 1}}, "last": {}}.items():
        pods.defined(name, recording(pods.node, tag=name, **keys))
    error = refused(pods, "first,bad,last")
    assert "no luck" in error["msg"]
    assert "nad:test/bad" in error["details"]
    assert commands(pods.node.calls) == [("ADD", "first"), ("ADD", "bad"), ("DEL", "bad"), ("DEL", "first")]


def test_N13_tearing_down_goes_on_and_tells_the_failure(pods: Pods) -> None:
    fuse = pods.node.path / "fuse"
    for name in ("first", "bad", "last"):
        keys = {"del": {"stderr": "no luck", "exit": 1}} if name == "bad" else {}
        pods.defined(name, recording(pods.node, tag=name, fuse=str(fuse), **keys))
    workload, added = pods.add({NAD: "first,bad,last"})
    assert added.status == 0, added
    deleted = pods.delete(workload)
    assert deleted.status == 1
    assert "no luck" in deleted.json["msg"]
    assert commands(pods.node.calls)[3:] == [("DEL", "last"), ("DEL", "bad"), ("DEL", "first")]
    assert links(workload) == {"lo"}


def test_N14_what_is_done_to_one_pod_is_serial(pods: Pods) -> None:
    reached, go_on = pods.node.path / "reached", pods.node.path / "go-on"
    slow = {"touch": str(reached), "wait_for": str(go_on)}
    pods.defined("slow", recording(pods.node, tag="slow", add=slow))
    workload = pods.node.workload()
    with ThreadPoolExecutor(2) as pool:
        adding = pool.submit(pods.call, "ADD", workload, {NAD: "slow,told"})
        pods.node.until(reached.exists, "the slow plugin runs")
        deleting = pool.submit(pods.delete, workload)
        other, added = pods.add({NAD: "told"})
        assert added.status == 0, "another pod's is not held up"
        assert not deleting.done()
        go_on.touch()
        assert adding.result().status == 0
        assert deleting.result().status == 0
    own = [call for call in pods.calls() if call["env"]["CNI_CONTAINERID"] == workload]
    assert [call["env"]["CNI_COMMAND"] for call in own] == ["ADD", "ADD", "DEL", "DEL"]
    assert pods.delete(other).status == 0
    assert pods.leftovers(workload) == []


# --- the default network, namespaces --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("namespaces", "netconf", "asked", "subnet"),
    [
        pytest.param(("kube-system", "test"), {}, "blue", "10.2.", id="of the system's namespace"),
        pytest.param(("test",), {}, "blue", "10.3.", id="else of the pod's"),
        pytest.param(("kube-system", "test"), {}, "test/blue", "10.3.", id="of the namespace that is named"),
        pytest.param(("nets", "test"), {"multusNamespace": "nets"}, "blue", "10.4.", id="of another system's"),
        pytest.param(("test",), {"default_plugin": "base"}, '[{"name":"blue"}]', "10.3.", id="as JSON"),
    ],
)
def test_a_pod_may_replace_the_default_network(
    pods: Pods, namespaces: tuple[str, ...], netconf: dict[str, str], asked: str, subnet: str
) -> None:
    numbers = {"kube-system": 2, "test": 3, "nets": 4}
    for namespace in namespaces:
        config = {"cniVersion": "1.0.0", **bridge(pods.node, numbers[namespace])}
        pods.defined("blue", config, namespace=namespace)
    workload, added = pods.add({DEFAULT: asked, NAD: "told"}, netconf=netconf)
    assert added.status == 0, added
    assert list(given(workload)) == ["eth0"], "told makes no interface"
    assert given(workload)["eth0"][0].startswith(subnet)
    (told,) = pods.calls()
    assert told["env"]["CNI_IFNAME"] == "eth1"
    assert pods.delete(workload).status == 0
    assert pods.leftovers(workload) == []


def test_namespaces_are_isolated_where_that_is_wanted(pods: Pods) -> None:
    for namespace in ("default", "shared", "other"):
        pods.defined("told", recording(pods.node, tag=namespace), namespace=namespace)
    isolated = {"namespaceIsolation": True, "globalNamespaces": "default, shared"}
    workload, added = pods.add({NAD: "told,default/told,shared/told"}, netconf=isolated)
    assert added.status == 0, added
    assert pods.delete(workload).status == 0
    pods.forget_calls()
    error = refused(pods, "told,other/told", netconf=isolated)
    assert "a pod of test may not use networks of other" in error["msg"]
    assert pods.calls() == []
