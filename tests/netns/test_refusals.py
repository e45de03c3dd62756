"""What a node refuses before it touches anything, each with its reason word."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cni.switch import Refused
from cni.wire import RefusalReason, Verify
from tests.support.netns import Node, Site, order

pytestmark = pytest.mark.netns

BOUND = {
    "a listener on the address": "s=socket.socket(); s.bind((A, 7001)); s.listen()",
    "a UDP socket on the address": "s=socket.socket(type=socket.SOCK_DGRAM); s.bind((A, 7001))",
    "a socket on the link": "s=socket.socket(type=socket.SOCK_DGRAM); s.setsockopt(1, 25, b'net1'); s.bind(('', 7001))",
    "a multicast membership": "s=socket.socket(type=socket.SOCK_DGRAM);"
    "s.setsockopt(0, 35, socket.inet_aton('239.1.2.3') + socket.inet_aton(A))",
}
FREE = {
    "a listener on all addresses": "s=socket.socket(); s.bind(('', 7001)); s.listen()",
    "a UDP socket on all addresses": "s=socket.socket(type=socket.SOCK_DGRAM); s.bind(('', 7001))",
    "a connected UDP socket": "s=socket.socket(type=socket.SOCK_DGRAM); s.connect(('10.99.0.1', 53))",
}


def _holder(site: Site, address: str, code: str) -> subprocess.Popen[str]:
    program = f"import socket\nA={address!r}\n{code.replace(';', chr(10))}\nprint('ready', flush=True)\ninput()"
    program = program.replace("\n ", "\n")
    holder = subprocess.Popen(
        ["ip", "netns", "exec", site.workload(), sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "ready\n"
    return holder


@pytest.mark.parametrize("what", BOUND)
def test_a_socket_that_cannot_survive_is_named(site: Site, node: Node, what: str) -> None:
    site.add_workload()
    node.add("a")
    inside = site.inside()
    holder = _holder(site, node.address(), BOUND[what])
    try:
        with pytest.raises(Refused) as refused:
            node.switches.start(order("a", "b"))
        assert refused.value.reason is RefusalReason.BOUND_SOCKET
        if "multicast" in what:
            assert "239.1.2.3" in refused.value.message
        else:
            assert f"({holder.pid})" in refused.value.message
            assert ":7001" in refused.value.message
        assert site.inside() == inside
        node.switches.check(order("a", "b", accept=("BoundSocket",)))
    finally:
        holder.communicate("\n")


@pytest.mark.parametrize("what", FREE)
def test_other_sockets_do_not_stand_in_the_way(site: Site, node: Node, what: str) -> None:
    site.add_workload()
    node.add("a")
    holder = _holder(site, node.address(), FREE[what])
    node.switches.check(order("a", "b"))
    holder.communicate("\n")


def test_every_other_refusal_has_its_word(site: Site, node: Node) -> None:
    site.add_workload()
    full = site.bridge(2)
    full["ipam"]["ranges"] = [[{"subnet": "10.2.0.0/30", "gateway": "10.2.0.1"}]]
    site.configure("full", full)
    pathless = site.bridge(2)
    pathless["ipam"] = {"type": "static", "addresses": [{"address": "10.2.0.9/24"}]}
    site.configure("pathless", pathless)
    for number in (2, 3, 4, 5):
        site.add_workload(number)
    node.add("full", 2)
    node.add("a", 1)
    node.add("a", 3, annotations={"switcher.genie.io/do-not-move": "true"})
    node.add("a", 4, annotations={"switcher.genie.io/do-not-move": "1h"})
    node.add("a", 5, runtime_ifname="net1")

    def reason(*ends: str, number: int = 1) -> RefusalReason | None:
        with pytest.raises(Refused) as refused:
            node.switches.check(order(*ends, number=number))
        return refused.value.reason

    assert reason("a", "full") is RefusalReason.NO_ADDRESS
    assert reason("a", "pathless") is RefusalReason.NO_DEFAULT_ROUTE
    assert reason("a", "b", number=3) is RefusalReason.DO_NOT_MOVE
    assert reason("a", "b", number=4) is RefusalReason.DO_NOT_MOVE
    assert reason("a", "b", number=5) is RefusalReason.PRIMARY_ADDRESS


def test_an_order_that_does_not_fit_is_refused_in_words(site: Site, node: Node) -> None:
    site.add_workload()
    node.add("a")
    for wrong, word in (
        (order("b", "a"), "not on cni:b"),
        (order("a", "a"), "already"),
        (order("a", "nowhere"), "nowhere"),
        (order("a", "b", number=7), "no attachment"),
        (order("a", "b", verify=Verify(targets=("http://x", "tcp://10.0.0.1"))), "http://x"),
    ):
        with pytest.raises(Refused) as refused:
            node.switches.start(wrong)
        assert word in refused.value.message
        assert refused.value.reason is None
    assert node.switches.statuses() == []


def test_an_order_is_carried_out_once_and_one_attachment_moves_at_a_time(site: Site, node: Node) -> None:
    site.add_workload()
    node.add("a")
    node.switches.start(move := order("a", "b"))
    node.switches.start(move)
    with pytest.raises(Refused, match="moving already"):
        node.switches.start(order("a", "b"))
    node.finish(move)
    node.switches.start(move)
    assert [status.id for status in node.switches.statuses()] == [move.id]
