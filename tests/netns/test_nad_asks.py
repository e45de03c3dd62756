"""What an element of the annotation asks beside its network is really done, and undone; and what is written then."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cni.deviceinfo import DIRECTORY
from tests.support.node import Node, addresses, node, run
from tests.support.pods import Pods, asymmetric

pytestmark = pytest.mark.netns

NAD = "k8s.v1.cni.cncf.io/networks"
STATUS = "k8s.v1.cni.cncf.io/network-status"
SERVER = """
import socket, sys
listening = socket.create_server((sys.argv[1], 80))
sys.stdout.write("ready\\n"); sys.stdout.flush()
peer, _ = listening.accept()
peer.sendall(b"hello")
"""
CLIENT = """
import socket
with socket.create_connection(("192.0.2.1", 8080), 5) as peer:
    print(peer.recv(10).decode())
"""
DESCRIBING = """#!{python} -S
import json, os, pathlib, sys
config = json.load(sys.stdin)
told = pathlib.Path(config["runtimeConfig"]["CNIDeviceInfoFile"])
if os.environ["CNI_COMMAND"] == "ADD":
    told.parent.mkdir(parents=True, exist_ok=True)
    told.write_text(json.dumps(config["device"]))
    print(json.dumps({{"cniVersion": config["cniVersion"]}}))
