"""Delegates as libcni runs them: real processes, a scripted plugin in place of a network."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cni.delegate import DelegateError, Delegates, Invocation
from tests.support.scripted import calls, commands, install_scripted

Build = Callable[..., bytes]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.fixture
def bin_dir(tmp_path: Path) -> Path:
    install_scripted(tmp_path / "bin")
    return tmp_path / "bin"


@pytest.fixture
def delegates(bin_dir: Path) -> Delegates:
    return Delegates((str(bin_dir),), 10.0)


@pytest.fixture
def chain(log: Path) -> Build:
    def build(*plugins: dict[str, Any], **keys: Any) -> bytes:
        listed = [{"type": "scripted", "log": str(log), **plugin} for plugin in plugins]
        return json.dumps({"cniVersion": "0.4.0", "name": "net", "plugins": listed, **keys}).encode()

    return build


CALL = Invocation(container_id="c1", netns="/run/netns/c1", ifname="eth0", args="IgnoreUnknown=1")


def failure(delegates: Delegates, config: bytes, call: Invocation = CALL) -> DelegateError:
    with pytest.raises(DelegateError) as caught:
        delegates.add(config, call)
    return caught.value


def test_what_is_to_be_done_first_is_done_before_the_first_plugin_acts(
    delegates: Delegates, chain: Build, log: Path
) -> None:
    seen: list[bool] = []
    config = chain({"tag": "a"}, {"tag": "b"})
    delegates.add(config, replace(CALL, begun=lambda: seen.append(log.exists())))
    assert seen == [False]
    log.unlink()

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        delegates.add(config, replace(CALL, begun=fail))
    assert not log.exists(), "no plugin was ever told anything"


def test_a_chain_passes_results_on_and_del_goes_backwards(delegates: Delegates, chain: Build, log: Path) -> None:
    config = chain({"tag": "a"}, {"tag": "b"})
    result = delegates.add(config, CALL)
    delegates.delete(config, CALL, result)
    assert json.loads(result)["tags"] == ["a", "b"]
    assert commands(log) == [("ADD", "a"), ("ADD", "b"), ("DEL", "b"), ("DEL", "a")]
    first, second, *dels = calls(log)
    assert "prevResult" not in first["config"], "T115"
    assert second["config"]["prevResult"]["tags"] == ["a"]
    assert [each["config"]["prevResult"] for each in dels] == [json.loads(result)] * 2, "T69: the final result, to all"


def test_T112_name_and_version_are_injected_and_the_rest_is_as_written(
    delegates: Delegates, chain: Build, log: Path
) -> None:
    delegates.add(chain({"unknown": {"x": [1, 2.5, None]}, "cni.dev/reserved": 1, "capabilities": {}}), CALL)
    (call,) = calls(log)
    assert (call["config"]["name"], call["config"]["cniVersion"]) == ("net", "0.4.0")
    assert call["config"]["unknown"] == {"x": [1, 2.5, None]}, "T116"
    assert not {"cni.dev/reserved", "capabilities", "runtimeConfig"} & set(call["config"]), "T114 T116"


def test_T114_each_plugin_gets_the_capabilities_that_it_declares(delegates: Delegates, chain: Build, log: Path) -> None:
    supplied = {"portMappings": [{"hostPort": 80}], "ips": ["10.0.0.1"], "mac": "x"}
    call = Invocation(container_id="c1", netns="", ifname="eth0", capabilities=json.dumps(supplied).encode())
    delegates.add(chain({"capabilities": {"portMappings": True, "ips": False, "dns": True}}, {}), call)
    first, second = calls(log)
    assert first["config"]["runtimeConfig"] == {"portMappings": [{"hostPort": 80}]}
    assert "runtimeConfig" not in second["config"]


def test_T120_the_environment_is_the_calls(
    delegates: Delegates, chain: Build, log: Path, bin_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNI_STRAY", "of the agent")
    env = {"CNI_PATH": "/somewhere", "TRACEPARENT": "00-1-2-01", "CNI_COMMAND": "CHECK"}
    delegates.add(chain({}), Invocation(container_id="c1", netns="/n", ifname="eth0", args="A=1", env=env))
    assert calls(log)[0]["env"] == {
        "CNI_COMMAND": "ADD",
        "CNI_CONTAINERID": "c1",
        "CNI_NETNS": "/n",
        "CNI_IFNAME": "eth0",
        "CNI_ARGS": "A=1",
        "CNI_PATH": f"/somewhere:{bin_dir}",
        "TRACEPARENT": "00-1-2-01",
    }, "T19 T119"


@pytest.mark.parametrize(("version", "carried"), [("0.3.1", False), ("0.4.0", True), ("1.0.0", True)])
def test_T69_a_del_carries_the_result_from_0_4_0_on(
    delegates: Delegates, chain: Build, log: Path, version: str, carried: bool
) -> None:
    delegates.delete(chain({}, cniVersion=version), CALL, b'{"ips": []}')
    assert ("prevResult" in calls(log)[0]["config"]) is carried


def test_T113_the_highest_common_version_is_used(delegates: Delegates, chain: Build, log: Path) -> None:
    delegates.add(chain({}, cniVersion="0.3.1", cniVersions=["0.4.0", "1.1.0", "7.0.0"]), CALL)
    assert calls(log)[0]["config"]["cniVersion"] == "1.1.0"


def test_T47_a_failed_chain_is_undone_backwards_and_its_error_kept(
    delegates: Delegates, chain: Build, log: Path
) -> None:
    said = json.dumps({"cniVersion": "0.4.0", "code": 142, "msg": "no more", "details": "full"})
    error = failure(delegates, chain({"tag": "a"}, {"tag": "b", "add": {"print": said, "exit": 1}}, {"tag": "c"}))
    assert (error.code, error.msg, error.details) == (142, "no more", "full"), "T26"
    assert not error.left_behind
    assert commands(log) == [("ADD", "a"), ("ADD", "b"), ("DEL", "b"), ("DEL", "a")]


def test_T48_a_failing_undo_is_told_and_does_not_mask(delegates: Delegates, chain: Build, log: Path) -> None:
    broken = {"stderr": "undo is broken", "exit": 3}
    error = failure(delegates, chain({"tag": "a", "del": broken}, {"tag": "b", "add": {"stderr": "first", "exit": 1}}))
    assert "first" in error.msg
    assert "undo is broken" in error.details
    assert error.left_behind
    assert commands(log)[-1] == ("DEL", "a")


def test_T27_words_on_stderr_are_in_the_message(delegates: Delegates, chain: Build) -> None:
    error = failure(delegates, chain({"add": {"stderr": "panic: nil map", "print": "oops", "exit": 2}}))
    assert error.code >= 100
    assert "panic: nil map" in error.msg
    assert "oops" in error.msg


def test_T49_null_is_an_empty_result(delegates: Delegates, chain: Build) -> None:
    null = {"add": {"print": "null\n"}}
    assert json.loads(delegates.add(chain(null), CALL)) == {"cniVersion": "0.4.0"}
    assert json.loads(delegates.add(chain({"tag": "a"}, null), CALL))["tags"] == ["a"]


@pytest.mark.parametrize("stdout", ["", "  \n"], ids=["T49 empty", "T49 blank"])
def test_nothing_on_stdout_is_no_result(delegates: Delegates, chain: Build, log: Path, stdout: str) -> None:
    # As libcni has it: a plugin that attached something and does not say what is not to be trusted.
    error = failure(delegates, chain({"tag": "a"}, {"tag": "b", "add": {"print": stdout}}))
    assert (error.code, error.msg) == (6, "plugin scripted: ADD succeeded with no result")
    assert commands(log) == [("ADD", "a"), ("ADD", "b"), ("DEL", "b"), ("DEL", "a")]


def test_success_with_words_that_are_no_result_is_a_failure(delegates: Delegates, chain: Build, log: Path) -> None:
    assert "not a result" in failure(delegates, chain({"add": {"print": "done!"}})).msg
    assert commands(log)[-1] == ("DEL", "scripted")


def test_T71_del_goes_on_after_a_failure(delegates: Delegates, chain: Build, log: Path) -> None:
    with pytest.raises(DelegateError, match="stuck") as caught:
        delegates.delete(chain({"tag": "a"}, {"tag": "b", "del": {"stderr": "stuck", "exit": 1}}), CALL, None)
    assert commands(log) == [("DEL", "b"), ("DEL", "a")]
    assert caught.value.code == 100


def test_T123_at_the_deadline_the_whole_group_dies(chain: Build, bin_dir: Path) -> None:
    hanging = Delegates((str(bin_dir),), 0.5)
    started = time.monotonic()
    error = failure(hanging, chain({"add": {"child": 31.4159, "wait": 30}}))
    assert time.monotonic() - started < 5
    assert "did not end within 0.5 s" in error.msg
    assert not _running("31.4159")


def test_a_grandchild_that_keeps_the_pipes_does_not_hold_us(delegates: Delegates, chain: Build) -> None:
    started = time.monotonic()
    assert json.loads(delegates.add(chain({"add": {"child": 6}}), CALL))["tags"] == ["scripted"]
    assert time.monotonic() - started < 4


def test_much_output_neither_blocks_nor_is_lost(delegates: Delegates, chain: Build) -> None:
    long = json.dumps({"cniVersion": "0.4.0", "ips": [], "padding": "x" * 1_000_000})
    assert len(delegates.add(chain({"add": {"print": long, "stderr": "y" * 300_000}}), CALL)) > 1_000_000


def test_T18_much_input_is_taken(delegates: Delegates, chain: Build, log: Path) -> None:
    delegates.add(chain({"padding": "x" * 900_000}), CALL)
    assert len(calls(log)[0]["config"]["padding"]) == 900_000


@pytest.mark.parametrize("kind", ["missing", "../bin/scripted", "", "."])
def test_T119_a_plugin_is_found_by_its_plain_name_only(
    delegates: Delegates, chain: Build, log: Path, kind: str
) -> None:
    assert kind in failure(delegates, chain({"type": kind})).msg
    assert commands(log) == []


@pytest.mark.parametrize(
    "config",
    [b"", b"[]", b'{"plugins": [{"type": "x"}]}', b'{"name": "n"}', b'{"name": "n", "plugins": []}',
     b'{"name": "n", "plugins": [{}]}', b'{"name": "n", "plugins": [{"type": "x"}], "cniVersion": "7.0.0"}',
     b'{"name": "n", "plugins": [{"type": "scripted"}], "cniVersions": 7}',
     b'{"name": "n", "plugins": [{"type": "scripted"}], "cniVersions": {"1.0.0": 1}}',
     b'{"name": "../n", "plugins": [{"type": "scripted"}]}', b'{"name": "a/../n", "plugins": [{"type": "scripted"}]}',
     b'{"name": "n", "plugins": [{"type": "scripted"}], "a": ' + b"[" * 100_000],
)  # fmt: skip
def test_a_list_that_cannot_be_run_is_refused(delegates: Delegates, config: bytes) -> None:
    assert failure(delegates, config).code in (1, 7)


def test_an_environment_that_no_process_can_have_is_told(delegates: Delegates, chain: Build) -> None:
    error = failure(delegates, chain({}), replace(CALL, env={"": "a name that is none"}))
    assert "cannot be started" in error.msg


def test_T122_a_program_that_is_being_written_is_tried_again(delegates: Delegates, chain: Build, bin_dir: Path) -> None:
    # A script cannot be busy, a program can: the plugin is a copy of `cat` that is held open for writing.
    program = bin_dir / "busy"
    program.write_bytes(Path("/bin/cat").read_bytes())
    program.chmod(0o755)
    writing = os.open(program, os.O_WRONLY)
    with ThreadPoolExecutor(1) as pool:
        adding = pool.submit(delegates.add, chain({"type": "busy"}), CALL)
        time.sleep(0.3)
        assert not adding.done()
        os.close(writing)
        assert json.loads(adding.result(5))["type"] == "busy", "its configuration, as cat prints it"


def test_many_at_once_do_not_disturb_each_other(delegates: Delegates, chain: Build) -> None:
    with ThreadPoolExecutor(8) as pool:
        configs = [chain({"tag": f"t{number}"}) for number in range(24)]
        results = list(pool.map(lambda config: json.loads(delegates.add(config, CALL))["tags"], configs))
    assert results == [[f"t{number}"] for number in range(24)]


def _running(argument: str) -> bool:
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if argument.encode() in process.read_bytes():
                return True
        except OSError:
            continue
    return False
