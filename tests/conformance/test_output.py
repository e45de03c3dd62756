"""What the runtime gets back: one JSON document or nothing, codes that mean something, never silence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cni import delegate, plugin
from cni.protocol import Code
from tests.support.node import Node

pytestmark = pytest.mark.netns

SPECIFIED = {*range(1, 9), 11, 50, 51}
"""The codes that the specification gives a meaning (1.1.0, section "Error")."""
LOUD = {"stderr": "words for people\n"}


def said(code: int, msg: str, details: str = "") -> dict[str, Any]:
    """An action that fails as a well-behaved plugin does."""
    return {"print": json.dumps({"cniVersion": "1.1.0", "code": code, "msg": msg, "details": details}), "exit": 1}


def test_T20_T22_T23_T121_only_results_reach_stdout_and_words_reach_the_log(here: Node) -> None:
    chatter = {"print": "by the way", "stderr": "words of the plugin\n"}
    quiet = {"add": {"stderr": "words of the plugin\n"}, "del": chatter, "check": chatter, "status": chatter}
    here.network("30-told.conflist", {"type": "scripted", **quiet, "gc": chatter}, cniVersion="1.1.0")
    workload = here.workload()
    added = here.genie("ADD", workload, "told", "1.1.0")
    assert (added.status, added.stderr) == (0, "")
    assert added.json["cniVersion"] == "1.1.0", "one JSON document and nothing else"
    checked = here.genie("CHECK", workload, version="1.1.0")
    status = here.about_node("STATUS", default_plugin="told")
    collected = here.about_node("GC", **{"cni.dev/valid-attachments": [{"containerID": workload, "ifname": "eth0"}]})
    deleted = here.genie("DEL", workload, version="1.1.0")
    for reply in (checked, status, collected, deleted):
        assert (reply.status, reply.stdout, reply.stderr) == (0, b"", "")
    lines = [json.loads(line) for line in (here.path / "agent.log").read_text().splitlines()]
    spoken = [(line["command"], line["stderr"]) for line in lines if line.get("stderr")]
    assert spoken == [(command, "words of the plugin") for command in ("ADD", "CHECK", "STATUS", "GC", "DEL")]


@pytest.mark.parametrize("version", ["0.1.0", "0.4.0", "1.0.0", "1.1.0"], ids="T21 {}".format)
@pytest.mark.parametrize("command", ["ADD", "CHECK"])
def test_an_error_is_one_object_in_the_calls_version(here: Node, command: str, version: str) -> None:
    failed = here.genie(command, "never-added", "nowhere", version, CNI_NETNS="/none")
    assert (failed.status, failed.stderr) == (1, "")
    assert failed.json["cniVersion"] == version
    assert failed.json.keys() - {"details"} == {"cniVersion", "code", "msg"}
    assert failed.json["code"] > 0
    assert failed.json["msg"]


@pytest.mark.parametrize(
    ("netconf", "changes"),
    [
        pytest.param(b"{", {}, id="no JSON"),
        pytest.param(b'{"name": "pods", "a": ' + b"[" * 100_000, {}, id="nested deeper than can be followed"),
        pytest.param(b'{"name": "pods"}', {"CNI_IFNAME": "a/b"}, id="no interface"),
        pytest.param(b'{"name": "pods"}', {"CNI_NETNS": "/none"}, id="no namespace"),
        pytest.param(b'{"name": "pods", "policy": 7}', {}, id="no object"),
        pytest.param(b'{"name": "pods", "default_plugin": "nowhere"}', {}, id="no network"),
        pytest.param(b'{"name": "pods", "default_plugin": "none,nowhere"}', {}, id="no plugin"),
    ],
)
def test_an_adds_error_names_its_pod(shared: Node, netconf: bytes, changes: dict[str, str]) -> None:
    env = shared.environment("ADD", "w", CNI_ARGS="K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_ANNOT={}")
    failed = shared.call({**env, **changes}, netconf)
    assert failed.status == 1
    assert "shop/web-0" in failed.json["msg"] + failed.json["details"]


@pytest.mark.parametrize("command", ["ADD", "DEL", "CHECK", "STATUS", "GC"], ids="T24 {}".format)
def test_a_delegate_that_fails_in_silence_is_no_silent_failure(here: Node, command: str) -> None:
    told = {"type": "scripted", command.lower(): {"print": "", "exit": 1}}
    here.network("30-told.conflist", told, cniVersion="1.1.0")
    workload = here.workload()
    if command in ("DEL", "CHECK"):
        assert here.genie("ADD", workload, "told", "1.1.0").status == 0
    if command in ("STATUS", "GC"):
        failed = here.about_node(command, default_plugin="told", **{"cni.dev/valid-attachments": []})
    else:
        failed = here.genie(command, workload, "told", "1.1.0")
    assert failed.status == 1
    assert failed.json["code"] == delegate.FAILED
    assert "plugin scripted" in failed.json["msg"] + failed.json["details"]


def test_T25_our_codes_are_the_specifications_or_begin_at_100(here: Node) -> None:
    named = {**vars(delegate), **vars(plugin)}
    ours = {*Code, *(named[name] for name in ("FAILED", "DEADLINE", "MISSING", "BUSY", "BAD_CONFIG", "UNDECODABLE"))}
    assert {code for code in ours if code < 100} <= SPECIFIED
    here.rows("DROP TABLE attachments")
    assert here.genie("ADD", here.workload(), "told").json["code"] == 999, "a fault of the agent's own"


@pytest.mark.parametrize("code", [7, 11, 52, 137, 999], ids="T26 {}".format)
def test_a_delegates_own_words_reach_the_runtime(here: Node, code: int) -> None:
    here.network("30-told.conflist", {"type": "scripted", "add": said(code, "pool empty", "10.9.0.0/24")})
    error = here.genie("ADD", here.workload(), "blue,told").json
    assert (error["code"], error["msg"]) == (code, "pool empty")
    assert "10.9.0.0/24" in error["details"]
    assert "cni:told" in error["details"], "and which network it was"


def test_T27_what_is_not_json_is_told_too(here: Node) -> None:
    panic = {"print": "half a res", "stderr": "panic: nil map\ngoroutine 1", "exit": 2}
    here.network("30-told.conflist", {"type": "scripted", "add": panic})
    error = here.genie("ADD", here.workload(), "told").json
    assert error["code"] == delegate.FAILED
    for word in ("scripted", "exit status 2", "half a res", "panic: nil map"):
        assert word in error["msg"]
