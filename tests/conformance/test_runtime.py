"""The agent as a runtime of delegates: what each plugin is given, in which order, and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.node import Node, links
from tests.support.scripted import calls, commands

pytestmark = pytest.mark.netns

NETCONF = {"cniVersion": "1.1.0", "name": "pods", "type": "genie"}


def configs(here: Node, command: str = "ADD") -> list[dict[str, Any]]:
    """The configurations that the scripted plugins got at that command."""
    return [call["config"] for call in calls(here.calls) if call["env"]["CNI_COMMAND"] == command]


def test_T111_acts_on_one_container_never_overlap(here: Node) -> None:
    for name in "abc":
        # The marker is there while the plugin runs; two at once would see each other's.
        here.network(f"40-{name}.conflist", {"type": "exclusive"})
    marker, broken = here.path / "marker", here.path / "broken"
    program = here.path / "bin/exclusive"
    program.write_text(
        f"#!/bin/sh\ncat >/dev/null\nmkdir {marker} 2>/dev/null || touch {broken}\nsleep 0.05\nrmdir {marker}\n"
        'echo \'{"cniVersion": "1.0.0"}\'\n'
    )
    program.chmod(0o755)
    workload = here.workload()

    def cycle(network: str) -> list[int]:
        changes = {"CNI_IFNAME": f"net-{network}"}
        verbs = ("ADD", "CHECK", "DEL") * 2
        return [here.genie(verb, workload, network, **changes).status for verb in verbs]

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(cycle, "abc")) == [[0] * 6] * 3
    assert not broken.exists()


def test_T112_T115_T118_what_each_plugin_of_a_chain_gets(here: Node) -> None:
    here.network(
        "30-told.conflist", *({"type": "scripted", "tag": tag, "name": "own", "cniVersion": "0.3.0"} for tag in "abc")
    )
    workload = here.workload()
    assert here.genie("ADD", workload, "told@net7").status == 0
    first, second, third = configs(here)
    assert {(config["name"], config["cniVersion"]) for config in (first, second, third)} == {("told", "1.0.0")}
    assert "prevResult" not in first
    assert (second["prevResult"]["tags"], third["prevResult"]["tags"]) == (["a"], ["a", "b"])
    assert {call["env"]["CNI_IFNAME"] for call in calls(here.calls)} == {"net7"}


@pytest.mark.parametrize(
    ("keys", "version"),
    [
        pytest.param({"cniVersion": "0.3.1", "cniVersions": ["0.4.0", "1.1.0", "9.0.0"]}, "1.1.0", id="T113 of a list"),
        pytest.param({"cniVersion": "1.0.0", "cniVersions": ["0.4.0"]}, "1.0.0", id="T113 the single one is higher"),
        pytest.param({"cniVersion": "", "cniVersions": ["0.4.0", "0.3.1"]}, "0.4.0", id="T113 the list alone"),
    ],
)
def test_the_highest_version_that_both_know_is_spoken(here: Node, keys: dict[str, Any], version: str) -> None:
    here.network("30-told.conflist", {"type": "scripted"}, **keys)
    assert here.genie("ADD", here.workload(), "told").status == 0
    assert configs(here)[0]["cniVersion"] == version


def test_T114_capabilities_reach_those_who_declare_them(here: Node) -> None:
    plugins = (
        {"tag": "a", "capabilities": {"portMappings": True, "mac": False, "bandwidth": True, "aliases": True}},
        {"tag": "b", "capabilities": {"infinibandGUID": True, "deviceID": True}},
        {"tag": "c"},
    )
    here.network("30-told.conflist", *({"type": "scripted", **plugin} for plugin in plugins))
    supplied = {
        "portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}],
        "bandwidth": {"ingressRate": 1000, "ingressBurst": 2000},
        "mac": "02:00:00:00:00:07",
        "ips": ["10.0.0.7/24"],
        "infinibandGUID": "c2:11:22:33:44:55:66:77",
        "deviceID": "0000:01:0a.1",
    }
    env = here.environment("ADD", here.workload(), "told,told@net1")
    assert here.call(env, {**NETCONF, "runtimeConfig": supplied}).status == 0
    given = [config.get("runtimeConfig") for config in configs(here)]
    assert given[:3] == [
        {key: supplied[key] for key in ("portMappings", "bandwidth")},
        {key: supplied[key] for key in ("infinibandGUID", "deviceID")},
        None,
    ]
    assert given[3:] == [None] * 3, "they are meant for the first network"
    assert not any("capabilities" in config for config in configs(here))


ODD: Sequence[object] = (
    1.0, 0.1, -0.0, 1e300, 2**53 + 1, 2**64 - 1, -(2**63), "\u0000\u2028\U0001f40c", "", [], {}, [[[None]]], True,
)  # fmt: skip


def test_T116_what_is_not_ours_is_passed_as_it_is(here: Node) -> None:
    unknown = {"x.example/key": ODD, "nested": {"cni.dev/inner": 1, "type": "other"}, "dns": {}, "": "empty key"}
    reserved = {"cni.dev/valid-attachments": [], "cni.dev/anything": {"a": 1}}
    here.network("30-told.conflist", {"type": "scripted", **unknown, **reserved})
    assert here.genie("ADD", here.workload(), "told").status == 0
    (config,) = configs(here)
    assert {key: config[key] for key in unknown} == json.loads(json.dumps(unknown))
    assert [type(each) for each in config["x.example/key"]] == [type(each) for each in ODD]
    assert not any(key.startswith("cni.dev/") for key in config)


@pytest.mark.parametrize(
    ("keys", "tags"),
    [
        pytest.param({}, ["inline", "a", "b"], id="T117 by default"),
        pytest.param({"loadOnlyInlinedPlugins": False}, ["inline", "a", "b"], id="T117 false"),
        pytest.param({"loadOnlyInlinedPlugins": True}, ["inline"], id="T117 true"),
        pytest.param({"plugins": None}, ["a", "b"], id="T117 none inlined"),
    ],
)
def test_plugins_of_the_networks_directory_are_appended(here: Node, keys: dict[str, Any], tags: list[str]) -> None:
    beside(here, "told", ("10-a.conf", {"tag": "a"}), ("20-b.conf", {"tag": "b"}), ("30-c.conflist", {"tag": "no"}))
    here.network("30-told.conflist", {"type": "scripted", "tag": "inline"})
    path = here.conf_dir / "30-told.conflist"
    content = {key: value for key, value in {**json.loads(path.read_text()), **keys}.items() if value is not None}
    path.write_text(json.dumps(content))
    workload = here.workload()
    added = here.genie("ADD", workload, "told")
    assert added.status == 0, added
    assert [config["tag"] for config in configs(here)] == tags
    assert here.genie("DEL", workload).status == 0
    assert [config["tag"] for config in configs(here, "DEL")] == tags[::-1]


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        pytest.param({"loadOnlyInlinedPlugins": True}, "loadOnlyInlinedPlugins", id="T117 true without plugins"),
        pytest.param({"loadOnlyInlinedPlugins": 7, "plugins": [{"type": "scripted"}]}, "boolean", id="T117 no boolean"),
        pytest.param({}, "plugin", id="T117 no plugin anywhere"),
    ],
)
def test_a_list_without_plugins_is_refused(here: Node, keys: dict[str, Any], word: str) -> None:
    content = {"cniVersion": "1.1.0", "name": "told", **keys}
    (here.conf_dir / "30-told.conflist").write_text(json.dumps(content))
    error = here.genie("ADD", here.workload(), "told").json
    assert error["code"] == 7
    assert word in error["msg"]


def test_T117_a_plugin_of_the_directory_that_cannot_be_read_makes_the_network_unusable(here: Node) -> None:
    beside(here, "told", ("10-a.conf", {"tag": "a"}))
    (here.conf_dir / "told/20-b.conf").write_text("{")
    error = here.genie("ADD", here.workload(), "told").json
    assert (error["code"], "20-b.conf" in error["msg"]) == (7, True)


def beside(here: Node, network: str, *files: tuple[str, dict[str, Any]]) -> None:
    """Plugins in the directory that has the network's name."""
    (here.conf_dir / network).mkdir()
    for name, plugin in files:
        content = {"type": "scripted", "log": str(here.calls), **plugin}
        (here.conf_dir / network / name).write_text(json.dumps(content))


