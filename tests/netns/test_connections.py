"""TCP and multipath TCP during a move: what is open stays open until it ends, or the deadline says otherwise."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cni.wire import Drain, DrainEnd, Outcome, Phase
from tests.support.netns import STREAMS, WORLD, Node, Site, order, sh

pytestmark = pytest.mark.netns


def _file(site: Site, name: str, address: str) -> Path:
    file = site.root / name
    file.write_text(address)
    return file


@pytest.mark.parametrize("kind", ["serve", "serve6"])
def test_open_connections_keep_their_path_until_they_end(site: Site, node: Node, kind: str) -> None:
    workload = site.add_workload()
    node.add("a")
    world, address = _file(site, "world", WORLD), _file(site, "address", node.address())
    far = site.run(site.world, STREAMS, "serve", 6001)
    near = site.run(workload, STREAMS, kind, 6002)
    out = site.run(workload, STREAMS, "talk", world, 6001, 100)
    into = site.run(site.world, STREAMS, "talk", address, 6002, 100)
    move = order("a", "b", drain=Drain(deadline_seconds=20, minimum_seconds=0.5, quiet_seconds=0.3))
    node.switches.start(move)
    node.wait_for(move, Phase.DRAIN)
    time.sleep(2.0)
    node.wait_for(move, Phase.DRAIN)  # still: both are open
    talked = [out.end(), into.end()]
    status = node.finish(move)
    for each in talked:
        assert each["resets"] == 0, each
        assert each["answered"] == each["asked"] > 100, each
        assert each["gap"] < 0.5, each
    assert status.outcome is Outcome.MOVED
    assert status.measured.drained == 2
    assert status.measured.closed == 0
    assert (far.end()["resets"], near.end()["resets"]) == (0, 0)


def test_at_the_deadline_what_is_open_is_closed_so_that_peers_reconnect_at_once(site: Site, node: Node) -> None:
    workload = site.add_workload()
    node.add("a")
    world = _file(site, "world", WORLD)
    site.run(site.world, STREAMS, "serve", 6001)
    out = site.run(workload, STREAMS, "talk", world, 6001, 50)
    silent = site.run(workload, STREAMS, "idle", world, 6001)
    move = order("a", "b", drain=Drain(deadline_seconds=2, minimum_seconds=0.5, quiet_seconds=0.3))
    node.switches.start(move)
    status = node.finish(move)
    assert status.outcome is Outcome.MOVED
    assert status.measured.closed == 2
    time.sleep(0.3)
    talked = out.end()
    assert talked["resets"] == 1
    assert talked["answered"] == talked["asked"] - 1
    assert talked["gap"] < 0.5, "reconnected at once"
    assert silent.end()["open"] is False


def test_wait_keeps_the_old_path_beyond_the_deadline(site: Site, node: Node) -> None:
    workload = site.add_workload()
    node.add("a")
    site.run(site.world, STREAMS, "serve", 6001)
    out = site.run(workload, STREAMS, "talk", _file(site, "world", WORLD), 6001, 50)
    waiting = Drain(deadline_seconds=1, minimum_seconds=0.5, quiet_seconds=0.3, then=DrainEnd.WAIT)
    node.switches.start(move := order("a", "b", drain=waiting))
    node.wait_for(move, Phase.DRAIN)
    time.sleep(3)
    node.wait_for(move, Phase.DRAIN)
    assert out.end()["resets"] == 0
    assert node.finish(move).outcome is Outcome.MOVED


def test_return_at_the_deadline_goes_back_to_the_old_network(site: Site, node: Node) -> None:
    workload = site.add_workload()
    node.add("a")
    before = site.inside()
    site.run(site.world, STREAMS, "serve", 6001)
    out = site.run(workload, STREAMS, "talk", _file(site, "world", WORLD), 6001, 50)
    returning = Drain(deadline_seconds=1, minimum_seconds=0.5, quiet_seconds=0.3, then=DrainEnd.RETURN)
    node.switches.start(move := order("a", "b", drain=returning))
    status = node.finish(move)
    assert status.outcome is Outcome.RETURNED
    talked = out.end()
    assert talked["resets"] == 0
    assert talked["asked"] == talked["answered"]
    assert site.inside() == before


def test_a_multipath_connection_that_the_workload_opened_outlives_its_networks(site: Site, node: Node) -> None:
    workload = site.add_workload()
    bare = site.inside()
    node.add("a")
    sh(f"ip netns exec {site.world} ip mptcp limits set subflows 8 add_addr_accepted 8")
    world = _file(site, "world", WORLD)
    far = site.run(site.world, STREAMS, "serve", 6001, "mptcp")
    out = site.run(workload, STREAMS, "talk", world, 6001, 100, "mptcp")
    for source, target in (("a", "b"), ("b", "m"), ("m", "a")):
        node.switches.start(move := order(source, target))
        status = node.finish(move)
        assert status.outcome is Outcome.MOVED
        assert (status.measured.closed, status.measured.drained) == (0, 1), status
    talked = out.end()
    assert talked["resets"] == 0, talked
    assert talked["answered"] == talked["asked"], talked
    assert talked["gap"] < 0.5, talked
    assert far.end() == {"accepted": 1, "resets": 0}
    node.attacher.detach(node.attached()[0])
    bare["endpoints"] = site.inside()["endpoints"]
    assert site.inside() == bare


def test_a_multipath_connection_that_the_workload_accepted_moves_when_its_peer_lets_it(site: Site, node: Node) -> None:
    workload = site.add_workload()
    node.add("a")
    sh(f"ip netns exec {site.world} ip mptcp limits set subflows 8 add_addr_accepted 2")
    near = site.run(workload, STREAMS, "serve", 6002, "mptcp")
    into = site.run(site.world, STREAMS, "talk", _file(site, "address", node.address()), 6002, 100, "mptcp")
    node.switches.start(move := order("a", "b"))
    status = node.finish(move)
    assert (status.outcome, status.measured.closed) == (Outcome.MOVED, 0)
    talked = into.end()
    assert (talked["resets"], talked["asked"] - talked["answered"]) == (0, 0), talked
    assert near.end() == {"accepted": 1, "resets": 0}
