"""Delegates that fail in every way: one JSON error with a code each time, and nothing left of the whole ADD."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.conftest import furnish
from tests.support.node import Node, Reply, links, node, rules
from tests.support.scripted import calls

pytestmark = pytest.mark.netns

DEADLINE_SECONDS = 2.0
RESULT = '{"cniVersion": "1.0.0"'
HUGE = "x" * 1_000_000


def with_result(**keys: object) -> dict[str, Any]:
    return {"print": json.dumps({"cniVersion": "1.0.0", **keys})}


# How it acts, the code, and a word that the message or the details must have.
FAILURES: dict[str, tuple[dict[str, Any], int, str]] = {
    "cut off": ({"print": RESULT}, 6, RESULT),
    "no JSON": ({"print": "done!"}, 6, "done!"),
    "no object": ({"print": "[]"}, 6, "[]"),
    "no text": ({"print": "\0\1"}, 6, "not a result"),
    "nothing, status 0": ({"print": ""}, 6, "no result"),
    "nothing, status 1": ({"print": "", "exit": 1}, 100, "without a word"),
    "no JSON, status 1": ({"print": "oops", "exit": 1}, 100, "oops"),
    "stderr only": ({"print": "", "stderr": "no route", "exit": 1}, 100, "no route"),
    "an error without a code": ({"print": '{"msg": "hm"}', "exit": 1}, 100, "hm"),
    "an error with a code that is none": ({"print": '{"code": "seven", "msg": "hm"}', "exit": 1}, 100, "hm"),
    "an error with code zero": ({"print": '{"code": 0, "msg": "hm"}', "exit": 1}, 100, "hm"),
    "an error with a code below zero": ({"print": '{"code": -7, "msg": "hm"}', "exit": 1}, 100, "hm"),
    "an error with true for its code": ({"print": '{"code": true, "msg": "hm"}', "exit": 1}, 100, "hm"),
    "an error with a code beyond 32 bits": ({"print": f'{{"code": {2**40}, "msg": "hm"}}', "exit": 1}, 100, "hm"),
    "an error without words": ({"print": '{"code": 7, "msg": ""}', "exit": 1}, 7, "without a message"),
    "an error of several lines": ({"print": '{"code": 7, "msg": "a\\nb"}', "exit": 1}, 7, "a b"),
    "status 0 with a MAC that is none": (with_result(interfaces=[{"name": "eth1", "mac": 7}]), 6, "mac"),
    "status 0 with addresses that are none": (with_result(ips=[{"address": "ten"}]), 6, "ten"),
    "status 0 with addresses in no list": (with_result(ips=7), 6, "cni:told"),
    "status 0 with interfaces that are no objects": (with_result(interfaces=["eth0"]), 6, "cni:told"),
    "status 0 with a route to nowhere": (with_result(routes=[{"dst": "nowhere"}]), 6, "nowhere"),
    "status 0 with a route by nobody": (with_result(routes=[{"dst": "10.0.0.0/8", "gw": "me"}]), 6, "'me'"),
    "status 0 with an address that is a number": (with_result(ips=[{"address": 7}]), 6, "address"),
    "status 0 with names in no list": (with_result(dns={"nameservers": 7}), 6, "cni:told"),
    "status 0 with dns that is no object": (with_result(dns=["10.0.0.1"]), 6, "cni:told"),
    "huge": ({"print": HUGE, "repeat": 6}, 6, "not a result"),
    "huge, status 1": ({"print": HUGE, "repeat": 6, "stderr": HUGE, "exit": 1}, 100, "xxx"),
    "hang": ({"wait": 600}, 101, "did not end within"),
    "hang with a child": ({"wait": 600, "child": 600}, 101, "did not end within"),
    "a child that outlives it": ({"child": 600.125, "print": "", "exit": 1}, 100, "exit status 1"),
    "killed": ({"kill": int(signal.SIGKILL)}, 100, "signal 9"),
    "crashed": ({"print": "", "stderr": "SIGSEGV", "kill": int(signal.SIGSEGV)}, 100, "SIGSEGV"),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with node(tmp_path_factory.mktemp("node"), delegateDeadline=f"{DEADLINE_SECONDS:g}s") as made:
        furnish(made)
        made.start()
        yield made


@pytest.fixture
def here(shared: Node) -> Iterator[Node]:
    """The node; at the end of the test nothing of it is left, and nothing surprised the agent."""
    logged = len((shared.path / "agent.log").read_text())
    (shared.path / "fuse").touch()
    yield shared
    assert shared.rows() == []
    assert "failed unexpectedly" not in (shared.path / "agent.log").read_text()[logged:]


def tell(here: Node, command: str, act: dict[str, Any]) -> None:
    """Let the scripted plugin act so at that command, as long as the fuse is there."""
    fuse = str(here.path / "fuse")
    told = {"type": "scripted", command.lower(): {**act, "while": fuse}}
    here.network("30-told.conflist", told, cniVersion="1.1.0")


def the_error(reply: Reply) -> dict[str, Any]:
    """The one JSON object of a failure, of a size that a log takes."""
    assert (reply.status, reply.stderr) == (1, "")
    assert len(reply.stdout) < 20_000
    error: dict[str, Any] = reply.json
    assert "Traceback" not in reply.stdout.decode()
    return error


@pytest.mark.parametrize("name", FAILURES)
def test_a_failing_add_leaves_nothing(here: Node, name: str) -> None:
    act, code, word = FAILURES[name]
    tell(here, "ADD", act)
    workload = here.workload()
    started = time.monotonic()
    error = the_error(here.genie("ADD", workload, "blue,told,red"))
    assert time.monotonic() - started < DEADLINE_SECONDS + 5
    assert error["code"] == code, error
    assert word in error["msg"] + error["details"]
    assert "cni:told" in error["details"]
    assert (here.rows(), here.addresses_taken(), links(workload), rules(workload)) == ([], [], {"lo"}, [])
    assert not {link for link in here.links() if link.startswith("veth")}
    assert not _running("600.125"), "what it started died with it"
    assert here.genie("DEL", workload).status == 0, "the runtime's, after a failed ADD"


@pytest.mark.parametrize("result", [{"ips": 7}, {"ips": [{}]}, {"interfaces": [{"name": 7}]}, {"ip4": []}], ids=str)
def test_a_runtimes_result_that_cannot_be_read_is_refused_before_anything_acts(
    here: Node, result: dict[str, Any]
) -> None:
    tell(here, "ADD", {})
    here.calls.unlink(missing_ok=True)
    workload = here.workload()
    env = here.environment("ADD", workload, "told,blue")
    error = the_error(here.call(env, {"cniVersion": "1.0.0", "name": "pods", "type": "genie", "prevResult": result}))
    assert (error["code"], "prevResult" in error["msg"]) == (6, True), error
    assert calls(here.calls) == []


@pytest.mark.parametrize("name", [n for n, (act, _, _) in FAILURES.items() if "exit" in act or "kill" in act])
def test_a_failing_del_is_owed_until_it_succeeds(here: Node, name: str) -> None:
    act, code, _ = FAILURES[name]
    tell(here, "DEL", act)
    workload = here.workload()
    assert here.genie("ADD", workload, "blue,told,red").status == 0
    error = the_error(here.genie("DEL", workload))
    assert error["code"] == code
    assert [row[1:] for row in here.rows()] == [("eth1", 0, "deleting")], "the others are gone"
    (here.path / "fuse").unlink()
    assert here.genie("DEL", workload).status == 0
    assert (here.rows(), here.addresses_taken(), links(workload)) == ([], [], {"lo"})


@pytest.mark.parametrize("name", ["nothing, status 1", "huge, status 1", "hang", "killed"])
@pytest.mark.parametrize("command", ["CHECK", "STATUS", "GC"])
def test_a_failing_question_is_an_error_and_changes_nothing(here: Node, command: str, name: str) -> None:
    act, code, _ = FAILURES[name]
    tell(here, command, act)
    workload = here.workload()
    assert here.genie("ADD", workload, "told,blue").status == 0
    if command == "CHECK":
        failed = here.genie(command, workload)
    else:
        valid = {"cni.dev/valid-attachments": [{"containerID": workload, "ifname": "eth0"}]}
        failed = here.about_node(command, default_plugin="told", **valid)
    assert the_error(failed)["code"] == code
    assert links(workload) == {"lo", "eth1"}
    assert here.genie("DEL", workload).status == 0


def _running(argument: str) -> bool:
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if argument.encode() in process.read_bytes():
                return True
        except OSError:
            continue
    return False
