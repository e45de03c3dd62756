"""What a call must carry: each fault is one error object with the specification's code, and nothing was touched."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.node import Node, Reply, netns
from tests.support.scripted import calls, commands

pytestmark = pytest.mark.netns

NETCONF = {"cniVersion": "1.1.0", "name": "pods", "type": "genie"}
CONTAINER = {"CNI_CONTAINERID": "", "CNI_NETNS": "", "CNI_IFNAME": "", "CNI_PATH": ""}


def refused(here: Node, env: dict[str, str], netconf: dict[str, Any] | bytes = NETCONF) -> dict[str, Any]:
    """The error of a call that did nothing."""
    reply: Reply = here.call(env, netconf)
    assert (reply.status, reply.stderr) == (1, "")
    assert commands(here.calls) == []
    assert here.rows() == []
    error: dict[str, Any] = reply.json
    return error


@pytest.mark.parametrize(
    ("command", "changes", "code", "word"),
    [
        pytest.param("ADD", CONTAINER, 4, "[CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH]", id="T02 T05 ADD"),
        pytest.param("CHECK", CONTAINER, 4, "[CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH]", id="T02 T05 CHECK"),
        pytest.param("DEL", CONTAINER, 4, "[CNI_CONTAINERID,CNI_IFNAME,CNI_PATH]", id="T03 T05 DEL"),
        pytest.param("STATUS", CONTAINER, 4, "[CNI_PATH]", id="T04 STATUS"),
        pytest.param("GC", CONTAINER, 4, "[CNI_PATH]", id="T04 GC"),
        pytest.param("add", {}, 4, "add", id="T06 another case"),
        pytest.param("ATTACH", {}, 4, "ATTACH", id="T06 no verb"),
        pytest.param("ADD", {"CNI_CONTAINERID": ".c"}, 4, "containerID", id="T07 begins with a dot"),
        pytest.param("DEL", {"CNI_CONTAINERID": "a/b"}, 4, "containerID", id="T07 slash"),
        pytest.param("ADD", {"CNI_CONTAINERID": ""}, 4, "CNI_CONTAINERID", id="T07 empty"),
        pytest.param("ADD", {"CNI_IFNAME": "x" * 16}, 4, "interface name", id="T08 16 bytes"),
        pytest.param("ADD", {"CNI_IFNAME": "."}, 4, "interface name", id="T08 dot"),
        pytest.param("CHECK", {"CNI_IFNAME": "a\tb"}, 4, "interface name", id="T08 tab"),
        pytest.param("ADD", {"CNI_IFNAME": "eth0:1"}, 4, "interface name", id="T08 colon"),
        pytest.param("ADD", {"CNI_ARGS": "K8S_POD_NAME"}, 4, "CNI_ARGS", id="T17 no value"),
        pytest.param("ADD", {"CNI_ARGS": "A=1=2"}, 4, "CNI_ARGS", id="T17 two values"),
        pytest.param("ADD", {"CNI_ARGS": "SOME=1"}, 4, "SOME", id="T17 unknown"),
    ],
)
def test_a_bad_environment_is_refused(
    shared: Node, command: str, changes: dict[str, str], code: int, word: str
) -> None:
    error = refused(shared, shared.environment(command, "c1", "told", **changes))
    assert error["code"] == code
    assert word in error["msg"] + error.get("details", "")


@pytest.mark.parametrize(
    ("netconf", "code", "word"),
    [
        pytest.param(b"", 6, "JSON", id="T10 empty"),
        pytest.param(b'{"name": "pods"', 6, "JSON", id="T10 cut off"),
        pytest.param(b"null", 6, "object", id="T10 null"),
        pytest.param({"cniVersion": "1.1.0"}, 7, "name", id="T11 missing"),
        pytest.param({**NETCONF, "name": ""}, 7, "name", id="T11 empty"),
        pytest.param({**NETCONF, "name": "-pods"}, 7, "name", id="T11 malformed"),
        pytest.param({**NETCONF, "cniVersion": "1.2.0"}, 1, "incompatible", id="T14 newer"),
        pytest.param({**NETCONF, "cniVersion": "0.9"}, 1, "incompatible", id="T14 never was"),
    ],
)
def test_a_bad_configuration_is_refused(shared: Node, netconf: dict[str, Any] | bytes, code: int, word: str) -> None:
    error = refused(shared, shared.environment("ADD", "c1", "told"), netconf)
    assert error["code"] == code
    assert word in error["msg"]


UNSUPPORTED: dict[str, Any] = {
    "default_plugin": 7,
    "interfacePrefix": "ens",
    "runtimeConfig": ["portMappings"],
    "prevResult": "as before",
    "kubernetes": "/etc/kubeconfig",
    "policy": [1],
    "namespaceIsolation": "true",
    "genieArgs": 1,
}


@pytest.mark.parametrize("key", UNSUPPORTED, ids="T15 {}".format)
def test_an_unsupported_field_is_told_with_its_value(shared: Node, key: str) -> None:
    env = shared.environment("ADD", "c1", CNI_NETNS=netns("none"), CNI_ARGS="")
    error = refused(shared, env, {**NETCONF, key: UNSUPPORTED[key]})
    assert error["code"] == 2
    assert f"{key}={UNSUPPORTED[key]!r}" in error["details"]


def test_T13_without_a_version_the_result_is_of_the_oldest(here: Node) -> None:
    workload = here.workload()
    added = here.call(here.environment("ADD", workload, "blue"), {"name": "pods", "type": "genie"})
    assert added.status == 0, added
    assert added.json["cniVersion"] == "0.1.0"
    assert added.json["ip4"]["ip"] == "10.1.0.2/24"


@pytest.mark.parametrize("override", ["", "0", "false", "yes"], ids="T16 {!r}".format)
def test_the_nodes_own_namespace_is_refused(shared: Node, override: str) -> None:
    env = shared.environment("ADD", "c1", "told", CNI_NETNS=netns(shared.name), CNI_NETNS_OVERRIDE=override)
    assert refused(shared, env)["code"] == 8


@pytest.mark.parametrize("override", ["1", "true", "TRUE", "True"], ids="T16 {}".format)
def test_the_nodes_own_namespace_may_be_meant(here: Node, override: str) -> None:
    here.network("40-loop.conflist", {"type": "loopback"})
    changes = {"CNI_NETNS": netns(here.name), "CNI_NETNS_OVERRIDE": override}
    for command in ("ADD", "CHECK", "DEL"):
        # loopback refuses its own namespace as every plugin does: it must hear of the override too.
        reply = here.genie(command, "c1", "loop@net1", **changes)
        assert reply.status == 0, reply
    assert here.rows() == []


def test_T17_unknown_args_that_may_be_ignored_reach_the_delegates(here: Node) -> None:
    workload = here.workload()
    args = "SOME=1;K8S_POD_NAMESPACE=lab;IgnoreUnknown=true;K8S_POD_UID=u-1;IP=10.0.0.9"
    env = here.environment("ADD", workload, CNI_ARGS=args)
    assert here.call(env, {**NETCONF, "default_plugin": "told"}).status == 0
    (call,) = calls(here.calls)
    given = dict(pair.split("=") for pair in call["env"]["CNI_ARGS"].split(";"))
    assert given == dict(pair.split("=") for pair in args.split(";"))


def test_T18_a_large_configuration_is_taken(here: Node) -> None:
    env = here.environment("ADD", here.workload(), "told")
    assert here.call(env, {**NETCONF, "padding": "x" * 200_000}).status == 0


def test_T19_T120_trace_context_and_all_other_variables_reach_the_delegates(here: Node) -> None:
    workload = here.workload()
    given = {"TRACEPARENT": "00-1-2-01", "TRACESTATE": "a=1", "BAGGAGE": "b=2", "SITE_TOKEN": "c d", "PATH": "/bin"}
    for command in ("ADD", "CHECK", "DEL"):
        assert here.genie(command, workload, "told", **given).status == 0
    assert here.about_node("STATUS", default_plugin="told").status == 0
    *of_container, of_node = calls(here.calls)
    assert [call["environ"].items() >= given.items() for call in of_container] == [True] * 3
    assert set(of_node["env"]) == {"CNI_COMMAND", "CNI_PATH"}
