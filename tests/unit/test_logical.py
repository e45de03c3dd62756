"""CNI-Genie's logical networks: plugin, subnet and parent NIC, and subnets put where IPAM plugins read them."""

from __future__ import annotations

from typing import Any

import pytest

from cni.cluster import LogicalNetwork, ObjectUnknown, PhysicalNetwork, Uplink
from cni.logical import LogicalRefused, Plan, carried_out, parent_nic, physical_name, plan
from cni.subnets import SubnetRefused, with_subnet

DEDICATED = PhysicalNetwork(
    namespace="shop", name="p", refer_nic="eth1", plugin="macvlan", subnet="10.32.0.0/16", dedicated=True
)
SHARED = PhysicalNetwork(namespace="shop", name="p", refer_nic="eth1", plugin="weave")


def logical(**fields: str) -> LogicalNetwork:
    return LogicalNetwork(namespace="shop", name="l", **fields)


def having(physical: PhysicalNetwork) -> Any:
    def find(namespace: str, name: str) -> PhysicalNetwork:
        assert (namespace, name) == ("shop", "p")
        return physical

    return find


def no_physical(namespace: str, name: str) -> PhysicalNetwork:
    raise ObjectUnknown("PhysicalNetwork", namespace, name)


@pytest.mark.parametrize(
    ("wanted", "physical", "expected"),
    [
        pytest.param(logical(plugin="weave"), None, ("weave", ""), id="plugin only"),
        pytest.param(logical(plugin="weave", sub_subnet="10.32.20.0/24"), None, ("weave", "10.32.20.0/24"), id="E17"),
        pytest.param(logical(physical_net="p"), DEDICATED, ("macvlan", "10.32.0.0/16"), id="dedicated"),
        pytest.param(
            logical(physical_net="p", sub_subnet="10.32.20.0/24", plugin="ignored"),
            DEDICATED,
            ("macvlan", "10.32.20.0/24"),
            id="dedicated, a part of it",
        ),
        pytest.param(
            logical(physical_net="p", sub_subnet="10.9.0.0/24", plugin="bridge"),
            SHARED,
            ("bridge", "10.9.0.0/24"),
            id="shared, which CNI-Genie never managed",
        ),
    ],
)
def test_plugin_and_subnet(wanted: LogicalNetwork, physical: PhysicalNetwork | None, expected: tuple[str, str]) -> None:
    made = plan(wanted, no_physical if physical is None else having(physical))
    assert (made.plugin, made.subnet) == expected
    assert made.physical is physical


@pytest.mark.parametrize(
    ("wanted", "physical", "named"),
    [
        pytest.param(logical(), None, "LogicalNetwork shop/l: spec.plugin is missing", id="nothing"),
        pytest.param(
            logical(physical_net="p", sub_subnet="10.0.0.0/12"), DEDICATED, "is not inside 10.32.0.0/16", id="larger"
        ),
        pytest.param(
            logical(physical_net="p", sub_subnet="10.32.0.0/12"),
            DEDICATED,
            "is not inside 10.32.0.0/16",
            id="larger, same address",
        ),
        pytest.param(logical(physical_net="p", sub_subnet="fd00::/64"), DEDICATED, "is not inside", id="other family"),
        pytest.param(logical(physical_net="p", sub_subnet="10.9.0.0/24"), SHARED, "spec.plugin (its", id="shared"),
        pytest.param(
            logical(physical_net="p", plugin="bridge"), SHARED, "spec.sub_subnet (its", id="shared, no subnet"
        ),
        pytest.param(
            logical(physical_net="p"),
            PhysicalNetwork(namespace="shop", name="p", dedicated=True),
            "PhysicalNetwork shop/p: spec.sharedStatus.plugin is missing",
            id="dedicated without plugin",
        ),
    ],
)
def test_what_makes_no_network_is_refused(wanted: LogicalNetwork, physical: PhysicalNetwork | None, named: str) -> None:
    with pytest.raises(LogicalRefused) as caught:
        plan(wanted, no_physical if physical is None else having(physical))
    assert named in str(caught.value)


def listed(*plugins: dict[str, Any]) -> dict[str, Any]:
    return {"cniVersion": "1.0.0", "name": "n", "plugins": list(plugins)}


@pytest.mark.parametrize(
    ("plugin", "expected"),
    [
        ({"type": "macvlan", "master": "eth0"}, {"type": "macvlan", "master": "eth1"}),
        ({"type": "host-device"}, {"type": "host-device", "device": "eth1"}),
        ({"type": "sriov"}, {"type": "sriov", "master": "eth1"}),
        ({"type": "bridge", "bridge": "br0"}, {"type": "bridge", "bridge": "br0"}),
    ],
)
def test_the_parent_nic_goes_where_the_plugin_reads_it(plugin: dict[str, Any], expected: dict[str, Any]) -> None:
    made = carried_out(Plan(plugin["type"], "", DEDICATED), listed(plugin, {"type": "tuning"}), "eth1")
    assert made["plugins"] == [expected, {"type": "tuning"}]


