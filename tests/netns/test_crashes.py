"""The agent is killed at every point of a switch, and started again: one network, nothing leaked, nothing lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from cni.wire import Drain, Outcome, SwitchOrder, Verify, encode
from tests.support.netns import TRAFFIC, WORLD, Node, Site, order

pytestmark = pytest.mark.netns

BEFORE_SHIFT = (
    "attach: neighbours",
    "attach: pinned",
    "attach: peers",
    "attach: renamed",
    "attach: recorded",
    "attach: added",
)
FROM_SHIFT_ON = (
    "shift: main",
    "shift: rules",
    "shift: dropped",
    "shift: announced",
    "detach: peers",
    "detach: scratch",
    "detach: moved",
    "detach: dressed",
    "detach: deleted",
    "detach: rules",
)
UNDOING = ("undo: pinned", "undo: deleted", "undo: renamed", "undo: rules", "undo: dropped")

QUICK = {
    "verify": Verify(targets=(f"ping://{WORLD}",), successes=1, deadline_seconds=3, settle_seconds=0.2),
    "drain": Drain(deadline_seconds=10, minimum_seconds=0.2, quiet_seconds=0.2),
}


def _killed_at(site: Site, move: SwitchOrder, point: str) -> None:
    file = site.root / "order.json"
    file.write_bytes(encode(move))
    command = [sys.executable, "-m", "tests.support.crashing", str(site.root), site.prefix, str(file), point]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL, f"{point} was not reached: {done.stdout}{done.stderr}"


def test_the_points_are_all_that_there_are(site: Site) -> None:
    site.add_workload()
    points: list[str] = []
    node = Node.open(site, reached=points.append)
    node.add("a")
    node.switches.start(move := order("a", "b", **QUICK))
    node.finish(move)
    node.switches.start(
        move := order("b", "a", **{**QUICK, "verify": Verify(targets=("tcp://10.99.0.2:1",), deadline_seconds=1)})
    )
    node.finish(move)
    node.close()
    assert set(points) == {*BEFORE_SHIFT, *FROM_SHIFT_ON, *UNDOING}


@pytest.mark.parametrize("point", [*BEFORE_SHIFT, *FROM_SHIFT_ON])
def test_a_kill_anywhere_ends_on_one_network(site: Site, point: str) -> None:
    workload = site.add_workload()
    bare = site.inside()
    node = Node.open(site)
    node.warm_up("a", "b")
    empty = site.outside()
    node.add("a")
    before, outside = site.inside(), site.outside()
    node.close()
    (site.root / "world").write_text(WORLD)
    sink = site.run(site.world, TRAFFIC, "sink", 5001)
    sender = site.run(workload, TRAFFIC, "send", site.root / "world", 5001, 500)
    move = order("a", "b", **QUICK)

    _killed_at(site, move, point)
    time.sleep(0.2)
    node = Node.open(site)
    node.switches.resume()
    status = node.finish(move)

    sent = sender.end()
    time.sleep(0.1)
    heard = sink.end()
    assert (sent["sent"] - heard["heard"], heard["twice"], sent["errors"]) == (0, 0, 0)
    if point in BEFORE_SHIFT:
        assert status.outcome is Outcome.UNDONE
        assert site.inside() == before
        assert site.outside() == outside
        assert [each.network for each in node.attached()] == ["cni:a"]
    else:
        assert status.outcome is Outcome.MOVED
        assert [link for link, _ in site.inside()["links"]] == ["lo", "net1"]
        assert [each.network for each in node.attached()] == ["cni:b"]
    node.attacher.detach(node.attached()[0])
    node.close()
    assert site.inside() == bare
    assert site.outside() == empty


@pytest.mark.parametrize("point", UNDOING)
def test_a_kill_while_undoing_ends_exactly_as_before(site: Site, point: str) -> None:
    site.add_workload()
    node = Node.open(site)
    node.warm_up("a", "b")
    node.add("a")
    before, outside = site.inside(), site.outside()
    node.close()
    move = order("a", "b", **{**QUICK, "verify": Verify(targets=("tcp://10.99.0.2:1",), deadline_seconds=0.5)})
    _killed_at(site, move, point)
    node = Node.open(site)
    node.switches.resume()
    assert node.finish(move).outcome is Outcome.UNDONE
    node.close()
    assert site.inside() == before
    assert site.outside() == outside
