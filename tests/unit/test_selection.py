"""What a container gets, by all that may ask for it."""

from __future__ import annotations

from typing import Any

import pytest

from cni.nadspec import Options
from cni.protocol import CniError
from cni.selection import Selection, asks_for_networks, select

NAD = "k8s.v1.cni.cncf.io/networks"
DEFAULT = "v1.multus-cni.io/default-network"


def chosen(
    netconf: dict[str, Any], annotations: dict[str, str], namespace: str = "shop"
) -> list[tuple[str | None, str]]:
    return [(each.network, each.ifname) for each in select(netconf, annotations, "eth0", namespace)]


@pytest.mark.parametrize(
    ("netconf", "annotations", "expected"),
    [
        pytest.param({"default_plugin": "x,y@eth7"}, {}, [("x", "eth0"), ("y", "eth7")], id="default_plugin"),
        pytest.param({"default_plugin": "a,b,a"}, {}, [("a", "eth0"), ("b", "eth1"), ("a", "eth2")], id="duplicates"),
        pytest.param({"default_plugin": " "}, {}, [(None, "eth0")], id="a blank default_plugin is none"),
        pytest.param({}, {"other": "z"}, [(None, "eth0")], id="E14 only a foreign annotation"),
        pytest.param({}, {"networks": "net1"}, [(None, "eth0")], id="networks counts only with a blank cni"),
        pytest.param({"default_plugin": "x"}, {"cni": "y"}, [("y", "eth0")], id="the annotation wins"),
        pytest.param(
            {},
            {"cni": " ", "networks": "net1@eth0,net2@eth4"},
            [("logical:shop/net1", "eth0"), ("logical:shop/net2", "eth4")],
            id="logical networks",
        ),
        pytest.param(
            {}, {"cni": "", "networks": "other/net1"}, [("logical:other/net1", "eth0")], id="with a namespace"
        ),
        pytest.param(
            {},
            {NAD: "b,other/c@x", "cni": "z"},
            [(None, "eth0"), ("nad:shop/b", "eth1"), ("nad:other/c", "x")],
            id="N12",
        ),
        pytest.param({}, {NAD: ""}, [(None, "eth0")], id="a blank selection is the default network only"),
        pytest.param(
            {"default_plugin": "x,y"},
            {NAD: "b"},
            [("x", "eth0"), ("y", "eth1"), ("nad:shop/b", "eth2")],
            id="N12 several",
        ),
        pytest.param(
            {"interfacePrefix": "net"},
            {NAD: "a,b@n9,c"},
            [(None, "eth0"), ("nad:shop/a", "net1"), ("nad:shop/b", "n9"), ("nad:shop/c", "net3")],
            id="Multus' numbering",
        ),
        pytest.param({}, {DEFAULT: "own/d"}, [("nad:own/d", "eth0")], id="a default network of its own"),
        pytest.param(
            {}, {DEFAULT: "d", NAD: "b"}, [("nad:kube-system/d", "eth0"), ("nad:shop/b", "eth1")], id="and more"
        ),
        pytest.param(
            {"default_plugin": "x"}, {DEFAULT: "d", "cni": "y"}, [("y", "eth0")], id="an explicit list has none"
        ),
        pytest.param(
            {"multusNamespace": "nets", "default_plugin": "x,y"},
            {DEFAULT: "d"},
            [("nad:nets/d", "eth0"), ("y", "eth1")],
            id="only the first default is replaced",
        ),
    ],
)
def test_the_order_of_decision(
    netconf: dict[str, Any], annotations: dict[str, str], expected: list[tuple[str | None, str]]
) -> None:
    assert chosen(netconf, annotations) == expected


def test_a_replaced_default_is_looked_for_in_the_pods_namespace_too() -> None:
    (only,) = select({}, {DEFAULT: "d"}, "eth0", "shop")
    assert (only.network, only.fallback) == ("nad:kube-system/d", "nad:shop/d")
    (only,) = select({}, {DEFAULT: "own/d"}, "eth0", "shop")
    assert only.fallback is None


