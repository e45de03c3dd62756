"""Hot add and remove beside live traffic: nothing lost, main as it was, and the same after a kill at any point."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

from cni import kernel
from cni.delegate import DelegateError
from cni.hotplug import Unusable
from cni.kernel import probes
from cni.switch import Refused
from cni.wire import AttachOrder, DetachOrder, Outcome, Phase
from tests.support.crashing_plug import plug
from tests.support.netns import TRAFFIC, WORLD, Node, Program, Site, order, sh

pytestmark = pytest.mark.netns

DOING = ("journaled", "pinned", "added", "main", "dropped")
UNDOING = ("undo: pinned", "undo: deleted", "undo: main", "undo: dropped")


def void(site: Site, name: str = "void", *more: dict[str, object], **ipam: object) -> None:
    """A network that takes the default route and leads nowhere: its gateway answers ARP and drops what it gets."""
    if "br9" not in sh(f"ip -n {site.node} rule"):
        sh(f"ip -n {site.node} rule add iif br9 blackhole preference 10")
    routes = [{"dst": "0.0.0.0/0"}, {"dst": "198.51.100.0/24", "gw": "10.9.0.1"}]
    site.configure(name, {**site.bridge(9), "ipam": {**site.ipam(9), "routes": routes, **ipam}}, *more)


def add(network: str = "void", ifname: str = "") -> AttachOrder:
    return AttachOrder(workload="lab/w1", network=network, ifname=ifname)


def remove(attachment: str = "void", ifname: str = "") -> DetachOrder:
    return DetachOrder(workload="lab/w1", attachment=attachment, ifname=ifname)


def sending(site: Site) -> tuple[Program, Program]:
    """Numbered packets from the workload to the world; who hears them, and who sends them."""
    (site.root / "world").write_text(WORLD)
    return (
        site.run(site.world, TRAFFIC, "sink", 5001),
        site.run(site.workload(), TRAFFIC, "send", site.root / "world", 5001, 1000),
    )


def use(site: Site, ifname: str) -> None:
    """Has the workload know the new gateway: of several default routes the kernel passes over unknown ones."""
    (address,) = kernel.addresses(site.path(), ifname)
    assert probes.echoes(site.path(), ifname, address.address, "10.9.0.1", 2.0)


def lost(sink: Program, sender: Program) -> tuple[int, int]:
    """Packets that were sent and not heard, and those that could not even be sent."""
    sent = sender.end()
    time.sleep(0.1)
    return sent["sent"] - sink.end()["heard"], sent["errors"]


def test_nothing_is_lost_while_a_network_that_takes_the_default_route_comes_and_goes(site: Site, node: Node) -> None:
    void(site)
    site.add_workload()
    node.warm_up("a", "void")
    node.add("a")
    before, outside = site.inside(), site.outside()
    plugging = node.plugging()
    traffic = sending(site)
    for _ in range(5):
        assert plugging.attach(add()).name == "net2"
        use(site, "net2")
        time.sleep(0.1)
        plugging.detach(remove())
    assert lost(*traffic) == (0, 0)
    assert site.inside() == before
    assert site.outside() == outside


def test_the_same_add_without_the_pin_loses_packets(site: Site, node: Node) -> None:
    """What the test above is worth."""
    void(site)
    site.add_workload()
    node.add("a")
    traffic = sending(site)
    node.add("void", name="net2")
    use(site, "net2")
    time.sleep(0.5)
    gone, _ = lost(*traffic)
    assert gone > 100


def test_main_keeps_what_it_had_and_gets_only_what_is_new(site: Site, node: Node) -> None:
    new, known = ({"dst": dst, "gw": "10.9.0.1"} for dst in ("198.51.100.0/24", "203.0.113.0/24"))
    void(site, routes=[{"dst": "0.0.0.0/0"}, new, known])
    workload = site.add_workload()
    node.add("a")
    sh(f"ip -n {workload} route add 203.0.113.0/24 via 10.1.0.1 metric 7")
    before = set(site.inside()["routes"])
    attachment = node.plugging().attach(add())
    main = sh(f"ip -n {workload} route").splitlines()
    assert [line for line in main if line.startswith("default")] == ["default via 10.1.0.1 dev net1 "]
    assert before <= set(site.inside()["routes"])
    assert "198.51.100.0/24 via 10.9.0.1 dev net2 " in main, "a route to where there was none"
    assert "dev net1" in sh(f"ip -n {workload} route get 203.0.113.9"), "a known destination keeps its way"
    assert "203.0.113.0/24 via 10.9.0.1 dev net2 metric 8 " in main, "and the new one stands behind it"
    assert "default via 10.9.0.1" in sh(f"ip -n {workload} route show table {attachment.table}"), "its own, for life"
    assert f"lookup {attachment.table}" in sh(f"ip -n {workload} rule")
    node.attacher.check(attachment)


def test_a_workload_without_a_default_route_gets_one(site: Site, node: Node) -> None:
    void(site)
    workload = site.add_workload()
    site.configure("island", {**site.bridge(8), "isGateway": False, "ipam": {**site.ipam(8), "routes": []}})
    node.add("island")
    node.plugging().attach(add())
    assert "default via 10.9.0.1 dev net2" in sh(f"ip -n {workload} route")


def test_ipv6_keeps_its_default_route_too(site: Site, node: Node) -> None:
    workload = site.add_workload()
    node.add("a")
    sh(f"ip -n {workload} -6 addr add fd00:1::5/64 dev net1 nodad")
    sh(f"ip -n {workload} -6 route add default via fd00:1::1 dev net1")
    ranges = [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd00:9::/64"}]]
    void(site, ranges=ranges, routes=[{"dst": "0.0.0.0/0"}, {"dst": "::/0"}, {"dst": "fd00:77::/64"}])
    plugging = node.plugging()
    plugging.attach(add())
    main = sh(f"ip -n {workload} -6 route")
    assert "default via fd00:1::1 dev net1" in main
    assert "nexthop" not in main, "the kernel had joined both into one route"
    assert "default via fd00:9::1" not in main
    assert "fd00:77::/64 via fd00:9::1 dev net2" in main
    assert "999" not in sh(f"ip -n {workload} -6 rule")
    assert sh(f"ip -n {workload} -6 route show table 999") == ""
    plugging.detach(remove())
    assert "default via fd00:1::1 dev net1" in sh(f"ip -n {workload} -6 route")


def test_a_failing_add_leaves_nothing(site: Site, node: Node) -> None:
    void(site)
    void(site, "bad", {"type": "tuning", "sysctl": {"no.such.key": "1"}})
    site.add_workload()
    node.warm_up("a", "void")
    node.add("a")
    before, outside = site.inside(), site.outside()
    traffic = sending(site)
    with pytest.raises(DelegateError):
        node.plugging().attach(add("bad"))
    assert lost(*traffic) == (0, 0)
    assert site.inside() == before
    assert site.outside() == outside
    assert [each.network for each in node.attached()] == ["cni:a"]


def test_a_workload_that_is_moving_is_left_alone(site: Site, node: Node) -> None:
    void(site)
    site.add_workload()
    node.add("a")
    plugging = node.plugging()
    plugging.attach(add())
    node.switches.start(move := order("a", "b"))
    node.wait_for(move, Phase.DRAIN)
    for act in (lambda: plugging.attach(add("m")), lambda: plugging.detach(remove())):
        with pytest.raises(Refused, match="is moving, in phase"):
            act()
    assert node.finish(move).outcome is Outcome.MOVED
    plugging.detach(remove())
    assert [each.network for each in node.attached()] == ["cni:b"]


@pytest.mark.parametrize(
    ("act", "word"),
    [
        (lambda plugging: plugging.attach(add("nowhere")), "nowhere"),
        (lambda plugging: plugging.attach(add("void", "net1")), "net1 already"),
        (lambda plugging: plugging.attach(add("void", "a/b")), "contains /"),
        (lambda plugging: plugging.attach(AttachOrder(workload="lab/w9", network="void")), "known: lab/w1"),
        (lambda plugging: plugging.detach(remove("void")), "it has: net1 on cni:a"),
        (lambda plugging: plugging.detach(remove("a", "net7")), "interface net7"),
        (lambda plugging: plugging.attach(AttachOrder(workload="netns:here", network="void")), "whole path"),
        (lambda plugging: plugging.attach(AttachOrder(workload="netns:/etc/passwd", network="void")), "no network"),
    ],
    ids=["no network", "taken", "bad name", "no workload", "not attached", "other interface", "no path", "no netns"],
)
def test_what_cannot_be_is_told_and_touches_nothing(site: Site, node: Node, act: object, word: str) -> None:
    void(site)
    site.add_workload()
    node.add("a")
    before = site.inside()
    with pytest.raises(Unusable, match=word):
        act(node.plugging())  # type: ignore[operator]  # the parameters above
    assert site.inside() == before


def killed_at(site: Site, network: str, point: str, *gateways: str) -> None:
    arguments = [str(site.root), site.prefix, network, point, *gateways]
    command = [sys.executable, "-m", "tests.support.crashing_plug", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL, f"{point} was not reached: {done.stdout}{done.stderr}"


def test_the_points_are_all_that_there_are(site: Site, node: Node) -> None:
    void(site, "bad", {"type": "tuning", "sysctl": {"no.such.key": "1"}})
    site.add_workload()
    node.add("a")
    points: list[str] = []
    plugging = node.plugging(points.append)
    plugging.attach(add("b"))
    with pytest.raises(DelegateError):
        plugging.attach(add("bad"))
    assert set(points) == {*DOING, *UNDOING}


@pytest.mark.parametrize("point", [*DOING, *UNDOING])
def test_a_kill_anywhere_leaves_nothing_and_loses_nothing(site: Site, point: str) -> None:
    network = "bad" if point in UNDOING else "void"
    void(site)
    void(site, "bad", {"type": "tuning", "sysctl": {"no.such.key": "1"}})
    site.add_workload()
    node = Node.open(site)
    node.warm_up("a", "void")
    node.add("a")
    before, outside = site.inside(), site.outside()
    node.close()
    traffic = sending(site)
    killed_at(site, network, point)
    if point == "added":
        use(site, "net2")  # main belongs to the new network by now: only the pin stands against it
    time.sleep(0.3)
    node = Node.open(site)
    plugging = node.plugging()
    plugging.recover()
    assert lost(*traffic) == (0, 0)
    assert site.inside() == before
    assert site.outside() == outside
    assert [each.network for each in node.attached()] == ["cni:a"]
    assert plugging.attach(add("b")).name == "net2", "and the next one succeeds"
    node.close()


def test_a_namespace_that_took_the_place_of_the_crashed_one_is_not_touched(site: Site) -> None:
    void(site)
    workload = site.add_workload()
    node = Node.open(site)
    node.add("a")
    node.close()
    killed_at(site, "void", "added")
    sh(f"ip netns del {workload}")
    site.add_workload()
    bare = site.inside()
    node = Node.open(site)
    node.plugging().recover()
    assert site.inside() == bare
    assert [each.network for each in node.attached()] == ["cni:a"], "which the runtime's DEL ends"
    node.close()


def test_the_default_route_goes_to_the_one_that_is_asked_and_back_when_that_leaves(site: Site, node: Node) -> None:
    workload = site.add_workload()
    node.warm_up("a", "b")
    node.add("a")
    before, outside = site.inside(), site.outside()
    plugging = node.plugging()
    traffic = sending(site)
    plug(node, plugging, "b", ["10.2.0.1"])
    assert sh(f"ip -n {workload} route show default").split(" dev ")[0] == "default via 10.2.0.1"
    told = {each.name: [route["gw"] for route in json.loads(each.result).get("routes", [])] for each in node.attached()}
    assert told == {"net1": [], "net2": ["10.2.0.1"]}, "what is kept of both says so"
    time.sleep(0.1)
    plugging.detach(remove("b"))
    assert sh(f"ip -n {workload} route show default").split(" dev ")[0] == "default via 10.1.0.1"
    assert lost(*traffic) == (0, 0)
    assert {**site.inside(), "routes": ()} == {**before, "routes": ()}
    assert site.outside() == outside


@pytest.mark.parametrize("point", ["added", "main", "dropped"])
def test_a_kill_as_the_default_route_moves_puts_it_back(site: Site, point: str) -> None:
    site.add_workload()
    node = Node.open(site)
    node.warm_up("a", "b")
    node.add("a")
    before, outside = site.inside(), site.outside()
    node.close()
    traffic = sending(site)
    killed_at(site, "b", point, "10.2.0.1")
    time.sleep(0.3)
    node = Node.open(site)
    node.plugging().recover()
    assert lost(*traffic) == (0, 0)
    assert site.inside() == before
    assert site.outside() == outside
    node.close()
