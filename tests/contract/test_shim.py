"""What ``genie`` owes a container runtime and the agent. T-numbers are those of the CNI checklist."""

from __future__ import annotations

import itertools
import json
import os
import resource
import signal
import socket
import subprocess
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cni.protocol import REQUIRED, VERSIONS
from cni.wire import MAX_FRAME, MAX_STDIN
from tests.support.shim import (
    CONFIGURATION,
    RESULT,
    ROOT,
    Answer,
    Done,
    Shim,
    body,
    build_genie,
    environment_of,
    gone,
    header,
    raw,
    reply,
)

NEWEST = "1.0.0"
SWALLOWED = ("not found", "no such file or directory")
"""containerd takes a DEL that failed with these words for done."""


@pytest.fixture(scope="session", params=["genie", "genie-sanitized"])
def binary(request: pytest.FixtureRequest) -> Path:
    return build_genie(request.param)


@pytest.fixture
def shim(binary: Path, tmp_path: Path) -> Shim:
    return Shim(binary, tmp_path)


def problem(done: Done, code: int) -> dict[str, str]:
    """The error object on stdout, which is all that a failing call prints there (T21, T24)."""
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert set(answer) == {"cniVersion", "code", "msg", "details"}
    assert answer["code"] == code
    assert answer["msg"]
    assert not any(words in done.stdout.decode().lower() for words in SWALLOWED)  # T75
    return answer  # type: ignore[no-any-return]  # its keys were just looked at


# --- VERSION and the about text ---------------------------------------------------------------------------------


def test_t31_version_needs_no_agent(shim: Shim) -> None:
    done = shim.call("VERSION", stdin=b"")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"cniVersion": NEWEST, "supportedVersions": list(VERSIONS)}
    assert done.stderr == b""


@pytest.mark.parametrize("given", ["0.1.0", "1.0.0", "1.1.0"])
def test_t32_version_echoes_the_input(shim: Shim, given: str) -> None:
    done = shim.call("VERSION", stdin=json.dumps({"cniVersion": given}).encode())
    assert json.loads(done.stdout)["cniVersion"] == given


def test_t30_version_with_stdin_closed(shim: Shim) -> None:
    done = shim.run(["sh", "-c", "exec {genie} <&-"], env=shim.environment("VERSION"))
    assert (done.returncode, json.loads(done.stdout)["cniVersion"]) == (0, NEWEST)


def test_t30_version_does_not_wait_for_an_input_that_never_ends(shim: Shim) -> None:
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
def test_t12_without_a_command_it_says_what_it_is(shim: Shim, environment: dict[str, str]) -> None:
    done = shim.run(["{genie}"], env=environment, input=b"")
    assert (done.returncode, done.stdout) == (0, b"")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert done.stderr.decode().startswith(f"genie {project['version']}:")
    assert done.stderr.decode().rstrip().endswith(" ".join(VERSIONS))


# --- what the agent gets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["ADD", "DEL", "CHECK", "GC", "STATUS"])
def test_t120_the_whole_environment_and_stdin_byte_for_byte(shim: Shim, command: str) -> None:
    extra = {"TRACEPARENT": "00-1-2-01", "CNI_NETNS_OVERRIDE": "TRUE", "EMPTY": "", "TWO": "a=b", "ODD": "\udcff\n"}
    configuration = b'{"name":"x"}\0\xff\x00' + bytes(range(256))
    with shim.agent(reply(0, b"")).serving() as agent:
        done = shim.call(command, configuration, **extra)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")  # T22, T23
    assert agent.requests == [body(shim.environment(command, **extra), configuration)]


@pytest.mark.parametrize("name", ["TRACEPARENT", "TRACESTATE", "BAGGAGE"])
def test_t19_trace_context_is_forwarded(shim: Shim, name: str) -> None:
    with shim.agent(reply(0, RESULT)).serving() as agent:
        shim.call("ADD", **{name: "value"})
    assert environment_of(agent.requests[0])[name] == "value"


