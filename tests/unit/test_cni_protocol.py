"""The checks of a call: what is missing, malformed or of another version, with the specification's codes."""

from __future__ import annotations

import json

import msgspec
import pytest

from cni.protocol import VERSIONS, CniError, parse_call, parse_cni, swallow_proof, version_of
from cni.wire import WireError

NETCONF = {"cniVersion": "1.0.0", "name": "pods", "type": "genie"}


def environment(command: str, **changes: str | None) -> dict[str, str]:
    env: dict[str, str | None] = {
        "CNI_COMMAND": command,
        "CNI_CONTAINERID": "c1",
        "CNI_NETNS": "/run/netns/c1",
        "CNI_IFNAME": "eth0",
        "CNI_PATH": "/opt/cni/bin",
        **changes,
    }
    return {key: value for key, value in env.items() if value is not None}


def config(**changes: object) -> bytes:
    return json.dumps({**NETCONF, **changes}).encode()


def refusal(env: dict[str, str], stdin: bytes = config()) -> CniError:
    with pytest.raises(CniError) as caught:
        parse_call(env, stdin)
    return caught.value


def test_a_whole_call_is_read() -> None:
    call = parse_call(environment("ADD", CNI_ARGS="IgnoreUnknown=1"), config(cniVersion="0.4.0"))
    assert (call.command, call.container_id, call.netns, call.ifname) == ("ADD", "c1", "/run/netns/c1", "eth0")
    assert (call.name, call.version, call.args) == ("pods", "0.4.0", "IgnoreUnknown=1")


@pytest.mark.parametrize(
    ("env", "missing"),
    [
        pytest.param({}, "CNI_COMMAND", id="T01 no command"),
        pytest.param(
            {"CNI_COMMAND": "ADD"}, "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH", id="T02 T05 ADD, all at once"
        ),
        pytest.param({"CNI_COMMAND": "CHECK"}, "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH", id="T02 T05 CHECK"),
        pytest.param({"CNI_COMMAND": "DEL"}, "CNI_CONTAINERID,CNI_IFNAME,CNI_PATH", id="T03 DEL"),
        pytest.param({"CNI_COMMAND": "STATUS"}, "CNI_PATH", id="T04 STATUS"),
        pytest.param(environment("DEL", CNI_CONTAINERID=""), "CNI_CONTAINERID", id="T07 empty is missing"),
    ],
)
def test_missing_variables_are_named_in_one_message(env: dict[str, str], missing: str) -> None:
    error = refusal(env)
    assert error.code == 4
    if missing == "CNI_COMMAND":
        assert "CNI_COMMAND" in error.msg
    else:
        assert f"[{missing}]" in error.msg


def test_T03_a_del_needs_no_netns() -> None:
    assert parse_call(environment("DEL", CNI_NETNS=None), config()).netns == ""


@pytest.mark.parametrize(
    ("env", "stdin", "code"),
    [
        pytest.param(environment("FROB"), config(), 4, id="T06 unknown command"),
        pytest.param(environment("ADD", CNI_CONTAINERID="-c"), config(), 4, id="T07 container id"),
        pytest.param(environment("ADD", CNI_CONTAINERID="a b"), config(), 4, id="T07 blank in container id"),
        pytest.param(environment("ADD", CNI_CONTAINERID="a\n"), config(), 4, id="T07 newline at the end"),
        pytest.param(environment("ADD", CNI_IFNAME="x" * 16), config(), 4, id="T08 too long"),
        pytest.param(environment("ADD", CNI_IFNAME=".."), config(), 4, id="T08 dots"),
        pytest.param(environment("ADD", CNI_IFNAME="a/b"), config(), 4, id="T08 slash"),
        pytest.param(environment("ADD", CNI_IFNAME="a\x01b"), config(), 4, id="T08 control character"),
        pytest.param(environment("ADD", CNI_IFNAME="a:b"), config(), 4, id="T08 colon"),
        pytest.param(environment("DEL", CNI_IFNAME="a b"), config(), 4, id="T08 blank"),
        pytest.param(environment("ADD"), b"", 6, id="T10 empty"),
        pytest.param(environment("ADD"), b"{", 6, id="T10 not JSON"),
        pytest.param(environment("ADD"), b"[]", 6, id="T10 no object"),
        pytest.param(environment("ADD"), b"\xff\xfe", 6, id="T10 no text"),
        pytest.param(environment("ADD"), config(name=None), 7, id="T11 no name"),
        pytest.param(environment("ADD"), config(name="a/b"), 7, id="T11 bad name"),
        pytest.param(environment("ADD"), config(cniVersion="9.9.9"), 1, id="T14 version"),
        pytest.param(environment("ADD"), config(cniVersion=1), 6, id="T14 version is a number"),
        pytest.param(environment("CHECK"), config(cniVersion="0.3.1"), 1, id="T80 CHECK before 0.4.0"),
        pytest.param(environment("STATUS"), config(cniVersion="1.0.0"), 1, id="T90 STATUS before 1.1.0"),
        pytest.param(environment("GC"), config(cniVersion="1.0.0"), 1, id="T90 GC before 1.1.0"),
    ],
)
def test_bad_calls_have_the_specifications_code(env: dict[str, str], stdin: bytes, code: int) -> None:
    assert refusal(env, stdin).code == code


