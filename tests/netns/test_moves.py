"""Moves between real networks under real traffic: nothing lost, nothing doubled, nothing left behind."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from cni.wire import Drain, Outcome, Phase
from tests.support.netns import TRAFFIC, WORLD, Node, Site, order, sh

pytestmark = pytest.mark.netns


def _published(site: Site, address: str) -> Path:
    file = site.root / "address"
    file.write_text(address)
    return file


@pytest.mark.parametrize(
    ("source", "target", "rp_filter"),
    [
        *(("a", "b", strictness) for strictness in (0, 1, 2)),
        ("a", "m", 0),
        ("a", "m", 1),
        ("m", "a", 0),
        ("m", "a", 1),
        *(("m", "n", strictness) for strictness in (0, 1, 2)),
        ("s3", "s4", 0),
        ("s3", "s4", 1),
    ],
)
def test_a_move_under_traffic_loses_nothing_and_leaves_nothing(
    site: Site, node: Node, source: str, target: str, rp_filter: int
) -> None:
    workload = site.add_workload()
    for scope in ("all", "default"):
        sh(f"ip netns exec {workload} sysctl -qw net.ipv4.conf.{scope}.rp_filter={rp_filter}")
    bare = site.inside()
    node.add(source)
    world = site.root / "world"
    world.write_text(WORLD)
    address = _published(site, node.address())
    out_sink = site.run(site.world, TRAFFIC, "sink", 5001)
    in_sink = site.run(workload, TRAFFIC, "sink", 5002)
    site.run(workload, TRAFFIC, "echo", 5003)
    out = site.run(workload, TRAFFIC, "send", world, 5001, 1000)
    feed = site.run(site.world, TRAFFIC, "feed", address, 5002, 1000, WORLD)
    ask = site.run(site.world, TRAFFIC, "ask", address, 5003, 1000, WORLD)
    time.sleep(0.5)

    move = order(source, target)
    node.switches.start(move)
    node.wait_for(move, Phase.DRAIN)
    time.sleep(0.5)  # the peers keep using the old address until they ask again
    node.publish(move, address)
    status = node.finish(move)
    time.sleep(0.3)

    asked, fed, sent = ask.end(), feed.end(), out.end()
    time.sleep(0.2)
    heard_out, heard_in = out_sink.end(), in_sink.end()
    assert status.outcome is Outcome.MOVED, status
    assert asked["connects"] == (1 if source == "s3" else 2)
    assert (asked["lost"], asked["twice"], asked["errors"]) == (0, 0, 0), (asked, status)
    assert (fed["sent"] - heard_in["heard"], heard_in["twice"], fed["errors"]) == (0, 0, 0), (fed, heard_in)
    assert (sent["sent"] - heard_out["heard"], heard_out["twice"], sent["errors"]) == (0, 0, 0), (sent, heard_out)
    assert status.measured.largest_gap is not None
    assert status.measured.largest_gap < 1, "a machine that is busy besides may hold packets up, not lose them"
    assert [each.network for each in node.attached()] == [f"cni:{target}"]
    assert [link for link, _ in site.inside()["links"]] == ["lo", "net1"]

    node.attacher.detach(node.attached()[0])
    assert site.inside() == bare


def test_peers_have_their_time_also_when_the_move_was_held_up_after_its_shift(site: Site) -> None:
    """As by a disk that keeps the journal waiting for longer than the whole drain may last."""
    deadline = 5.0
    told = threading.Event()

    def hold_up(phase: Phase, _: float) -> None:
        if phase is Phase.SHIFT:
            time.sleep(deadline)

    node = Node.open(site, observe=hold_up, changed=lambda _: told.set())
    workload = site.add_workload()
    node.add("a")
    address = _published(site, node.address())
    site.run(workload, TRAFFIC, "echo", 5003)
    ask = site.run(site.world, TRAFFIC, "ask", address, 5003, 500, WORLD)
    move = order("a", "b", drain=Drain(deadline_seconds=deadline, minimum_seconds=0.5, quiet_seconds=0.3))
    node.switches.start(move)
    assert told.wait(30)
    time.sleep(0.5)
    node.publish(move, address)
    status = node.finish(move)
    asked = ask.end()
    node.close()
    assert status.outcome is Outcome.MOVED, status
    assert (asked["connects"], asked["lost"], asked["errors"]) == (2, 0, 0), (asked, status)
