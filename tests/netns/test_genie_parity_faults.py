"""What went wrong in CNI-Genie, and must not here. The numbers are those of the faults in docs/from-genie.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_interface, ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.support.genie_site import SUBNETS, genie_site
from tests.support.node import addresses, links, run
from tests.support.pods import Pods, asymmetric, given
from tests.support.scripted import commands

pytestmark = pytest.mark.netns

ADDRESSES = "multi-ip-preferences"
STATUS = "k8s.v1.cni.cncf.io/network-status"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Pods]:
    with genie_site(tmp_path, objects=str(tmp_path / "objects")) as made:
        yield made


def gone(site: Pods, workload: str) -> None:
    assert site.delete(workload).status == 0
    assert asymmetric(site.calls()) == []
    assert site.leftovers(workload) == []


def scripted(site: Pods, file: str, *plugins: dict[str, Any], **keys: Any) -> None:
    """A network of plugins that record their calls and do as they are told."""
    site.node.network(file, *({"type": "scripted", **plugin} for plugin in plugins), **keys)


def result(**keys: Any) -> dict[str, Any]:
    """What a scripted plugin prints at ADD."""
    return {"add": {"print": json.dumps({"cniVersion": "1.0.0", **keys})}}


def test_fault_1_every_plugin_is_deleted_under_the_name_of_its_add(site: Pods) -> None:
    """Genie numbered the list forwards and walked it backwards: weave was deleted as eth0, flannel as eth1."""
    workload, added = site.add({"cni": "flannel,weave"})
    assert added.status == 0, added
    site.forget_calls()
    assert site.delete(workload).status == 0
    deleted = [(call["config"]["type"], call["env"]["CNI_IFNAME"]) for call in site.calls()]
    assert deleted == [("weave-net", "eth1"), ("flannel", "eth0")]
    assert site.leftovers(workload) == []


def test_fault_2_annotations_of_the_environment_may_hold_semicolons_and_equals(site: Pods) -> None:
    annotations = {"build": 'a=1;b={"c":"}"}; d', "cni": "weave", "text": "über\n\t\u0001"}
    workload, added = site.add(annotations)
    assert added.status == 0, added
    (call,) = site.calls()
    given_on = dict(pair.split("=") for pair in call["env"]["CNI_ARGS"].split(";"))
    assert given_on["K8S_POD_NAME"] == workload
    assert "K8S_ANNOT" not in given_on, "plugins split their arguments at every ; and ="
    gone(site, workload)


def test_fault_3_a_del_releases_everything_when_no_api_server_answers(site: Pods) -> None:
    """Genie took an API server that is away for a pod without networks, and succeeded with nothing released."""
    workload, added = site.add({"cni": "weave,flannel"})
    assert added.status == 0, added
    away = {"kubernetes": {"k8s_api_root": "http://127.0.0.1:1"}}
    assert site.delete(workload, netconf=away).status == 0
    assert site.leftovers(workload) == []


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"cni": "weave,flannel"}, id="fault 4 files"),
        pytest.param({"cni": "", "networks": "net1,net1@x"}, id="fault 4 logical networks"),
        pytest.param({"k8s.v1.cni.cncf.io/networks": "net1@x"}, id="fault 4 definitions"),
    ],
)
def test_a_del_is_of_what_was_attached_not_of_what_is_asked_for_now(site: Pods, asked: dict[str, str]) -> None:
    site.known("LogicalNetwork", "net1", {"plugin": "weave", "sub_subnet": "10.32.7.0/24"})
    site.defined("net1", {"cniVersion": "0.3.0", "type": "weave-net"})
    workload, added = site.add(asked)
    assert added.status == 0, added
    for each in (*site.objects.iterdir(), *site.node.conf_dir.glob("10-*")):
        each.unlink()
    assert site.delete(workload, {"cni": "calico,romana@eth9"}).status == 0
    assert asymmetric(site.calls()) == []
    assert site.leftovers(workload) == []


def test_fault_5_the_network_that_failed_is_deleted_too(site: Pods) -> None:
    """The first plugin of its list had succeeded: its interface and address stayed with Genie."""
    fails = {"type": "scripted", "log": str(site.node.calls), "add": {"stderr": "no luck", "exit": 1}}
    bridge = {"type": "bridge", "bridge": "br7", "ipam": site.node.host_local("10.7.0.0/24")}
    site.node.network("20-chain.conflist", bridge, fails)
    workload, added = site.add({"cni": "weave,chain,flannel"})
    assert added.status == 1
    assert "no luck" in added.json["msg"]
    kinds = [(call["env"]["CNI_COMMAND"], call["config"]["type"]) for call in site.calls()]
    assert kinds == [
        ("ADD", "weave-net"),
        ("ADD", "bridge"),
        ("ADD", "scripted"),
        ("DEL", "scripted"),
        ("DEL", "bridge"),
        ("DEL", "weave-net"),
    ]
    assert asymmetric(site.calls()) == []
    assert site.leftovers(workload) == []


def test_fault_6_a_route_without_gateway_is_no_reason_to_fail(site: Pods) -> None:
    told = result(ips=[{"address": "10.9.0.2/24"}], routes=[{"dst": "10.8.0.0/16"}, {"dst": "fd00::/8"}])
    scripted(site, "20-routed.conflist", told)
    workload, added = site.add({"cni": "weave,routed"})
    assert added.status == 0, added
    assert [ip["address"] for ip in added.json["ips"]] == [*addresses(workload, "eth0"), "10.9.0.2/24"]
    assert {"dst": "10.8.0.0/16"} in added.json["routes"]
    gone(site, workload)


def test_fault_6_a_result_that_cannot_be_read_is_an_error_and_undone(site: Pods) -> None:
    scripted(site, "20-odd.conflist", result(ips=[{"address": "somewhere"}]))
    workload, added = site.add({"cni": "weave,odd"})
    assert (added.status, added.json["code"]) == (1, 6)
    assert asymmetric(site.calls()) == []
    assert site.leftovers(workload) == []


def test_fault_7_a_plugin_without_a_result_does_not_hide_the_others(site: Pods) -> None:
    scripted(site, "20-silent.conflist", {"add": {"print": "null"}})
    workload, added = site.add({"cni": "silent,weave,silent"})
    assert added.status == 0, added
    assert [ip["address"] for ip in added.json["ips"]] == addresses(workload, "eth1")
    gone(site, workload)


def test_fault_8_capabilities_reach_the_plugins_that_declare_them(site: Pods) -> None:
    mapped = [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]
    workload, added = site.add({"cni": "weave"}, netconf={"runtimeConfig": {"portMappings": mapped}})
    assert added.status == 0, added
    assert "8080" in run("ip", "netns", "exec", site.node.name, "iptables-save")
    gone(site, workload)
    assert "8080" not in run("ip", "netns", "exec", site.node.name, "iptables-save")


def test_fault_9_what_the_runtime_says_counts(site: Pods) -> None:
    """Its interface name, its path, its pod's uid: Genie went by constants."""
    elsewhere = site.node.path / "elsewhere"
    elsewhere.mkdir()
    (site.node.path / "bin/weave-net").rename(elsewhere / "weave-net")
    workload, added = site.add({"cni": "weave,flannel"}, CNI_IFNAME="ens3", CNI_PATH=f"{elsewhere}:/usr/lib/cni")
    assert added.status == 0, added
    assert set(given(workload)) == {"ens3", "eth0"}
    for call in site.calls():
        assert f"K8S_POD_UID=uid-{workload}" in call["env"]["CNI_ARGS"]
    deleted = site.delete(workload, CNI_IFNAME="ens3", CNI_PATH=f"{elsewhere}:/usr/lib/cni")
    assert deleted.status == 0
    assert site.leftovers(workload) == []


