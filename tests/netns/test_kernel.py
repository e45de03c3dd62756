"""The kernel adapter against a real kernel: counters, own tables, sockets, probes, other namespaces' settings."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cni import kernel
from cni.kernel import interfaces, neighbours, netlink, policy, probes, routing
from cni.kernel.sockets import LISTEN, destroy, owner, sockets
from cni.kernel.spaces import (
    create_netns,
    inside,
    open_socket,
    read_sysctl,
    remove_netns,
    same_netns,
    write_sysctl,
)
from tests.support.netns import Program, Site, everything, sh

pytestmark = pytest.mark.netns


@pytest.fixture
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Two namespaces joined by a veth pair: 10.1.0.5 on ``net1`` here, 10.1.0.1 on ``far`` there."""
    prefix = Site(tmp_path_factory.mktemp("pair")).prefix
    here, there = f"{prefix}-here", f"{prefix}-there"
    for name in (here, there):
        sh(f"ip netns add {name} && ip -n {name} link set lo up")
    sh(f"ip link add net1 netns {here} type veth peer name far netns {there}")
    sh(f"ip -n {here} addr add 10.1.0.5/24 dev net1 && ip -n {here} link set net1 up")
    sh(f"ip -n {there} addr add 10.1.0.1/24 dev far && ip -n {there} link set far up")
    yield here, there
    for name in (here, there):
        sh(f"ip netns del {name}")


def test_counters_are_those_of_the_namespace(pair: tuple[str, str]) -> None:
    here, there = (f"/run/netns/{name}" for name in pair)
    before = kernel.counters(here)["net1"]
    with open_socket(there, socket.AF_INET, socket.SOCK_DGRAM) as line:
        for _ in range(10):
            line.sendto(bytes(972), ("10.1.0.5", 9))
    after = kernel.counters(here)["net1"]
    assert after.rx_packets - before.rx_packets >= 10
    assert after.rx_bytes - before.rx_bytes >= 10 * (972 + 28 + 14)
    assert "net1" not in kernel.counters(None)
    assert set(kernel.links(here)) == {"lo", "net1"}


def test_links_and_addresses_are_as_ip_shows_them(pair: tuple[str, str]) -> None:
    name, here = pair[0], f"/run/netns/{pair[0]}"
    sh(f"ip -n {name} addr add fd00:1::5/64 dev net1 nodad && ip -n {name} link set net1 mtu 1400")
    shown = {each["ifname"]: each for each in json.loads(sh(f"ip -n {name} -j -d link"))}
    found = kernel.links(here)
    for link in found.values():
        info = shown[link.name]
        assert (link.index, link.mac, link.mtu) == (info["ifindex"], info["address"], info["mtu"])
        assert link.kind == info.get("linkinfo", {}).get("info_kind")
        assert (link.up, link.carrier) == ("UP" in info["flags"], "LOWER_UP" in info["flags"])
        assert kernel.link(here, link.name) == link
    assert found["net1"].peer_index == shown["net1"]["link_index"]
    assert kernel.link(here, "nothing") is None
    assert set(interfaces.names(here)) == set(found)
    for family, word in ((socket.AF_INET, "inet"), (socket.AF_INET6, "inet6")):
        (info,) = json.loads(sh(f"ip -n {name} -j addr show dev net1"))
        wanted = {f"{each['local']}/{each['prefixlen']}" for each in info["addr_info"] if each["family"] == word}
        assert {str(each) for each in kernel.addresses(here, "net1", family)} == wanted
    sh(f"ip -n {name} addr add 10.7.0.5/24 brd 10.7.0.255 dev net1")
    added = next(each for each in kernel.addresses(here, "net1") if each.address == "10.7.0.5")
    sh(f"ip -n {name} addr del 10.7.0.5/24 dev net1")
    interfaces.add_address(here, added.index, added)
    assert added in kernel.addresses(here, "net1")