def test_a_blank_cni_leaves_the_choice_to_us() -> None:
    assert select({}, {"cni": "  "}, "eth0") == [Selection(network=None, ifname="eth0", choose=True)]


@pytest.mark.parametrize(
    ("annotations", "named"),
    [
        pytest.param({NAD: "b@eth0"}, "eth0", id="N7 the default network has it"),
        pytest.param({NAD: "b@x,c@x"}, "x", id="N7 T52 twice"),
        pytest.param({DEFAULT: "a,b"}, "takes one network", id="one default"),
        pytest.param(
            {
                DEFAULT: '[{"name":"a","default-route":["10.0.0.1"]}]',
                NAD: '[{"name":"b","default-route":["10.0.0.2"]}]',
            },
            "one element only",
            id="N8 with the default network's own",
        ),
        pytest.param(
            {NAD: '[{"name":"a","default-route":[]},{"name":"b","default-route":[]}]'}, "one element", id="N8"
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_done(annotations: dict[str, str], named: str) -> None:
    with pytest.raises(CniError) as caught:
        select({}, annotations, "eth0", "shop")
    assert named in str(caught.value)


def test_N8_no_default_route_at_all_may_be_asked_for() -> None:
    default, other = select({}, {NAD: '[{"name":"a","default-route":[]}]'}, "eth0")
    assert default.options == Options()
    assert other.options.default_route == ()


@pytest.mark.parametrize(
    ("shared", "allowed"),
    [(None, {"shop", "default"}), (["nets"], {"shop", "nets"}), ("nets, more", {"shop", "nets", "more"})],
)
@pytest.mark.parametrize("namespace", ["shop", "default", "nets", "more"])
def test_namespaces_are_isolated_on_demand(shared: Any, allowed: set[str], namespace: str) -> None:
    netconf = {"namespaceIsolation": True} | ({} if shared is None else {"globalNamespaces": shared})
    for asked in (
        {NAD: f"{namespace}/n"},
        {DEFAULT: f"{namespace}/n"},
        {"cni": "", "networks": f"{namespace}/n"},
        {"cni": f"a, {namespace}/n"},
        {"cni": f"nad:{namespace}/n@eth5"},
        {"cni": f"logical:{namespace}/n"},
    ):
        if namespace in allowed:
            assert select(netconf, asked, "eth0", "shop")
        else:
            with pytest.raises(CniError, match=f"may not use networks of {namespace}"):
                select(netconf, asked, "eth0", "shop")
        assert select({}, asked, "eth0", "shop"), "an option, off unless set"


@pytest.mark.parametrize("asked", [{"cni": "a,b@eth5"}, {DEFAULT: "d"}, {"cni": "nad:n"}, {}], ids=str)
def test_isolation_leaves_alone_what_belongs_to_all(asked: dict[str, str]) -> None:
    assert select({"namespaceIsolation": True, "default_plugin": "other/n"}, asked, "eth0", "shop")


def test_who_asks_for_networks() -> None:
    assert asks_for_networks({"cni": ""})
    assert asks_for_networks({NAD: ""})
    assert not asks_for_networks({"networks": "x", "app": "web"})


def test_system_namespaces_get_the_first_default_network_alone() -> None:
    netconf = {"default_plugin": "a,b", "systemNamespaces": ["kube-system"]}
    assert [each.network for each in select(netconf, {}, "eth0", "kube-system")] == ["a"]
    assert [each.network for each in select(netconf, {NAD: "x"}, "eth0", "kube-system")] == ["a", "nad:kube-system/x"]
    assert [each.network for each in select(netconf, {}, "eth0", "shop")] == ["a", "b"]
    with pytest.raises(CniError, match="systemNamespaces must be a list"):
        select({"systemNamespaces": "kube-system"}, {}, "eth0", "shop")
