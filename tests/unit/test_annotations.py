"""Which networks a pod asks for, and the names of its interfaces."""

from __future__ import annotations

import json

import pytest

from cni.annotations import Element, labels_of, parse_elements
from cni.args import annotations_of, delegate_args, parse_args, who_asks, workload_of
from cni.naming import name_interfaces
from cni.protocol import CniError
from cni.selection import select

ANNOTATIONS = {"cni": "a,b@eth5", "note": 'x;y=z "{'}


def named(annotation: str, first: str = "eth0", prefix: str = "eth") -> list[str]:
    return name_interfaces([element.ifname for element in parse_elements(annotation)], first, prefix)


@pytest.mark.parametrize(
    ("annotation", "names"),
    [
        ("flannel,weave", ["eth0", "eth1"]),
        ("flannel,weave@eth4,flannel@eth3", ["eth0", "eth4", "eth3"]),
        ("flannel,weave@eth4,flannel@eth5, flannel", ["eth0", "eth4", "eth5", "eth1"]),
        ("a@eth1,b,c@foo,d", ["eth1", "eth0", "foo", "eth2"]),
        ("a@foo", ["foo"]),
        ("a,b@eth0", ["eth1", "eth0"]),
    ],
)
def test_interfaces_are_named_as_genie_does(annotation: str, names: list[str]) -> None:
    assert named(annotation) == names


@pytest.mark.parametrize(
    ("annotation", "names"), [("a,b,c", ["eth0", "net1", "net2"]), ("a,b@x,c", ["eth0", "x", "net2"])]
)
def test_interfaces_are_named_as_multus_does_when_asked(annotation: str, names: list[str]) -> None:
    assert named(annotation, prefix="net") == names


def test_the_runtimes_name_is_kept() -> None:
    assert named("a,b", "pod7") == ["pod7", "eth0"]


@pytest.mark.parametrize(
    ("annotation", "prefix"),
    [
        pytest.param("a@x,b@x", "eth", id="T52 N7 explicit"),
        pytest.param("a@net1,b,c@eth0,d@y", "net", id="T52 by place"),
    ],
)
def test_two_interfaces_of_one_name_are_refused(annotation: str, prefix: str) -> None:
    with pytest.raises(CniError, match="same interface name"):
        named(annotation, prefix=prefix)


def test_elements_are_trimmed_and_repeatable() -> None:
    assert parse_elements(" a , b @ eth5@more,a") == [Element("a"), Element("b", "eth5"), Element("a")]


@pytest.mark.parametrize("annotation", ["a,,b", ",", "@eth1", "a@", "a@sixteen-letters-"])
def test_bad_elements_are_refused(annotation: str) -> None:
    with pytest.raises(CniError):
        parse_elements(annotation)


def test_T15_an_unsupported_value_is_named_with_its_key() -> None:
    with pytest.raises(CniError) as caught:
        select({"interfacePrefix": "foo"}, {}, "eth0")
    assert caught.value.code == 2
    assert caught.value.details == "interfacePrefix='foo'"


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_annotations_survive_semicolons_and_equal_signs(place: str) -> None:
    annotation = f"K8S_ANNOT={json.dumps(ANNOTATIONS)}"
    others = ["K8S_POD_NAME=web-0", "K8S_POD_NAMESPACE=shop"]
    parts = {
        "first": [annotation, *others],
        "middle": [others[0], annotation, others[1]],
        "last": [*others, annotation],
    }
    args = parse_args(";".join(parts[place]))
    assert annotations_of(args) == ANNOTATIONS
    assert workload_of(args, "c1") == "shop/web-0"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("A", id="T17 no equals sign"),
        pytest.param("IP=1;;MAC=2", id="T17 empty pair"),
        pytest.param("IP=1=2", id="T17 two equals signs"),
        pytest.param("NEW=1", id="T17 unknown"),
        pytest.param("NEW=1;IgnoreUnknown=0", id="T17 unknown, not to be ignored"),
        pytest.param('K8S_ANNOT={"a":', id="T17 broken JSON"),
        pytest.param("K8S_ANNOT={}x", id="T17 text after the annotations"),
    ],
)
def test_bad_args_are_refused(text: str) -> None:
    with pytest.raises(CniError) as caught:
        parse_args(text)
    assert caught.value.code == 4


@pytest.mark.parametrize("ignore", ["IgnoreUnknown=1", "IgnoreUnknown=true"])
def test_T17_unknown_args_pass_when_they_are_to_be_ignored(ignore: str) -> None:
    assert parse_args(f"NEW=1;{ignore}")["NEW"] == "1"


def test_delegates_get_all_args_but_the_annotations() -> None:
    args = parse_args(f"K8S_POD_UID=u;K8S_ANNOT={json.dumps(ANNOTATIONS)};K8S_POD_NAME=web-0")
    assert delegate_args(args) == "IgnoreUnknown=1;K8S_POD_UID=u;K8S_POD_NAME=web-0"


def test_an_address_of_the_runtimes_choice_is_for_the_first_network_alone() -> None:
    args = parse_args("IP=10.1.0.9;MAC=02:00:00:00:00:01;K8S_POD_UID=u")
    assert delegate_args(args) == "IgnoreUnknown=1;IP=10.1.0.9;MAC=02:00:00:00:00:01;K8S_POD_UID=u"
    assert delegate_args(args, first=False) == "IgnoreUnknown=1;K8S_POD_UID=u"
    assert delegate_args(args, {"IP": "10.2.0.9"}, first=False) == "IgnoreUnknown=1;K8S_POD_UID=u;IP=10.2.0.9"


@pytest.mark.parametrize("said", ["0", "false", "maybe", ""])
def test_delegates_ignore_what_they_do_not_know_whatever_the_runtime_says(said: str) -> None:
    assert delegate_args({"IP": "10.0.0.9", "IgnoreUnknown": said}) == "IgnoreUnknown=1;IP=10.0.0.9"


@pytest.mark.parametrize(
    ("text", "whom"),
    [
        pytest.param("K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0", ("pod", "shop/web-0"), id="a pod"),
        pytest.param("K8S_POD_NAME=web-0", ("pod", "default/web-0"), id="no namespace"),
        pytest.param("K8S_POD_NAME=web-0;x", ("pod", "default/web-0"), id="args that cannot be read"),
        pytest.param('K8S_POD_NAME=web-0;K8S_ANNOT={"a": ', ("pod", "default/web-0"), id="annotations that cannot"),
        pytest.param("", ("container", "c1"), id="outside Kubernetes"),
    ],
)
def test_errors_know_whom_they_are_about(text: str, whom: tuple[str, str]) -> None:
    assert who_asks(text, "c1") == whom


@pytest.mark.parametrize(
    "text",
    [
        "K8S_ANNOT=[]",
        'K8S_ANNOT={"a": 1}',
        "K8S_ANNOT=x",
        pytest.param('K8S_ANNOT={"cni": "\\ud800"}', id="half a character"),
        pytest.param('K8S_ANNOT={"cni": ' + "[" * 100_000, id="nested deeper than can be followed"),
    ],
)
def test_annotations_are_an_object_of_strings(text: str) -> None:
    with pytest.raises(CniError):
        annotations_of(parse_args(text))


def test_outside_kubernetes_a_workload_has_its_containers_name() -> None:
    assert workload_of({}, "c1") == "c1"
    assert annotations_of({}) is None


def test_labels_come_as_an_annotation() -> None:
    assert labels_of({"switcher.genie.io/labels": "app=web, tier=front"}) == {"app": "web", "tier": "front"}
    with pytest.raises(CniError):
        labels_of({"switcher.genie.io/labels": "app"})