def test_T119_plugins_are_taken_from_the_first_directory_that_has_them(here: Node) -> None:
    directories = [here.path / "first", here.path / "second"]
    for directory in directories:
        directory.mkdir()
        for name in ("here", "there"):
            program = directory / name
            program.write_text(
                f'#!/bin/sh\ncat >/dev/null\necho \'{{"cniVersion": "1.0.0", "dns": {{"domain": "{program}"}}}}\'\n'
            )
            program.chmod(0o755)
    (directories[0] / "there").chmod(0o644)
    for name in ("here", "there"):
        here.network(f"40-{name}.conflist", {"type": name})
    path = ":".join(map(str, ["/nowhere", *directories]))
    ran = [here.genie("ADD", here.workload(), name, CNI_PATH=path).json["dns"]["domain"] for name in ("here", "there")]
    assert ran == [str(directories[0] / "here"), str(directories[1] / "there")], "the first one that can be run"


def test_T121_words_of_a_plugin_that_fails_are_logged_too(here: Node) -> None:
    here.network("30-told.conflist", {"type": "scripted", "add": {"stderr": "the pool is dry", "exit": 1}})
    assert here.genie("ADD", here.workload(), "told").status == 1
    assert "the pool is dry" in (here.path / "agent.log").read_text()


def test_T125_after_every_crash_there_is_a_del_for_every_add(here: Node) -> None:
    reached = here.path / "reached"
    slow = {"add": {"touch": str(reached), "wait": 5}}
    here.network("30-told.conflist", {"type": "scripted", "tag": "a"}, {"type": "scripted", "tag": "b", **slow})
    workload = here.workload()
    with ThreadPoolExecutor(1) as pool:
        adding = pool.submit(here.genie, "ADD", workload, "blue,told,red")
        here.until(reached.exists, "the slow delegate runs")
        here.kill()
        assert adding.result().json["code"] == 11
    here.start()
    here.until(lambda: commands(here.calls)[-2:] == [("DEL", "b"), ("DEL", "a")], "the half of it is deleted")
    assert here.genie("DEL", workload).status == 0, "the runtime's, as after every failed ADD"
    assert (here.rows(), here.addresses_taken(), links(workload)) == ([], [], {"lo"})
    again = here.genie("ADD", workload, "blue")
    assert again.status == 0, again