def test_rules_are_as_ip_shows_them(pair: tuple[str, str]) -> None:
    name, here = pair[0], f"/run/netns/{pair[0]}"
    wanted = [
        kernel.Rule(preference=100, table=77, source="10.1.0.5"),
        kernel.Rule(preference=101, table=1077, out_link="net1"),
        kernel.Rule(preference=102, table=78, source="fd00::5", family=socket.AF_INET6),
    ]
    for rule in wanted:
        policy.add_rule(here, rule)
        policy.add_rule(here, rule)
    assert [rule for rule in policy.rules(here) if 0 < rule.preference < 200] == wanted[:2]
    assert [rule for rule in policy.rules(here, socket.AF_INET6) if 0 < rule.preference < 200] == wanted[2:]
    shown = sh(f"ip -n {name} rule; ip -n {name} -6 rule").replace("\t", " ")
    for text in ("from 10.1.0.5 lookup 77", "from all oif net1 lookup 1077", "from fd00::5 lookup 78"):
        assert text in shown
    sh(f"ip -n {name} rule add fwmark 7 pref 103 table 77")
    ours = [rule for rule in policy.rules(here) if 0 < rule.preference < 200]
    assert ours == wanted[:2], "what we cannot say is left out"
    for rule in wanted:
        policy.delete_rule(here, rule)
        policy.delete_rule(here, rule)
    assert not [rule for rule in policy.rules(here) if 0 < rule.preference < 200]


def test_of_many_orders_one_may_be_refused_and_the_others_are_done(pair: tuple[str, str]) -> None:
    here = f"/run/netns/{pair[0]}"
    found = kernel.link(here, "net1")
    assert found is not None
    good = [routing.route(f"203.0.113.{number}/32", found.index) for number in range(100)]
    bad = routing.route("198.51.100.1/32", 4711)
    with netlink.talking(here) as channel:
        with pytest.raises(kernel.KernelError):
            channel.order_all([routing.adding(each, 999) for each in (*good[:50], bad, *good[50:])])
        assert channel.order_all([routing.removing(each, 999) for each in (good[0], bad)]) == [True, False]
    assert sorted(each.body for each in routing.routes(here, 999)) == sorted(each.body for each in good[1:])


def test_an_own_table_comes_and_goes_without_a_trace(pair: tuple[str, str]) -> None:
    here = f"/run/netns/{pair[0]}"
    sh(f"ip -n {pair[0]} route add 203.0.113.0/24 via 10.1.0.1 dev net1 metric 5 mtu 1400")
    bare = everything(pair[0])
    kernel.install_own_table(here, "net1", 1003, ["10.1.0.1"])
    once = everything(pair[0])
    kernel.install_own_table(here, "net1", 1003, ["10.1.0.1"])
    assert everything(pair[0]) == once
    shown = sh(f"ip -n {pair[0]} route show table 1003")
    assert "default via 10.1.0.1" in shown
    assert "mtu 1400" in shown
    assert policy.rules(here)[1] == kernel.Rule(preference=20003, table=1003, source="10.1.0.5")
    kernel.remove_own_table(here, 1003)
    kernel.remove_own_table(here, 1003)
    assert everything(pair[0]) == bare


def test_a_table_is_made_exactly_as_wanted_and_copies_keep_all(pair: tuple[str, str]) -> None:
    here = f"/run/netns/{pair[0]}"
    sh(f"ip -n {pair[0]} route add 203.0.113.0/24 via 10.1.0.1 metric 5 mtu 1400 advmss 1300 tos 4")
    sh(f"ip -n {pair[0]} route add 198.51.100.0/24 nexthop via 10.1.0.1 weight 2 nexthop via 10.1.0.2 weight 3")
    copied = routing.routes(here)
    routing.set_routes(here, 999, copied)
    assert sorted(each.body for each in routing.routes(here, 999)) == sorted(each.body for each in copied)
    multipath = next(each for each in copied if each.destination == "198.51.100.0/24")
    assert multipath.link is None
    assert len(multipath.links) == 1
    routing.set_routes(here, 999, copied[:1])
    assert routing.routes(here, 999) == copied[:1]
    routing.set_routes(here, 999, ())
    assert routing.routes(here, 999) == []


