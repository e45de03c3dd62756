"""Who answers whom from which address, at the moments when a list kept outside the kernel would be late."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cni.kernel.spaces import inside, open_socket
from cni.wire import Drain, Outcome, Phase, Verify
from tests.support.netns import TRAFFIC, WORLD, Node, Site, order, sh

pytestmark = pytest.mark.netns


def _socket(netns: str, *bound: Any) -> socket.socket:
    line = open_socket(netns, socket.AF_INET, socket.SOCK_DGRAM)
    line.bind(bound)
    line.settimeout(1)
    return line


@pytest.fixture
def moving(site: Site, node: Node) -> tuple[Site, Node, Callable[[], None]]:
    """A workload about to move from ``a`` to ``b``; the callable shifts it and returns in Drain."""
    site.add_workload()
    node.add("a")
    move = order("a", "b", drain=Drain(deadline_seconds=20, minimum_seconds=10, quiet_seconds=0.3))

    def shift() -> None:
        node.switches.start(move)
        node.wait_for(move, Phase.DRAIN)

    return site, node, shift


@pytest.fixture
def slow_nft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Of the calls of nft from now on, the one with this number, from 1, never ends."""
    nft, calls = tmp_path / "nft", tmp_path / "calls"

    def hang(call: int) -> None:
        hangs = f'echo >> {calls}; [ "$(wc -l < {calls})" = {call} ] && exec sleep 60'
        nft.write_text(f'#!/bin/sh\n{hangs}\nexec {shutil.which("nft")} "$@"\n')
        nft.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return hang


def test_a_server_answers_each_peer_from_the_address_that_the_peer_uses(
    moving: tuple[Site, Node, Callable[[], None]],
) -> None:
    site, node, shift = moving
    old = node.address()
    world = f"/run/netns/{site.world}"
    with (
        _socket(site.path(), "0.0.0.0", 7000) as server,
        _socket(world, WORLD, 0) as early,
        _socket(world, WORLD, 0) as late,
    ):

        def exchange(peer: socket.socket, to: str) -> str:
            peer.sendto(b"?", (to, 7000))
            _, back = server.recvfrom(10)
            server.sendto(b"!", back)
            return str(peer.recvfrom(10)[1][0])

        assert exchange(early, old) == old
        shift()
        new = node.address()
        assert new != old
        assert exchange(early, old) == old, "a peer from before the shift"
        assert exchange(late, old) == old, "a peer that comes to the old address only after the shift"
        assert exchange(late, new) == new, "at once, when it has learned the new one"
        late.sendto(b"1", (new, 7000))
        late.sendto(b"2", (old, 7000))  # overtaken on the slower, old path
        for _ in range(2):
            _, back = server.recvfrom(10)
        server.sendto(b"!", back)
        assert late.recvfrom(10)[1][0] == new, "who has once used the new address is answered from it"
        assert exchange(early, old) == old


def test_a_late_answer_to_an_early_question_leaves_from_the_address_that_was_asked(site: Site, node: Node) -> None:
    site.add_workload()
    node.add("a")
    old = node.address()
    long = Verify(successes=12, deadline_seconds=10)
    move = order("a", "b", verify=long, drain=Drain(deadline_seconds=20, minimum_seconds=10, quiet_seconds=0.3))
    world = f"/run/netns/{site.world}"
    with _socket(site.path(), "0.0.0.0", 7000) as server, _socket(world, WORLD, 0) as peer:
        node.switches.start(move)
        node.wait_for(move, Phase.VERIFY)
        peer.sendto(b"?", (old, 7000))
        _, back = server.recvfrom(10)
        node.wait_for(move, Phase.DRAIN)
        time.sleep(1)
        server.sendto(b"!", back)
        assert peer.recvfrom(10)[1][0] == old


def test_a_client_of_the_workload_does_not_hold_the_old_path(site: Site, node: Node) -> None:
    workload = site.add_workload()
    node.add("a")
    (site.root / "world").write_text(WORLD)
    site.run(site.world, TRAFFIC, "echo", 5003)
    echoed = site.run(workload, TRAFFIC, "send", site.root / "world", 5003, 500)
    node.switches.start(
        move := order("a", "b", drain=Drain(deadline_seconds=30, minimum_seconds=0.5, quiet_seconds=0.3))
    )
    status = node.finish(move)
    assert status.outcome is Outcome.MOVED
    assert status.finished_at is not None
    assert status.shifted_at is not None
    assert status.finished_at - status.shifted_at < 10
    assert echoed.end()["errors"] == 0


def test_a_server_port_inside_the_clients_range_is_named_by_reserving_it(site: Site, node: Node) -> None:
    workload = site.add_workload()
    node.add("a")
    old = node.address()
    sh(f"ip netns exec {workload} sysctl -qw net.ipv4.ip_local_reserved_ports=40000,41000-41002")
    world = f"/run/netns/{site.world}"
    move = order("a", "b", drain=Drain(deadline_seconds=20, minimum_seconds=10, quiet_seconds=0.3))
    with _socket(site.path(), "0.0.0.0", 40000) as server, _socket(world, WORLD, 0) as peer:
        node.switches.start(move)
        node.wait_for(move, Phase.DRAIN)
        peer.sendto(b"?", (old, 40000))
        _, back = server.recvfrom(10)
        server.sendto(b"!", back)
        assert peer.recvfrom(10)[1][0] == old


def test_a_connected_socket_stays_on_the_old_path_until_the_deadline(site: Site, node: Node) -> None:
    site.add_workload()
    node.add("a")
    line = inside(site.path(), lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    line.connect((WORLD, 5009))
    old = line.getsockname()[0]
    node.switches.start(
        move := order("a", "b", drain=Drain(deadline_seconds=2, minimum_seconds=0.2, quiet_seconds=0.2))
    )
    node.wait_for(move, Phase.DRAIN)
    assert line.getsockname()[0] == old
    status = node.finish(move)
    assert (status.outcome, status.measured.closed) == (Outcome.MOVED, 1)
    with pytest.raises(OSError, match="abort"):
        line.recv(1)
    line.close()
    rules = json.loads(sh(f"ip -j -n {site.workload()} rule"))
    assert old not in json.dumps(rules)


@pytest.mark.parametrize(("call", "outcome"), [(2, Outcome.UNDONE), (3, Outcome.MOVED), (4, Outcome.MOVED)])
def test_rules_that_take_too_long_are_a_step_that_failed(
    site: Site, node: Node, slow_nft: Callable[[int], None], call: int, outcome: Outcome
) -> None:
    """The kernel commits rules of all namespaces one after the other: on a busy node nft may have to wait for long.

    It is called twice before the shift, then when draining begins, then to see who was heard.
    """
    site.add_workload()
    node.add("a")
    slow_nft(call)
    node.switches.start(move := order("a", "b"))
    status = node.finish(move)
    assert status.outcome is outcome, status
    assert [each.network for each in node.attached()] == ["cni:b" if outcome is Outcome.MOVED else "cni:a"]
    assert site.inside()["nft"] == []
