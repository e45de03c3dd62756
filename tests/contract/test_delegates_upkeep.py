"""STATUS and GC of delegates: who is asked, with what, and what a failure means."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cni.delegate import DelegateError, Delegates, Invocation
from cni.gates import GateTimeout, NetworkGates
from tests.support.scripted import calls, commands, install_scripted

Build = Callable[..., bytes]
NODE_WIDE = Invocation(env={"CNI_PATH": "/nowhere", "CNI_CONTAINERID": "stray", "TRACEPARENT": "00-1-2-01"})
CONTAINER = Invocation(container_id="c1", netns="/run/netns/c1", ifname="eth0")
VALID = [{"containerID": "c1", "ifname": "eth0"}]
OLD_VERSIONS = ("0.4.0", "1.0.0")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.fixture
def delegates(tmp_path: Path) -> Delegates:
    install_scripted(tmp_path / "bin")
    install_scripted(tmp_path / "bin", "pool")
    install_scripted(tmp_path / "bin", "old", OLD_VERSIONS)
    return Delegates((str(tmp_path / "bin"),), 10.0)


@pytest.fixture
def chain(log: Path) -> Build:
    def build(*plugins: dict[str, Any], **keys: Any) -> bytes:
        listed = [{"type": "scripted", "log": str(log), **plugin} for plugin in plugins]
        return json.dumps({"cniVersion": "1.1.0", "name": "net", "plugins": listed, **keys}).encode()

    return build


def valid() -> Sequence[dict[str, str]]:
    return VALID


def said(code: int, msg: str) -> dict[str, Any]:
    return {"print": json.dumps({"cniVersion": "1.1.0", "code": code, "msg": msg}), "exit": 1}


def test_T94_T103_plugins_and_their_ipam_are_asked_in_order(delegates: Delegates, chain: Build, log: Path) -> None:
    config = chain({"tag": "a", "ipam": {"type": "pool"}}, {"tag": "b"})
    delegates.status(config, NODE_WIDE)
    assert commands(log) == [("STATUS", "a"), ("STATUS", "a"), ("STATUS", "b")], "T94: a, its IPAM, b"
    assert delegates.collect(config, NODE_WIDE, valid) == []
    assert commands(log)[3:] == [("GC", "a"), ("GC", "a"), ("GC", "b")], "T103: a, its IPAM, b"
    for call in calls(log):
        assert set(call["env"]) == {"CNI_COMMAND", "CNI_PATH", "TRACEPARENT"}
        assert (call["config"]["name"], call["config"]["cniVersion"]) == ("net", "1.1.0")


def test_T100_delegates_are_told_what_stays_under_both_keys(delegates: Delegates, chain: Build, log: Path) -> None:
    delegates.collect(chain({"cni.dev/valid-attachments": "of the file"}), NODE_WIDE, valid)
    (call,) = calls(log)
    assert call["config"]["cni.dev/valid-attachments"] == call["config"]["cni.dev/attachments"] == VALID


@pytest.mark.parametrize(
    ("plugin", "keys"),
    [
        pytest.param({"type": "old"}, {}, id="T96 the program knows no STATUS"),
        pytest.param({}, {"cniVersion": "1.0.0"}, id="T96 the configuration is older than STATUS"),
    ],
)
def test_delegates_without_status_and_gc_are_skipped(
    delegates: Delegates, chain: Build, log: Path, plugin: dict[str, Any], keys: dict[str, Any]
) -> None:
    config = chain(plugin, **keys)
    delegates.status(config, NODE_WIDE)
    assert delegates.collect(config, NODE_WIDE, valid) == []
    assert commands(log) == []


def test_a_plugin_that_was_replaced_is_asked_anew_what_it_knows(
    delegates: Delegates, chain: Build, log: Path, tmp_path: Path
) -> None:
    config = chain({"type": "old"})
    delegates.status(config, NODE_WIDE)
    fresh = install_scripted(tmp_path / "new", "old")
    fresh.rename(tmp_path / "bin/old")
    delegates.status(config, NODE_WIDE)
    assert commands(log) == [("STATUS", "old")]


def test_T94_the_first_error_is_returned_and_the_others_are_told(delegates: Delegates, chain: Build) -> None:
    config = chain({}, {"status": said(51, "no way out")}, {"status": said(50, "starting")})
    with pytest.raises(DelegateError, match="no way out") as caught:
        delegates.status(config, NODE_WIDE)
    assert caught.value.code == 51, "T93"
    assert "starting" in caught.value.details


def test_T104_gc_goes_on_after_a_failure(delegates: Delegates, chain: Build, log: Path) -> None:
    config = chain({"gc": said(120, "first")}, {"gc": said(121, "second")}, {})
    assert [error.code for error in delegates.collect(config, NODE_WIDE, valid)] == [120, 121]
    assert len(calls(log)) == 3


def test_T104_gc_of_a_list_that_cannot_be_run_is_a_problem_like_others(delegates: Delegates, chain: Build) -> None:
    (problem,) = delegates.collect(chain({}, cniVersion="7.0.0"), NODE_WIDE, valid)
    assert problem.code == 1


@pytest.mark.parametrize("value", [True, "true"])
def test_T107_disable_gc_keeps_a_list_out_of_it(delegates: Delegates, chain: Build, log: Path, value: object) -> None:
    assert delegates.collect(chain({}, disableGC=value), NODE_WIDE, valid) == []
    assert commands(log) == []


def test_T106_gc_waits_for_an_add_on_its_network_and_counts_it(
    delegates: Delegates, chain: Build, log: Path, tmp_path: Path
) -> None:
    reached, go = tmp_path / "reached", tmp_path / "go"
    added = threading.Event()

    def present() -> Sequence[dict[str, str]]:
        return VALID if added.is_set() else []

    def add() -> None:
        delegates.add(chain({"add": {"touch": str(reached), "wait_for": str(go)}}), CONTAINER)
        added.set()

    with ThreadPoolExecutor(2) as pool:
        adding = pool.submit(add)
        _until(reached.exists)
        collecting = pool.submit(delegates.collect, chain({}), NODE_WIDE, present)
        elsewhere = chain({}, name="other")
        assert delegates.collect(elsewhere, NODE_WIDE, valid) == [], "another network does not wait"
        time.sleep(0.2)
        assert not collecting.done()
        go.touch()
        adding.result(5)
        assert collecting.result(5) == []
    assert commands(log)[-1] == ("GC", "scripted")


def test_T106_an_add_waits_for_a_gc_of_its_network(
    delegates: Delegates, chain: Build, log: Path, tmp_path: Path
) -> None:
    reached, go = tmp_path / "reached", tmp_path / "go"
    slow = chain({"gc": {"touch": str(reached), "wait_for": str(go)}})
    with ThreadPoolExecutor(2) as pool:
        collecting = pool.submit(delegates.collect, slow, NODE_WIDE, valid)
        _until(reached.exists)
        adding = pool.submit(delegates.add, chain({}), CONTAINER)
        time.sleep(0.2)
        assert commands(log) == [("GC", "scripted")]
        go.touch()
        assert (collecting.result(5), bool(adding.result(5))) == ([], True)


def test_T106_a_gc_waits_no_longer_than_it_may() -> None:
    gates = NetworkGates()
    with gates.shared("net", 1.0):
        with pytest.raises(GateTimeout), gates.alone("net", 0.05):
            pass
        with gates.shared("net", 0.05):
            pass  # who gave up holds nobody back


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
