"""What fails before the shift leaves everything as it was; after it, the old path comes back where it works."""

from __future__ import annotations

import json
import threading
import time

import pytest

import cni.kernel
from cni.reports import carrying
from cni.wire import Drain, DrainEnd, Outcome, Phase, Verify
from tests.support.netns import STREAMS, TRAFFIC, WORLD, Node, Site, order, sh

pytestmark = pytest.mark.netns


def test_a_plugin_that_fails_leaves_everything_as_it_was(site: Site, node: Node) -> None:
    site.add_workload()
    # The second plugin of the list fails after the first one has attached.
    site.configure("broken", site.bridge(2), {"type": "tuning", "sysctl": {"net.ipv4.no_such_key": "1"}})
    node.warm_up("a", "b")
    node.add("a")
    inside, outside = site.inside(), site.outside()
    node.switches.start(move := order("a", "broken"))
    status = node.finish(move)
    assert status.outcome is Outcome.UNDONE
    assert "no_such_key" in status.message
    assert site.inside() == inside
    assert site.outside() == outside
    assert [(each.network, each.ifname) for each in node.attached()] == [("cni:a", "net1")]


@pytest.mark.parametrize("why", ["the gateway is dead", "the target is dead"])
def test_a_path_that_cannot_be_proven_is_never_used(site: Site, node: Node, why: str) -> None:
    workload = site.add_workload()
    node.warm_up("a", "b")
    if why == "the gateway is dead":
        dead = site.bridge(4)
        dead["isGateway"] = False
        dead["bridge"] = "br9"
        site.configure("dead", dead)
        asked = Verify(deadline_seconds=1)
        target = "dead"
        sh("ip link add br9 type bridge && ip link set br9 up")
    else:
        asked, target = Verify(targets=("tcp://10.99.0.1:9",), deadline_seconds=1), "b"
    node.add("a")
    (site.root / "world").write_text(WORLD)
    inside, outside = site.inside(), site.outside()
    sink = site.run(site.world, TRAFFIC, "sink", 5001)
    out = site.run(workload, TRAFFIC, "send", site.root / "world", 5001, 500)
    time.sleep(0.2)
    node.switches.start(move := order("a", target, verify=asked))
    status = node.finish(move)
    sent = out.end()
    time.sleep(0.1)
    heard = sink.end()
    assert (sent["sent"] - heard["heard"], sent["errors"]) == (0, 0)
    assert status.outcome is Outcome.UNDONE
    assert "does not answer" in status.message
    assert status.shifted_at is None
    assert site.inside() == inside
    assert site.outside() == outside


def test_a_new_path_that_dies_after_the_shift_is_left_again(site: Site, node: Node) -> None:
    workload = site.add_workload()
    node.warm_up("a", "b")
    node.add("a")
    (site.root / "world").write_text(WORLD)
    inside = site.inside()
    node.switches.start(
        move := order("a", "b", verify=Verify(targets=(f"ping://{WORLD}",), successes=1, settle_seconds=30))
    )
    node.wait_for(move, Phase.DRAIN)
    sh("ip link set br2 down")
    status = node.finish(move)
    assert status.outcome is Outcome.RETURNED
    assert "stopped working" in status.message
    assert site.inside() == inside
    assert [each.network for each in node.attached()] == ["cni:a"]
    sink = site.run(site.world, TRAFFIC, "sink", 5001)
    out = site.run(workload, TRAFFIC, "send", site.root / "world", 5001, 200)
    time.sleep(0.3)
    sent = out.end()
    time.sleep(0.1)
    assert sink.end()["heard"] == sent["sent"]


def test_peers_are_told_of_the_way_back_while_both_addresses_serve(site: Site) -> None:
    address = site.root / "address"

    def publish(_: str) -> None:
        """As the agent does: the address of what carries the traffic now."""
        (present,) = carrying(node.attached(), node.switches.statuses())
        address.write_text(cni.kernel.addresses(site.path(), present.ifname)[0].address)

    node = Node.open(site, changed=publish)
    workload = site.add_workload()
    node.add("a")
    publish("")
    (site.root / "world").write_text(WORLD)
    site.run(site.world, STREAMS, "serve", 6001)
    site.run(workload, STREAMS, "idle", site.root / "world", 6001)  # holds the old path until the deadline
    site.run(workload, TRAFFIC, "echo", 5003)
    ask = site.run(site.world, TRAFFIC, "ask", address, 5003, 500, WORLD)
    returning = Drain(deadline_seconds=4, minimum_seconds=0.5, quiet_seconds=0.3, then=DrainEnd.RETURN)
    node.switches.start(move := order("a", "b", drain=returning))
    status = node.finish(move)
    time.sleep(0.3)
    asked = ask.end()
    node.close()
    assert status.outcome is Outcome.RETURNED, status
    assert (asked["connects"], asked["lost"], asked["errors"]) == (3, 0, 0), (asked, status)


