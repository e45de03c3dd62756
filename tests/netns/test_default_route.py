"""One attachment carries the default route: real plugins that each install one, in one container."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import cni.kernel
from cni.attach import Attacher
from cni.default_route import KEEP, NONE, DefaultRoute, arbitrated, via
from cni.delegate import DelegateError, Delegates
from cni.model import Attachment
from tests.support.netns import PLUGINS, Node, everything, sh
from tests.support.node import node as agent_node
from tests.support.node import run
from tests.support.pods import Pods

pytestmark = pytest.mark.netns

JEALOUS = """#!/bin/sh
# As calico: its default route must be the only one. It tells what it found when it came.
config=$(cat)
ip -n "${CNI_NETNS##*/}" route show default > FOUND
if [ "$CNI_COMMAND" = ADD ]; then
    ip -n "${CNI_NETNS##*/}" route add default via 10.5.0.1 dev "$CNI_IFNAME" >&2 || exit 1
    echo "$config" | sed -e 's/.*"prevResult"://' -e 's/}$//'
fi
"""


@pytest.fixture
def there(node: Node) -> Node:
    """Also: ``line`` (ptp), ``c`` (a chain whose last plugin bears no other default route), ``d`` (both families)."""
    site = node.site
    site.configure("line", {"type": "ptp", "ipam": site.ipam(4)})
    programs = site.root / "bin"
    programs.mkdir()
    jealous = programs / "jealous"
    jealous.write_text(JEALOUS.replace("FOUND", str(site.root / "found")))
    jealous.chmod(0o755)
    plain = {**site.bridge(5), "ipam": {**site.ipam(5), "routes": []}}
    site.configure("c", plain, {"type": "jealous"})
    for number in (6, 7):
        ranges = [[{"subnet": f"10.{number}.0.0/24"}], [{"subnet": f"fd00:{number}::/64"}]]
        routes = [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]
        ipam = {"type": "host-local", "dataDir": str(site.root / "ipam"), "ranges": ranges, "routes": routes}
        site.configure(f"d{number}", {**site.bridge(number), "ipam": ipam})
    delegates = Delegates((str(programs), *PLUGINS), 20.0)
    node.attacher = Attacher(node.store, delegates, cni.kernel)
    site.add_workload()
    return node


def attach(node: Node, networks: Sequence[str], wishes: Sequence[DefaultRoute]) -> list[Attachment]:
    """As one ADD: eth0, eth1, ..."""
    return [
        node.add(network, name=f"eth{position}", position=position, default_route=wish)
        for position, (network, wish) in enumerate(zip(networks, wishes, strict=True))
    ]


def defaults(node: Node, table: str = "main", family: int = 4) -> list[tuple[str, str]]:
    """Gateway and link of each default route."""
    text = sh(f"ip -{family} -j -n {node.site.workload()} route show table {table} default", check=False)
    return [(route["gateway"], route["dev"]) for route in json.loads(text or "[]")]


def told(attachment: Attachment) -> list[tuple[str, str | None]]:
    """The default routes of the recorded result."""
    routes = json.loads(attachment.result).get("routes") or []
    return [(route["dst"], route.get("gw")) for route in routes if route["dst"] in ("0.0.0.0/0", "::/0")]


@pytest.mark.parametrize(
    ("wishes", "main", "results"),
    [
        pytest.param([None, None, None, None], [("10.1.0.1", "eth0")], [1, 0, 0, 0], id="the first one's"),
        pytest.param([None, ("10.2.0.1",), None, None], [("10.2.0.1", "eth1")], [0, 1, 0, 0], id="the second's"),
        pytest.param([None, None, None, ("10.4.0.1",)], [("10.4.0.1", "eth3")], [0, 0, 0, 1], id="the last one's"),
        pytest.param([None, None, (), None], [], [0, 0, 0, 0], id="N8 nobody's"),
    ],
)
def test_one_of_several_has_it_and_each_has_its_own_in_its_table(
    there: Node, wishes: list[tuple[str, ...] | None], main: list[tuple[str, str]], results: list[int]
) -> None:
    bare = everything(there.site.workload())
    made = attach(there, ["a", "b", "m", "line"], arbitrated(wishes))
    assert defaults(there) == main
    assert [len(told(each)) for each in made] == results
    for number, each in zip((1, 2, 3, 4), made, strict=True):
        assert defaults(there, str(each.table)) == [(f"10.{number}.0.1", each.ifname)]
        assert there.attached()[each.position] == each
        there.attacher.check(each)
    for each in reversed(made):
        there.attacher.detach(each)
    assert everything(there.site.workload()) == bare


def test_by_another_gateway_than_the_networks_own(there: Node) -> None:
    (made,) = attach(there, ["a"], arbitrated([("10.1.0.77",)]))
    assert defaults(there) == [("10.1.0.77", "eth0")]
    assert told(made) == [("0.0.0.0/0", "10.1.0.77")]
    there.attacher.check(made)


def test_a_gateway_that_cannot_be_reached_is_refused_and_nothing_stays(there: Node) -> None:
    there.warm_up("a", "b")
    first = attach(there, ["a"], [KEEP])
    before = everything(there.site.workload()), there.site.outside()
    with pytest.raises(OSError, match=r"by 203\.0\.113\.1 of eth1"):
        there.add("b", name="eth1", position=1, default_route=via("203.0.113.1"))
    assert (everything(there.site.workload()), there.site.outside()) == before
    assert there.attached() == first


@pytest.mark.parametrize("wish", [NONE, via("10.5.0.1")])
def test_a_plugin_that_bears_no_other_default_route_finds_none(there: Node, wish: DefaultRoute) -> None:
    attach(there, ["a"], [KEEP])
    there.add("c", name="eth1", position=1, default_route=wish)
    assert (there.site.root / "found").read_text() == ""
    assert defaults(there) == ([("10.5.0.1", "eth1")] if wish.gateways else [("10.1.0.1", "eth0")])


def test_what_was_set_aside_comes_back_when_the_plugin_fails(there: Node) -> None:
    attach(there, ["a"], [KEEP])
    before = everything(there.site.workload())
    sh(f"ip -n {there.site.workload()} link add eth1 type veth peer name other")
    with pytest.raises(DelegateError):
        there.add("b", name="eth1", position=1, default_route=NONE)
    assert everything(there.site.workload()) == before
    assert defaults(there) == [("10.1.0.1", "eth0")]


@pytest.mark.parametrize("network", ["b", "d6"])
def test_in_a_container_at_work_nothing_is_set_aside(there: Node, network: str) -> None:
    attach(there, ["d7"], [KEEP])
    before = [defaults(there, family=family) for family in (4, 6)]
    with pytest.raises(DelegateError, match="File exists"):
        there.add("c", name="eth9", position=1, default_route=DefaultRoute(kept=frozenset(), make_room=False))
    assert "via 10.7.0.1" in (there.site.root / "found").read_text()
    there.add(network, name="eth1", position=1, default_route=DefaultRoute(kept=frozenset(), make_room=False))
    assert [defaults(there, family=family) for family in (4, 6)] == before


@pytest.mark.parametrize(
    ("wish", "main", "routes"),
    [
        pytest.param(None, [[("10.7.0.1", "eth0")], [("fd00:7::1", "eth0")]], [2, 0], id="the first one's"),
        pytest.param(("fd00:6::1",), [[("10.7.0.1", "eth0")], [("fd00:6::1", "eth1")]], [1, 1], id="one of each"),
        pytest.param(("10.6.0.1", "fd00:6::1"), [[("10.6.0.1", "eth1")], [("fd00:6::1", "eth1")]], [0, 2], id="both"),
    ],
)
def test_both_families(
    there: Node, wish: tuple[str, ...] | None, main: list[list[tuple[str, str]]], routes: list[int]
) -> None:
    made = attach(there, ["d7", "d6"], arbitrated([None, wish]))
    assert [defaults(there, family=family) for family in (4, 6)] == main
    assert [len(told(each)) for each in made] == routes
    for number, each in zip((7, 6), made, strict=True):
        assert defaults(there, str(each.table), 6) == [(f"fd00:{number}::1", each.ifname)]
        there.attacher.check(each)
    workload = there.site.workload()
    for each in made:
        there.attacher.detach(each)
    left = sh(f"ip -6 -n {workload} rule show; ip -6 -n {workload} route show table all")
    assert "100" not in left


@pytest.fixture
def pods(tmp_path: Path) -> Iterator[Pods]:
    with agent_node(tmp_path, objects=str(tmp_path / "objects")) as made:
        for number, file in ((1, "10-base.conflist"), (2, "20-other.conflist")):
            ipam = made.host_local(f"10.{number}.0.0/24")
            made.network(file, {"type": "bridge", "bridge": f"br{number}", "isDefaultGateway": True, "ipam": ipam})
        made.start()
        yield Pods(made)


@pytest.mark.parametrize(
    ("keys", "gateway"),
    [({}, "10.1.0.1"), ({"default-route": ["10.2.0.1"]}, "10.2.0.1"), ({"default-route": []}, None)],
)
def test_the_runtime_is_told_who_has_it(pods: Pods, keys: dict[str, Any], gateway: str | None) -> None:
    pods.defined("other")
    asked = {"k8s.v1.cni.cncf.io/networks": json.dumps([{"name": "other", "interface": "net1", **keys}])}
    workload, added = pods.add(asked)
    assert added.status == 0, added
    wanted = [] if gateway is None else [gateway]
    assert [route["gw"] for route in added.json.get("routes", []) if route["dst"] == "0.0.0.0/0"] == wanted
    shown = json.loads(run("ip", "-n", workload, "-j", "route", "show", "default") or "[]")
    assert [route["gateway"] for route in shown] == wanted
    assert pods.call("CHECK", workload, asked).status == 0
    assert pods.delete(workload).status == 0