def test_fault_9_an_address_of_the_runtimes_choice_is_for_its_own_interface(site: Pods) -> None:
    for number, name in ((7, "one"), (8, "two")):
        bridge = {"type": "bridge", "bridge": f"br{number}", "ipam": site.node.host_local(f"10.{number}.0.0/24")}
        site.node.network(f"20-{name}.conflist", bridge)
    asked = "IgnoreUnknown=1;IP=10.7.0.50;MAC=02:00:00:00:07:50;K8S_ANNOT=" + json.dumps({"cni": "one,two"})
    workload, added = site.add(None, CNI_ARGS=asked)
    assert added.status == 0, added
    assert given(workload) == {"eth0": ["10.7.0.50/24"], "eth1": ["10.8.0.2/24"]}
    macs = {each["ifname"]: each["address"] for each in json.loads(run("ip", "-n", workload, "-j", "link"))}
    assert macs["eth0"] == "02:00:00:00:07:50" != macs["eth1"]
    gone(site, workload)


def test_fault_10_11_a_generated_configuration_keeps_the_interface_and_changes_no_default(site: Pods) -> None:
    before = sorted(site.node.conf_dir.iterdir())
    workload, added = site.add({"cni": "bridge@eth5,macvlan"})
    assert added.status == 0, added
    assert set(given(workload)) == {"eth5", "eth0"}
    assert sorted(site.node.conf_dir.iterdir()) == before, "nothing is written there"
    other, added = site.add({})
    assert ip_interface(given(other)["eth0"][0]).ip in ip_network(SUBNETS["calico"]), "10-bridge would be the first"
    assert site.delete(other).status == 0
    gone(site, workload)