@pytest.mark.parametrize("size", [0, 64 * 1024 + 1, MAX_STDIN], ids=["none", "over 64 KiB", "1 MiB"])
def test_t18_stdin_up_to_its_limit(shim: Shim, size: int) -> None:
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
def test_t26_the_agents_answer_and_status_pass_unchanged(shim: Shim, status: int) -> None:
    answer = b'{"cniVersion":"0.4.0","code":107,"msg":"\xc3\xa9","details":"\\u0000"}\0 \n'
    with shim.agent(reply(status, answer)).serving():
        done = shim.call("ADD")
    assert (done.returncode, done.stdout, done.stderr) == (status, answer, b"")


def test_t20_one_result_only_whatever_follows(shim: Shim) -> None:
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


def test_stdin_over_its_limit_is_error_6(shim: Shim) -> None:
    configuration = CONFIGURATION + b" " * (MAX_STDIN + 1 - len(CONFIGURATION))
    with shim.agent(reply(0, RESULT)).serving() as agent:
        answer = problem(shim.call("DEL", configuration), 6)
    assert "1 MiB" in answer["details"]
    assert answer["cniVersion"] == "0.4.0"
    assert (agent.requests, shim.records()) == ([], [])


@pytest.mark.parametrize("redirection", ["<&-", "<.", "0>/dev/null"], ids=["closed", "directory", "write-only"])
def test_t09_stdin_unreadable_is_error_5(shim: Shim, redirection: str) -> None:
    with shim.agent(reply(0, RESULT)).serving() as agent:
        done = shim.run(["sh", "-c", f"exec {{genie}} {redirection} | cat"], env=shim.environment("ADD"))
    assert json.loads(done.stdout)["code"] == 5
    assert agent.requests == []


def test_t09_stdin_that_never_ends_is_error_5(shim: Shim) -> None:
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


# --- the agent is away ------------------------------------------------------------------------------------------


def broken(data: bytes) -> Answer:
    """A reply that ends too soon."""

    def answer(connection: socket.socket, request: bytes) -> None:
        connection.sendall(data)
        gone(connection, request)

    return answer


def hang(connection: socket.socket, _: bytes) -> None:
    """Never answers; returns when the shim has given up."""
    connection.recv(1)


def drip_for_ever(connection: socket.socket, _: bytes) -> None:
    """Always one more byte: a deadline per read would never pass."""
    connection.sendall(header(10_000) + b"\0")
    for _ in range(1000):
        connection.sendall(b"x")
        time.sleep(0.02)


AWAY: dict[str, Answer | None] = {
    "nobody": None,
    "gone": gone,
    "in the header": broken(header(20)[:2]),
    "before the status": broken(header(20)),
    "in the output": broken(header(1 + len(RESULT)) + b"\0" + RESULT[:-1]),
    "empty reply": raw(header(0)),
    "too large": raw(header(16 * 1024 * 1024 + 1)),
    "absurdly large": raw(b"\xff" * 4),
    "T24: failure without a word": reply(1, b""),
    "hangs": hang,
    "drips": drip_for_ever,
}


@pytest.fixture(params=list(AWAY))
def away(shim: Shim, request: pytest.FixtureRequest) -> Iterator[Shim]:
    answer = AWAY[request.param]
    if answer is None:
        yield shim
        return
    with shim.agent(answer).serving():
        yield shim


@pytest.mark.parametrize(("command", "code"), [("ADD", 11), ("CHECK", 11), ("GC", 11), ("STATUS", 50)])
def test_t92_the_agent_is_away(away: Shim, command: str, code: int) -> None:
    started = time.monotonic()
    answer = problem(away.call(command, GENIE_DEADLINE_SECONDS="0.3"), code)
    assert time.monotonic() - started < 5
    assert answer["cniVersion"] == "0.4.0"
    assert answer["details"]
    assert away.records() == []


