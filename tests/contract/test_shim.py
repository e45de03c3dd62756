"""What ``genie`` owes a container runtime and the agent. T-numbers are those of the CNI checklist."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import tomllib
from pathlib import Path

import pytest

from cni.protocol import VERSIONS
from cni.wire import MAX_FRAME, MAX_STDIN
from tests.support.shim import (
    CONFIGURATION,
    RESULT,
    ROOT,
    Shim,
    body,
    environment_of,
    header,
    problem,
    raw,
    reply,
)

NEWEST = "1.1.0"
# --- VERSION and the about text ---------------------------------------------------------------------------------


def test_T31_version_needs_no_agent(shim: Shim) -> None:
    done = shim.call("VERSION", b"")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"cniVersion": NEWEST, "supportedVersions": list(VERSIONS)}
    assert done.stderr == b""


@pytest.mark.parametrize("given", ["0.1.0", "1.0.0", "1.1.0"])
def test_T32_version_echoes_the_input(shim: Shim, given: str) -> None:
    done = shim.call("VERSION", json.dumps({"cniVersion": given}).encode())
    assert json.loads(done.stdout)["cniVersion"] == given


def test_T30_version_with_stdin_closed(shim: Shim) -> None:
    done = shim.run(["sh", "-c", "exec {genie} <&-"], env=shim.environment("VERSION"))
    assert (done.returncode, json.loads(done.stdout)["cniVersion"]) == (0, NEWEST)


def test_T30_version_does_not_wait_for_an_input_that_never_ends(shim: Shim) -> None:
    silent, held = os.pipe()
    try:
        started = time.monotonic()
        done = shim.run(["{genie}"], env=shim.environment("VERSION"), stdin=silent)
        assert time.monotonic() - started < 5
    finally:
        os.close(silent)
        os.close(held)
    assert (done.returncode, json.loads(done.stdout)["cniVersion"]) == (0, NEWEST)


@pytest.mark.parametrize("environment", [{}, {"CNI_COMMAND": ""}], ids=["absent", "empty"])
def test_T12_without_a_command_it_says_what_it_is(shim: Shim, environment: dict[str, str]) -> None:
    done = shim.run(["{genie}"], env=environment, input=b"")
    assert (done.returncode, done.stdout) == (0, b"")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert done.stderr.decode().startswith(f"genie {project['version']}:")
    assert done.stderr.decode().rstrip().endswith(" ".join(VERSIONS))


# --- what the agent gets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["ADD", "DEL", "CHECK", "GC", "STATUS"])
def test_T120_the_whole_environment_and_stdin_byte_for_byte(shim: Shim, command: str) -> None:
    extra = {"TRACEPARENT": "00-1-2-01", "CNI_NETNS_OVERRIDE": "TRUE", "EMPTY": "", "TWO": "a=b", "ODD": "\udcff\n"}
    configuration = b'{"name":"x"}\0\xff\x00' + bytes(range(256))
    with shim.agent(reply(0, b"")).serving() as agent:
        done = shim.call(command, configuration, **extra)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")  # T22, T23
    assert agent.requests == [body(shim.environment(command, **extra), configuration)]


@pytest.mark.parametrize("name", ["TRACEPARENT", "TRACESTATE", "BAGGAGE"])
def test_T19_trace_context_is_forwarded(shim: Shim, name: str) -> None:
    with shim.agent(reply(0, RESULT)).serving() as agent:
        shim.call("ADD", **{name: "value"})
    assert environment_of(agent.requests[0])[name] == "value"


@pytest.mark.parametrize("size", [0, 64 * 1024 + 1, MAX_STDIN], ids=["none", "over 64 KiB", "1 MiB"])
def test_T18_stdin_up_to_its_limit(shim: Shim, size: int) -> None:
    configuration = os.urandom(size)
    with shim.agent(reply(0, RESULT)).serving() as agent:
        done = shim.call("ADD", configuration)
    assert (done.returncode, done.stdout) == (0, RESULT)
    assert agent.requests[0].endswith(b"\0\0" + configuration)


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ("/run/netns/w01", "/run/netns/w01"),
        ("", ""),
        ("/proc/4711/ns/net", "/proc/4711/ns/net"),
        ("/proc/selfish/x", "/proc/selfish/x"),
        ("/proc/self/ns/net", "/proc/{pid}/ns/net"),
        ("/proc/thread-self/ns/net", "/proc/{pid}/ns/net"),
        ("netns/w01", "{cwd}/netns/w01"),
        ("./w01", "{cwd}/./w01"),
    ],
)
def test_a_namespace_means_the_same_to_the_agent(shim: Shim, given: str, passed: str) -> None:
    environment = shim.environment("ADD", CNI_NETNS=given)
    with shim.agent(reply(0, RESULT)).serving() as agent:
        with subprocess.Popen([shim.binary], env=environment, stdin=subprocess.DEVNULL, cwd=shim.place) as process:
            pid = process.pid
        assert process.returncode == 0
    assert environment_of(agent.requests[0])["CNI_NETNS"] == passed.format(pid=pid, cwd=shim.place)


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ("/usr/lib/cni:/opt/cni/bin", "/usr/lib/cni:/opt/cni/bin"),
        ("bin:/usr/lib/cni:./x", "{cwd}/bin:/usr/lib/cni:{cwd}/./x"),
        (":/usr/lib/cni:", ":/usr/lib/cni:"),
        ("/proc/self:/x/", "/proc/self:/x/"),
        ("", ""),
    ],
)
def test_T119_the_agent_finds_plugins_where_the_caller_would(shim: Shim, given: str, passed: str) -> None:
    with shim.agent(reply(0, RESULT)).serving() as agent:
        shim.run(["{genie}"], env=shim.environment("ADD", CNI_PATH=given), input=CONFIGURATION, cwd=shim.place)
    assert environment_of(agent.requests[0])["CNI_PATH"] == passed.format(cwd=shim.place)


def test_the_agent_can_open_its_own_namespace_while_the_shim_waits(shim: Shim) -> None:
    seen: list[int] = []

    def look(connection: socket.socket, request: bytes) -> None:
        seen.append(Path(environment_of(request)["CNI_NETNS"]).stat().st_ino)
        reply(0, RESULT)(connection, request)

    with shim.agent(look).serving():
        shim.call("ADD", CNI_NETNS="/proc/self/ns/net")
    assert seen == [Path("/proc/self/ns/net").stat().st_ino]


# --- what the runtime gets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [0, 1, 7, 255])
def test_T26_the_agents_answer_and_status_pass_unchanged(shim: Shim, status: int) -> None:
    answer = b'{"cniVersion":"0.4.0","code":107,"msg":"\xc3\xa9","details":"\\u0000"}\0 \n'
    with shim.agent(reply(status, answer)).serving():
        done = shim.call("ADD")
    assert (done.returncode, done.stdout, done.stderr) == (status, answer, b"")


def test_T20_one_result_only_whatever_follows(shim: Shim) -> None:
    with shim.agent(raw(header(1 + len(RESULT)) + b"\0" + RESULT + b"and more")).serving():
        assert shim.call("ADD").stdout == RESULT


def test_a_reply_that_comes_byte_by_byte(shim: Shim) -> None:
    def drip(connection: socket.socket, _: bytes) -> None:
        for byte in header(1 + len(RESULT)) + b"\0" + RESULT:
            connection.sendall(bytes([byte]))
            time.sleep(0.002)

    with shim.agent(drip).serving():
        assert shim.call("ADD").stdout == RESULT


def test_the_largest_reply(shim: Shim) -> None:
    answer = bytes(16 * 1024 * 1024 - 1)
    with shim.agent(raw(header(1 + len(answer)) + b"\0" + answer)).serving():
        done = shim.call("ADD")
    assert (done.returncode, done.stdout == answer) == (0, True)


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"], ids=["full", "closed"])
def test_an_answer_that_cannot_be_printed_is_a_failure(shim: Shim, redirection: str) -> None:
    with shim.agent(reply(0, RESULT)).serving() as agent:
        done = shim.run(["sh", "-c", f"exec {{genie}} {redirection}"], env=shim.environment("ADD"), input=CONFIGURATION)
    assert done.returncode == 1
    assert b"cannot be written to stdout" in done.stderr
    assert agent.requests[0].endswith(CONFIGURATION)  # a closed stdout's number was not the socket's


def test_a_reader_that_went_away_is_a_failure_and_no_signal(shim: Shim) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with shim.agent(reply(0, RESULT)).serving():
        done = subprocess.run([shim.binary], env=shim.environment("ADD"), input=b"", stdout=write_end, check=False)
    os.close(write_end)
    assert done.returncode == 1


def test_all_three_streams_closed(shim: Shim) -> None:
    with shim.agent(reply(0, RESULT)).serving() as agent:
        done = shim.run(["sh", "-c", "exec {genie} <&- >&- 2>&-"], env=shim.environment("ADD"))
    assert done.returncode == 1
    assert agent.requests == []


# --- input that never reaches the agent -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "fill", "version"),
    [(CONFIGURATION, b" ", "0.4.0"), (b"", b" ", NEWEST), (b'{"a":', b"[", NEWEST), (b'{"a":"', b"\\", NEWEST)],
    ids=["configuration", "spaces", "brackets", "backslashes"],
)
def test_stdin_over_its_limit_is_error_6(shim: Shim, start: bytes, fill: bytes, version: str) -> None:
    configuration = start + fill * (MAX_STDIN + 1 - len(start))  # fills the buffer: the scanner must stop at its end
    with shim.agent(reply(0, RESULT)).serving() as agent:
        answer = problem(shim.call("DEL", configuration), 6)
    assert "1 MiB" in answer["details"]
    assert answer["cniVersion"] == version
    assert (agent.requests, shim.records()) == ([], [])


@pytest.mark.parametrize("redirection", ["<&-", "<.", "0>/dev/null"], ids=["closed", "directory", "write-only"])
def test_T09_stdin_unreadable_is_error_5(shim: Shim, redirection: str) -> None:
    with shim.agent(reply(0, RESULT)).serving() as agent:
        done = shim.run(["sh", "-c", f"exec {{genie}} {redirection} | cat"], env=shim.environment("ADD"))
    assert json.loads(done.stdout)["code"] == 5
    assert agent.requests == []


def test_T09_stdin_that_never_ends_is_error_5(shim: Shim) -> None:
    silent, held = os.pipe()
    try:
        environment = shim.environment("ADD", GENIE_DEADLINE_SECONDS="0.2")
        answer = problem(shim.run(["{genie}"], env=environment, stdin=silent), 5)
    finally:
        os.close(silent)
        os.close(held)
    assert "deadline" in answer["details"]


def test_an_environment_too_large_for_a_frame_is_error_4(shim: Shim) -> None:
    filler = {f"FILLER{number}": "x" * 100_000 for number in range(3)}
    with shim.agent(reply(0, RESULT)).serving() as agent:
        answer = problem(shim.call("DEL", bytes(MAX_STDIN), **filler), 4)
    assert str(MAX_FRAME) in answer["details"]
    assert (agent.requests, shim.records()) == ([], [])


def test_an_environment_that_just_fits(shim: Shim) -> None:
    room = MAX_FRAME - len(body(shim.environment("ADD", A="", B="", C=""), bytes(MAX_STDIN)))
    filler = {"A": "x" * 100_000, "B": "x" * 100_000, "C": "x" * (room - 200_000)}
    with shim.agent(reply(0, RESULT)).serving() as agent:
        assert shim.call("ADD", bytes(MAX_STDIN), **filler).returncode == 0
        problem(shim.call("ADD", bytes(MAX_STDIN), **{**filler, "C": filler["C"] + "x"}), 4)
    assert [len(request) for request in agent.requests] == [MAX_FRAME]


def test_a_relative_namespace_in_a_directory_that_is_gone_is_error_4(shim: Shim) -> None:
    script = 'mkdir "$0" && cd "$0" && rmdir "$0" && exec {genie}'
    environment = shim.environment("ADD", CNI_NETNS="netns/w01")
    with shim.agent(reply(0, RESULT)).serving() as agent:
        done = shim.run(["sh", "-c", script, str(shim.place / "gone")], env=environment, input=CONFIGURATION)
    assert "netns/w01" in problem(done, 4)["details"]
    assert agent.requests == []


# --- the shim's own answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("configuration", "version"),
    [
        (b"", NEWEST),
        (b"not JSON", NEWEST),
        (b"{", NEWEST),
        (b'{"', NEWEST),
        (b'{"cniVersion', NEWEST),
        (b'{"cniVersion"', NEWEST),
        (b'{"cniVersion":', NEWEST),
        (b'{"cniVersion":"', NEWEST),
        (b'{"cniVersion":"0.3.1', NEWEST),
        (b'{"cniVersion":"0.3.1"', "0.3.1"),
        (b'{"cniVersion":"0.3.1"}', "0.3.1"),
        (b' \r\n\t{ "cniVersion" : "0.3.1" } ', "0.3.1"),
        (b'{"name":"a\\"b,}","cniVersion":"0.3.1"}', "0.3.1"),
        (b'{"plugins":[{"cniVersion":"9.9.9","a":"]}\\\\"}],"cniVersion":"0.3.1"}', "0.3.1"),
        (b'{"a":1.5e3,"b":null,"c":[],"d":{},"cniVersion":"0.3.1"}', "0.3.1"),
        (b'{"plugins":[{"cniVersion":"9.9.9"}]}', NEWEST),
        (b'[{"cniVersion":"0.3.1"}]', NEWEST),
        (b'{"a":[[[[', NEWEST),
        (b"[" * 100_000, NEWEST),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b',"cniVersion":"0.3.1"}', "0.3.1"),
        (b'{"a":"\\', NEWEST),
        (b'{"cniVersion":1}', NEWEST),
        (b'{"cniVersion":""}', NEWEST),
        (b'{"cniVersion":"0.3.1\\u0000"}', NEWEST),
        (b'{"cniVersion":"\x00"}', NEWEST),
        (b'{"cniVersion":"' + b"1" * 33 + b'"}', NEWEST),
        (b'{"cniVersion":"' + b"1" * 32 + b'"}', "1" * 32),
        (b'{"a":\x00,"cniVersion":"0.3.1"}', NEWEST),
        (b'{,"cniVersion":"0.3.1"}', NEWEST),
    ],
)
def test_an_error_speaks_the_inputs_version_where_there_is_one(shim: Shim, configuration: bytes, version: str) -> None:
    assert problem(shim.call("ADD", configuration), 11)["cniVersion"] == version


def test_T21_errors_are_json_whatever_they_quote(shim: Shim) -> None:
    odd = bytes(byte for byte in range(1, 256)).decode("latin-1")
    environment = {os.fsencode(key): os.fsencode(value) for key, value in shim.environment("").items()}
    for start in range(0, 255, 50):
        quoted = odd[start : start + 50]
        environment[b"CNI_COMMAND"] = quoted.encode("latin-1")
        answer = problem(shim.run(["{genie}"], env=environment, input=b""), 4)
        assert answer["msg"] == f"unknown CNI_COMMAND: {quoted}"


@pytest.mark.parametrize("setting", ["", "soon", "-1", "0", "nan", "inf", "1e9", "0.01s"])
def test_a_deadline_that_makes_no_sense_is_passed_over(shim: Shim, setting: str) -> None:
    def slowly(connection: socket.socket, request: bytes) -> None:
        time.sleep(0.1)
        reply(0, RESULT)(connection, request)

    with shim.agent(slowly).serving():
        assert shim.call("ADD", GENIE_DEADLINE_SECONDS=setting).stdout == RESULT