"""


@pytest.fixture
def pods(tmp_path: Path) -> Iterator[Pods]:
    """Pods whose default network ``base`` carries their default route and names a DNS server."""
    with furnished(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    """The same, for tests that leave it as it was."""
    with furnished(tmp_path_factory.mktemp("node")) as made:
        yield made


@contextmanager
def furnished(path: Path) -> Iterator[Pods]:
    with node(path, objects=str(path / "objects")) as made:
        keys = {"isDefaultGateway": True, "mtu": 1400, "dns": {"nameservers": ["10.1.0.53"], "search": ["test"]}}
        made.network("10-base.conflist", bridge(made, 1, **keys))
        made.start()
        yield Pods(made)


def bridge(made: Node, number: int, **keys: Any) -> dict[str, Any]:
    """A bridge of its own with the addresses of 10.N.0.0/24."""
    plugin = {"type": "bridge", "bridge": f"br{number}", "isGateway": True}
    return {**plugin, "ipam": made.host_local(f"10.{number}.0.0/24"), **keys}


def defined(pods: Pods, name: str, *plugins: dict[str, Any]) -> None:
    listed = [{"log": str(pods.node.calls), **p} if p["type"] == "scripted" else p for p in plugins]
    pods.defined(name, {"cniVersion": "1.0.0", "plugins": listed})


def asking(network: str, **keys: Any) -> dict[str, str]:
    """The annotation with one element."""
    return {NAD: json.dumps([{"name": network, "interface": "net1", **keys}])}


def attached(pods: Pods, annotations: dict[str, str], **how: Any) -> str:
    workload, added = pods.add(annotations, **how)
    assert added.status == 0, added
    return workload


def gone(pods: Pods, workload: str) -> None:
    """Deleted without a word of what it asked for, and nothing is left."""
    assert pods.delete(workload).status == 0
    assert asymmetric(pods.calls()) == []
    assert pods.leftovers(workload) == []


def link(workload: str, ifname: str) -> dict[str, Any]:
    (shown,) = json.loads(run("ip", "-n", workload, "-j", "link", "show", ifname))
    return dict(shown)


# --- what is asked for is done ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["10.2.0.77", "10.2.0.77/24"], ids="N6 ips {}".format)
def test_an_address_of_ones_choice(pods: Pods, form: str) -> None:
    defined(pods, "blue", bridge(pods.node, 2, capabilities={"ips": True}))
    workload = attached(pods, asking("blue", ips=[form]))
    assert addresses(workload, "net1") == ["10.2.0.77/24"]
    gone(pods, workload)


@pytest.mark.parametrize(
    "plugins",
    [
        pytest.param(({"capabilities": {"mac": True}},), id="N6 mac by bridge"),
        pytest.param(({}, {"type": "tuning", "capabilities": {"mac": True}}), id="N6 mac by tuning"),
    ],
)
def test_a_mac_of_ones_choice(pods: Pods, plugins: tuple[dict[str, Any], ...]) -> None:
    first, *others = plugins
    defined(pods, "blue", bridge(pods.node, 2, **first), *others)
    asked = asking("blue", mac="02:00:00:00:77:01")
    workload = attached(pods, asked)
    assert link(workload, "net1")["address"] == "02:00:00:00:77:01"
    assert json.loads(pods.written(workload, asked)[STATUS])[1]["mac"] == "02:00:00:00:77:01"
    gone(pods, workload)


def test_N6_a_port_of_the_node_leads_to_the_pod(pods: Pods) -> None:
    defined(pods, "blue", bridge(pods.node, 2), {"type": "portmap", "capabilities": {"portMappings": True}})
    mapped = [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]
    workload = attached(pods, asking("blue", portMappings=mapped))
    (own,) = addresses(workload, "net1")
    command = ["ip", "netns", "exec", workload, sys.executable, "-c", SERVER, own.partition("/")[0]]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        said = run("ip", "netns", "exec", pods.node.world, sys.executable, "-c", CLIENT)
    assert said == "hello\n"
    assert "8080" in firewall(pods.node)
    gone(pods, workload)
    assert "8080" not in firewall(pods.node)


def firewall(made: Node) -> str:
    return run("ip", "netns", "exec", made.name, "iptables-save")


def test_N6_a_rate_is_kept(pods: Pods) -> None:
    defined(pods, "blue", bridge(pods.node, 2), {"type": "bandwidth", "capabilities": {"bandwidth": True}})
    limit = {"ingressRate": 2_000_000, "ingressBurst": 1_000_000}
    workload = attached(pods, asking("blue", bandwidth=limit))
    shaped = [line for line in run("tc", "-n", pods.node.name, "qdisc").splitlines() if "tbf" in line]
    assert len(shaped) == 1
    assert "rate 2Mbit" in shaped[0]
    gone(pods, workload)
    assert "tbf" not in run("tc", "-n", pods.node.name, "qdisc")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        pytest.param({"infiniband-guid": "c2:11:22:33:44:55:66:77"}, "infinibandGUID", id="N6 infiniband-guid"),
        pytest.param({"ips": ["10.2.0.9"]}, "ips", id="N6 ips"),
        pytest.param({"mac": "02:00:00:00:00:01"}, "mac", id="N6 mac"),
        pytest.param({"portMappings": [{"hostPort": 1, "containerPort": 2}]}, "portMappings", id="N6 portMappings"),
        pytest.param({"bandwidth": {"egressRate": 1000}}, "bandwidth", id="N6 bandwidth"),
    ],
)
def test_what_no_plugin_declares_cannot_be_asked_for(shared: Pods, asked: dict[str, Any], told: str) -> None:
    """Passed over it would look like done: the pod would run with another address, or without its port."""
    shared.forget_calls()
    defined(shared, "able", {"type": "scripted", "capabilities": {told: True}})
    workload = attached(shared, asking("able", **asked))
    (call,) = shared.calls()
    assert call["config"]["runtimeConfig"] == {told: next(iter(asked.values()))}
    gone(shared, workload)
    shared.forget_calls()
    defined(shared, "unable", {"type": "scripted"}, {"type": "scripted", "capabilities": {told: False}})
    workload, refused = shared.add(asking("unable", **asked))
    assert refused.status == 1
    assert f"nad:test/unable cannot be asked for {told}" in refused.json["msg"]
    assert shared.calls() == [], "not even the default network was begun"
    assert shared.leftovers(workload) == []


def test_addresses_as_genie_passed_them(pods: Pods) -> None:
    """``genieArgs``: CNI_ARGS instead of capabilities, for that network alone; host-local and bridge read them."""
    defined(pods, "blue", bridge(pods.node, 2), {"type": "scripted"})
    asked = {NAD: json.dumps([{"name": "blue", "ips": ["10.2.0.88"], "mac": "02:00:00:00:77:02"}, {"name": "blue"}])}
    workload = attached(pods, asked, netconf={"genieArgs": True})
    assert addresses(workload, "eth1") == ["10.2.0.88/24"]
    assert link(workload, "eth1")["address"] == "02:00:00:00:77:02"
    assert addresses(workload, "eth2") != ["10.2.0.88/24"], "the other element asked for nothing"
    told = {call["env"]["CNI_IFNAME"]: call["env"]["CNI_ARGS"] for call in pods.calls()}
    assert [";IP=10.2.0.88;MAC=02:00:00:00:77:02" in told[ifname] for ifname in ("eth1", "eth2")] == [True, False]
    gone(pods, workload)


def test_N15_what_the_runtime_supplies_is_for_the_default_network(pods: Pods) -> None:
    able = {"type": "scripted", "capabilities": {"portMappings": True, "io.kubernetes.cri.pod-annotations": True}}
    pods.node.network("05-first.conflist", {**able, "tag": "first"})
    defined(pods, "blue", {**able, "tag": "second"})
    own, asked = [{"hostPort": 1, "containerPort": 2}], [{"hostPort": 3, "containerPort": 4}]
    supplied = {"portMappings": own, "io.kubernetes.cri.pod-annotations": {"a": "b"}, "unasked": 1}
    workload = attached(pods, asking("blue", portMappings=asked), netconf={"runtimeConfig": supplied})
    told = {call["config"]["tag"]: call["config"]["runtimeConfig"] for call in pods.calls()}
    assert told == {
        "first": {"portMappings": own, "io.kubernetes.cri.pod-annotations": {"a": "b"}},
        "second": {"portMappings": asked},
    }
    gone(pods, workload)


def test_N17_a_claim_and_other_arguments_reach_every_plugin(pods: Pods) -> None:
    first = {"type": "scripted", "args": {"cni": {"kept": 1}}, "capabilities": {"deviceID": True}}
    defined(pods, "blue", {**first, "tag": "first"}, {"type": "scripted", "tag": "second"})
    asked = {"ipam-claim-reference": "vm-1", "cni-args": {"rate": {"deep": 5}}, "deviceID": "0000:18:0a.0"}
    workload = attached(pods, asking("blue", **asked))
    one, other = (call["config"] for call in pods.calls())
    wanted = {"rate": {"deep": 5}, "ipam-claim-reference": "vm-1"}
    assert one["args"] == {"cni": {"kept": 1, **wanted}}
    assert other["args"] == {"cni": wanted}
    assert (one["deviceID"], one["runtimeConfig"]) == ("0000:18:0a.0", {"deviceID": "0000:18:0a.0"})
    assert "deviceID" not in other
    gone(pods, workload)


# --- what is written on the pod ---------------------------------------------------------------------------------------


def test_N11_the_status_has_what_the_kernel_and_the_plugins_say(pods: Pods) -> None:
    defined(pods, "blue", bridge(pods.node, 2, mtu=1300))
    defined(pods, "flat", {"type": "macvlan", "master": "eth2", "mtu": 1200})
    asked = {NAD: "blue,flat@l2"}
    workload = attached(pods, asked)
    written = pods.written(workload, {**asked, "kept": "yes"})
    assert json.loads(written[STATUS]) == [
        {
            "name": "base",
            "interface": "eth0",
            "ips": ["10.1.0.2"],
            "mac": link(workload, "eth0")["address"],
            "mtu": 1400,
            "default": True,
            "dns": {"nameservers": ["10.1.0.53"], "search": ["test"]},
            "gateway": ["10.1.0.1"],
        },
        {
            "name": "test/blue",
            "interface": "eth1",
            "ips": ["10.2.0.2"],
            "mac": link(workload, "eth1")["address"],
            "mtu": 1300,
            "dns": {},
        },
        {
            "name": "test/flat",
            "interface": "l2",
            "mac": link(workload, "l2")["address"],
            "mtu": 1200,
            "dns": {},
        },
    ]
    assert written["kept"] == "yes"
    assert "multi-ip-preferences" not in written, "that is CNI-Genie's, for its own annotations"
    gone(pods, workload)


DEVICE = {"type": "pci", "version": "1.1.0", "pci": {"pci-address": "0000:18:0a.0"}}


@pytest.fixture
def describing(pods: Pods) -> dict[str, Any]:
    """A plugin that describes its device in the file that it is told."""
    program = pods.node.path / "bin/describing"
    program.write_text(DESCRIBING.format(python=sys.executable))
    program.chmod(0o755)
    return {"type": "describing", "device": DEVICE, "capabilities": {"CNIDeviceInfoFile": True}}


def described(workload: str) -> list[str]:
    """The files about the devices of a pod."""
    return sorted(file.name for file in DIRECTORY.glob(f"*{workload}*"))


def test_a_devices_description_is_passed_on_and_removed_with_the_device(pods: Pods, describing: dict[str, Any]) -> None:
    defined(pods, "blue", describing)
    workload = attached(pods, {NAD: "blue,blue"})
    entries = json.loads(pods.written(workload, {NAD: "blue,blue"})[STATUS])
    assert [entry.get("device-info") for entry in entries] == [None, DEVICE, DEVICE]
    assert described(workload) == [f"blue-{workload}-{ifname}-device.json" for ifname in ("eth1", "eth2")]
    gone(pods, workload)
    assert described(workload) == []


def test_a_failed_attachment_leaves_no_description(pods: Pods, describing: dict[str, Any]) -> None:
    defined(pods, "blue", describing, {"type": "scripted", "add": {"stderr": "no luck", "exit": 1}})
    workload, refused = pods.add({NAD: "blue"})
    assert refused.status == 1
    assert described(workload) == []
