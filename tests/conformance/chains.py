"""Chains of reference plugins, and what must be true of a container while it is attached by each."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.netns import this_thread_in
from tests.support.node import Node, addresses, links, rules, run

BRIDGE = {"type": "bridge", "bridge": "br0", "isGateway": True, "ipMasq": True}
MAC = "02:00:00:00:00:07"

Plugins = Callable[[Node], list[dict[str, Any]]]
Look = Callable[[Node, str], None]


@dataclass(frozen=True)
class Case:
    """A chain, what the runtime supplies for its capabilities, and what must be true while it is attached."""

    plugins: Plugins
    look: Look
    supplied: dict[str, Any] = field(default_factory=dict)
    check_fails: dict[str, str] = field(default_factory=dict)
    """By set: its plugins' CHECK does not take what their own ADD did, under libcni neither, and says so."""


# --- what is looked at ------------------------------------------------------------------------------------------


def of_kind(kind: str) -> Look:
    def look(_: Node, workload: str) -> None:
        shown = json.loads(run("ip", "-n", workload, "-j", "-details", "link", "show", "eth0"))
        assert shown[0]["linkinfo"]["info_kind"] == kind
        assert len(addresses(workload, "eth0")) == 1

    return look


def has(*wanted: str) -> Look:
    def look(_: Node, workload: str) -> None:
        assert addresses(workload, "eth0") == list(wanted)

    return look


def both_families(_: Node, workload: str) -> None:
    shown = json.loads(run("ip", "-n", workload, "-j", "address", "show", "eth0"))
    found = {info["family"] for info in shown[0]["addr_info"] if info["scope"] == "global"}
    assert found == {"inet", "inet6"}


def named_by_mac(_: Node, workload: str) -> None:
    (shown,) = json.loads(run("ip", "-n", workload, "-j", "link", "show", "eth0"))
    assert shown["address"] == MAC


def moved(here: Node, workload: str) -> None:
    assert "spare" not in links(here.name)
    assert addresses(workload, "eth0") == ["10.6.0.2/24"]


def up(_: Node, workload: str) -> None:
    (shown,) = json.loads(run("ip", "-n", workload, "-j", "link", "show", "lo"))
    assert "UP" in shown["flags"]


def published(here: Node, workload: str) -> None:
    """The world reaches the workload's port by the node's."""
    with contextlib.ExitStack() as stack:
        with this_thread_in(workload):
            listener = stack.enter_context(socket.create_server(("0.0.0.0", 80)))
            listener.settimeout(5)
        with this_thread_in(here.world):
            caller = stack.enter_context(socket.create_connection(("192.0.2.1", 8080), timeout=5))
        caller.sendall(b"hello")
        answering, _ = listener.accept()
        with answering:
            assert answering.recv(5) == b"hello"


def shaped(here: Node, _: str) -> None:
    shown = run("ip", "netns", "exec", here.name, "tc", "qdisc", "show")
    assert shown.count("tbf") == 2, "one for each direction"
    assert "rate 1Mbit" in shown


def admitted(here: Node, workload: str) -> None:
    own = addresses(workload, "eth0")[0].split("/")[0]
    assert own in run("ip", "netns", "exec", here.name, "iptables-save", "-t", "filter")


def tuned(_: Node, workload: str) -> None:
    (shown,) = json.loads(run("ip", "-n", workload, "-j", "link", "show", "eth0"))
    assert (shown["mtu"], "PROMISC" in shown["flags"]) == (1400, True)
    sysctl = run("ip", "netns", "exec", workload, "cat", "/proc/sys/net/ipv4/conf/eth0/arp_announce")
    assert sysctl.strip() == "2"


def routed_by_source(_: Node, workload: str) -> None:
    own = addresses(workload, "eth0")[0].split("/")[0]
    tables = {rule["table"] for rule in rules(workload) if rule.get("src") == own}
    assert {"1000", "100"} <= tables, "ours and the plugin's"


def all_of(*looks: Look) -> Look:
    def look(here: Node, workload: str) -> None:
        for each in looks:
            each(here, workload)

    return look


# --- the cases --------------------------------------------------------------------------------------------------

