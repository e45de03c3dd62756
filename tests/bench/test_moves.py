"""100 moves under 1,000 packets a second each way, beside the same moves done by remove-then-add, in one run."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cni.wire import Drain, Outcome, Phase, Verify
from tests.support.netns import TRAFFIC, WORLD, Node, Program, Site, order, this_thread_in

pytestmark = pytest.mark.bench

MOVES = 100
RATE = 1000
NETWORKS = ("a", "b", "m")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    built = Site(tmp_path)
    try:
        built.build()
        with this_thread_in(built.node):
            yield built
    finally:
        built.remove()


@dataclass(frozen=True)
class Result:
    seconds: float
    lost: dict[str, int]
    doubled: int
    sent: int
    gap: float
    each: list[float]


class Streams:
    """One workload's traffic: out, in, and request/response with a connected peer that asks for the address anew."""

    def __init__(self, site: Site, number: int, address: str) -> None:
        workload = site.workload(number)
        self.address = site.root / f"address{number}"
        self.address.write_text(address)
        world = site.root / "world"
        world.write_text(WORLD)
        ports = [5000 + 10 * number + offset for offset in range(3)]
        self._out_sink = site.run(site.world, TRAFFIC, "sink", ports[0])
        self._in_sink = site.run(workload, TRAFFIC, "sink", ports[1])
        self._echo = site.run(workload, TRAFFIC, "echo", ports[2])
        self._out = site.run(workload, TRAFFIC, "send", world, ports[0], RATE)
        self._feed = site.run(site.world, TRAFFIC, "feed", self.address, ports[1], RATE, WORLD)
        self._ask = site.run(site.world, TRAFFIC, "ask", self.address, ports[2], RATE, WORLD)
        self._began = time.monotonic()
        time.sleep(0.5)

    def end(self, each: list[float]) -> Result:
        asked, fed, sent = _all(self._ask, self._feed, self._out)
        seconds = time.monotonic() - self._began
        time.sleep(0.3)
        out, into, _ = _all(self._out_sink, self._in_sink, self._echo)
        lost = {
            "out": sent["sent"] - out["heard"],
            "in": fed["sent"] - into["heard"],
            "request/response": asked["lost"],
        }
        gap = max(out["gap"], into["gap"], asked["gap"])
        total = asked["sent"] + fed["sent"] + sent["sent"]
        return Result(seconds, lost, out["twice"] + into["twice"] + asked["twice"], total, gap, each)


def _all(*programs: Program) -> list[dict[str, Any]]:
    return [program.end() for program in programs]


def _moves() -> list[tuple[str, str]]:
    ring = itertools.cycle(NETWORKS)
    return list(itertools.pairwise(itertools.islice(ring, MOVES + 1)))


def _switched(node: Node, streams: Streams, source: str, target: str) -> None:
    verify = Verify(targets=(f"ping://{WORLD}",), successes=3, deadline_seconds=10, settle_seconds=0.3)
    move = order(
        source, target, verify=verify, drain=Drain(deadline_seconds=30, minimum_seconds=0.3, quiet_seconds=0.3)
    )
    node.switches.start(move)
    node.wait_for(move, Phase.DRAIN)
    streams.address.write_text(node.address())
    assert node.finish(move).outcome is Outcome.MOVED


def _replaced(node: Node, streams: Streams, _: str, target: str) -> None:
    """What one does without a live switch."""
    old = node.attached()[0]
    node.attacher.detach(old)
    node.add(target, generation=old.generation + 1)
    streams.address.write_text(node.address())
    time.sleep(0.3)


def _measured(site: Site, node: Node, act: Callable[[Node, Streams, str, str], None]) -> Result:
    node.add(NETWORKS[0])
    streams = Streams(site, 1, node.address())
    each = []
    for source, target in _moves():
        began = time.monotonic()
        act(node, streams, source, target)
        each.append(time.monotonic() - began)
    result = streams.end(each)
    node.attacher.detach(node.attached()[0])
    return result


def test_moves_lose_nothing_and_remove_then_add_does(site: Site) -> None:
    site.add_workload()
    node = Node.open(site)
    print(f"\n{MOVES} moves under 3 x {RATE} packets/s UDP, networks {' -> '.join(NETWORKS)}")
    live = _measured(site, node, _switched)
    _tell("live switch", live)
    replaced = _measured(site, node, _replaced)
    _tell("remove, then add", replaced)
    node.close()
    print(f"  without a path: live {_without(live):.2f} s, remove-then-add {_without(replaced):.2f} s")
    assert sum(live.lost.values()) == 0
    assert live.doubled == 0
    assert sum(replaced.lost.values()) > 0, "the comparison lost nothing: the traffic does not show what it should"


def _tell(name: str, result: Result) -> None:
    lost = ", ".join(f"{flow} {count}" for flow, count in result.lost.items())
    print(
        f"  {name:17} sent {result.sent}, lost {sum(result.lost.values())} ({lost}), doubled {result.doubled},"
        f" longest silence {result.gap * 1000:.0f} ms, a move takes {statistics.median(result.each):.2f} s (median)",
        flush=True,
    )


def _without(result: Result) -> float:
    """Seconds without a path: what was lost on the way out, at the rate that it was sent at."""
    return result.lost["out"] / RATE