def test_t77_a_del_while_the_agent_is_away_is_kept(away: Shim) -> None:
    before = time.time_ns()
    done = away.call("DEL", GENIE_DEADLINE_SECONDS="0.3")
    assert (done.returncode, done.stdout) == (0, b"")  # T23
    assert b"the deletion waits" in done.stderr
    (record,) = away.records()
    assert record.read_bytes() == body(away.environment("DEL", GENIE_DEADLINE_SECONDS="0.3"), CONFIGURATION)
    assert record.stat().st_mode & 0o7777 == 0o600
    moment, _, pid = record.name.removesuffix(".del").partition("-")
    assert before <= int(moment) <= time.time_ns()
    assert int(pid) > 0
    assert record.suffix == ".del"


def test_refused_connections(shim: Shim) -> None:
    with socket.socket(socket.AF_UNIX) as nobody_listens:
        nobody_listens.bind(str(shim.socket))
        assert "refused" in problem(shim.call("ADD"), 11)["details"].lower()
        assert shim.call("DEL").returncode == 0
    assert len(shim.records()) == 1


def test_an_agent_that_accepts_nobody(shim: Shim) -> None:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as only_guest:
        listener.bind(str(shim.socket))
        listener.listen(0)
        only_guest.connect(str(shim.socket))
        started = time.monotonic()
        answer = problem(shim.call("ADD", GENIE_DEADLINE_SECONDS="0.3"), 11)
    assert 0.3 <= time.monotonic() - started < 5
    assert "deadline" in answer["details"]


def test_an_agent_that_dies_while_a_large_request_is_sent(shim: Shim) -> None:
    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.recv(10)
        connection.close()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(shim.socket))
        listener.listen()
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        done = shim.call("DEL", bytes(MAX_STDIN))
        thread.join()
    assert (done.returncode, done.stdout) == (0, b"")
    assert [record.stat().st_size > MAX_STDIN for record in shim.records()] == [True]


def test_a_socket_path_too_long_for_the_kernel(shim: Shim) -> None:
    problem(shim.call("ADD", GENIE_AGENT_SOCKET="/" + "x" * 200), 11)


def test_t06_an_unknown_command_goes_to_the_agent(shim: Shim) -> None:
    answer = b'{"cniVersion":"0.4.0","code":4,"msg":"unknown CNI_COMMAND: DANCE","details":""}'
    with shim.agent(reply(1, answer)).serving():
        assert shim.call("DANCE").stdout == answer


def test_t06_an_unknown_command_while_the_agent_is_away(shim: Shim) -> None:
    assert problem(shim.call("DANCE"), 4)["msg"] == "unknown CNI_COMMAND: DANCE"


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("ADD", id="T02-ADD"),
        pytest.param("CHECK", id="T02-CHECK"),
        pytest.param("DEL", id="T03-DEL"),
        pytest.param("GC", id="T04-GC"),
        pytest.param("STATUS", id="T04-STATUS"),
    ],
)
def test_t05_every_missing_name_in_one_message_while_the_agent_is_away(shim: Shim, command: str) -> None:
    needs = [name for name, commands in REQUIRED.items() if command in commands and name != "CNI_COMMAND"]
    others = dict.fromkeys(REQUIRED.keys() - {"CNI_COMMAND"} - set(needs), "")
    for count in range(1, len(needs) + 1):
        for missing in itertools.combinations(needs, count):
            answer = problem(shim.call(command, **others, **dict.fromkeys(missing, "")), 4)
            assert answer["msg"].endswith("missing: " + ",".join(missing))
    assert shim.records() == []
    if command != "DEL":
        assert "away" in json.loads(shim.call(command, **others).stdout)["msg"]


# --- the spool --------------------------------------------------------------------------------------------------


def test_t60_two_dels_are_two_records_in_order(shim: Shim) -> None:
    for container in ("first", "second", "third"):
        assert shim.call("DEL", CNI_CONTAINERID=container).returncode == 0
    containers = [environment_of(record.read_bytes())["CNI_CONTAINERID"] for record in shim.records()]
    assert containers == ["first", "second", "third"]


def test_t62_a_del_without_a_namespace_is_kept_too(shim: Shim) -> None:
    assert shim.call("DEL", CNI_NETNS="").returncode == 0
    assert environment_of(shim.records()[0].read_bytes())["CNI_NETNS"] == ""


