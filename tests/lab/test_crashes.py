"""kill -9 of a node's agent and of the controller in the middle of a move, with live traffic."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cni.wire import Phase
from switcher.bootstrap import open_history
from switcher.errors import SwitcherError
from switcher.lab.accounting import join, read_documents
from switcher.lab.bed import Bed
from switcher.lab.blueprint import draw
from switcher.lab.leaks import Inventory
from switcher.lab.state import StateDirectory
from switcher.lab.story import Story
from switcher.lab.watch import agents, wait_until

pytestmark = pytest.mark.lab


@pytest.fixture
def bed() -> Iterator[Bed]:
    """A node with three workloads, one of them marked do-not-move, and nobody moved yet."""
    state = StateDirectory(Path(f"/tmp/lab-crash-{os.getpid()}-{time.monotonic_ns()}"))  # noqa: S108 - short, for the sockets in it
    state.claim(["test"])
    bed = Bed(draw(nodes=1, workloads=3), state, open_history)
    try:
        bed.build()
        bed.start_controller(60)
        bed.attach()
        bed.start_traffic()
        time.sleep(2)
        yield bed
    finally:
        bed.stop()
        state.remove()


@pytest.mark.parametrize("phases", [{Phase.ATTACH, Phase.VERIFY}, {Phase.SHIFT, Phase.DRAIN}, {Phase.DETACH}], ids=str)
def test_after_kill_9_everybody_is_on_one_network_and_nothing_is_left(bed: Bed, phases: set[Phase]) -> None:
    asked = agents(bed.blueprint, bed.state)
    agent, controller = bed.agents["n1"], bed.controller
    assert controller is not None
    bed.begin(Story(start=time.time(), seconds=None))

    def reached() -> bool:
        return any(status.outcome is None and status.phase in phases for status in asked.switches("n1"))

    assert _soon(reached, 30)
    agent.kill()
    controller.kill()
    time.sleep(1)
    agent.start()
    controller.start()
    bed.await_agent("n1")
    assert wait_until(lambda: _all_moved(bed), 60), bed.watch.switches
    assert bed.settle()
    assert bed.untidy() == Inventory()
    ended = bed.stop_traffic()
    streams = join(read_documents(bed.state.path / "traffic"), ended)
    assert {
        (stream.protocol, stream.lost, stream.resets) for stream in streams if stream.lost or stream.resets
    } == set()
    assert bed.detach().lines() == []


def _all_moved(bed: Bed) -> bool:
    """Everybody who may move is on the cheapest network, and no switch is under way."""
    reports = bed.watch.attachments
    there = all(reports[w.name].network == "cni:phynet0" for w in bed.blueprint.workloads if not w.do_not_move)
    return there and not bed.watch.in_flight()


def _soon(reached: object, seconds: float) -> bool:
    """Whether it came to be; looks often, because a phase may be short."""
    assert callable(reached)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if reached():
                return True
        except SwitcherError:
            pass
        time.sleep(0.01)
    return False
