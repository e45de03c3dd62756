"""Results between versions of the specification, and several merged into one."""

from __future__ import annotations

from typing import Any

import pytest

from cni.results import canonical, in_version, merged

BRIDGE: dict[str, Any] = {
    "cniVersion": "0.4.0",
    "interfaces": [{"name": "br0"}, {"name": "veth1"}, {"name": "eth0", "sandbox": "/run/netns/c"}],
    "ips": [{"version": "4", "interface": 2, "address": "10.1.0.5/16", "gateway": "10.1.0.1"}],
    "routes": [{"dst": "0.0.0.0/0"}, {"dst": "fd00::/64"}],
    "dns": {"nameservers": ["10.1.0.53"]},
}
MACVLAN: dict[str, Any] = {
    "cniVersion": "1.0.0",
    "interfaces": [{"name": "net1", "sandbox": "/run/netns/c", "mtu": 9000}],
    "ips": [
        {"interface": 0, "address": "10.2.0.7/16"},
        {"interface": 0, "address": "fd00::7/64", "gateway": "fd00::1"},
    ],
    "routes": [{"dst": "10.9.0.0/16", "gw": "10.2.0.254", "mtu": 1400}],
    "dns": {"nameservers": ["10.1.0.53", "10.2.0.53"], "search": ["two"], "domain": "example"},
}
OLDEST: dict[str, Any] = {
    "cniVersion": "0.2.0",
    "ip4": {"ip": "10.3.0.2/24", "gateway": "10.3.0.1", "routes": [{"dst": "0.0.0.0/0"}]},
    "dns": {},
}
CALICO: dict[str, Any] = {"cniVersion": "0.3.1", "ips": [{"version": "4", "interface": 0, "address": "10.4.0.2/32"}]}


def test_results_are_concatenated_in_order_with_their_indexes_shifted() -> None:
    whole = merged([BRIDGE, MACVLAN])
    assert [interface["name"] for interface in whole["interfaces"]] == ["br0", "veth1", "eth0", "net1"]
    assert [(ip["address"], ip["interface"]) for ip in whole["ips"]] == [
        ("10.1.0.5/16", 2),
        ("10.2.0.7/16", 3),
        ("fd00::7/64", 3),
    ]
    assert whole["dns"] == {"nameservers": ["10.1.0.53", "10.2.0.53"], "search": ["two"], "domain": "example"}


def test_a_route_without_gateway_gets_its_results_own_or_stays() -> None:
    routes = merged([BRIDGE, MACVLAN])["routes"]
    assert routes[0] == {"dst": "0.0.0.0/0", "gw": "10.1.0.1"}
    assert routes[1] == {"dst": "fd00::/64"}


NEWEST: dict[str, Any] = {
    "cniVersion": "1.1.0",
    "interfaces": [{"name": "net2", "sandbox": "/x", "mtu": 9000, "socketPath": "/v.sock", "pciID": "0000:1f:00.6"}],
    "ips": [{"interface": 0, "address": "10.5.0.2/24"}],
    "routes": [
        {"dst": "10.9.0.0/16", "gw": "10.5.0.1", "mtu": 1400, "advmss": 1360, "priority": 5, "table": 0, "scope": 253}
    ],
}


def test_T46_the_fields_of_1_1_0_are_kept() -> None:
    whole = in_version(merged([NEWEST]), "1.1.0")
    assert whole["interfaces"] == NEWEST["interfaces"]
    assert whole["routes"] == NEWEST["routes"], "a table or scope of 0 is a value too"


@pytest.mark.parametrize("version", ["0.3.0", "0.3.1", "0.4.0", "1.0.0"])
def test_T45_before_1_1_0_its_fields_are_left_out(version: str) -> None:
    whole = in_version(merged([NEWEST]), version)
    assert whole["interfaces"] == [{"name": "net2", "sandbox": "/x"}]
    assert whole["routes"] == [{"dst": "10.9.0.0/16", "gw": "10.5.0.1"}]


def test_T45_an_older_result_is_told_in_1_1_0() -> None:
    whole = in_version(merged([BRIDGE]), "1.1.0")
    assert (whole["cniVersion"], "version" in whole["ips"][0]) == ("1.1.0", False)


def test_T43_an_index_that_points_nowhere_is_dropped() -> None:
    whole = merged([CALICO, MACVLAN])
    assert "interface" not in whole["ips"][0]
    assert whole["ips"][1]["interface"] == 0


