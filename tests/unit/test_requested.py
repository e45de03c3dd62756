"""What a pod's annotation asks of a network, as its plugins are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cni.nadspec import Options
from cni.protocol import CniError
from cni.requested import declared, request


def config(*plugins: dict[str, Any]) -> bytes:
    return json.dumps({"cniVersion": "1.0.0", "name": "n", "plugins": list(plugins)}).encode()


FULL = Options(
    ips=("10.1.2.3/24",),
    mac="02:00:00:00:00:01",
    guid="c2:11:22:33:44:55:66:77",
    port_mappings=({"hostPort": 8080, "containerPort": 80},),
    bandwidth={"ingressRate": 1000},
)
CAPABILITIES = {
    "ips": ["10.1.2.3/24"],
    "mac": "02:00:00:00:00:01",
    "infinibandGUID": "c2:11:22:33:44:55:66:77",
    "portMappings": [{"hostPort": 8080, "containerPort": 80}],
    "bandwidth": {"ingressRate": 1000},
}


def test_N6_what_is_asked_becomes_capabilities() -> None:
    plain = config(
        {"type": "a", "capabilities": {"ips": True, "mac": True}},
        {"type": "b", "capabilities": {"portMappings": True, "bandwidth": True, "infinibandGUID": True}},
    )
    made = request("nad:shop/n", plain, FULL)
    assert made.capabilities == CAPABILITIES
    assert made.config == plain, "byte for byte"
    assert made.args == {}


@pytest.mark.parametrize("lacking", sorted(CAPABILITIES))
def test_N6_without_the_capability_the_attachment_fails(lacking: str) -> None:
    others = {name: name != lacking for name in CAPABILITIES}
    with pytest.raises(CniError) as caught:
        request("nad:shop/n", config({"type": "a", "capabilities": others}), FULL)
    assert f"nad:shop/n cannot be asked for {lacking}" in caught.value.msg
    assert "none of its plugins declares it under capabilities: a" in caught.value.details


def test_addresses_as_arguments_as_genie_had_them() -> None:
    options = Options(ips=("10.1.2.3", "10.1.2.4"), mac="02:00:00:00:00:01")
    made = request("n", config({"type": "a"}), options, as_args=True)
    assert made.args == {"IP": "10.1.2.3,10.1.2.4", "MAC": "02:00:00:00:00:01"}
    assert made.capabilities == {}


def test_devices_and_args_go_into_the_configuration() -> None:
    options = Options(device_id="0000:18:0a.0", cni_args={"rate": 5}, ipam_claim="vm-1")
    plain = config(
        {"type": "a", "args": {"cni": {"kept": 1}, "other": 2}, "capabilities": {"deviceID": True}}, {"type": "b"}
    )
    made = request("n", plain, options)
    asked = {"rate": 5, "ipam-claim-reference": "vm-1"}
    assert json.loads(made.config)["plugins"] == [
        {
            "type": "a",
            "args": {"cni": {"kept": 1, **asked}, "other": 2},
            "capabilities": {"deviceID": True},
            "deviceID": "0000:18:0a.0",
        },
        {"type": "b", "args": {"cni": asked}},
    ], "N17"
    assert made.capabilities == {"deviceID": "0000:18:0a.0"}


def test_a_capability_that_is_off_is_not_declared() -> None:
    assert declared(json.loads(config({"type": "a", "capabilities": {"ips": False, "mac": True}}, {"type": "b"}))) == {
        "mac"
    }
