"""What ``genie`` does while the agent is away, or answers too late, too little or nonsense.

T-numbers are those of the CNI checklist.
"""

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
from collections.abc import Iterator

import pytest

from cni.protocol import REQUIRED
from cni.wire import MAX_STDIN
from tests.support.shim import (
    CONFIGURATION,
    RESULT,
    ROOT,
    Answer,
    Shim,
    body,
    environment_of,
    gone,
    header,
    problem,
    raw,
    reply,
)

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


def drip_for_ever(connection: socket.socket, __: bytes) -> None:
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
    "too large": raw(header(16 * 1024 * 1024 + 1) + bytes(16 * 1024 * 1024 + 1)),
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
def test_T92_the_agent_is_away(away: Shim, command: str, code: int) -> None:
    started = time.monotonic()
    answer = problem(away.call(command, GENIE_DEADLINE_SECONDS="1"), code)
    assert time.monotonic() - started < 5
    assert answer["cniVersion"] == "0.4.0"
    assert answer["details"]
    assert away.records() == []


def test_T77_a_del_while_the_agent_is_away_is_kept(away: Shim) -> None:
    before = time.time_ns()
    done = away.call("DEL", GENIE_DEADLINE_SECONDS="1")
    assert (done.returncode, done.stdout) == (0, b"")  # T23
    assert b"the deletion waits" in done.stderr
    (record,) = away.records()
    assert record.read_bytes() == body(away.environment("DEL", GENIE_DEADLINE_SECONDS="1"), CONFIGURATION)
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
        answer = problem(shim.call("ADD", GENIE_DEADLINE_SECONDS="1"), 11)
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


def test_T06_an_unknown_command_goes_to_the_agent(shim: Shim) -> None:
    answer = b'{"cniVersion":"0.4.0","code":4,"msg":"unknown CNI_COMMAND: DANCE","details":""}'
    with shim.agent(reply(1, answer)).serving():
        assert shim.call("DANCE").stdout == answer


def test_T06_an_unknown_command_while_the_agent_is_away(shim: Shim) -> None:
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
def test_T05_every_missing_name_in_one_message_while_the_agent_is_away(shim: Shim, command: str) -> None:
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


def test_T60_two_dels_are_two_records_in_order(shim: Shim) -> None:
    for container in ("first", "second", "third"):
        assert shim.call("DEL", CNI_CONTAINERID=container).returncode == 0
    containers = [environment_of(record.read_bytes())["CNI_CONTAINERID"] for record in shim.records()]
    assert containers == ["first", "second", "third"]


def test_T62_a_del_without_a_namespace_is_kept_too(shim: Shim) -> None:
    assert shim.call("DEL", CNI_NETNS="").returncode == 0
    assert environment_of(shim.records()[0].read_bytes())["CNI_NETNS"] == ""


@pytest.mark.parametrize("netns", ["/proc/self/ns/net", "/proc/4711/ns/net"])
def test_T74_a_record_names_no_process_that_may_be_another_by_then(shim: Shim, netns: str) -> None:
    assert shim.call("DEL", CNI_NETNS=netns).returncode == 0
    assert shim.records()[0].read_bytes() == body(shim.environment("DEL", CNI_NETNS=""), CONFIGURATION)


def test_T77_many_dels_at_once(shim: Shim) -> None:
    environments = [shim.environment("DEL", CNI_CONTAINERID=f"c{number}") for number in range(20)]
    devnull = subprocess.DEVNULL
    processes = [subprocess.Popen([shim.binary], env=e, stdin=devnull, stderr=devnull) for e in environments]
    assert [process.wait() for process in processes] == [0] * 20
    kept = {environment_of(record.read_bytes())["CNI_CONTAINERID"] for record in shim.records()}
    assert kept == {f"c{number}" for number in range(20)}


def test_T77_no_spool_possible_is_a_failed_del(shim: Shim) -> None:
    (shim.place / "var").write_text("a file where a directory should be")
    answer = problem(shim.call("DEL"), 11)
    assert "agent.sock" in answer["details"]
    assert str(shim.spool) in answer["details"]


@pytest.mark.parametrize("spool", ["nowhere/spool", "/" + "x" * 5000], ids=["relative", "too long"])
def test_T77_a_spool_with_an_impossible_name(shim: Shim, spool: str) -> None:
    problem(shim.call("DEL", GENIE_SPOOL=spool), 11)


def test_T77_a_spool_with_odd_slashes_is_made(shim: Shim) -> None:
    assert shim.call("DEL", GENIE_SPOOL=f"{shim.place}//a///b/").returncode == 0
    assert len(list((shim.place / "a/b").glob("*.del"))) == 1


@pytest.mark.netns
@pytest.mark.parametrize(
    ("mount", "word"),
    [("size=4k", "space"), ("ro", "read-only"), ("nr_inodes=1", "space")],
    ids=["full", "read-only", "no inodes"],
)
def test_T77_a_spool_on_a_disk_that_takes_nothing(shim: Shim, mount: str, word: str) -> None:
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