@pytest.mark.parametrize("file", ["00-genie.conf", "05-meta.conf", "99-zz.conflist"], ids="fault 12 {}".format)
def test_genies_own_file_is_no_network_whatever_it_is_called(site: Pods, file: str) -> None:
    own = {"cniVersion": "0.3.1", "name": "k8s-pod-network", "type": "genie"}
    for each in site.node.conf_dir.iterdir():
        each.unlink()
    content = {"cniVersion": "0.3.1", "name": "k8s-pod-network", "plugins": [own, {"type": "portmap"}]}
    (site.node.conf_dir / file).write_text(json.dumps(content if file.endswith("list") else own))
    workload, refused = site.add({})
    assert refused.status == 1
    assert "no network is configured" in refused.json["msg"]
    for name in ("genie", "meta", "zz", "k8s-pod-network"):
        assert site.call("ADD", workload, {"cni": name}).status == 1
    scripted(site, "50-told.conflist", {})
    assert site.call("ADD", workload, {}).status == 0
    assert commands(site.node.calls) == [("ADD", "scripted")]
    gone(site, workload)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("romana", "Configuration file is missing from cni directory", id="fault 13 known, no file"),
        pytest.param("canal", "Configuration file is missing from cni directory", id="fault 13 another"),
        pytest.param("cilium", "unsupported plugin type", id="fault 13 unknown"),
        pytest.param("bridge", "plugin bridge is not installed", id="fault 13 another program has the name in its own"),
    ],
)
def test_a_plugin_that_is_not_there_is_told(site: Pods, name: str, reason: str) -> None:
    (site.node.conf_dir / "10-romana.conf").unlink()
    (site.node.path / "bin/bridge").rename(site.node.path / "bin/bridge-old")
    # Only this directory is searched: the reference plugins have a bridge of their own.
    site.node.kill()
    site.node.extra["binDirs"] = [str(site.node.path / "bin")]
    site.node.start()
    workload, refused = site.add({"cni": name}, CNI_PATH=str(site.node.path / "bin"))
    assert refused.status == 1
    assert reason in refused.json["msg"]
    assert name in refused.json["msg"]
    assert site.leftovers(workload) == []


@pytest.mark.parametrize(
    ("file", "asked"),
    [
        pytest.param("my-net.conf", "my-net", id="fault 14 the whole name"),
        pytest.param("my-net.conf", "net", id="fault 14 as Genie cut it"),
        pytest.param("10-my-net.conf", "my-net", id="fault 14 with a number"),
    ],
)
def test_a_file_whose_name_has_a_dash(site: Pods, file: str, asked: str) -> None:
    scripted(site, file, {})
    workload, added = site.add({"cni": asked})
    assert added.status == 0, added
    gone(site, workload)


def test_E9_all_addresses_are_written_as_genie_wrote_them(site: Pods) -> None:
    annotations = {"cni": "weave,flannel"}
    workload, added = site.add(annotations)
    assert added.status == 0, added
    first, second = (given(workload)[name][0].partition("/")[0] for name in ("eth0", "eth1"))
    assert site.written(workload, annotations)[ADDRESSES] == (
        f'{{"multi_entry":2,"ips":{{"ip1":{{"ip":"{first}","interface":"eth0"}},'
        f'"ip2":{{"ip":"{second}","interface":"eth1"}}}}}}'
    )
    gone(site, workload)


def test_fault_15_an_interface_without_address_hides_no_other(site: Pods) -> None:
    scripted(site, "20-bare.conflist", {})
    annotations = {"cni": "weave,bare,flannel", ADDRESSES: "written by hand"}
    workload, added = site.add(annotations)
    assert added.status == 0, added
    written = json.loads(site.written(workload, annotations)[ADDRESSES])
    assert written["multi_entry"] == 2
    assert [entry["interface"] for entry in written["ips"].values()] == ["eth0", "eth2"]
    gone(site, workload)