@pytest.mark.parametrize("netns", ["/proc/self/ns/net", "/proc/4711/ns/net"])
def test_t74_a_record_names_no_process_that_may_be_another_by_then(shim: Shim, netns: str) -> None:
    assert shim.call("DEL", CNI_NETNS=netns).returncode == 0
    assert shim.records()[0].read_bytes() == body(shim.environment("DEL", CNI_NETNS=""), CONFIGURATION)


def test_t77_many_dels_at_once(shim: Shim) -> None:
    environments = [shim.environment("DEL", CNI_CONTAINERID=f"c{number}") for number in range(20)]
    devnull = subprocess.DEVNULL
    processes = [subprocess.Popen([shim.binary], env=e, stdin=devnull, stderr=devnull) for e in environments]
    assert [process.wait() for process in processes] == [0] * 20
    kept = {environment_of(record.read_bytes())["CNI_CONTAINERID"] for record in shim.records()}
    assert kept == {f"c{number}" for number in range(20)}


def test_t77_no_spool_possible_is_a_failed_del(shim: Shim) -> None:
    (shim.place / "var").write_text("a file where a directory should be")
    answer = problem(shim.call("DEL"), 11)
    assert "agent.sock" in answer["details"]
    assert str(shim.spool) in answer["details"]


@pytest.mark.parametrize("spool", ["nowhere/spool", "/" + "x" * 5000], ids=["relative", "too long"])
def test_t77_a_spool_with_an_impossible_name(shim: Shim, spool: str) -> None:
    problem(shim.call("DEL", GENIE_SPOOL=spool), 11)


def test_t77_a_spool_with_odd_slashes_is_made(shim: Shim) -> None:
    assert shim.call("DEL", GENIE_SPOOL=f"{shim.place}//a///b/").returncode == 0
    assert len(list((shim.place / "a/b").glob("*.del"))) == 1


@pytest.mark.netns
@pytest.mark.parametrize(
    ("mount", "word"),
    [("size=4k", "space"), ("ro", "read-only"), ("nr_inodes=1", "space")],
    ids=["full", "read-only", "no inodes"],
)
def test_t77_a_spool_on_a_disk_that_takes_nothing(shim: Shim, mount: str, word: str) -> None:
    shim.spool.mkdir(parents=True)
    script = f"mount -t tmpfs -o {mount} tmpfs $GENIE_SPOOL && {{genie}} && exit 9; ls -A $GENIE_SPOOL >&2; exit 1"
    environment = shim.environment("DEL", PATH=os.environ["PATH"])
    done = shim.run([str(ROOT / "tools/sandbox"), "sh", "-c", script], env=environment, input=bytes(8192))
    assert word in problem(done, 11)["details"].lower()
    assert done.stderr == b""  # no unfinished file stays


def test_a_del_killed_as_it_writes_leaves_no_record(shim: Shim) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = shim.run(["{genie}"], env=shim.environment("DEL"), input=bytes(8192), preexec_fn=small_files)
    assert done.returncode == -signal.SIGXFSZ
    assert [record for record in shim.records() if record.suffix == ".del"] == []


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


def test_t21_errors_are_json_whatever_they_quote(shim: Shim) -> None:
    odd = bytes(byte for byte in range(1, 256)).decode("latin-1")
    environment = {os.fsencode(key): os.fsencode(value) for key, value in shim.environment("").items()}
    for start in range(0, 255, 50):
        quoted = odd[start : start + 50]
        environment[b"CNI_COMMAND"] = quoted.encode("latin-1")
        answer = problem(shim.run(["{genie}"], env=environment, input=b""), 4)
        assert answer["msg"] == f"unknown CNI_COMMAND: {quoted}"


@pytest.mark.parametrize("setting", ["", "soon", "-1", "0", "nan", "inf", "1e9", "1s"])
def test_a_deadline_that_makes_no_sense_is_passed_over(shim: Shim, setting: str) -> None:
    def slowly(connection: socket.socket, request: bytes) -> None:
        time.sleep(0.1)
        reply(0, RESULT)(connection, request)

    with shim.agent(slowly).serving():
        assert shim.call("ADD", GENIE_DEADLINE_SECONDS=setting).stdout == RESULT