def test_uplinks_are_chosen_by_the_nodes_labels() -> None:
    physical = PhysicalNetwork(
        namespace="genie-system",
        name="p",
        refer_nic="eth9",
        uplinks=(
            Uplink(refer_nic="eth1", node_selector={"rack": "a"}),
            Uplink(refer_nic="eth2", node_selector={"rack": "b"}),
        ),
    )
    assert parent_nic(physical, lambda: {"rack": "b", "zone": "1"}) == "eth2"
    assert parent_nic(physical, dict) == "eth9"
    assert parent_nic(PhysicalNetwork(namespace="x", name="p"), dict) is None
    assert physical_name(physical) == "p"
    assert physical_name(DEDICATED) == "shop/p"


SUBNET = "10.32.20.0/24"


@pytest.mark.parametrize(
    ("plugin", "expected"),
    [
        pytest.param(
            {
                "type": "bridge",
                "ipam": {"type": "host-local", "subnet": "10.1.0.0/16", "routes": [{"dst": "0.0.0.0/0"}]},
            },
            {"type": "host-local", "routes": [{"dst": "0.0.0.0/0"}], "ranges": [[{"subnet": SUBNET}]]},
            id="host-local, subnet",
        ),
        pytest.param(
            {
                "type": "bridge",
                "ipam": {
                    "type": "host-local",
                    "subnet": "10.32.0.0/16",
                    "gateway": "10.32.20.254",
                    "rangeStart": "10.32.1.1",
                },
            },
            {"type": "host-local", "ranges": [[{"subnet": SUBNET, "gateway": "10.32.20.254"}]]},
            id="host-local, only what lies inside is kept of the old bounds",
        ),
        pytest.param(
            {
                "type": "bridge",
                "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/16"}], [{"subnet": "fd00::/64"}]]},
            },
            {"type": "host-local", "ranges": [[{"subnet": SUBNET}], [{"subnet": "fd00::/64"}]]},
            id="host-local, ranges",
        ),
        pytest.param(
            {"type": "bridge", "ipam": {"type": "host-local", "subnet": "fd00::/64", "gateway": "fd00::9"}},
            {"type": "host-local", "subnet": "fd00::/64", "gateway": "fd00::9", "ranges": [[{"subnet": SUBNET}]]},
            id="host-local, the other family stays",
        ),
        pytest.param({"type": "weave-net"}, {"subnet": SUBNET}, id="weave without ipam"),
        pytest.param(
            {"type": "weave-net", "ipam": {"type": "weave-ipam"}}, {"type": "weave-ipam", "subnet": SUBNET}, id="weave"
        ),
        pytest.param(
            {"type": "calico", "ipam": {"type": "calico-ipam"}},
            {"type": "calico-ipam", "ipv4_pools": [SUBNET]},
            id="calico",
        ),
    ],
)
def test_a_subnet_goes_where_the_ipam_plugin_reads_it(plugin: dict[str, Any], expected: dict[str, Any]) -> None:
    changed = with_subnet(listed({"type": "first"}, plugin), SUBNET)
    assert changed["plugins"][0] == {"type": "first"}
    assert changed["plugins"][1]["ipam"] == expected


@pytest.mark.parametrize(
    ("plugin", "named"),
    [
        ({"type": "bridge", "ipam": {"type": "static"}}, "static takes no subnet"),
        ({"type": "bridge", "ipam": {"type": "dhcp"}}, "dhcp takes no subnet"),
        ({"type": "bridge", "ipam": {}}, "without IPAM"),
        ({"type": "flannel"}, "no plugin of flannel"),
        ({"type": "weave-net", "ipam": "weave"}, "must be an object"),
        ({"type": "bridge", "ipam": {"type": "host-local", "ranges": "10.0.0.0/8"}}, "list of lists"),
        ({"type": "bridge", "ipam": {"type": "host-local", "ranges": [{"subnet": "10.0.0.0/8"}]}}, "list of lists"),
        ({"type": "bridge", "ipam": {"type": "host-local", "ranges": [[None]]}}, "list of lists"),
    ],
)
def test_a_subnet_that_would_be_passed_over_is_refused(plugin: dict[str, Any], named: str) -> None:
    with pytest.raises(SubnetRefused, match=named):
        with_subnet(listed(plugin), SUBNET)


@pytest.mark.parametrize("subnet", ["10.32.20.5/24", "x", "10.32.20.0/33"])
def test_what_is_no_subnet_is_refused(subnet: str) -> None:
    with pytest.raises(SubnetRefused, match="is not a subnet"):
        with_subnet(listed({"type": "bridge", "ipam": {"type": "host-local"}}), subnet)


def test_weave_gives_no_ipv6() -> None:
    with pytest.raises(SubnetRefused, match="IPv4"):
        with_subnet(listed({"type": "weave-net"}), "fd00::/64")