def test_fault_16_21_what_is_written_is_json_and_names_namespaces(site: Pods) -> None:
    scripted(site, "20-odd.conflist", result(dns={"search": ['a\u0001"\\b\n']}))
    site.defined("told", {"type": "scripted", "log": str(site.node.calls)})
    asked = {"k8s.v1.cni.cncf.io/networks": "told"}
    workload, added = site.add(asked, netconf={"default_plugin": "odd"})
    assert added.status == 0, added
    first, second = json.loads(site.written(workload, asked)[STATUS])
    assert first["dns"] == {"search": ['a\u0001"\\b\n']}
    assert (first["name"], second["name"]) == ("odd", "test/told"), "default_plugin counts for definitions too"
    gone(site, workload)


def test_fault_18_a_plugin_that_hangs_is_ended_and_holds_up_no_other_pod(tmp_path: Path) -> None:
    with genie_site(tmp_path, delegateDeadline="2s") as site:
        reached = site.node.path / "reached"
        scripted(site, "20-hangs.conflist", {"add": {"touch": str(reached), "wait": 60}})
        with ThreadPoolExecutor(1) as pool:
            hanging = pool.submit(site.add, {"cni": "weave,hangs"})
            site.node.until(reached.exists, "the plugin hangs")
            other, added = site.add({"cni": "weave"})
            assert added.status == 0, added
            assert not hanging.done()
            workload, refused = hanging.result()
        assert refused.json["code"] == 101
        assert "did not end within 2 s" in refused.json["msg"]
        assert site.delete(other).status == 0
        assert site.leftovers(workload) == []


def test_fault_19_every_address_answers_by_its_own_interface(site: Pods) -> None:
    """Genie's pods were reached by their second address and answered by their first interface."""
    workload, added = site.add({"cni": "weave,flannel"})
    assert added.status == 0, added
    for ifname, (address,) in given(workload).items():
        own = address.partition("/")[0]
        (way,) = json.loads(run("ip", "-n", workload, "-j", "route", "get", "198.51.100.1", "from", own))
        assert way["dev"] == ifname
    gone(site, workload)


@pytest.mark.parametrize("ipam", [{}, None], ids="fault 20 {}".format)
def test_a_network_without_addresses_is_attached(site: Pods, ipam: dict[str, Any] | None) -> None:
    plugin = {"type": "bridge", "bridge": "br7"} if ipam is None else {"type": "bridge", "bridge": "br7", "ipam": ipam}
    site.node.network("20-flat.conflist", plugin)
    annotations = {"cni": "weave,flat"}
    workload, added = site.add(annotations)
    assert added.status == 0, added
    assert given(workload)["eth1"] == []
    (shown,) = json.loads(run("ip", "-n", workload, "-j", "link", "show", "eth1"))
    entries = json.loads(site.written(workload, annotations)[STATUS])
    assert (entries[1]["mac"], entries[1].get("ips")) == (shown["address"], None)
    gone(site, workload)


def test_a_failing_undo_leaves_a_record_and_is_tried_again(site: Pods) -> None:
    """Genie swallowed what went wrong while it undid an ADD, and nobody ever tried again."""
    fuse = site.node.path / "fuse"
    program = site.node.path / "bin/stubborn"
    program.write_text(
        "#!/bin/sh\ncat >/dev/null\n"
        f'[ "$CNI_COMMAND" = DEL ] && [ -e {fuse} ] && {{ echo "not now" >&2; exit 1; }}\n'
        'echo \'{"cniVersion":"1.0.0"}\'\n'
    )
    program.chmod(0o755)
    fuse.touch()
    site.node.network("20-stubborn.conflist", {"type": "stubborn"})
    scripted(site, "30-fails.conflist", {"add": {"stderr": "no luck", "exit": 1}})
    workload, refused = site.add({"cni": "weave,stubborn,fails"})
    assert "no luck" in refused.json["msg"]
    assert "not now" in refused.json["details"]
    assert links(workload) == {"lo"}
    assert [row[3] for row in site.node.rows()] == ["deleting"]
    fuse.unlink()
    assert site.delete(workload).status == 0
    assert site.leftovers(workload) == []