PORTS = {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}
RATES = {
    "bandwidth": {"ingressRate": 1_000_000, "ingressBurst": 80_000, "egressRate": 1_000_000, "egressBurst": 80_000}
}
PORTMAP = {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True}
BANDWIDTH = {"type": "bandwidth", "capabilities": {"bandwidth": True}}
FIREWALL = {"type": "firewall", "backend": "iptables"}
TUNING = {"type": "tuning", "mtu": 1400, "promisc": True, "sysctl": {"net.ipv4.conf.eth0.arp_announce": "2"}}
MOVED_AWAY = dict.fromkeys(("Debian", "module"), "Failed to find Gateway")
"""sbr moves the routes that the interface's plugin looks for in the main table."""


def bridge(here: Node) -> dict[str, Any]:
    return {**BRIDGE, "ipam": here.host_local("10.1.0.0/24", routes=[{"dst": "0.0.0.0/0"}])}


def macvlan(here: Node) -> dict[str, Any]:
    # The gateway is named: at CHECK Debian's macvlan looks for a route without one, and finds none that it made itself.
    routes = [{"dst": "10.9.0.0/16", "gw": "10.2.0.1"}]
    return {"type": "macvlan", "master": "eth2", "ipam": here.host_local("10.2.0.0/24", routes=routes)}


def dual_stack(here: Node) -> dict[str, Any]:
    ranges = [[{"subnet": "10.1.0.0/24"}], [{"subnet": "fd00:1::/64"}]]
    return {**bridge(here), "ipam": {**here.host_local("10.1.0.0/24"), "ranges": ranges}}


def fixed(address: str, gateway: str) -> dict[str, Any]:
    return {"type": "static", "addresses": [{"address": address, "gateway": gateway}]}


CASES = {
    "bridge": Case(lambda here: [bridge(here)], of_kind("veth")),
    "bridge, both families": Case(lambda here: [dual_stack(here)], both_families),
    "bridge, mac": Case(lambda here: [{**bridge(here), "capabilities": {"mac": True}}], named_by_mac, {"mac": MAC}),
    "macvlan": Case(lambda here: [macvlan(here)], of_kind("macvlan")),
    "ptp": Case(
        lambda here: [{"type": "ptp", "ipMasq": True, "ipam": here.host_local("10.3.0.0/24")}], of_kind("veth")
    ),
    "host-device": Case(
        lambda _: [{"type": "host-device", "device": "spare", "ipam": fixed("10.6.0.2/24", "10.6.0.1")}], moved
    ),
    "loopback": Case(lambda _: [{"type": "loopback"}], up),
    "static": Case(lambda here: [{**bridge(here), "ipam": fixed("10.1.0.77/24", "10.1.0.1")}], has("10.1.0.77/24")),
    "static, ips": Case(
        lambda here: [{**bridge(here), "ipam": {"type": "static"}, "capabilities": {"ips": True}}],
        has("10.1.0.78/24"),
        {"ips": ["10.1.0.78/24"]},
    ),
    "host-local, ips": Case(
        lambda here: [{**bridge(here), "capabilities": {"ips": True}}], has("10.1.0.79/24"), {"ips": ["10.1.0.79"]}
    ),
    "portmap": Case(
        lambda here: [bridge(here), PORTMAP], published, PORTS, check_fails={"Debian": "could not check ipv6 dnat"}
    ),
    "bandwidth": Case(lambda here: [bridge(here), BANDWIDTH], shaped, RATES),
    "firewall": Case(lambda here: [bridge(here), FIREWALL], admitted),
    "tuning": Case(lambda here: [bridge(here), TUNING], tuned),
    "tuning, mac": Case(
        lambda here: [macvlan(here), {"type": "tuning", "capabilities": {"mac": True}}], named_by_mac, {"mac": MAC}
    ),
    "sbr": Case(lambda here: [macvlan(here), {"type": "sbr"}], routed_by_source, check_fails=MOVED_AWAY),
    "all of them": Case(
        lambda here: [bridge(here), TUNING, FIREWALL, PORTMAP, BANDWIDTH, {"type": "sbr"}],
        all_of(published, shaped, admitted, tuned, routed_by_source),
        {**PORTS, **RATES},
        check_fails=MOVED_AWAY,
    ),
}
