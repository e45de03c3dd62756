"""What is written on a pod of its networks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from cni.model import Attachment, AttachmentState
from cni.written import Interface, multi_ip_preferences, network_status


def attached(name: str, network: str, result: dict[str, Any], mac: str = "", mtu: int = 0) -> Interface:
    inside = [{"name": name, "sandbox": "/run/netns/x"}]
    record = Attachment(
        container_id="c",
        name=name,
        generation=0,
        workload="shop/web-0",
        netns="/run/netns/x",
        ifname=name,
        network=network,
        physical_network=None,
        delegate_id="c",
        config=b'{"name":"cbr0","plugins":[{"type":"flannel"}]}',
        cni_args="",
        capabilities=b"{}",
        result=json.dumps({"cniVersion": "1.0.0", "interfaces": inside, **result}).encode(),
        state=AttachmentState.READY,
        table=1000,
        position=0,
        created_at=0,
        started_at=0,
    )
    return Interface(attachment=record, mac=mac, mtu=mtu)


ETH0 = attached(
    "eth0",
    "cni:flannel",
    {
        "ips": [{"address": "10.244.0.201/24", "gateway": "10.244.0.1", "interface": 0}],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dns": {"nameservers": ["10.96.0.10"]},
    },
    "02:00:00:00:00:01",
    1450,
)
ETH1 = attached(
    "eth1", "nad:shop/line", {"ips": [{"address": "10.32.0.4/12", "interface": 0}]}, "02:00:00:00:00:02", 1500
)
DUAL = attached("eth2", "logical:shop/l", {"ips": [{"address": "10.9.0.2/24"}, {"address": "fd00::2/64"}]})
BARE = attached("net3", "nad:shop/l2", {})


def test_N11_the_status_says_what_is_true() -> None:
    assert json.loads(network_status([ETH0, ETH1, DUAL, BARE])) == [
        {
            "name": "cbr0",
            "interface": "eth0",
            "ips": ["10.244.0.201"],
            "mac": "02:00:00:00:00:01",
            "mtu": 1450,
            "default": True,
            "dns": {"nameservers": ["10.96.0.10"]},
            "gateway": ["10.244.0.1"],
        },
        {
            "name": "shop/line",
            "interface": "eth1",
            "ips": ["10.32.0.4"],
            "mac": "02:00:00:00:00:02",
            "mtu": 1500,
            "dns": {},
        },
        {"name": "shop/l", "interface": "eth2", "ips": ["10.9.0.2", "fd00::2"], "dns": {}},
        {"name": "shop/l2", "interface": "net3", "dns": {}},
    ]


def test_N11_the_first_is_the_default_whoever_carries_the_default_route() -> None:
    carrier = attached(
        "net1",
        "nad:shop/x",
        {
            "ips": [{"address": "10.5.0.2/24"}],
            "routes": [{"dst": "0.0.0.0/0", "gw": "10.5.0.9"}, {"dst": "::/0", "gw": "fd00::1"}],
        },
    )
    entries = json.loads(network_status([ETH1, carrier, BARE]))
    assert [entry.get("default", False) for entry in entries] == [True, False, False]
    assert [entry.get("gateway") for entry in entries] == [None, ["10.5.0.9", "fd00::1"], None]
    assert [entry.get("default", False) for entry in json.loads(network_status([BARE, ETH1]))] == [True, False]


def test_genies_form_is_kept_to_the_byte() -> None:
    """One blank of indentation, the order of its keys; mtu and gateway are the standard's since."""
    plain = attached("eth0", "cni:flannel", {"ips": [{"address": "10.244.0.201/24"}]}, "02:00:00:00:00:01")
    assert network_status([plain]) == (
        '[\n {\n  "name": "cbr0",\n  "interface": "eth0",\n  "ips": [\n   "10.244.0.201"\n  ],\n'
        '  "mac": "02:00:00:00:00:01",\n  "default": true,\n  "dns": {}\n }\n]'
    )


def test_device_information_is_passed_on() -> None:
    (entry,) = json.loads(network_status([replace(ETH1, device={"type": "pci", "version": "1.1.0"})]))
    assert entry["device-info"] == {"type": "pci", "version": "1.1.0"}


def test_all_addresses_as_genie_writes_them() -> None:
    assert multi_ip_preferences([ETH0, ETH1]) == (
        '{"multi_entry":2,"ips":{"ip1":{"ip":"10.244.0.201","interface":"eth0"},"ip2":{"ip":"10.32.0.4","interface":"eth1"}}}'
    )
    assert multi_ip_preferences([ETH0]) is None


def test_an_interface_without_address_loses_no_other_and_none_is_left_out() -> None:
    content = json.loads(multi_ip_preferences([ETH0, BARE, DUAL]) or "")
    assert content["multi_entry"] == 3
    assert [entry["ip"] for entry in content["ips"].values()] == ["10.244.0.201", "10.9.0.2", "fd00::2"]
    assert list(content["ips"]) == ["ip1", "ip2", "ip3"]