def test_sockets_and_their_owners_are_seen_from_outside(pair: tuple[str, str]) -> None:
    here = f"/run/netns/{pair[0]}"
    with open_socket(here, socket.AF_INET6, socket.SOCK_STREAM) as listener:
        listener.bind(("::", 7001))
        listener.listen()
        with open_socket(f"/run/netns/{pair[1]}", socket.AF_INET, socket.SOCK_STREAM) as client:
            client.connect(("10.1.0.5", 7001))
            accepted, _ = listener.accept()
            seen = {(each.local, each.state == LISTEN) for each in sockets(here)}
            assert ("10.1.0.5", False) in seen, "an IPv4 connection on an IPv6 listener"
            victim = next(each for each in sockets(here) if each.local == "10.1.0.5")
            assert destroy(here, victim)
            assert not destroy(here, victim), "gone already"
            with pytest.raises(ConnectionError):
                client.recv(1)
            accepted.close()
    program = Program(pair[0], *_listening())
    try:
        found = next(each for each in sockets(here) if each.local_port == 7002)
        assert owner(here, found.inode) == f"{Path(sys.executable).name} ({program.pid})"
    finally:
        program.kill()


def _listening() -> tuple[str, ...]:
    code = "import socket,time;s=socket.socket();s.bind(('',7002));s.listen();print('ready',flush=True);time.sleep(60)"
    return ("-c", code)


def test_probes_leave_by_the_link_that_they_are_given(pair: tuple[str, str]) -> None:
    here = f"/run/netns/{pair[0]}"
    assert neighbours.answers(here, "net1", "10.1.0.5", "10.1.0.1", 1)
    assert not neighbours.answers(here, "net1", "10.1.0.5", "10.1.0.9", 0.1)
    assert probes.echoes(here, "net1", "10.1.0.5", "10.1.0.1", 1)
    assert not probes.echoes(here, "net1", "10.1.0.5", "10.1.0.9", 0.1)
    with open_socket(f"/run/netns/{pair[1]}", socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("10.1.0.1", 7003))
        listener.listen()
        assert probes.connects(here, "net1", "10.1.0.5", ("10.1.0.1", 7003), 1)
    assert not probes.connects(here, "net1", "10.1.0.5", ("10.1.0.1", 7004), 1)


def test_a_scratch_namespace_keeps_a_link_until_it_is_removed(pair: tuple[str, str], tmp_path: object) -> None:
    here, scratch = f"/run/netns/{pair[0]}", f"{tmp_path}/scratch/one"
    create_netns(scratch)
    create_netns(scratch)
    assert kernel.is_netns(scratch)
    assert not same_netns(scratch, here)
    found = kernel.link(here, "net1")
    assert found is not None
    interfaces.rename(here, found.index, "aside")
    interfaces.move(here, found.index, scratch, "net1")
    assert set(kernel.links(scratch)) == {"lo", "net1"}
    assert kernel.addresses(scratch, "net1") == [], "moving takes the addresses away"
    remove_netns(scratch)
    remove_netns(scratch)
    assert not kernel.is_netns(scratch)


def test_a_namespace_is_told_from_one_that_takes_its_path(tmp_path: Path) -> None:
    path, other = str(tmp_path / "netns"), str(tmp_path / "other")
    create_netns(path)
    first = kernel.netns_identity(path)
    assert first == kernel.netns_identity(path)
    remove_netns(path)
    assert kernel.netns_identity(path) is None
    create_netns(path)
    create_netns(other)
    identities = {first, *map(kernel.netns_identity, (path, other, "/proc/self/ns/net"))}
    assert len(identities) == 4
    assert None not in identities
    for each in (path, other):
        remove_netns(each)


def test_nothing_here_moves_the_calling_thread(pair: tuple[str, str]) -> None:
    here = f"/run/netns/{pair[0]}"
    own = Path("/proc/thread-self/ns/net")
    home = own.readlink()
    write_sysctl(here, "net/ipv4/conf/net1/arp_ignore", "1")
    assert read_sysctl(here, "net/ipv4/conf/net1/arp_ignore") == "1"
    assert read_sysctl(here, "net/ipv4/conf/nothing/arp_ignore") is None
    assert inside(here, own.readlink) != home
    assert own.readlink() == home
    with pytest.raises(ZeroDivisionError):
        inside(here, lambda: 1 / 0)
    assert not kernel.is_netns("/etc/passwd")
    assert not kernel.is_netns("/run/netns/nothing")
