"""Configurations that are made up for well-known plugins without a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from cni.generated import generate, why_not
from cni.netconf import ConfDir, NetworkUnknown

HOST_LOCAL = {"type": "host-local", "subnet": "10.10.0.0/16"}
FIXIPAM = {
    "type": "fixipam",
    "subnet": "10.55.206.0/26",
    "gateway": "10.55.206.1",
    "routes": [{"dst": "0.0.0.0/0"}],
}


@pytest.mark.parametrize(
    ("plugin", "name", "content"),
    [
        pytest.param("bridge", "mybridgenet", {"type": "bridge", "ipam": HOST_LOCAL}, id="E6 bridge"),
        pytest.param(
            "macvlan", "macvlannet", {"type": "macvlan", "master": "eth7", "ipam": HOST_LOCAL}, id="E8 macvlan"
        ),
        pytest.param("sriov", "sriovnet", {"type": "sriov", "master": "eth0", "ipam": FIXIPAM}, id="E10 sriov"),
    ],
)
def test_genies_three(plugin: str, name: str, content: dict[str, Any]) -> None:
    made = generate(plugin, lambda: "eth7")
    assert made == {"cniVersion": "1.0.0", "name": name, "plugins": [content]}


def test_macvlan_without_a_default_route_is_on_eth0() -> None:
    made = generate("macvlan", lambda: None)
    assert made is not None
    assert made["plugins"][0]["master"] == "eth0"


@pytest.mark.parametrize("plugin", ["calico", "canal", "flannel", "romana", "Romana", "weave"])
def test_others_that_genie_knew_are_told_to_be_installed(plugin: str) -> None:
    assert generate(plugin, lambda: "eth0") is None
    assert "Configuration file is missing" in why_not(plugin)


@pytest.mark.parametrize("plugin", ["", "Bridge", "bridge2", "dhcp", "genie"])
def test_nothing_is_made_up_for_the_rest(plugin: str) -> None:
    assert generate(plugin, lambda: "eth0") is None
    assert "unsupported plugin type" in why_not(plugin)


def test_a_generated_one_is_written_nowhere_and_is_no_default(tmp_path: Path) -> None:
    networks = ConfDir(tmp_path, lambda: "eth7")
    assert networks.find("bridge").network == "cni:bridge"
    assert networks.find("macvlan").own_name == "macvlannet"
    assert list(tmp_path.iterdir()) == []
    assert networks.all() == []
    with pytest.raises(NetworkUnknown):
        networks.default()


def test_a_file_comes_first_by_its_name_or_by_the_name_in_it(tmp_path: Path) -> None:
    (tmp_path / "50-lan.conf").write_text('{"name":"bridge","type":"ptp"}')
    networks = ConfDir(tmp_path)
    assert msgspec.json.decode(networks.find("bridge").config)["plugins"][0]["type"] == "ptp"
    (tmp_path / "60-bridge.conf").write_text('{"name":"lan","type":"vlan"}')
    assert msgspec.json.decode(networks.find("bridge").config)["plugins"][0]["type"] == "vlan"