@pytest.mark.parametrize("version", ["0.3.0", "0.3.1", "0.4.0"])
def test_T45_before_1_0_0_addresses_say_their_family(version: str) -> None:
    ips = in_version(merged([MACVLAN]), version)["ips"]
    assert [ip["version"] for ip in ips] == ["4", "6"]


def test_T45_1_0_0_has_no_family() -> None:
    whole = in_version(merged([BRIDGE]), "1.0.0")
    assert whole["cniVersion"] == "1.0.0"
    assert "version" not in whole["ips"][0]


def test_T45_the_oldest_shape_has_the_first_address_of_each_family() -> None:
    whole = in_version(merged([BRIDGE, MACVLAN]), "0.2.0")
    assert whole["ip4"]["ip"] == "10.1.0.5/16"
    assert whole["ip4"]["routes"] == [
        {"dst": "0.0.0.0/0", "gw": "10.1.0.1"},
        {"dst": "10.9.0.0/16", "gw": "10.2.0.254"},
    ]
    assert whole["ip6"] == {"ip": "fd00::7/64", "gateway": "fd00::1", "routes": [{"dst": "fd00::/64"}]}
    assert "ips" not in whole


def test_the_oldest_shape_is_read() -> None:
    assert canonical(OLDEST)["ips"] == [{"address": "10.3.0.2/24", "gateway": "10.3.0.1"}]
    assert merged([OLDEST])["routes"] == [{"dst": "0.0.0.0/0", "gw": "10.3.0.1"}]


def test_a_result_without_addresses_is_one() -> None:
    whole = in_version(merged([{"cniVersion": "1.0.0", "interfaces": [{"name": "l2", "sandbox": "/x"}]}]), "1.0.0")
    assert whole == {"cniVersion": "1.0.0", "interfaces": [{"name": "l2", "sandbox": "/x"}], "dns": {}}


@pytest.mark.parametrize("bad", [{"ips": [{"address": "x"}]}, {"ip4": {"ip": "10.0.0.300/8"}}])
def test_unreadable_addresses_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="does not appear"):
        canonical(bad)


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        ({"interfaces": ["eth0"]}, r"\$.interfaces\[0\]"),
        ({"interfaces": [{"name": 7}]}, r"\$.interfaces\[0\].name"),
        ({"ips": {}}, r"\$.ips"),
        ({"ips": [{}]}, "address"),
        ({"routes": [{"gw": "10.0.0.1"}]}, "dst"),
        ({"dns": {"nameservers": "10.0.0.1"}}, r"\$.dns.nameservers"),
        ({"ip4": "10.0.0.1/8"}, r"\$.ip4"),
        ({"interfaces": [{"name": "eth0", "mac": True}]}, r"\$.interfaces\[0\].mac"),
        ({"interfaces": [{"name": "eth0", "mtu": "1500"}]}, r"\$.interfaces\[0\].mtu"),
        ({"interfaces": [{"name": "eth0", "pciID": 1}]}, r"\$.interfaces\[0\].pciID"),
        ({"ips": [{"address": "10.0.0.1/8", "interface": "0"}]}, r"\$.ips\[0\].interface"),
        ({"ips": [{"address": "10.0.0.1"}]}, "length"),
        ({"ips": [{"address": "10.0.0.1/255.0.0.0"}]}, "length"),
        ({"ips": [{"address": "fe80::1%eth0/64"}]}, "length"),
        ({"ips": [{"address": "fd00::1/64", "gateway": "fe80::1%eth0"}]}, "zone"),
        ({"routes": [{"dst": "10.0.0.0/8", "mtu": 1.5}]}, r"\$.routes\[0\].mtu"),
        ({"routes": [{"dst": "10.0.0.0/8", "table": 2**64}]}, r"\$.routes\[0\].table"),
    ],
)
def test_what_is_not_shaped_as_a_result_is_refused_with_its_place(bad: dict[str, Any], where: str) -> None:
    with pytest.raises(ValueError, match=where):
        canonical(bad)


def test_go_writes_null_for_what_is_empty() -> None:
    nothing = canonical({"interfaces": None, "ips": None, "routes": None, "dns": None})
    assert nothing == {"interfaces": [], "ips": [], "routes": [], "dns": {}}
