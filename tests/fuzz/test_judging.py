"""The fuzzer's judge: what is right passes, and each thing that can be wrong is seen."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.fuzz.case import Case, Damage, load, rendered
from tests.fuzz.corpus import ADDS, NAD_KEY, request
from tests.fuzz.documents import Pairs, Raw, Text, content, copied, drop, places, put, write
from tests.fuzz.expecting import networks_asked
from tests.fuzz.furniture import OLDEST, PRINTED
from tests.fuzz.judging import after_complaints, log_complaints, reply_complaints, state_complaints, word_complaints
from tests.fuzz.looking import Seen
from tests.fuzz.shapes import result_problems
from tests.fuzz.trial import pod_of, shape_of
from tests.fuzz.world import Said

BARE = Seen(links=frozenset(), addresses={}, rules=0, node_links=frozenset(), leases=frozenset(), rows=())
ATTACHED = Seen(
    links=frozenset({"eth0"}),
    addresses={"eth0": frozenset({"10.1.0.2/24"})},
    rules=1,
    node_links=frozenset({"veth1"}),
    leases=frozenset({"10.1.0.2"}),
    rows=(("sandbox-1", "eth0", "ready"),),
)
RESULT: dict[str, Any] = {
    "cniVersion": "1.0.0",
    "interfaces": [{"name": "eth0", "sandbox": "/run/netns/c"}],
    "ips": [{"address": "10.1.0.2/24", "interface": 0}],
    "dns": {},
}
ERROR: dict[str, Any] = {"cniVersion": "1.0.0", "code": 7, "msg": "network cni:blue is bad", "details": "pod lab/web-0"}
ADD = rendered(request("ADD", {"cni": "blue"}), binary=False)
TWO = rendered(request("ADD", {"cni": "blue,told"}), binary=False)
DEL = rendered(request("DEL"), binary=False)


def done(result: object = RESULT) -> Said:
    return Said(0, json.dumps(result).encode())


def refused(**changes: object) -> Said:
    return Said(1, json.dumps({**ERROR, **changes}).encode())


@pytest.mark.parametrize(
    ("annotations", "netconf", "asked"),
    [
        ({}, {}, 1),
        ({}, {"default_plugin": "blue, told"}, 2),
        ({"cni": "blue,told@net1"}, {"default_plugin": "blue"}, 2),
        ({"cni": " ", "networks": "one,two,three"}, {}, 3),
        ({"cni": ""}, {}, 1),
        ({NAD_KEY: ""}, {}, 1),
        ({NAD_KEY: "lab/one@net1, two"}, {"default_plugin": "blue,told"}, 4),
        ({NAD_KEY: Text([{"name": "one"}, {"name": "two"}])}, {}, 3),
        ({NAD_KEY: Text({"name": "one"})}, {}, 2),
    ],
)
def test_what_is_asked_for_is_counted(annotations: dict[str, Any], netconf: dict[str, Any], asked: int) -> None:
    assert networks_asked(rendered(request("ADD", annotations, netconf), binary=False)) == asked


def test_what_is_right_passes() -> None:
    assert not [*reply_complaints(ADD, done()), *state_complaints(ADD, done(), ATTACHED, [])]
    assert not [*reply_complaints(ADD, refused()), *state_complaints(ADD, refused(), BARE, [])]
    assert not [*reply_complaints(DEL, Said(0)), *after_complaints(ADD, Said(0), BARE)]
    assert not [*word_complaints(ADD, refused(), "lab/web-0"), *log_complaints(['{"text": "attached"}'])]


@pytest.mark.parametrize(
    "said",
    [
        Said(late=True),
        Said(closed=True),
        Said(2, done().stdout),
        Said(1),
        Said(1, b"Traceback"),
        Said(0, done().stdout, "AddressSanitizer: heap-buffer-overflow"),
        refused(code=0),
        refused(code=True),
        refused(code=2**40),
        refused(msg=" "),
        refused(msg="a\nb"),
        refused(details="\x1b[2J"),
        refused(details="x" * 100_000),
        refused(msg="internal error: KeyError"),
        refused(more=1),
        done([]),
        done({**RESULT, "cniVersion": "1.1.0"}),
        done({**RESULT, "ips": [{"address": "10.1.0.2/24", "interface": 1}]}),
        done({**RESULT, "interfaces": [{"name": "eth0", "mac": 7}]}),
        done({**RESULT, "routes": [{"dst": "0.0.0.0"}]}),
        done({**RESULT, "dns": {"search": "lab"}}),
        Said(0, b'{"cniVersion": "1.0.0", "mtu": NaN}'),
    ],
    ids=str,
)
def test_a_reply_that_is_wrong_is_seen(said: Said) -> None:
    assert list(reply_complaints(ADD, said))


@pytest.mark.parametrize("version", ["0.2.0", "1.1.0"])
def test_real_results_are_results(version: str) -> None:
    result = content(Text(OLDEST if version == "0.2.0" else PRINTED)).replace(b"@NETNS@", b"/run/netns/c")
    assert list(result_problems(result, version)) == []
    assert list(result_problems(result, "0.4.0"))


def test_output_of_a_del_is_seen() -> None:
    assert list(reply_complaints(DEL, Said(0, b"{}")))


def test_a_damaged_frame_may_ask_for_others() -> None:
    damaged = replace(TWO, damage=Damage("frame", "put", 213, b"\0"))
    assert list(state_complaints(TWO, done(), ATTACHED, []))
    assert not list(state_complaints(damaged, done(), ATTACHED, []))


def test_a_damaged_frame_may_be_closed_without_a_word() -> None:
    damaged = replace(ADD, damage=Damage("frame", "cut", 10, b"x"))
    assert not list(reply_complaints(damaged, Said(closed=True)))


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": ()},
        {"rows": (("sandbox-1", "eth0", "ready"), ("sandbox-1", "net1", "ready"))},
        {"rows": (("sandbox-1", "eth0", "adding"),)},
        {"links": frozenset({"eth0", "eth1"})},
        {"links": frozenset()},
        {"addresses": {"eth0": frozenset()}},
    ],
    ids=["no record", "a record too much", "a record that is not ready", "a link too much", "no link", "no address"],
)
def test_a_success_that_is_none_is_seen(changes: dict[str, Any]) -> None:
    real = replace(ADD, confs={"10-blue.conflist": ADD.confs["10-blue.conflist"]})
    assert list(state_complaints(real, done(), replace(ATTACHED, **changes), []))


@pytest.mark.parametrize("field", ["links", "rules", "node_links", "leases", "rows"])
def test_what_a_failed_add_or_a_del_leaves_is_seen(field: str) -> None:
    seen = replace(BARE, **{field: getattr(ATTACHED, field)})
    assert list(state_complaints(ADD, refused(), seen, []))
    assert list(after_complaints(ADD, Said(0), seen))


def test_what_a_plugin_cannot_undo_is_owed_when_the_agent_says_so() -> None:
    owing = replace(ATTACHED, rows=(("sandbox-1", "eth0", "deleting"),))
    assert not list(state_complaints(ADD, refused(details="undoing it failed too: no"), owing, []))
    assert list(state_complaints(ADD, refused(), owing, []))


def test_half_of_what_was_there_before_is_seen() -> None:
    before = replace(DEL, before=True)
    assert not list(state_complaints(before, refused(), ATTACHED, []))
    assert not list(state_complaints(before, Said(0), BARE, []))
    assert list(state_complaints(before, Said(0), replace(ATTACHED, links=frozenset()), []))


@pytest.mark.parametrize(
    "line", ["Exception in thread x", '{"text": "x", "exception": "KeyError"}', '"internal error"']
)
def test_a_trace_in_the_log_is_seen(line: str) -> None:
    assert list(log_complaints([line]))


def test_an_error_without_its_pod_or_network_is_seen() -> None:
    assert list(word_complaints(ADD, refused(details=""), "lab/web-0"))
    assert list(word_complaints(ADD, refused(msg="plugin bridge: no"), "lab/web-0"))


@pytest.mark.parametrize(
    ("args", "pod"),
    [
        ("K8S_POD_NAMESPACE=lab;K8S_POD_NAME=a", "lab/a"),
        ("K8S_POD_NAME=a;x", "default/a"),
        ("K8S_POD_NAME=a b", None),
        ("K8S_POD_NAMESPACE=a b;K8S_POD_NAME=a", None),
        ("", None),
    ],
)
def test_the_pod_of_a_request_is_known_where_it_is_plain(args: str, pod: str | None) -> None:
    assert pod_of(replace(ADD, env={"CNI_ARGS": args})) == pod


def test_one_cause_has_one_signature() -> None:
    assert shape_of("no 'blue' in 10.1.0.0/24") == shape_of("no 'red' in 10.22.0.0/16")


def test_a_case_that_is_kept_is_the_same_again(tmp_path: Any) -> None:
    case = replace(ADD, stdin=b"\xff\0", env={"CNI_ARGS": "\udcff"}, damage=Damage("frame", "put", 3, b"\xff"))
    case.save(tmp_path / "case.json", "why")
    assert load(tmp_path / "case.json") == case


def test_documents_are_written_as_no_library_would() -> None:
    tree = {"a": Raw(b"NaN"), "b": Pairs([("c", 1), ("c", 2)]), "d": Text({"e": Text([Raw(b"\xff")])})}
    assert write(tree) == b'{"a": NaN, "b": {"c": 1, "c": 2}, "d": "{\\"e\\": \\"[\xff]\\"}"}'


def test_every_place_of_a_tree_can_be_changed() -> None:
    tree = {"a": [1, {"b": 2}], "c": Text({"d": 3})}
    for number in range(len(list(places(tree)))):
        for change in (lambda place: put(place, "new"), drop):
            other = copied(tree)
            change([place for _, place in places(other)][number])
            assert write(other) != write(tree)
    assert write(tree) == b'{"a": [1, {"b": 2}], "c": "{\\"d\\": 3}"}'


def test_a_damage_changes_bytes() -> None:
    for kind in ("put", "lose", "double", "cut", "flip"):
        assert Damage("stdin", kind, 5, b"\xff").done_to(b"0123456789") != b"0123456789"


def test_a_request_is_a_frame_of_the_shims_kind() -> None:
    case: Case = rendered(ADDS[1], binary=False).placed({"@CID@": "c1"})
    assert case.body().startswith(b"CNI1CNI_COMMAND=ADD\0CNI_CONTAINERID=c1\0")
    assert json.loads(case.stdin)["default_plugin"] == "blue"