@pytest.mark.parametrize(
    ("stdin", "env"),
    [
        pytest.param(b'{"name": "pods", "a": ' + b"[" * 100_000, {}, id="nested deeper than can be followed"),
        pytest.param(b'{"name": "pods", "a": NaN}', {}, id="no number"),
        pytest.param(b'{"name": "pods", "a": "\\ud800"}', {}, id="half a character"),
        pytest.param(config(), {"CNI_NETNS": "/run/netns/\udcff"}, id="a namespace that is not UTF-8"),
        pytest.param(config(), {"CNI_ARGS": "K8S_POD_NAME=\udcff"}, id="args that are not UTF-8"),
        pytest.param(config(), {"CNI_IFNAME": "eth\udcff"}, id="an interface that is not UTF-8"),
    ],
)
def test_what_could_not_be_written_again_is_refused_at_once(stdin: bytes, env: dict[str, str]) -> None:
    assert refusal(environment("ADD", **env), stdin).code in (4, 6)


def test_no_del_fails_for_what_it_does_not_use() -> None:
    assert parse_call(environment("DEL", CNI_NETNS="/run/netns/\udcff", CNI_ARGS="\udcff"), config())


def test_T08_fifteen_characters_are_a_name() -> None:
    assert parse_call(environment("ADD", CNI_IFNAME="x" * 15), config()).ifname == "x" * 15


def test_T13_no_version_means_the_oldest() -> None:
    assert parse_call(environment("ADD"), json.dumps({"name": "pods"}).encode()).version == "0.1.0"


@pytest.mark.parametrize("version", VERSIONS)
def test_T14_every_listed_version_is_taken(version: str) -> None:
    assert parse_call(environment("ADD"), config(cniVersion=version)).version == version


@pytest.mark.parametrize("command", ["STATUS", "GC"])
def test_T04_status_and_gc_need_no_container(command: str) -> None:
    env = {"CNI_COMMAND": command, "CNI_PATH": "/opt/cni/bin"}
    assert parse_call(env, config(cniVersion="1.1.0")).container_id == ""


def test_T21_an_error_object_has_all_its_fields() -> None:
    body = json.loads(CniError(7, "bad", "very").body("0.4.0"))
    assert body == {"cniVersion": "0.4.0", "code": 7, "msg": "bad", "details": "very"}


@pytest.mark.parametrize(
    "text",
    ["a\nb\r\n\tc\u2028d\x85e", "a\x00\x1b[2J\x7f", "half a character: \ud800", "x" * 1_000_000, "\x01" * 10_000],
    ids=["lines", "controls", "surrogate", "long", "long when escaped"],
)
def test_an_errors_texts_are_one_line_that_every_reader_can_take(text: str) -> None:
    error = CniError(7, f"bad {text}", f"very {text}")
    body = msgspec.json.decode(error.body("0.4.0"))
    assert body["msg"].startswith("bad ")
    assert (body["msg"] + body["details"]).isprintable()
    assert len(error.body("0.4.0")) < 20_000


@pytest.mark.parametrize(("msg", "details"), [("lab/web-0 is bad", ""), ("bad", "of lab/web-0")])
def test_an_error_names_whom_it_is_about_once(msg: str, details: str) -> None:
    error = CniError(7, msg, details).about("pod", "lab/web-0")
    assert (error.msg, error.details) == (msg, details)
    assert CniError(7, "bad").about("pod", "lab/web-0").details == "pod lab/web-0"
    assert CniError(7, "bad", "very " * 5000).about("pod", "lab/web-0").details.startswith("pod lab/web-0: very")


@pytest.mark.parametrize(
    ("stdin", "version"),
    [
        (b"", "1.1.0"),
        (b"[]", "1.1.0"),
        (b"{}", "0.1.0"),
        (b'{"cniVersion": "0.3.1"}', "0.3.1"),
        (b'{"cniVersion": "9.9.9"}', "9.9.9"),
        pytest.param(b'{"cniVersion": "%s"}' % (b"9" * 33), "1.1.0", id="too long to be repeated"),
        pytest.param(b'{"cniVersion": "1.0\\n"}', "1.1.0", id="of strange characters"),
        pytest.param(b'{"a":' * 100_000, "1.1.0", id="nested deeper than can be followed"),
    ],
)
def test_errors_are_told_in_the_version_of_the_input(stdin: bytes, version: str) -> None:
    assert version_of(stdin) == version


def test_T75_a_failing_del_is_never_taken_for_done() -> None:
    text = swallow_proof("link Not Found; open /x: no such file or directory")
    assert "not found" not in text.lower()
    assert "no such file" not in text.lower()


def test_a_frame_of_the_shim_is_environment_and_stdin() -> None:
    assert parse_cni(b"A=1\0B=x=y\0\0{}\0") == ({"A": "1", "B": "x=y"}, b"{}\0")


@pytest.mark.parametrize("content", [b"", b"A=1", b"A=1\0", b"A\0\0"])
def test_a_malformed_frame_of_the_shim_is_refused(content: bytes) -> None:
    with pytest.raises(WireError):
        parse_cni(content)