@pytest.mark.parametrize("phase", [Phase.VERIFY, Phase.DRAIN])
def test_a_del_ends_the_switch_and_deletes_both_generations(site: Site, node: Node, phase: Phase) -> None:
    site.add_workload()
    bare = site.inside()
    node.warm_up("a", "b")
    outside = site.outside()
    node.add("a")
    slow = Verify(targets=("tcp://10.99.0.1:9",), deadline_seconds=30)
    move = order("a", "b", **({"verify": slow} if phase is Phase.VERIFY else {}))
    node.switches.start(move)
    node.wait_for(move, phase)
    container = node.attached()[0].container_id
    with node.locks.hold(container):
        node.switches.abandon(container)
        left = node.attached()
        assert len(left) == 1
        for each in left:
            node.attacher.detach(each)
    status = node.finish(move)
    assert status.outcome is Outcome.FAILED
    after = site.inside()
    for key in ("links", "addresses", "routes", "rules", "nft"):
        assert after[key] == bare[key], key
    assert site.outside() == outside


def test_drain_makes_its_rules_under_the_lock_so_that_a_del_is_the_last_to_act(site: Site) -> None:
    shifted, go_on = threading.Event(), threading.Event()

    def observe(phase: Phase, _: float) -> None:
        if phase is Phase.SHIFT:  # Drain is journaled by now and has not begun
            shifted.set()
            assert go_on.wait(20)

    node = Node.open(site, observe=observe)
    workload = site.add_workload()
    node.add("a")
    node.switches.start(move := order("a", "b"))
    assert shifted.wait(20)
    with node.locks.hold(node.attached()[0].container_id):
        for line in site.inside()["nft"]:
            sh(f"ip netns exec {workload} nft delete {line}")
        go_on.set()
        time.sleep(0.7)
        assert site.inside()["nft"] == [], "whoever has the lock finds nothing made behind its back"
    assert node.finish(move).outcome is Outcome.MOVED
    node.close()


@pytest.mark.parametrize("phase", [Phase.VERIFY, Phase.DRAIN])
def test_a_namespace_that_goes_without_a_del_leaks_nothing(site: Site, node: Node, phase: Phase) -> None:
    site.add_workload()
    node.warm_up("a", "b")
    outside = site.outside()
    node.add("a")
    slow = Verify(targets=("tcp://10.99.0.1:9",), deadline_seconds=30)
    settling = Verify(settle_seconds=30)
    move = order("a", "b", verify=slow if phase is Phase.VERIFY else settling)
    node.switches.start(move)
    node.wait_for(move, phase)
    sh(f"ip netns del {site.workload()}")
    status = node.finish(move)
    assert status.outcome is (Outcome.UNDONE if phase is Phase.VERIFY else Outcome.FAILED)
    assert [each.ifname for each in node.attached()] == ["net1"]
    node.attacher.detach(node.attached()[0])
    assert _in_the_end(site, outside) == outside, "the kernel takes a namespace's links down when it comes to it"


def _in_the_end(site: Site, expected: object, seconds: float = 10.0) -> object:
    """What is outside as soon as it is as expected, or after so many seconds."""
    deadline = time.monotonic() + seconds
    while (found := site.outside()) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_the_nodes_firewall_rules_are_the_same_before_and_after(site: Site, node: Node) -> None:
    site.configure("a", site.bridge(1, ip_masq=True))
    site.configure("b", site.bridge(2, ip_masq=True))
    site.add_workload()
    node.warm_up("a", "b")
    empty = site.outside()
    node.add("a")
    one = site.outside()
    assert len(one["iptables"]) > len(empty["iptables"]), "ipMasq made rules"
    for source, target in (("a", "b"), ("b", "a")):
        node.switches.start(move := order(source, target))
        assert node.finish(move).outcome is Outcome.MOVED
    assert len(site.outside()["iptables"]) == len(one["iptables"])
    node.attacher.detach(node.attached()[0])
    assert site.outside() == empty


def test_the_default_route_stays_with_the_attachment_that_has_it(site: Site, node: Node) -> None:
    workload = site.add_workload()
    node.add("b", name="eth0")
    default = _defaults(workload)
    secondary = site.bridge(1)
    del secondary["ipam"]["routes"]
    site.configure("second", secondary)
    greedy = site.macvlan()
    site.configure("greedy", greedy)
    node.add("second")
    assert _defaults(workload) == default
    sh(f"ip -n {workload} route add 203.0.113.0/24 via 10.1.0.1 dev net1 mtu 1400")
    node.switches.start(move := order("second", "greedy"))
    assert node.finish(move).outcome is Outcome.MOVED
    assert _defaults(workload) == default
    routes = json.loads(sh(f"ip -j -n {workload} route"))
    carried = next(route for route in routes if route["dst"] == "203.0.113.0/24")
    assert (carried["gateway"], carried["dev"]) == ("10.3.0.1", "net1")
    assert "1400" in sh(f"ip -n {workload} route show 203.0.113.0/24")


def _defaults(workload: str) -> list[dict[str, object]]:
    return [route for route in json.loads(sh(f"ip -j -n {workload} route")) if route["dst"] == "default"]
